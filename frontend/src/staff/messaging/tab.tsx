/** Messages on Client Details: the conversations with this client, those of colleagues behind glass, and the contact log. */
import { useLocation } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { messages as strings } from '../../strings/messages.ts';
import { messaging } from '../../strings/messaging.ts';
import { shared } from '../../strings/shared.ts';
import type { ClientThreads, ContactEntry, ThreadLine } from '../../types.ts';
import { Badge, Button, Dialog, Empty, Field, Icon, LinkButton, Note, TextField, clockOf, dayKey, instantOf, lately, useAct, useLoad } from '../../ui/index.ts';
import { Failed, Ready, RowBones } from '../parts.tsx';
import { moment } from '../when.ts';
import { whyNot } from './why.ts';

const words = messaging.tab;

export function MessagesTab({ client_id }: { client_id: string }) {
  const path = { client_id };
  const loaded = useLoad(() => call(api.GET('/practice/clients/{client_id}/messages', { params: { path } })), [client_id]);
  return (
    <div class="mailtab">
      <Ready of={loaded} bones={<RowBones rows={3} />} heading={false}>{(data) => <Conversations first={data} client_id={client_id} />}</Ready>
      <ContactLog client_id={client_id} />
    </div>
  );
}

function Conversations({ first, client_id }: { first: ClientThreads; client_id: string }) {
  const [items, setItems] = useState<ThreadLine[]>(first.items);
  const [cursor, setCursor] = useState(first.next_cursor);
  const [asked, setAsked] = useState<ThreadLine | null>(null);
  const session = useSession();
  const more = useAct(async () => {
    const page = await call(api.GET('/practice/clients/{client_id}/messages', { params: { path: { client_id }, query: { cursor: cursor! } } }));
    setItems((known) => [...known, ...page.items]);
    setCursor(page.next_cursor);
  });
  const write = first.can_write ? <LinkButton icon="pen" href={`/staff/clients/${client_id}/messages/new`}>{words.write}</LinkButton> : undefined;
  return (
    <section class="card flush" aria-labelledby="talks">
      <div class="cardhead"><h2 id="talks">{words.conversations}</h2>{items.length > 0 && write}</div>
      {!first.can_write && <div class="inset"><Note tone="info" icon="lock">{whyNot(session, first.reason)}</Note></div>}
      {items.length === 0 ? <Empty icon="message" level={3} title={words.emptyTitle} action={write}>{words.empty}</Empty>
        : <ul class="rows">{items.map((one) => <li key={one.thread_id}>{one.mine === false ? <Foreign one={one} onOpen={() => setAsked(one)} /> : <Own one={one} />}</li>)}</ul>}
      {cursor && <div class="cardhead foothead"><Button mini busy={more.busy} onClick={() => void more.run()}>{words.more}</Button><Failed problem={more.problem} /></div>}
      {asked && <BreakGlass client_id={client_id} one={asked} onClose={() => setAsked(null)} />}
    </section>
  );
}

function Own({ one }: { one: ThreadLine }) {
  const { tenant } = useSession();
  const fresh = one.unread > 0;
  return (
    <a class={fresh ? 'row mailrow fresh' : 'row mailrow'} href={`/staff/messages/${one.client_id}/${one.thread_id}`}>
      <div class="stack g1">
        <p class="mailhead"><span class={fresh ? 'strong' : undefined}>{one.subject}</span><span class="tiny soft num">{lately(one.at, tenant.zone)}</span></p>
        <p class="badges">{fresh && <Badge tone="info">{strings.fresh(one.unread)}</Badge>}{one.topic !== 'direct' && <Badge>{strings.topics[one.topic]}</Badge>}{one.folder === 'trash' && <Badge>{strings.folders.trash}</Badge>}<span class="tiny soft">{[strings.messageCount(one.count), one.with_names.join('; ')].filter(Boolean).join(', ')}</span></p>
      </div>
      <Icon name="right" />
    </a>
  );
}

/** Its existence, and nothing of what it says. */
function Foreign({ one, onOpen }: { one: ThreadLine; onOpen: () => void }) {
  const { tenant } = useSession();
  const names = one.with_names.join('; ');
  return (
    <div class="row mailrow foreign">
      <Icon name="lock" />
      <div class="stack g1">
        <p class="mailhead"><span>{words.notMine}</span><span class="tiny soft num">{lately(one.at, tenant.zone)}</span></p>
        <p class="small soft">{words.notMineText(names)} {strings.messageCount(one.count)}.</p>
        <p><Button mini icon="eye" onClick={onOpen}>{words.open}<span class="hidden">{words.openOf(names)}</span></Button></p>
      </div>
    </div>
  );
}

/** Break-glass (DOMAIN.md 6.5): what it means is said before, in full. */
function BreakGlass({ client_id, one, onClose }: { client_id: string; one: ThreadLine; onClose: () => void }) {
  const glass = messaging.glass;
  const { route } = useLocation();
  const [reason, setReason] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const key = useRef(newKey());
  const act = useAct(async () => {
    const wrong = reason.trim().length < 10 ? glass.reasonShort : null;
    setFault(wrong);
    if (wrong) return;
    const path = { client_id, thread_id: one.thread_id };
    await call(api.POST('/practice/clients/{client_id}/messages/{thread_id}/glass', { params: { path, header: { 'Idempotency-Key': key.current } }, body: { reason: reason.trim() } }));
    route(`/staff/clients/${client_id}/messages/${one.thread_id}/opened`);
  });
  const close = () => { if (!act.busy) onClose(); };
  return (
    <Dialog open onClose={close} title={glass.title} actions={<><Button look="danger" busy={act.busy} busyLabel={glass.going} onClick={() => void act.run()}>{glass.go}</Button><Button look="quiet" onClick={close}>{shared.cancel}</Button></>}>
      <p>{glass.what(one.with_names.join('; '))}</p>
      <ul class="dots small">{glass.then.map((line) => <li key={line}>{line}</li>)}</ul>
      <TextField id="glass-reason" label={glass.reason} help={glass.reasonHelp} rows={3} maxLength={1000} value={reason} error={fault} onInput={(text) => { setReason(text); setFault(null); key.current = newKey(); }} />
      <Failed problem={act.problem} />
    </Dialog>
  );
}

