/** Set Calendar Availability: weekly hours, other hours on single days, time off, and the video link. */
import { useLocation, useRoute } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { calendar } from '../../strings/calendar.ts';
import { recurring } from '../../strings/recurring.ts';
import { staff } from '../../strings/staff.ts';
import type { Availability, AvailabilityBody, Hours, Offer } from '../../types.ts';
import { Button, Check, ErrorSummary, Heading, Icon, Note, SelectField, TextField, addDays, brief, dateWords, dayKey, dayWords, rebased, useAct, useEdits, useLoad, zones, type Wrong } from '../../ui/index.ts';
import { Failed, Ready, RecordBones } from '../parts.tsx';
import { groupHref } from './entry.ts';

const words = calendar.availability;
const CLOSED: Hours[][] = [[], [], [], [], [], [], []];
const NEW: Hours = { start: '09:00', end: '17:00', modes: ['in_person', 'telehealth'], locations: null, services: null };

// `row`: which one it is in this editor, also when its first day is changed.
interface Draft { zone: string; schedules: { row: number; first_day: string; week: Hours[][] }[]; overrides: { day: string; ranges: Hours[] }[]; time_off: { first_day: string; last_day: string; start: string; end: string }[]; telehealth_link: string }

export function AvailabilityPage() {
  const { person, tenant } = useSession();
  const { staff_id = person.id } = useRoute().params as { staff_id?: string };
  const { route } = useLocation();
  const today = dayKey(new Date(), tenant.zone);
  const loaded = useLoad(async () => {
    const [whose, offer] = await Promise.all([call(api.GET('/practice/calendar', { params: { query: { first_day: today, last_day: today } } })), call(api.GET('/practice/offer'))]);
    const therapists = whose.items.map((one): [string, string] => [one.staff_id, one.name]);
    // An administrator who sees no clients has no hours of their own: begin with the first who does.
    const id = therapists.some(([each]) => each === staff_id) || staff_id !== person.id || !therapists.length ? staff_id : therapists[0]![0];
    const found = await call(api.GET('/practice/therapists/{therapist_id}/availability', { params: { path: { therapist_id: id } } }));
    return { therapists, offer, found };
  }, [staff_id]);
  return (
    <>
      <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>
      <Ready of={loaded} bones={<RecordBones />} heading={false}>
        {({ therapists, offer, found }) => (
          <>
            {therapists.length > 1 ? <div class="narrow"><SelectField id="whose" label={words.whose} value={found.staff_id} options={therapists} onChange={(id) => route(`/staff/availability/${id}`)} /></div> : null}
            <Editor key={found.staff_id} found={found} offer={offer} today={today} reload={loaded.reload} put={(next) => loaded.put({ therapists, offer, found: next })} />
          </>
        )}
      </Ready>
    </>
  );
}

let rows = 0;

function begun(found: Availability, today: string): Draft {
  const schedules = found.schedules.length ? (found.schedules as Omit<Draft['schedules'][number], 'row'>[]) : [{ first_day: today, week: CLOSED }];
  return {
    zone: found.zone, telehealth_link: found.telehealth_link ?? '', time_off: found.time_off,
    schedules: schedules.map((each) => ({ row: ++rows, ...each })),
    overrides: found.overrides as Draft['overrides'],
  };
}

const inOrder = (schedules: Draft['schedules']) => [...schedules].sort((one, other) => one.first_day.localeCompare(other.first_day));

/** After a save: the schedules are in order, and each is the one that it was. */
function joined(now: Draft, sent: Draft, saved: Draft): Draft {
  const all = rebased(now, sent, saved);
  if (all.schedules !== saved.schedules) return all;
  const order = inOrder(sent.schedules);
  return { ...all, schedules: all.schedules.map((each, n) => ({ ...each, row: order[n]!.row })) };
}

/** The schedule in force today, or the first. */
function inForce(draft: Draft, today: string): number {
  const past = draft.schedules.filter((each) => each.first_day <= today).length;
  return Math.max(0, past - 1);
}

