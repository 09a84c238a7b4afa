/** Booking for a client, and moving what is booked: a time is checked before it is taken. */
import { useLocation, useRoute } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { calendar } from '../../strings/calendar.ts';
import { scheduling } from '../../strings/scheduling.ts';
import { staff } from '../../strings/staff.ts';
import type { ClientAppointment, Offer, TimeCheck } from '../../types.ts';
import { Button, Check, Heading, Icon, LinkButton, Note, SelectField, TextField, addDays, clockOf, clockWords, dayKey, dayWords, instantOf, useAct, useLoad, zoneLabel } from '../../ui/index.ts';
import { recurring } from '../../strings/recurring.ts';
import { Born, MoreFound, useClientsFound } from '../finding.tsx';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';
import { ONCE, RepeatFields, SeriesLooks, bookable, endFault, leftOut, plan, useSeriesCheck } from './repeat.tsx';

const words = calendar.form;

/** A day and a time by the organization's clock. `fault`: what is wrong with them together. */
export function WhenFields({ day, clock, zone, id, missing, fault, onDay, onClock }: { day: string; clock: string; zone: string; id: string; missing?: boolean; fault?: string | null; onDay: (day: string) => void; onClock: (clock: string) => void }) {
  return (
    <div class="stack g1">
      <div class="fieldgrid">
        <TextField id={`${id}-day`} label={words.day} type="date" value={day} onInput={onDay} error={missing && !day ? words.enterDay : fault ?? null} />
        <div class={missing && !clock ? 'field invalid' : 'field'}>
          <label class="strong" for={`${id}-time`}>{words.time}</label>
          {missing && !clock ? <p class="error" id={`${id}-time-error`}><Icon name="alert" /><span>{words.enterTime}</span></p> : null}
          <input class="input" id={`${id}-time`} type="time" step={300} value={clock} aria-invalid={missing && !clock ? 'true' : undefined} aria-describedby={missing && !clock ? `${id}-time-error ${id}-zone` : `${id}-zone`} onInput={(event) => onClock(event.currentTarget.value)} />
        </div>
      </div>
      <p class="help" id={`${id}-zone`}>{words.zone(zoneLabel(zone))}</p>
    </div>
  );
}

/** After a try that was wrong the cursor is in the first field that is. `turn`: changes with every such try. */
export function useFaultFocus(form: { current: HTMLFormElement | null }, turn: unknown) {
  useEffect(() => { if (turn) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus(); }, [turn]);
}

/** What speaks against a time, as the server says; asked again whenever it changes. */
export function useCheck(client_id: string, wish: { staff_id: string; service_id: string; mode: 'in_person' | 'telehealth'; location_id?: string; starts_at: string; minutes?: number; moving?: string } | null) {
  const [found, setFound] = useState<TimeCheck | null>(null);
  const text = JSON.stringify(wish);
  useEffect(() => {
    setFound(null);
    if (!wish) return;
    let late = false;
    const timer = setTimeout(() => {
      call(api.POST('/practice/clients/{client_id}/appointments/check', { params: { path: { client_id } }, body: { ...wish, override: false } }))
        .then((check) => { if (!late) setFound(check); }, () => {}); // booking itself says what is wrong
    }, 300);
    return () => { late = true; clearTimeout(timer); };
  }, [text]);
  return found;
}

export function Checked({ check, override, onOverride }: { check: TimeCheck | null; override: boolean; onOverride: (on: boolean) => void }) {
  return (
    <div class="stack g3" role="status">
      {check?.blocked ? <Note tone="bad">{words.blocked[check.blocked] ?? ''}</Note> : null}
      {check && check.warnings.length > 0 ? (
        <>
          <Note tone="warn">{check.warnings.length === 1 ? words.warnings[check.warnings[0]!] : <ul class="dots">{check.warnings.map((each) => <li key={each}>{words.warnings[each] ?? each}</li>)}</ul>}</Note>
          <Check checked={override} onChange={onOverride}>{words.override}</Check>
        </>
      ) : null}
      {check && !check.blocked && !check.warnings.length ? <Note tone="good">{words.free}</Note> : null}
    </div>
  );
}

