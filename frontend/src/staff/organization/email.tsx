/** E-mail: the saved texts of invitations, how many may be sent today, and how mailboxes see the sender. */
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import {
  Badge, Button, Dialog, Empty, ErrorSummary, Facts, Note, TextField, useAct, useLoad, type Wrong,
} from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { Oddity, Sender, Wording, WordingList } from '../../types.ts';
import { Odd } from '../inviting/write.tsx';
import { Failed, Ready, RowBones } from '../parts.tsx';
import { momentInSentence } from '../when.ts';

const words = staff.email;

export function EmailTab() {
  const { roles } = useSession();
  const administrator = roles.includes('administrator');
  const texts = useLoad(() => call(api.GET('/practice/wordings')), []);
  return (
    <div class="stack g5">
      {!administrator && <Note tone="info" icon="lock">{staff.organization.readOnly}</Note>}
      {administrator && <Allowance />}
      <Ready of={texts} bones={<RowBones rows={3} />} heading={false}>
        {(data) => <Texts list={data} editable={administrator} onChange={texts.reload} onList={texts.put} />}
      </Ready>
      {administrator && <SenderCard />}
    </div>
  );
}

function Allowance() {
  const allowance = useLoad(() => call(api.GET('/practice/sender/allowance')), []);
  return (
    <section class="card stack g2" aria-labelledby="allowance">
      <h2 id="allowance">{words.allowance}</h2>
      <Ready of={allowance} bones={<div class="bone w2" />} heading={false}>
        {(data) => <><p class="num"><span class="strong">{words.left(data.left)}</span> {words.aDay(data.a_day)}</p><p class="small soft">{words.allowanceHelp}</p></>}
      </Ready>
    </section>
  );
}

/* ---------- saved texts ---------- */

interface TextsProps { list: WordingList; editable: boolean; onChange: () => Promise<void>; onList: (list: WordingList) => void }

function Texts({ list, editable, onChange, onList }: TextsProps) {
  const [editing, setEditing] = useState<Wording | 'new' | null>(null);
  const [told, setTold] = useState('');
  const done = async (text: string) => { setEditing(null); await onChange(); setTold(text); };
  if (editing) return <Editor key={editing === 'new' ? 'new' : editing.wording_id} saved={editing === 'new' ? null : editing} placeholders={list.placeholders} onDone={done} onLeave={() => setEditing(null)} />;
  const begin = editable && <Button icon="plus" onClick={() => { setTold(''); setEditing('new'); }}>{words.add}</Button>;
  return (
    <section class="card flush" aria-labelledby="texts">
      <div class="cardhead"><div class="stack g1"><h2 id="texts">{words.texts}</h2><p class="small soft">{words.textsHelp}</p></div>{list.items.length > 0 && begin}</div>
      <p class={told ? 'small inset' : 'hidden'} role="status">{told}</p>
      {list.items.length === 0 ? <Empty icon="mail" title={words.noTexts} action={begin || undefined}>{words.noTextsHelp}</Empty> : (
        <table class="fold">
          <thead><tr><th scope="col">{words.columns.name}</th><th scope="col">{words.columns.subject}</th><th scope="col">{words.columns.changed}</th>{editable && <th><span class="hidden">{words.columns.acts}</span></th>}</tr></thead>
          <tbody>{list.items.map((one) => <Row key={one.wording_id} one={one} editable={editable} onEdit={() => { setTold(''); setEditing(one); }} onDone={done} onList={onList} />)}</tbody>
        </table>
      )}
    </section>
  );
}

interface RowProps { one: Wording; editable: boolean; onEdit: () => void; onDone: (told: string) => Promise<void>; onList: (list: WordingList) => void }

function Row({ one, editable, onEdit, onDone, onList }: RowProps) {
  const { tenant } = useSession();
  const [asking, setAsking] = useState(false);
  const usual = useAct(async () => onList(await call(api.POST('/practice/wordings/usual', { body: { wording_id: one.usual ? null : one.wording_id } }))));
  const drop = useAct(async () => {
    const params = { path: { wording_id: one.wording_id }, header: { 'If-Match': one.etag } };
    await call(api.DELETE('/practice/wordings/{wording_id}', { params }));
    setAsking(false);
    await onDone(words.deleted(one.name));
  });
  const of = <span class="hidden">: {one.name}</span>;
  return (
    <tr>
      <td><span class="strong">{one.name}</span> {one.usual && <Badge tone="good">{words.usual}</Badge>}</td>
      <td data-label={words.columns.subject}>{one.subject}</td>
      <td data-label={words.columns.changed} class="small">{words.changedBy(one.changed_by_name, momentInSentence(one.changed_at, tenant.zone))}</td>
      {editable && (
        <td class="end acts">
          <div class="cluster g2">
            <Button mini onClick={onEdit}>{words.edit}{of}</Button>
            <Button mini busy={usual.busy} onClick={() => void usual.run()}>{one.usual ? words.notUsual : words.makeUsual}{of}</Button>
            <Button mini look="quiet" onClick={() => { drop.clear(); setAsking(true); }}>{words.delete}{of}</Button>
          </div>
          <Failed problem={usual.problem} />
          <Dialog
            open={asking} onClose={() => { if (!drop.busy) setAsking(false); }} title={words.deleteTitle(one.name)}
            actions={<>
              <Button look="danger" busy={drop.busy} onClick={() => void drop.run()}>{words.delete}</Button>
              <Button look="quiet" onClick={() => { if (!drop.busy) setAsking(false); }}>{words.keep}</Button>
            </>}
          >
            <p class="soft">{words.deleteText}</p>
            <Failed problem={drop.problem} />
          </Dialog>
        </td>
      )}
    </tr>
  );
}

