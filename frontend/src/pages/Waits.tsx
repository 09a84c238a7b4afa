/** The wait list, for clients: what is offered, what they wait for, and joining. */
import { useLocation } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../http.ts';
import { scheduling } from '../strings/scheduling.ts';
import type { MyWait } from '../types.ts';
import { Badge, Button, Dialog, Note, ProblemNote, SelectField, TextField, brief, dayWords, deviceZone, spoken, useAct, useToast, whereOf, zoneLabel } from '../ui/index.ts';

const words = scheduling.waits;

export const loadWaits = () => call(api.GET('/portal/waits'));

/** What is held for the client now: one tap takes it. */
export function Offers({ items, onChange }: { items: MyWait[]; onChange: () => unknown }) {
  const offered = items.filter((one) => one.starts_at);
  return <>{offered.map((one) => <Offered key={`${one.wait_id}${one.starts_at}`} one={one} onChange={onChange} />)}</>;
}

function Offered({ one, onChange }: { one: MyWait; onChange: () => unknown }) {
  const { route } = useLocation();
  const say = useToast();
  const zone = deviceZone();
  const key = useRef(newKey());
  const starts_at = one.starts_at!;
  const again = async <T,>(act: () => Promise<T>): Promise<T> => {
    try { return await act(); } catch (cause) { void onChange(); throw cause; }
  };
  const take = useAct(() => again(async () => {
    const made = await call(api.POST('/portal/waits/{wait_id}/acceptance', { params: { path: { wait_id: one.wait_id }, header: { 'Idempotency-Key': key.current } }, body: { starts_at } }));
    route(`/appointments/${made.appointment_id}?done=${one.appointment_id ? 'moved' : 'booked'}`);
  }));
  const pass = useAct(() => again(async () => {
    await call(api.POST('/portal/waits/{wait_id}/refusal', { params: { path: { wait_id: one.wait_id } }, body: { starts_at } }));
    say(words.passed);
    await onChange();
  }));
  const id = `offer-${one.wait_id}`;
  return (
    <section class="card lead stack g3" aria-labelledby={id}>
      <h2 id={id}>{words.offered}</h2>
      <div class="stack g1">
        <p class="strong lt">{spoken({ starts_at, ends_at: one.ends_at! }, zone)}</p>
        <p class="small soft">{zoneLabel(zone, new Date(starts_at))}</p>
        <p class="small">{[words.waitFor(one.service, one.therapist), whereOf(one)].join(' · ')}</p>
        <p class="small soft">{words.heldUntil(brief(one.held_until!, zone))}{one.appointment_id ? `. ${words.moves}` : ''}</p>
      </div>
      <div class="cluster g2 offeracts">
        <Button look="primary" busy={take.busy} onClick={() => void take.run()}>{(one.appointment_id ? words.move : words.take)(brief(starts_at, zone))}</Button>
        <Button look="quiet" busy={pass.busy} onClick={() => void pass.run()}>{words.pass}</Button>
      </div>
      <ProblemNote problem={take.problem ?? pass.problem} />
    </section>
  );
}

/** What the client waits for, and leaving it. */
export function WaitRows({ items, onChange }: { items: MyWait[]; onChange: () => unknown }) {
  if (!items.length) return null;
  return (
    <section class="stack g3" aria-labelledby="waits">
      <h2 id="waits">{words.title}</h2>
      <ul class="card flush rows">{items.map((one) => <Row key={one.wait_id} one={one} onChange={onChange} />)}</ul>
    </section>
  );
}

function Row({ one, onChange }: { one: MyWait; onChange: () => unknown }) {
  const say = useToast();
  const leave = useAct(async () => {
    await call(api.DELETE('/portal/waits/{wait_id}', { params: { path: { wait_id: one.wait_id } } }));
    say(words.left);
    await onChange();
  });
  const name = words.waitFor(one.service, one.therapist);
  return (
    <li class="waitrow">
      <div class="stack g1">
        <p class="strong">{name}</p>
        <p class="small soft">{[whereOf(one), one.appointment_id ? words.rowEarlier : words.rowAny, ...(one.before_day ? [words.rowBefore(dayWords(one.before_day, 'plain'))] : [])].join(' · ')}</p>
        <p><Badge tone={one.starts_at ? 'info' : 'plain'} hollow={!one.starts_at}>{one.starts_at ? words.offered : words.waiting}</Badge></p>
        <ProblemNote problem={leave.problem} />
      </div>
      <Button mini look="quiet" class="flush-x" busy={leave.busy} onClick={() => void leave.run()}>{words.leave}<span class="hidden">, {name}</span></Button>
    </li>
  );
}

export interface Wish { staff_id: string; service_id: string; mode: 'in_person' | 'telehealth'; location_id?: string }

/** Joining: with whom, where it is not said yet, and until when. */
export function Join({ wish, appointment_id, therapists, hold, label, onJoined }: { wish?: Omit<Wish, 'staff_id'> & { staff_id: string | null }; appointment_id?: string; therapists: [string, string][]; hold: number; label: string; onJoined?: () => unknown }) {
  const [open, setOpen] = useState(false);
  const [staff_id, setStaff] = useState(wish?.staff_id ?? therapists[0]?.[0] ?? '');
  const [before, setBefore] = useState('');
  const [joined, setJoined] = useState(false);
  const key = useRef({ text: '', key: '' });
  const join = useAct(async () => {
    const what = appointment_id ? { appointment_id } : { ...wish!, staff_id: wish!.staff_id ?? staff_id };
    const body = { ...what, zone: deviceZone(), ...(before ? { before_day: before } : {}) };
    const text = JSON.stringify(body);
    if (key.current.text !== text) key.current = { text, key: newKey() };
    await call(api.POST('/portal/waits', { params: { header: { 'Idempotency-Key': key.current.key } }, body }));
    setOpen(false);
    setJoined(true);
    await onJoined?.();
  });
  if (joined) return <Note tone="good" live>{words.joined}</Note>;
  return (
    <div>
      <Button icon="bell" onClick={() => setOpen(true)}>{label}</Button>
      <Dialog open={open} onClose={() => setOpen(false)} title={words.dialog}
        actions={<><Button look="primary" busy={join.busy} onClick={() => void join.run()}>{words.add}</Button><Button onClick={() => setOpen(false)}>{words.cancel}</Button></>}>
        <p>{words.text(hold)} {appointment_id ? words.moves : ''}</p>
        {wish && !wish.staff_id && therapists.length > 1 ? <SelectField id="wait-who" label={words.who} value={staff_id} options={therapists} onChange={setStaff} /> : null}
        <TextField id="wait-before" label={words.before} help={words.beforeHelp} optional type="date" value={before} onInput={setBefore} />
        <ProblemNote problem={join.problem} />
      </Dialog>
    </div>
  );
}