export function NewAppointmentPage() {
  const { client_id } = useRoute().params as { client_id: string };
  const { query } = useLocation();
  const { tenant, roles } = useSession();
  const today = dayKey(new Date(), tenant.zone);
  const loaded = useLoad(async () => {
    const [client, offer, whose] = await Promise.all([
      call(api.GET('/practice/clients/{client_id}', { params: { path: { client_id } } })), call(api.GET('/practice/offer')),
      call(api.GET('/practice/calendar', { params: { query: { first_day: today, last_day: today } } })),
    ]);
    return { client, offer, therapists: whose.items };
  }, [client_id]);
  return (
    <Ready of={loaded} bones={<RecordBones />}>
      {({ client, offer, therapists }) => {
        // Only who is assigned to this client can be booked for them.
        const assigned = therapists.filter((one) => client.therapists.some((each) => each.staff_id === one.staff_id));
        const wished = therapists.find((one) => one.staff_id === query['staff'] && !assigned.includes(one));
        return <>
          <Crumbs items={[[staff.clients.title, '/staff/clients'], [client.name, `/staff/clients/${client_id}/appointments`], words.title]} />
          <div class="stack g1"><Heading>{words.title}</Heading><p class="cluster g2"><span class="strong">{client.name}</span><Born of={client} />{assigned.length === 1 ? <span class="small soft">{words.withOne(assigned[0]!.name)}</span> : null}</p></div>
          {wished && assigned.length ? <Note tone="warn">{words.notAssigned(wished.name)}</Note> : null}
          {!assigned.length ? <Note tone="info" action={<LinkButton mini href={`/staff/clients/${client_id}`}>{words.toClient}</LinkButton>}>{words.noTherapist}</Note> : offer.services.length
            ? <NewForm client_id={client_id} offer={offer} therapists={assigned.map((one): [string, string] => [one.staff_id, one.name])} />
            : <Note tone="info" action={roles.includes('administrator') ? <LinkButton mini href="/staff/services">{words.toOffer}</LinkButton> : undefined}>{words.noServices}</Note>}
        </>;
      }}
    </Ready>
  );
}