function Editor({ found, offer, today, reload, put }: { found: Availability; offer: Offer; today: string; reload: () => Promise<void>; put: (next: Availability) => void }) {
  const { draft, change, dirty, saved, take, refuse, stale } = useEdits(found, (of) => begun(of, today), { join: joined, onAnew: () => { save.clear(); setTurn(0); setChosen(first()); } });
  const first = () => draft.schedules[inForce(draft, today)]!.row;
  const [chosen, setChosen] = useState(first);
  const at = Math.max(0, draft.schedules.findIndex((each) => each.row === chosen));
  const [turn, setTurn] = useState(0);
  const wrong = turn ? faults(draft) : [];
  const save = useAct(async () => {
    const next = await call(api.PATCH('/practice/therapists/{therapist_id}/availability', { params: { path: { therapist_id: found.staff_id }, header: { 'If-Match': found.etag } }, body: bodyOf(draft) })).catch(refuse);
    if (!next || take(draft, next) === null) return;
    setTurn(0);
    put(next);
  });
  const schedule = draft.schedules[at]!;
  const setSchedule = (next: Partial<typeof schedule>) => change({ schedules: draft.schedules.map((each, n) => (n === at ? { ...each, ...next } : each)) });
  const video = schedule.week.some((ranges) => ranges.some((each) => each.modes.includes('telehealth')));
  return (
    <form class="stack g5" noValidate onSubmit={(event) => { event.preventDefault(); setTurn(turn + 1); if (!faults(draft).length) void save.run(); }}>
      {found.off ? <Note tone="info">{words.off[found.off] ?? words.offOther}</Note> : null}
      <ErrorSummary wrong={wrong} turn={turn} title={words.fix} />
      <Conflicts found={found} />
      <section class="card stack g5" aria-labelledby="weekly">
        <h2 id="weekly">{words.schedule}</h2>
        <div class="fieldgrid">
          <SelectField id="zone" label={words.zone} value={draft.zone} options={zones()} onChange={(zone) => change({ zone })} />
          {draft.schedules.length > 1 ? <SelectField id="which" label={words.which} value={String(at)} options={draft.schedules.map((each, n): [string, string] => [String(n), words.fromDay(each.first_day ? dateWords(each.first_day, { dateStyle: 'long' }) : '')])} onChange={(n) => setChosen(draft.schedules[Number(n)]!.row)} /> : null}
          <TextField id="from" label={words.from} type="date" value={schedule.first_day} onInput={(first_day) => setSchedule({ first_day })} />
        </div>
        <p class="help">{words.fromHelp}</p>
        <div class="weekdays">
          {schedule.week.map((ranges, n) => (
            <Day key={n} id={`d${n}`} name={words.days[n]!} ranges={ranges} offer={offer}
              onChange={(next) => setSchedule({ week: schedule.week.map((each, m) => (m === n ? next : each)) })}
              onCopy={() => setSchedule({ week: schedule.week.map((each, m) => (isRest(n, m) ? ranges.map((one) => ({ ...one })) : each)) })} last={!isRest(n, n + 1)} />
          ))}
        </div>
        <p class="help">{words.endHelp}</p>
        <div class="cluster g2">
          <Button mini icon="plus" onClick={() => {
            const later = [...draft.schedules.map((each) => each.first_day), today].sort().pop()!;
            const row = ++rows;
            change({ schedules: [...draft.schedules, { row, first_day: addDays(later || today, 7), week: schedule.week.map((each) => each.map((one) => ({ ...one }))) }] });
            setChosen(row);
          }}>{words.addSchedule}</Button>
          {draft.schedules.length > 1 ? <Button mini look="quiet" onClick={() => { const rest = draft.schedules.filter((_, n) => n !== at); change({ schedules: rest }); setChosen(rest[0]!.row); }}>{words.removeSchedule}</Button> : null}
        </div>
      </section>
      <Overrides draft={draft} offer={offer} today={today} change={change} />
      <TimeOff draft={draft} today={today} change={change} />
      <section class="card stack g3"><TextField id="link" label={words.link} help={words.linkHelp} error={wrong.find((each) => each.id === 'link')?.text ?? null} optional value={draft.telehealth_link} maxLength={500} onInput={(telehealth_link) => change({ telehealth_link })} />{video && !draft.telehealth_link ? <p class="small warnline"><Icon name="alert" />{words.linkMissing}</p> : null}</section>
      {stale ? <Note tone="warn" live action={<Button mini onClick={() => void reload()}>{words.reload}</Button>}>{words.stale}</Note> : <Failed problem={save.problem} />}
      <div class="cluster g3 savebar"><Button type="submit" look="primary" busy={save.busy}>{words.save}</Button><span class="small soft" role="status">{saved ? `${words.saved}${found.conflicts.length ? ` ${words.savedConflicts(found.conflicts.length)}` : ''}` : dirty ? staff.unsaved : ''}</span></div>
    </form>
  );
}

