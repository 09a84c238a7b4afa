/** One appointment as staff see it: what it is, and every answer and change that is possible now. */
import { useLocation, useRoute } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, asProblem, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { calendar } from '../../strings/calendar.ts';
import { recurring } from '../../strings/recurring.ts';
import { staff } from '../../strings/staff.ts';
import type { ClientAppointment } from '../../types.ts';
import { Badge, Button, Check, Dialog, Facts, Heading, LinkButton, Note, TextField, addDays, brief, dayKey, instantOf, spoken, statusBadge, useAct, useLoad, whereOf, zoneLabel } from '../../ui/index.ts';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';
import { requestsChanged } from './count.ts';
import { groupHref } from './entry.ts';
import { Checked, MoveForm, WhenFields, useCheck, useFaultFocus } from './form.tsx';
import { Following, SeriesLink } from './series.tsx';

const words = calendar.one;

export function AppointmentPage() {
  const { client_id, appointment_id } = useRoute().params as { client_id: string; appointment_id: string };
  const { query } = useLocation();
  const path = { client_id, appointment_id };
  const loaded = useLoad(async () => {
    const [client, one] = await Promise.all([
      call(api.GET('/practice/clients/{client_id}', { params: { path: { client_id } } })),
      call(api.GET('/practice/clients/{client_id}/appointments/{appointment_id}', { params: { path } })),
    ]);
    return { client, one };
  }, [client_id, appointment_id]);
  const [told, setTold] = useState(query['done'] === 'booked' ? words.told.booked : '');
  const [turn, setTurn] = useState(0); // what was pressed is gone: the cursor goes on from the heading
  return (
    <Ready of={loaded} bones={<RecordBones />}>
      {({ client, one }) => {
        const badge = statusBadge(one);
        return (
          <>
            <Crumbs items={[[staff.clients.title, '/staff/clients'], [client.name, `/staff/clients/${client_id}/appointments`], words.crumb]} />
            <div class="cluster g3"><Heading title={words.title} move={String(turn)}>{client.name}</Heading><Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge></div>
            <div role="status">{told ? <Note tone="good" action={<LinkButton mini href="/staff/calendar">{staff.today.toCalendar}</LinkButton>}>{told}</Note> : null}</div>
            <One client_id={client_id} one={one} reload={loaded.reload} put={(next, text) => { loaded.put({ client, one: next }); setTold(text); setTurn(turn + 1); requestsChanged(); }} onStale={() => setTold('')} />
          </>
        );
      }}
    </Ready>
  );
}

interface Props { client_id: string; one: ClientAppointment; put: (next: ClientAppointment, told: string) => void; reload: () => Promise<void>; onStale: () => void }

function One(props: Props) {
  const { one } = props;
  const { tenant } = useSession();
  const offered = one.status === 'proposed'; // until the client takes one of the times, there is none
  const facts: [string, preact.ComponentChildren][] = offered ? [] : [[words.facts.when, `${spoken(one, tenant.zone)}, ${zoneLabel(tenant.zone, new Date(one.starts_at))}`]];
  if (!offered && one.client_zone !== tenant.zone) facts.push([words.facts.zone, `${spoken(one, one.client_zone)}, ${zoneLabel(one.client_zone, new Date(one.starts_at))}`]);
  facts.push([words.facts.who, one.therapist], [words.facts.what, one.service], [words.facts.where, whereOf(one)], [words.facts.made, words.by[one.made_by]]);
  if (one.before || one.after) facts.push([words.facts.buffers, words.buffers(one.before, one.after)]);
  if (one.series_id) facts.push([recurring.series.part, <SeriesLink client_id={props.client_id} series_id={one.series_id} />]);
  if (one.group_id) facts.push([recurring.group.crumb, <a href={groupHref(one.staff_id, one.group_id)}>{recurring.group.openGroup}</a>]);
  if (one.held_until) facts.push([words.facts.held, brief(one.held_until, tenant.zone)]);
  if (one.proposals.length) facts.push([words.proposals, one.proposals.map((each) => brief(each, tenant.zone)).join('; ')]);
  if (one.note) facts.push([words.facts.note, <span class="said">{one.note}</span>]);
  if (one.message) facts.push([words.facts.message, <span class="said">{one.message}</span>]);
  if (one.reason) facts.push([words.facts.reason, <span class="said">{one.reason}</span>]);
  return (
    <>
      <div class="card stack g4">
        <Facts rows={facts} />
        {one.telehealth_link ? <div><LinkButton href={one.telehealth_link} target="_blank">{words.link}</LinkButton></div> : null}
      </div>
      {one.manageable ? <Acts {...props} /> : <Note tone="info" icon="lock">{words.notYours}</Note>}
      {one.manageable && one.series_id && ['requested', 'proposed', 'confirmed'].includes(one.status) ? <Following client_id={props.client_id} one={one} reload={props.reload} /> : null}
    </>
  );
}