function NewForm({ client_id, offer, therapists }: { client_id: string; offer: Offer; therapists: [string, string][] }) {
  const { tenant, person } = useSession();
  const { route } = useLocation();
  const { query } = useLocation(); // from an empty time of the calendar
  const [staff_id, setStaff] = useState((therapists.find(([id]) => id === query['staff']) ?? therapists.find(([id]) => id === person.id) ?? therapists[0]!)[0]);
  const [service_id, setService] = useState(offer.services[0]!.service_id);
  const places: [string, string][] = offer.locations.length ? offer.locations.map((one) => [one.location_id, scheduling.at(one.name)]) : [['in_person', scheduling.mode.in_person]];
  const [where, setWhere] = useState(places[0]![0]);
  const [day, setDay] = useState(/^\d{4}-\d\d-\d\d$/.test(query['day'] ?? '') ? query['day']! : addDays(dayKey(new Date(), tenant.zone), 1));
  const [clock, setClock] = useState(/^\d\d:\d\d$/.test(query['at'] ?? '') ? query['at']! : '');
  const [minutes, setMinutes] = useState('');
  const [override, setOverride] = useState(false);
  const [turn, setTurn] = useState(0);
  const key = useRef({ body: '', key: '' });
  const service = offer.services.find((one) => one.service_id === service_id)!;
  const lasts = minutes.trim() === '' ? undefined : Number(minutes);
  const badMinutes = lasts !== undefined && !(Number.isInteger(lasts) && lasts >= 5 && lasts <= 480);
  const way = where === 'telehealth' || where === 'in_person' ? { mode: where as 'telehealth' | 'in_person' } : { mode: 'in_person' as const, location_id: where };
  const wish = day && clock && !badMinutes ? { staff_id, service_id, ...way, starts_at: instantOf(day, clock, tenant.zone), ...(lasts ? { minutes: lasts } : {}) } : null;
  const [repeat, setRepeat] = useState(ONCE);
  const [nevertheless, setNevertheless] = useState<string[]>([]);
  const badEnd = endFault(repeat, day);
  const many = wish && repeat.every && !badEnd ? { ...wish, ...plan(repeat), override: false, leave_out: [] } : null;
  const check = useCheck(client_id, repeat.every ? null : wish);
  const looks = useSeriesCheck(client_id, many);
  const form = useRef<HTMLFormElement>(null);
  useFaultFocus(form, turn);
  const bookAll = useAct(async () => {
    const body = { ...many!, override: nevertheless.length > 0, leave_out: looks ? leftOut(looks, nevertheless) : [] };
    const text = JSON.stringify(body);
    if (key.current.body !== text) key.current = { body: text, key: newKey() };
    const made = await call(api.POST('/practice/clients/{client_id}/series', { params: { path: { client_id }, header: { 'Idempotency-Key': key.current.key } }, body }));
    route(`/staff/clients/${client_id}/series/${made.series_id}`, true);
  });
  const book = useAct(async () => {
    const body = { ...wish!, override };
    const text = JSON.stringify(body);
    if (key.current.body !== text) key.current = { body: text, key: newKey() };
    const made = await call(api.POST('/practice/clients/{client_id}/appointments', { params: { path: { client_id }, header: { 'Idempotency-Key': key.current.key } }, body }));
    route(`/staff/clients/${client_id}/appointments/${made.appointment_id}?done=booked`, true);
  });
  const none = many !== null && looks !== null && bookable(looks, nevertheless) === 0;
  const fault = badMinutes ? words.minutesShape : !wish ? words.enter : badEnd ?? (none ? recurring.repeat.noneChosen : '');
  const submit = () => {
    setTurn(turn + 1);
    if (!fault) void (repeat.every ? bookAll : book).run();
  };
  const wrong = turn ? fault : '';
  return (
    <form class="card stack g5 narrow" ref={form} noValidate onSubmit={(event) => { event.preventDefault(); submit(); }}>
      {therapists.length > 1 ? <SelectField id="therapist" label={words.therapist} value={staff_id} options={therapists} onChange={setStaff} /> : null}
      <div class="fieldgrid">
        <SelectField id="service" label={words.service} value={service_id} options={offer.services.map((one): [string, string] => [one.service_id, `${one.name}, ${one.minutes} min`])} onChange={setService} />
        <SelectField id="where" label={words.where} value={where} options={[...places, ['telehealth', scheduling.mode.telehealth]]} onChange={setWhere} />
      </div>
      <WhenFields id="new" missing={turn > 0} day={day} clock={clock} zone={tenant.zone} onDay={setDay} onClock={setClock} />
      <TextField id="minutes" label={words.minutes} optional inputMode="numeric" short value={minutes} help={words.minutesHelp(service.minutes)} onInput={setMinutes} error={badMinutes ? words.minutesShape : null} />
      <RepeatFields value={repeat} onChange={setRepeat} fault={turn && badEnd ? badEnd : null} />
      {repeat.every
        ? <SeriesLooks check={looks} asked={many !== null} zone={tenant.zone} nevertheless={nevertheless} onNevertheless={setNevertheless} />
        : <Checked check={check} override={override} onOverride={setOverride} />}
      {wrong ? <p class="error" role="alert"><Icon name="alert" /><span>{wrong}</span></p> : null}
      <Failed problem={repeat.every ? bookAll.problem : book.problem} />
      <div><Button type="submit" look="primary" busy={book.busy || bookAll.busy}>{repeat.every && looks && bookable(looks, nevertheless) ? recurring.repeat.book(bookable(looks, nevertheless)) : words.book}</Button></div>
    </form>
  );
}