function faults(draft: Draft): Wrong[] {
  const found: Wrong[] = [];
  const ranges = (name: string, id: string, list: Hours[]) => list.forEach((each, n) => {
    if (!each.start || !each.end || (each.start === each.end && each.start !== '00:00')) found.push({ id: `${id}-${n}-start`, text: words.faults.range(name) });
    if (!each.modes.length) found.push({ id: `${id}-${n}`, text: words.faults.mode(name) });
    if (each.services?.length === 0 || (each.locations?.length === 0 && each.modes.includes('in_person'))) found.push({ id: `${id}-${n}-limits`, text: words.faults.limits(name) });
  });
  draft.schedules.forEach((schedule) => {
    if (!schedule.first_day) found.push({ id: 'from', text: words.faults.from });
    schedule.week.forEach((list, n) => ranges(words.days[n]!, `d${n}`, list));
  });
  draft.overrides.forEach((each, n) => {
    if (!each.day) found.push({ id: `o${n}-day`, text: words.faults.date });
    ranges(each.day, `o${n}`, each.ranges);
  });
  draft.time_off.forEach((each, n) => {
    if (!each.first_day || !each.last_day || `${each.first_day}${each.start || '00:00'}` >= `${each.last_day}${each.end || '24:00'}`) found.push({ id: `off${n}-first`, text: words.faults.off });
  });
  if (draft.telehealth_link && !/^https:\/\/\S{4,490}$/.test(draft.telehealth_link)) found.push({ id: 'link', text: words.faults.link });
  return found;
}

function bodyOf(draft: Draft): AvailabilityBody {
  return {
    ...draft, schedules: inOrder(draft.schedules).map(({ first_day, week }) => ({ first_day, week })),
    time_off: draft.time_off.map((each) => ({ ...each, start: each.start || '00:00', end: each.end || '24:00' })),
  };
}

function Conflicts({ found }: { found: Availability }) {
  const { tenant } = useSession();
  if (!found.conflicts.length) return null;
  return (
    <Note tone="warn">
      <strong>{words.conflicts(found.conflicts.length)}</strong><br />{words.conflictsText}
      <ul class="dots">
        {found.conflicts.map((each) => {
          const text = `${each.group ? recurring.group.crumb : each.client_name ?? calendar.page.hidden}, ${brief(each.starts_at, tenant.zone)}, ${words.why[each.why]}`;
          return <li key={each.appointment_id}>{each.group ? <a href={groupHref(found.staff_id, each.appointment_id)}>{text}</a> : each.client_id ? <a href={`/staff/clients/${each.client_id}/appointments/${each.appointment_id}`}>{text}</a> : text}</li>;
        })}
      </ul>
    </Note>
  );
}

/** Days that hours are copied to: of a weekday the weekdays after it, of Saturday the Sunday. Nobody opens a weekend unawares. */
const isRest = (from: number, to: number) => to > from && to < 7 && (to < 5 || from === 5);

interface DayProps { id: string; name: string; ranges: Hours[]; offer: Offer; onChange: (next: Hours[]) => void; onCopy?: () => void; last?: boolean }