/* ---------- contact log ---------- */

const WAYS = ['phone', 'email', 'in_person', 'video', 'other'] as const;
type Way = (typeof WAYS)[number];

function ContactLog({ client_id }: { client_id: string }) {
  const ask = (cursor?: string) => call(api.GET('/practice/clients/{client_id}/contact-log', { params: { path: { client_id }, query: cursor ? { cursor } : {} } }));
  const loaded = useLoad(() => ask(), [client_id]);
  const [open, setOpen] = useState(false);
  const [told, setTold] = useState('');
  const more = useAct(() => loaded.refresh(async () => {
    const known = loaded.data!;
    const page = await ask(known.next_cursor!);
    return { items: [...known.items, ...page.items], next_cursor: page.next_cursor };
  }));
  return (
    <section class="card flush" aria-labelledby="contacts">
      <div class="cardhead"><div class="stack g1"><h2 id="contacts">{words.log}</h2><p class="tiny soft">{words.logLead}</p></div><Button icon="plus" mini onClick={() => { setOpen(true); setTold(''); }}>{words.add}</Button></div>
      <p class={told ? 'inset small' : 'hidden'} role="status">{told}</p>
      {open && <AddContact client_id={client_id} onDone={(added) => { setOpen(false); if (added) { setTold(words.added); void loaded.reload(); } }} />}
      <Ready of={loaded} bones={<RowBones rows={2} />} heading={false}>
        {(data) => (
          <>
            {data.items.length === 0 ? <p class="inset small soft">{words.logEmpty}</p> : <ul class="rows">{data.items.map((one) => <Entry key={one.entry_id} one={one} client_id={client_id} />)}</ul>}
            {data.next_cursor && <div class="cardhead foothead"><Button mini busy={more.busy} onClick={() => void more.run()}>{words.more}</Button><Failed problem={more.problem} /></div>}
          </>
        )}
      </Ready>
    </section>
  );
}

function Entry({ one, client_id }: { one: ContactEntry; client_id: string }) {
  const { tenant } = useSession();
  return (
    <li class="inset stack g1">
      <p class="mailhead"><span class="strong">{words.ways[one.way]}</span><span class="tiny soft num">{moment(one.happened_at, tenant.zone)}</span></p>
      <p class="small said">{one.note}</p>
      <p class="tiny soft">{words.by(one.by_name)}{one.thread_id ? <>. <a href={`/staff/messages/${client_id}/${one.thread_id}`}>{words.toMessage}</a></> : null}</p>
    </li>
  );
}

function AddContact({ client_id, onDone }: { client_id: string; onDone: (added: boolean) => void }) {
  const { tenant } = useSession();
  const now = new Date().toISOString();
  const [way, setWay] = useState<Way>('phone');
  const [day, setDay] = useState(dayKey(now, tenant.zone));
  const [clock, setClock] = useState(clockOf(now, tenant.zone));
  const [note, setNote] = useState('');
  const [turn, setTurn] = useState(0);
  const key = useRef(newKey());
  const when = /^\d{4}-\d{2}-\d{2}$/.test(day) && /^\d{2}:\d{2}/.test(clock) ? null : words.dayMissing;
  const act = useAct(async () => {
    setTurn((n) => n + 1);
    if (when || !note.trim()) return;
    await call(api.POST('/practice/clients/{client_id}/contact-log', {
      params: { path: { client_id }, header: { 'Idempotency-Key': key.current } }, body: { way, happened_at: instantOf(day, clock.slice(0, 5), tenant.zone).replace('.000Z', 'Z'), note: note.trim() },
    }));
    onDone(true);
  });
  const changed = () => { key.current = newKey(); act.clear(); };
  return (
    <form class="inset stack g4 ruled" noValidate aria-label={words.add} onSubmit={(event) => { event.preventDefault(); void act.run(); }}>
      <div class="fieldgrid">
        <Field label={words.way} id="c-way">{(wiring) => <select {...wiring} value={way} onChange={(event) => { setWay(event.currentTarget.value as Way); changed(); }}>{WAYS.map((one) => <option key={one} value={one}>{words.ways[one]}</option>)}</select>}</Field>
        <TextField id="c-day" label={words.day} type="date" value={day} error={turn ? when : null} onInput={(text) => { setDay(text); changed(); }} />
        <Field label={words.time} id="c-time">{(wiring) => <input {...wiring} class="input" type="time" value={clock} onInput={(event) => { setClock(event.currentTarget.value); changed(); }} />}</Field>
      </div>
      <TextField id="c-note" label={words.note} rows={3} maxLength={4000} value={note} error={turn && !note.trim() ? words.noteMissing : null} onInput={(text) => { setNote(text); changed(); }} />
      <Failed problem={act.problem} />
      <div class="cluster g2"><Button look="primary" type="submit" busy={act.busy} busyLabel={words.saving}>{words.save}</Button><Button look="quiet" onClick={() => onDone(false)}>{shared.cancel}</Button></div>
    </form>
  );
}