/** Another time for what is booked. */
export function MoveForm({ client_id, one, reload, onMoved, onClose }: { client_id: string; one: ClientAppointment; reload: () => Promise<void>; onMoved: (next: ClientAppointment) => void; onClose: () => void }) {
  const { tenant } = useSession();
  const [day, setDay] = useState(dayKey(one.starts_at, tenant.zone));
  const [clock, setClock] = useState(clockOf(one.starts_at, tenant.zone));
  const [override, setOverride] = useState(false);
  const key = useRef({ body: '', key: '' });
  const starts_at = day && clock ? instantOf(day, clock, tenant.zone) : null;
  const moved = starts_at !== null && Date.parse(starts_at) !== Date.parse(one.starts_at);
  const minutes = Math.round((Date.parse(one.ends_at) - Date.parse(one.starts_at)) / 60_000);
  const check = useCheck(client_id, moved ? { staff_id: one.staff_id, service_id: one.service_id, mode: one.mode, ...(one.location_id ? { location_id: one.location_id } : {}), starts_at, minutes, moving: one.appointment_id } : null);
  const move = useAct(async () => {
    const body = { starts_at: starts_at!, override };
    const text = JSON.stringify([body, one.etag]);
    if (key.current.body !== text) key.current = { body: text, key: newKey() };
    try {
      onMoved(await call(api.POST('/practice/clients/{client_id}/appointments/{appointment_id}/time', {
        params: { path: { client_id, appointment_id: one.appointment_id }, header: { 'If-Match': one.etag, 'Idempotency-Key': key.current.key } }, body,
      })));
    } catch (cause) {
      if (!asProblem(cause).passing) void reload(); // somebody else may have been faster: show how it is now
      throw cause;
    }
  });
  return (
    <form class="card stack g4" aria-labelledby="move" noValidate onSubmit={(event) => { event.preventDefault(); if (moved) void move.run(); }}>
      <h2 id="move">{words.moveTitle}</h2>
      <WhenFields id="move" day={day} clock={clock} zone={tenant.zone} onDay={setDay} onClock={setClock} />
      <Checked check={check} override={override} onOverride={setOverride} />
      <Failed problem={move.problem} />
      <div class="cluster g2"><Button type="submit" look="primary" busy={move.busy} aria-disabled={moved ? undefined : 'true'}>{words.move}</Button><Button look="quiet" onClick={onClose}>{calendar.one.notNow}</Button></div>
    </form>
  );
}

/** What an address asks for, with its question mark. */
const asked = (url: string) => (url.includes('?') ? url.slice(url.indexOf('?')) : '');

/** From the calendar: first, for whom. */
export function PickClientPage() {
  const { url, query } = useLocation();
  const chosen = query['day'] && query['at'] ? dayWords(query['day']) : null;
  const [typed, setTyped] = useState('');
  const found = useClientsFound(typed);
  const { rows, problem } = found;
  return (
    <>
      <Crumbs items={[[calendar.menu.title, '/staff/calendar'], words.title]} />
      <div class="stack g1"><Heading>{words.pickClient}</Heading>{chosen ? <p class="soft">{words.chosen(chosen, clockWords(query['at']!))}</p> : null}</div>
      <div class="narrow stack g3"><TextField id="find" label={words.search} type="search" value={typed} onInput={setTyped} /><p class="small"><a href={`/staff/calendar/new-group${asked(url)}`}>{recurring.group.toGroup}</a></p></div>
      <Failed problem={problem} />
      {rows === null ? (problem ? null : <RecordBones />) : rows.length ? (
        <ul class="card flush rows">{rows.map((one) => <li key={one.client_id}><a class="row" href={`/staff/clients/${one.client_id}/appointments/new${asked(url)}`}><div><p class="strong">{one.name}</p><p><Born of={one} /></p></div><Icon name="right" /></a></li>)}</ul>
      ) : problem || found.others ? null : <p class="soft" role="status">{words.noClients}</p>}
      <MoreFound of={found} />
    </>
  );
}