type Asking = 'decline' | 'cancel' | 'move' | 'propose' | null;

function Acts({ client_id, one, put, reload, onStale }: Props) {
  const key = useRef(newKey());
  const [asking, setAsking] = useState<Asking>(null);
  const [text, setText] = useState('');
  const [asked, setAsked] = useState(false);
  const params = () => ({ path: { client_id, appointment_id: one.appointment_id }, header: { 'If-Match': one.etag, 'Idempotency-Key': key.current } });
  const said = text.trim();
  const act = useAct(async (send: () => Promise<ClientAppointment>, told: string) => {
    try {
      const next = await send();
      key.current = newKey();
      setAsking(null);
      setText('');
      put(next, told);
    } catch (cause) {
      if (!asProblem(cause).passing) {
        key.current = newKey();
        onStale();
        void reload(); // somebody else may have been faster: show how it is now
      }
      throw cause;
    }
  });
  const confirm = () => act.run(() => call(api.POST('/practice/clients/{client_id}/appointments/{appointment_id}/confirmation', { params: params() })), words.told.confirmed);
  const decline = () => act.run(() => call(api.POST('/practice/clients/{client_id}/appointments/{appointment_id}/refusal', { params: params(), body: said ? { message: said } : {} })), words.told.declined);
  const cancel = () => act.run(() => call(api.POST('/practice/clients/{client_id}/appointments/{appointment_id}/cancellation', { params: params(), body: { at_clients_request: asked, ...(said ? { reason: said } : {}) } })), words.told.cancelled);
  const settle = (status: 'completed' | 'no_show') => act.run(() => call(api.POST('/practice/clients/{client_id}/appointments/{appointment_id}/outcome', {
    params: { path: { client_id, appointment_id: one.appointment_id }, header: { 'If-Match': one.etag } }, body: { status },
  })), words.told.settled);
  const open = one.status === 'requested' || one.status === 'proposed';
  const begun = Date.parse(one.starts_at) <= Date.now();
  const held = ['confirmed', 'completed', 'no_show'].includes(one.status);
  if (!open && !held) return <Failed problem={act.problem} />;
  return (
    <>
      {asking === null || asking === 'decline' || asking === 'cancel' ? (
        <div class="cluster g2">
          {one.status === 'requested' ? <Button look="primary" busy={act.busy} onClick={() => void confirm()}>{words.confirm}</Button> : null}
          {open ? <><Button onClick={() => setAsking('propose')}>{words.propose}</Button><Button look="quiet" onClick={() => setAsking('decline')}>{words.decline}</Button></> : null}
          {one.status === 'confirmed' && !begun && !one.group_id ? <Button icon="clock" onClick={() => setAsking('move')}>{words.move}</Button> : null}
          {held && begun && one.status !== 'completed' ? <Button icon="check" busy={act.busy} onClick={() => void settle('completed')}>{words.completed}</Button> : null}
          {held && begun && one.status !== 'no_show' ? <Button busy={act.busy} onClick={() => void settle('no_show')}>{words.noShow}</Button> : null}
          {one.status === 'confirmed' ? <Button look="quiet" onClick={() => setAsking('cancel')}>{words.cancel}</Button> : null}
        </div>
      ) : null}
      {asking === null ? <Failed problem={act.problem} /> : null}
      {asking === 'move' ? <MoveForm client_id={client_id} one={one} reload={reload} onClose={() => setAsking(null)} onMoved={(next) => { setAsking(null); put(next, words.told.moved); }} /> : null}
      {asking === 'propose' ? <ProposeForm client_id={client_id} one={one} reload={reload} onClose={() => setAsking(null)} onDone={(next) => { setAsking(null); put(next, words.told.proposed); }} /> : null}
      <Dialog open={asking === 'decline'} onClose={() => setAsking(null)} title={words.declineTitle} actions={<><Button look="danger" busy={act.busy} onClick={() => void decline()}>{words.decline}</Button><Button onClick={() => setAsking(null)}>{words.keep}</Button></>}>
        <p>{words.declineText}</p>
        <TextField label={words.message} help={words.messageHelp} optional rows={3} maxLength={1000} value={text} onInput={setText} />
        <Failed problem={act.problem} />
      </Dialog>
      <Dialog open={asking === 'cancel'} onClose={() => setAsking(null)} title={words.cancelTitle} actions={<><Button look="danger" busy={act.busy} onClick={() => void cancel()}>{words.cancel}</Button><Button onClick={() => setAsking(null)}>{words.keep}</Button></>}>
        <p>{words.cancelText}</p>
        <TextField label={words.reason} help={words.reasonHelp} optional rows={2} maxLength={1000} value={text} onInput={setText} />
        <Check checked={asked} onChange={setAsked}>{words.asked}<span class="small soft optionhelp">{words.askedHelp}</span></Check>
        <Failed problem={act.problem} />
      </Dialog>
    </>
  );
}

