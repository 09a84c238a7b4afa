/** One message to several clients: whom, what, a look at who gets it, then a job. */
import { useLocation } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { messages as strings } from '../../strings/messages.ts';
import { messaging } from '../../strings/messaging.ts';
import type { MassLook } from '../../types.ts';
import { Button, Check, Dialog, ErrorSummary, Facts, Group, Heading, LinkButton, Note, TextField, useAct, useDraft, type Wrong } from '../../ui/index.ts';
import { Born, MoreFound, useClientsFound } from '../finding.tsx';
import { Crumbs, Failed, PortalBadge, RowBones } from '../parts.tsx';

const words = messaging.many;
type To = 'chosen' | 'mine' | 'all';
interface Draft { to: To; ids: string[]; subject: string; body: string }
const BLANK: Draft = { to: 'chosen', ids: [], subject: '', body: '' };

export default function MassMessagePage() {
  const { person } = useSession();
  const [draft, setDraft, drop] = useDraft<Draft>(person.id, 'message:many', BLANK);
  const [look, setLook] = useState<MassLook | null>(null);
  return (
    <>
      <Crumbs items={[[strings.title, '/staff/messages'], words.title]} />
      {look ? <Sending draft={draft} look={look} onBack={() => setLook(null)} onSent={drop} /> : <Writing draft={draft} onDraft={setDraft} onLook={setLook} />}
    </>
  );
}

function Writing({ draft, onDraft, onLook }: { draft: Draft; onDraft: (draft: Draft) => void; onLook: (look: MassLook) => void }) {
  const { roles } = useSession();
  const [turn, setTurn] = useState(0);
  const set = (next: Partial<Draft>) => { act.clear(); onDraft({ ...draft, ...next }); };
  const wrongs = {
    who: draft.to === 'chosen' && !draft.ids.length ? words.nobody : null,
    subject: draft.subject.trim() ? null : strings.composer.subjectMissing,
    body: draft.body.trim() ? null : strings.composer.empty,
  };
  const shown = turn ? wrongs : { who: null, subject: null, body: null };
  const list: Wrong[] = (['who', 'subject', 'body'] as const).flatMap((id) => (shown[id] ? [{ id: `mm-${id}`, text: shown[id] }] : []));
  const act = useAct(async () => {
    setTurn((n) => n + 1);
    if (wrongs.who || wrongs.subject || wrongs.body) return;
    onLook(await call(api.POST('/practice/mass-messages/look', { body: { to: draft.to, client_ids: draft.to === 'chosen' ? draft.ids : [] } })));
  });
  const choices: To[] = roles.includes('administrator') ? ['chosen', 'mine', 'all'] : ['chosen', 'mine'];
  return (
    <form class="stack g4 narrow" noValidate onSubmit={(event) => { event.preventDefault(); void act.run(); }}>
      <div class="stack g1"><Heading move="write">{words.title}</Heading><p class="soft">{words.lead}</p></div>
      <ErrorSummary wrong={list} turn={turn} title={strings.composer.missing} />
      <Group id="mm-who" label={words.who} error={shown.who}>
        <div class="choices">
          {choices.map((to) => <label class="choice" key={to}><input type="radio" name="mass-to" checked={draft.to === to} onChange={() => set({ to })} /><span>{words[to]}</span></label>)}
        </div>
      </Group>
      {draft.to === 'chosen' && <Choosing ids={draft.ids} onChange={(ids) => set({ ids })} />}
      <TextField id="mm-subject" label={words.subject} help={words.subjectHelp} value={draft.subject} maxLength={120} error={shown.subject} onInput={(subject) => set({ subject })} />
      <TextField id="mm-body" label={words.body} rows={8} value={draft.body} maxLength={20_000} error={shown.body} onInput={(body) => set({ body })} />
      <Failed problem={act.problem} />
      <div class="cluster g2"><Button look="primary" type="submit" busy={act.busy} busyLabel={words.checking}>{words.check}</Button><LinkButton look="quiet" href="/staff/messages">{strings.title}</LinkButton></div>
    </form>
  );
}