/** The hours of one day: several ranges, or closed. */
function Day({ id, name, ranges, offer, onChange, onCopy, last }: DayProps) {
  const ref = useRef<HTMLFieldSetElement>(null);
  const set = (n: number, next: Partial<Hours>) => onChange(ranges.map((each, m) => (m === n ? { ...each, ...next } : each)));
  const add = () => onChange([...ranges, ranges.length ? { ...ranges[ranges.length - 1]!, start: ranges[ranges.length - 1]!.end === '24:00' ? '09:00' : ranges[ranges.length - 1]!.end, end: '' } : { ...NEW }]);
  return (
    <fieldset class="dayrow" ref={ref}>
      <legend class="strong">{name}</legend>
      {ranges.length ? ranges.map((each, n) => (
        <Range key={n} id={`${id}-${n}`} name={name} range={each} offer={offer} onChange={(next) => set(n, next)} onRemove={() => { onChange(ranges.filter((_, m) => m !== n)); ref.current?.querySelector<HTMLElement>('[data-add]')?.focus(); }} />
      )) : <p class="soft small closedday">{words.closed}</p>}
      <div class="cluster g2 flush-x">
        <Button mini look="quiet" icon="plus" data-add onClick={add}>{words.add}<span class="hidden">{words.addOf(name)}</span></Button>
        {onCopy && !last ? <Button mini look="quiet" icon="copy" onClick={onCopy}>{words.copy}<span class="hidden">{words.copyOf(name)}</span></Button> : null}
      </div>
    </fieldset>
  );
}

function Range({ id, name, range, offer, onChange, onRemove }: { id: string; name: string; range: Hours; offer: Offer; onChange: (next: Partial<Hours>) => void; onRemove: () => void }) {
  const mode = (one: 'in_person' | 'telehealth', on: boolean) => onChange({ modes: (['in_person', 'telehealth'] as const).filter((each) => (each === one ? on : range.modes.includes(each))) });
  const field = (which: 'start' | 'end', label: string) => (
    <label class="timefield"><span class="tiny soft">{label}<span class="hidden">, {name}</span></span><input id={`${id}-${which}`} class="input" type="time" step={300} value={range[which] === '24:00' ? '00:00' : range[which]} onInput={(event) => onChange({ [which]: event.currentTarget.value })} /></label>
  );
  return (
    <div class="rangerow" id={id}>
      {field('start', words.start)}
      {field('end', words.end)}
      <Check checked={range.modes.includes('in_person')} onChange={(on) => mode('in_person', on)}>{words.modes.in_person}</Check>
      <Check checked={range.modes.includes('telehealth')} onChange={(on) => mode('telehealth', on)}>{words.modes.telehealth}</Check>
      <Button mini look="quiet" icon="bin" onClick={onRemove}>{words.remove}<span class="hidden">{words.removeOf(name, range.start)}</span></Button>
      <Limits id={id} name={name} range={range} offer={offer} onChange={onChange} />
    </div>
  );
}

/** Which places and services these hours are for: all of them unless it says otherwise. */
function Limits({ id, name, range, offer, onChange }: { id: string; name: string; range: Hours; offer: Offer; onChange: (next: Partial<Hours>) => void }) {
  const places = range.modes.includes('in_person') && offer.locations.length > 1 ? offer.locations.map((each): [string, string] => [each.location_id, each.name]) : [];
  const services = offer.services.length > 1 ? offer.services.map((each): [string, string] => [each.service_id, each.name]) : [];
  if (!places.length && !services.length) return null;
  const choices = (which: 'locations' | 'services', legend: string, all: [string, string][]) => {
    const chosen = range[which] ?? all.map(([one]) => one);
    const pick = (one: string, on: boolean) => {
      const next = all.map(([each]) => each).filter((each) => (each === one ? on : chosen.includes(each)));
      onChange({ [which]: next.length === all.length ? null : next });
    };
    return all.length ? (
      <fieldset class="stack g1">
        <legend class="tiny soft">{legend}<span class="hidden">, {name}</span></legend>
        <div class="cluster g4">{all.map(([one, text]) => <Check key={one} checked={chosen.includes(one)} onChange={(on) => pick(one, on)}>{text}</Check>)}</div>
      </fieldset>
    ) : null;
  };
  const said = [
    ...(services.length ? [range.services ? words.some(range.services.length, services.length, words.kinds.services) : words.all.services] : []),
    ...(places.length ? [range.locations ? words.some(range.locations.length, places.length, words.kinds.locations) : words.all.locations] : []),
  ].join(', ');
  return (
    <details class="limits" id={`${id}-limits`}>
      <summary>{said}<span class="hidden">, {name}</span></summary>
      <div class="stack g3">{choices('services', words.forServices, services)}{choices('locations', words.forLocations, places)}</div>
    </details>
  );
}