interface Wanted { day: string; clock: string }

function ProposeForm({ client_id, one, reload, onDone, onClose }: { client_id: string; one: ClientAppointment; reload: () => Promise<void>; onDone: (next: ClientAppointment) => void; onClose: () => void }) {
  const { tenant } = useSession();
  const first = { day: addDays(dayKey(one.starts_at, tenant.zone), 1), clock: '' };
  const [times, setTimes] = useState<Wanted[]>([first]);
  const [turn, setTurn] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  useFaultFocus(form, turn);
  const [message, setMessage] = useState('');
  const [override, setOverride] = useState(false);
  const key = useRef({ body: '', key: '' });
  const starts = times.filter((each) => each.day && each.clock).map((each) => instantOf(each.day, each.clock, tenant.zone));
  const send = useAct(async () => {
    const body = { starts: [...new Set(starts)], override, ...(message.trim() ? { message: message.trim() } : {}) };
    const text = JSON.stringify([body, one.etag]);
    if (key.current.body !== text) key.current = { body: text, key: newKey() };
    try {
      onDone(await call(api.POST('/practice/clients/{client_id}/appointments/{appointment_id}/proposal', {
        params: { path: { client_id, appointment_id: one.appointment_id }, header: { 'If-Match': one.etag, 'Idempotency-Key': key.current.key } }, body,
      })));
    } catch (cause) {
      if (!asProblem(cause).passing) void reload(); // somebody else may have been faster: show how it is now
      throw cause;
    }
  });
  const set = (n: number, next: Partial<Wanted>) => setTimes(times.map((each, m) => (m === n ? { ...each, ...next } : each)));
  return (
    <form class="card stack g4" aria-labelledby="propose" noValidate onSubmit={(event) => { event.preventDefault(); if (starts.length) void send.run(); else setTurn(turn + 1); }} ref={form}>
      <div class="stack g1"><h2 id="propose">{words.proposeTitle}</h2><p class="small soft">{words.proposeText}</p></div>
      {times.map((each, n) => (
        <fieldset class="stack g3" key={n}>
          <legend class="strong">{words.time(n + 1)}</legend>
          <WhenFields id={`time${n}`} missing={turn > 0 && !starts.length} day={each.day} clock={each.clock} zone={tenant.zone} onDay={(day) => set(n, { day })} onClock={(clock) => set(n, { clock })} />
          <Looked client_id={client_id} one={one} wanted={each} override={override} onOverride={setOverride} />
        </fieldset>
      ))}
      {times.length < 3 ? <div><Button mini icon="plus" onClick={() => setTimes([...times, { ...times[times.length - 1]!, clock: '' }])}>{words.addTime}</Button></div> : null}
      <TextField label={words.message} help={words.messageHelp} optional rows={2} maxLength={1000} value={message} onInput={setMessage} />
      <Failed problem={send.problem} />
      <div class="cluster g2"><Button type="submit" look="primary" busy={send.busy}>{words.sendProposal}</Button><Button look="quiet" onClick={onClose}>{words.notNow}</Button></div>
    </form>
  );
}

/** What speaks against one of the times. */
function Looked({ client_id, one, wanted, override, onOverride }: { client_id: string; one: ClientAppointment; wanted: Wanted; override: boolean; onOverride: (on: boolean) => void }) {
  const { tenant } = useSession();
  const minutes = Math.round((Date.parse(one.ends_at) - Date.parse(one.starts_at)) / 60_000);
  const check = useCheck(client_id, wanted.day && wanted.clock ? {
    staff_id: one.staff_id, service_id: one.service_id, mode: one.mode, ...(one.location_id ? { location_id: one.location_id } : {}), minutes,
    starts_at: instantOf(wanted.day, wanted.clock, tenant.zone), moving: one.appointment_id,
  } : null);
  return <Checked check={check} override={override} onOverride={onOverride} />;
}