function Choosing({ ids, onChange }: { ids: string[]; onChange: (ids: string[]) => void }) {
  const [typed, setTyped] = useState('');
  const found = useClientsFound(typed);
  const { rows, problem } = found;
  return (
    <section class="card stack g3" aria-label={words.chosen}>
      <TextField id="mm-find" label={words.search} help={words.searchHelp} type="search" value={typed} onInput={setTyped} />
      <p class="small num" role="status">{words.picked(ids.length)}</p>
      <Failed problem={problem} />
      {rows === null ? problem ? null : <RowBones rows={3} /> : rows.length ? (
        <ul class="picklist">
          {rows.map((one) => (
            <li key={one.client_id} class="split g2">
              <Check checked={ids.includes(one.client_id)} onChange={(on) => onChange(on ? [...ids, one.client_id].slice(0, 1000) : ids.filter((id) => id !== one.client_id))}>{one.name} <Born of={one} /></Check>
              {one.portal !== 'active' && <PortalBadge portal={one.portal} />}
            </li>
          ))}
        </ul>
      ) : found.others ? null : <p class="soft small" role="status">{messaging.begin.nobody}</p>}
      <MoreFound of={found} />
    </section>
  );
}

/** Clients by the reason why they get nothing. */
export function LeftOut({ rows }: { rows: { client_id: string | null; client_name: string | null; reason: string | null }[] }) {
  const reasons = [...new Set(rows.map((row) => row.reason ?? ''))];
  return (
    <ul class="rows">
      {reasons.map((reason) => {
        const these = rows.filter((row) => (row.reason ?? '') === reason);
        return (
          <li key={reason} class="manyrow stack g1">
            <p><span class="strong">{words.reasons[reason] ?? words.reasonOther}</span> <span class="soft num">({these.length})</span></p>
            <p class="small namelist">{these.map((row, n) => <span key={row.client_id ?? n}>{row.client_id && row.client_name ? <a href={`/staff/clients/${row.client_id}`}>{row.client_name}</a> : words.someone}</span>)}</p>
          </li>
        );
      })}
    </ul>
  );
}

function Sending({ draft, look, onBack, onSent }: { draft: Draft; look: MassLook; onBack: () => void; onSent: () => void }) {
  const { route } = useLocation();
  const [asking, setAsking] = useState(false);
  const key = useRef(newKey());
  const send = useAct(async () => {
    const body = { to: draft.to, client_ids: draft.to === 'chosen' ? draft.ids : [], subject: draft.subject.trim(), body: draft.body, hold: true };
    const job = await call(api.POST('/practice/mass-messages', { params: { header: { 'Idempotency-Key': key.current } }, body }));
    onSent();
    route(`/staff/mass-messages/${job.job_id}`);
  });
  const shut = () => { if (!send.busy) setAsking(false); };
  return (
    <div class="stack g4 narrow">
      <Heading move="preview" title={words.previewTitle}>{words.previewTitle}</Heading>
      <p class="strong num">{words.reached(look.reached)}</p>
      {look.reached === 0 && <Note tone="warn">{words.nobodyReached}</Note>}
      {look.skipped.length > 0 && (
        <section class="card flush" aria-labelledby="skipped"><div class="cardhead"><h2 id="skipped">{words.skipped(look.skipped.length)}</h2></div><LeftOut rows={look.skipped} /></section>
      )}
      <section class="card stack g3" aria-label={words.as}>
        <Facts rows={[[words.subject, <span class="strong">{draft.subject}</span>]]} />
        <p class="said">{draft.body}</p>
      </section>
      <div class="cluster g2">
        {look.reached > 0 && <Button look="primary" icon="send" onClick={() => { send.clear(); setAsking(true); }}>{words.send(look.reached)}</Button>}
        <Button look="quiet" onClick={onBack}>{words.back}</Button>
      </div>
      <Dialog open={asking} onClose={shut} title={words.confirmTitle(look.reached)} actions={<><Button look="primary" busy={send.busy} busyLabel={words.sending} onClick={() => void send.run()}>{words.yes}</Button><Button look="quiet" onClick={shut}>{words.no}</Button></>}>
        <p>{words.confirm(look.hold_seconds)}</p>
        <Failed problem={send.problem} lead={send.problem?.passing ? strings.composer.unknown : ''} />
      </Dialog>
    </div>
  );
}