interface EditorProps { saved: Wording | null; placeholders: string[]; onDone: (told: string) => Promise<void>; onLeave: () => void }

function Editor({ saved, placeholders, onDone, onLeave }: EditorProps) {
  const [text, setText] = useState({ name: saved?.name ?? '', subject: saved?.subject ?? '', message: saved?.message ?? words.startText });
  const [odd, setOdd] = useState<Oddity[]>([]);
  const [turn, setTurn] = useState(0);
  const key = useRef(newKey());
  const looks = useRef(0);
  const act = useAct(async () => {
    setTurn((n) => n + 1);
    if (!text.name.trim() || !text.subject.trim() || !text.message.trim()) return;
    await call(saved
      ? api.PATCH('/practice/wordings/{wording_id}', { params: { path: { wording_id: saved.wording_id }, header: { 'If-Match': saved.etag } }, body: text })
      : api.POST('/practice/wordings', { params: { header: { 'Idempotency-Key': key.current } }, body: text }));
    await onDone(words.savedAs(text.name));
  });
  const look = () => {
    // Pointed out while it is written; nothing is lost when the answer does not come. One about older words says nothing.
    const mine = ++looks.current;
    void call(api.POST('/practice/wordings/check', { body: { subject: text.subject, message: text.message } })).then((found) => { if (mine === looks.current) setOdd(found.items); }, () => {});
  };
  const change = (next: Partial<typeof text>) => { act.clear(); key.current = newKey(); setText({ ...text, ...next }); };
  const wrong = { name: text.name.trim() ? null : words.nameMissing, subject: text.subject.trim() ? null : staff.inviting.subjectMissing, message: text.message.trim() ? null : staff.inviting.messageMissing };
  const list: Wrong[] = turn ? (['name', 'subject', 'message'] as const).flatMap((id) => (wrong[id] ? [{ id: `text-${id}`, text: wrong[id] }] : [])) : [];
  return (
    <section class="card stack g4" aria-labelledby="editor">
      <h2 id="editor">{saved ? words.editTitle(saved.name) : words.add}</h2>
      <ErrorSummary wrong={list} turn={turn} title={staff.inviting.errorsTitle} />
      <TextField id="text-name" label={words.name} help={words.nameHelp} value={text.name} maxLength={80} error={turn ? wrong.name : null} onInput={(name) => change({ name })} />
      <TextField id="text-subject" label={staff.inviting.subject} value={text.subject} maxLength={200} error={turn ? wrong.subject : null} onInput={(subject) => change({ subject })} onBlur={look} />
      <TextField id="text-message" label={staff.inviting.message} help={staff.inviting.privacy} value={text.message} rows={11} maxLength={5000} error={turn ? wrong.message : null} onInput={(message) => change({ message })} onBlur={look} />
      <div class="stack g2">
        <p class="small strong">{staff.inviting.placeholders}</p>
        <Facts rows={placeholders.map((name) => [name, staff.inviting.placeholder[name] ?? ''])} />
      </div>
      <div aria-live="polite"><Odd oddities={odd} /></div>
      <Failed problem={act.problem} lead={act.problem?.code === 'stale' ? words.stale : ''} />
      <div class="cluster g2">
        <Button look="primary" busy={act.busy} busyLabel={words.saving} onClick={() => void act.run()}>{words.save}</Button>
        <Button look="quiet" onClick={onLeave}>{words.leave}</Button>
      </div>
    </section>
  );
}

/* ---------- the sender ---------- */

const TONE = { good: 'good', pending: 'info', missing: 'bad', wrong: 'bad', unreadable: 'warn' } as const;

function SenderCard() {
  const sender = useLoad(() => call(api.GET('/practice/sender')), []);
  return (
    <Ready of={sender} bones={<RowBones rows={3} />} heading={false}>
      {(data) => (
        <section class="card flush" aria-labelledby="sender">
          <div class="cardhead"><div class="stack g1"><h2 id="sender">{words.sender}</h2><p class="small soft">{words.senderHelp}</p></div><Button mini icon="refresh" busy={sender.loading} onClick={() => void sender.reload()}>{words.lookAgain}</Button></div>
          <div class="inset stack g3">
            <Facts rows={[
              [words.from, <><span class="strong">{data.sender_name}</span><br /><span class="soft">{data.address}</span></>],
              [words.neutral, data.neutral ? words.neutralOn : words.neutralOff],
              [words.domain, data.domain],
              [words.verified, data.verified === null ? words.verifiedUnknown : data.verified ? words.verifiedYes : words.verifiedNo],
            ]} />
          </div>
          <Records sender={data} />
        </section>
      )}
    </Ready>
  );
}

function Records({ sender }: { sender: Sender }) {
  return (
    <table class="fold">
      <thead><tr><th scope="col">{words.record.what}</th><th scope="col">{words.record.must}</th><th scope="col">{words.record.state}</th></tr></thead>
      <tbody>
        {sender.records.map((one) => (
          <tr key={one.name + one.purpose}>
            <td><span class="strong">{words.purpose[one.purpose]}</span><br /><span class="tiny soft">{words.purposeHelp[one.purpose]}</span></td>
            <td data-label={words.record.must}><div class="stack g1 tiny mono"><span>{one.type} {one.name}</span><span>{one.value}</span></div></td>
            <td data-label={words.record.state}><div class="stack g1"><span><Badge tone={TONE[one.state]} hollow={one.state === 'pending' || one.state === 'unreadable'}>{words.recordState[one.state]}</Badge></span><span class="tiny soft">{words.recordHelp[one.state]}</span>{one.state === 'wrong' && one.found && <span class="tiny mono">{one.found}</span>}</div></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