function Overrides({ draft, offer, today, change }: { draft: Draft; offer: Offer; today: string; change: (next: Partial<Draft>) => void }) {
  const set = (n: number, next: Partial<Draft['overrides'][number]>) => change({ overrides: draft.overrides.map((each, m) => (m === n ? { ...each, ...next } : each)) });
  const free = () => { let day = today; while (draft.overrides.some((each) => each.day === day)) day = addDays(day, 1); return day; };
  return (
    <section class="card stack g4" aria-labelledby="over">
      <div class="stack g1"><h2 id="over">{words.overrides}</h2><p class="small soft">{words.overridesHelp}</p></div>
      {draft.overrides.map((each, n) => (
        <div class="stack g3 ruledrow" key={n}>
          <div class="pickbar"><TextField id={`o${n}-day`} label={words.day} type="date" value={each.day} onInput={(day) => set(n, { day })} /><Button mini look="quiet" icon="bin" onClick={() => change({ overrides: draft.overrides.filter((_, m) => m !== n) })}>{words.remove}<span class="hidden"> {each.day}</span></Button></div>
          <Day id={`o${n}`} name={each.day ? dayWords(each.day) : words.day} ranges={each.ranges} offer={offer} onChange={(ranges) => set(n, { ranges })} />
        </div>
      ))}
      <div><Button mini icon="plus" onClick={() => change({ overrides: [...draft.overrides, { day: free(), ranges: [] }] })}>{words.addOverride}</Button></div>
    </section>
  );
}

function TimeOff({ draft, today, change }: { draft: Draft; today: string; change: (next: Partial<Draft>) => void }) {
  const set = (n: number, next: Partial<Draft['time_off'][number]>) => change({ time_off: draft.time_off.map((each, m) => (m === n ? { ...each, ...next } : each)) });
  const clock = (n: number, which: 'start' | 'end', label: string, value: string) => (
    <div class="field"><label class="strong" for={`off${n}-${which}`}>{label}</label><input class="input" id={`off${n}-${which}`} type="time" value={value} onInput={(event) => set(n, { [which]: event.currentTarget.value })} /></div>
  );
  return (
    <section class="card stack g4" aria-labelledby="off">
      <div class="stack g1"><h2 id="off">{words.timeOff}</h2><p class="small soft">{words.timeOffHelp}</p></div>
      {draft.time_off.map((each, n) => (
        <div class="offrow ruledrow" key={n}>
          <TextField id={`off${n}-first`} label={words.firstDay} type="date" value={each.first_day} onInput={(first_day) => set(n, { first_day, ...(each.last_day < first_day ? { last_day: first_day } : {}) })} />
          {clock(n, 'start', words.startOptional, each.start === '00:00' ? '' : each.start)}
          <TextField id={`off${n}-last`} label={words.lastDay} type="date" value={each.last_day} onInput={(last_day) => set(n, { last_day })} />
          {clock(n, 'end', words.endOptional, each.end === '24:00' ? '' : each.end)}
          <div><Button mini look="quiet" icon="bin" onClick={() => change({ time_off: draft.time_off.filter((_, m) => m !== n) })}>{words.remove}<span class="hidden"> {each.first_day}</span></Button></div>
        </div>
      ))}
      <div><Button mini icon="plus" onClick={() => change({ time_off: [...draft.time_off, { first_day: today, last_day: today, start: '00:00', end: '24:00' }] })}>{words.addTimeOff}</Button></div>
    </section>
  );
}
