/** Send New Forms: choose, say a word, check the name, send once. For clients who have an account. */
import { useLocation, useRoute } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Button, Check, Dialog, Facts, Heading, Icon, LinkButton, Note, TextField, useAct, useDraft, useLoad } from '../../ui/index.ts';
import { forms as strings } from '../../strings/forms.ts';
import { staff } from '../../strings/staff.ts';
import type { NewForms, Possible } from '../../types.ts';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';

const words = strings.send;

interface Setup { can: Possible; offer: NewForms | null; name: string }
interface Draft { forms: string[]; note: string }
interface Sent { left_out: string[] }

async function fetchSetup(client_id: string): Promise<Setup> {
  const path = { client_id };
  const packets = await call(api.GET('/practice/clients/{client_id}/intakes', { params: { path, query: { limit: 1 } } }));
  if (!packets.can_send.allowed) {
    const client = await call(api.GET('/practice/clients/{client_id}', { params: { path } }));
    return { can: packets.can_send, offer: null, name: client.name };
  }
  const offer = await call(api.GET('/practice/clients/{client_id}/intakes/offer', { params: { path } }));
  return { can: packets.can_send, offer, name: offer.name };
}

export function SendFormsPage() {
  const { client_id } = useRoute().params as { client_id: string };
  const setup = useLoad(() => fetchSetup(client_id), [client_id]);
  return (
    <Ready of={setup} bones={<RecordBones />} missing={{ title: staff.client.notFoundTitle, text: staff.client.notFound }}>
      {({ can, offer, name }) => (
        <>
          <Crumbs items={[[staff.clients.title, '/staff/clients'], [name, `/staff/clients/${client_id}`], words.crumb]} />
          {offer ? <Sending key={client_id} client_id={client_id} offer={offer} /> : <Refused client_id={client_id} name={name} can={can} />}
        </>
      )}
    </Ready>
  );
}

function Refused({ client_id, name, can }: { client_id: string; name: string; can: Possible }) {
  return (
    <>
      <Heading>{words.title(name)}</Heading>
      <section class="card"><div class="empty" role="status">
        <span class="glyph"><Icon name="lock" /></span>
        <h2>{words.refusedTitle}</h2>
        <p class="small">{(can.reason && words.refusal[can.reason]) || can.title}</p>
        <LinkButton look="primary" href={`/staff/clients/${client_id}`}>{words.toClient}</LinkButton>
      </div></section>
    </>
  );
}

function Sending({ client_id, offer }: { client_id: string; offer: NewForms }) {
  const session = useSession();
  const [draft, setDraft, dropDraft] = useDraft<Draft>(session.person.id, `send:${client_id}`, { forms: [], note: '' });
  const [asking, setAsking] = useState(false);
  const [tried, setTried] = useState(false);
  const [sent, setSent] = useState<Sent | null>(null);
  const key = useRef('');
  const free = offer.forms.filter((form) => !form.open);
  const picked = free.filter((form) => draft.forms.includes(form.form_id));
  const act = useAct(async () => {
    const params = { path: { client_id }, header: { 'Idempotency-Key': key.current } };
    const body = { form_ids: picked.map((form) => form.form_id), note: draft.note.trim() || null };
    const answer = await call(api.POST('/practice/clients/{client_id}/intakes', { params, body }));
    dropDraft();
    setAsking(false);
    setSent({ left_out: answer.left_out });
  });
  if (sent) return <Done client_id={client_id} name={offer.name} sent={sent} />;
  const toggle = (form_id: string, on: boolean) => setDraft({ ...draft, forms: on ? [...draft.forms, form_id] : draft.forms.filter((one) => one !== form_id) });
  const ask = () => {
    setTried(true);
    if (!picked.length) return;
    key.current = newKey();
    act.clear();
    setAsking(true);
  };
  const shut = () => { if (!act.busy) setAsking(false); };
  const titles = <ul class="stack g1">{picked.map((form) => <li key={form.form_id}>{form.title} <span class="soft nb">{words.minutes(form.minutes)}</span></li>)}</ul>;
  return (
    <>
      <div class="stack g1"><Heading move="write">{words.title(offer.name)}</Heading><p class="soft">{words.intro}</p></div>
      <div class="invitegrid">
        <section class="card">
          <fieldset class={tried && !picked.length ? 'field invalid' : 'field'} id="send-forms">
            <legend><h2>{words.choose}</h2></legend>
            {free.length === 0 && <p class="small soft">{words.allOpen}</p>}
            {tried && !picked.length && free.length > 0 && <p class="error" role="alert"><Icon name="alert" /><span>{words.none}</span></p>}
            <div class="stack g3">
              {offer.forms.map((form) => (
                <Check key={form.form_id} checked={!form.open && draft.forms.includes(form.form_id)} disabled={form.open} onChange={(on) => toggle(form.form_id, on)}>
                  <span class="strong">{form.title}</span><br /><span class="small soft">{form.open ? words.open : words.minutes(form.minutes)}</span>
                </Check>
              ))}
            </div>
          </fieldset>
        </section>
        <section class="card stack g4">
          <TextField id="send-note" label={words.note} help={words.noteHelp} rows={4} maxLength={500} value={draft.note} onInput={(note) => setDraft({ ...draft, note })} />
        </section>
      </div>
      <div class="cluster g2">
        <Button look="primary" onClick={ask}>{words.next}</Button>
        <LinkButton look="quiet" href={`/staff/clients/${client_id}`}>{staff.inviting.leave}</LinkButton>
      </div>
      <Dialog
        open={asking} onClose={shut} title={words.confirmTitle}
        actions={<><Button look="primary" busy={act.busy} busyLabel={words.sending} onClick={() => void act.run()}>{words.yes}</Button><Button look="quiet" onClick={shut}>{words.no}</Button></>}
      >
        <p class="soft small">{words.confirmText}</p>
        <Facts rows={[
          [words.name, <span class="strong">{offer.name}</span>], [words.email, offer.email ?? ''], [words.forms, titles],
          ...(draft.note.trim() ? [[words.yourNote, <span class="pre">{draft.note.trim()}</span>] as [string, preact.ComponentChildren]] : []),
        ]} />
        <Failed problem={act.problem} lead={act.problem?.passing ? words.unknown : ''} />
      </Dialog>
    </>
  );
}

function Done({ client_id, name, sent }: { client_id: string; name: string; sent: Sent }) {
  const { route } = useLocation();
  return (
    <>
      <Heading move="sent">{words.sentTitle}</Heading>
      <section class="card stack g4">
        <Note tone="good">{words.sent(name)}{sent.left_out.length > 0 && ` ${words.leftOut(sent.left_out.join(', '))}`}</Note>
        <div><Button look="primary" onClick={() => route(`/staff/clients/${client_id}`)}>{words.toClient}</Button></div>
      </section>
    </>
  );
}
