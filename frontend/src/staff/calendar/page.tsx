/** The staff's calendar: a day, a week or an agenda; one's own or, for administrators, anybody's. */
import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { Feed } from '../../account/Feed.tsx';
import { api, call } from '../../http.ts';
import { keep, recall } from '../../keep.ts';
import { useSession } from '../../session.tsx';
import { Button, Heading, Icon, LinkButton, Note, Segments, SelectField, TextField, addDays, dateWords, dayKey, dayWords, dayOfWeek, minuteOfDay, useLoad, zoneLabel } from '../../ui/index.ts';
import { calendar } from '../../strings/calendar.ts';
import type { TherapistCalendar } from '../../types.ts';
import { Ready, RecordBones } from '../parts.tsx';
import { Agenda, TimeGrid } from './grid.tsx';
import { lettersOf } from './letters.ts';
import { blocks, left, parts, type Column } from './placing.ts';
import { Requests, useRequests } from './requests.tsx';

const words = calendar.page;
const ALL = 'all';
type View = 'day' | 'week' | 'agenda';
interface Kept { view: View; day: string; whose: string | null }

/** Monday of a day's week. */
const weekOf = (day: string) => addDays(day, -((dayOfWeek(day) + 6) % 7));

const SMALL = '(max-width: 47.99rem)';

/** Whether there is room for one column only. */
function useSmall(): boolean {
  const [small, setSmall] = useState(() => window.matchMedia(SMALL).matches);
  useEffect(() => {
    const found = window.matchMedia(SMALL);
    const look = () => setSmall(found.matches);
    found.addEventListener('change', look);
    return () => found.removeEventListener('change', look);
  }, []);
  return small;
}

/** The days of a view, the first and how many. */
function span(view: View, day: string): [string, number] {
  return view === 'day' ? [day, 1] : view === 'week' ? [weekOf(day), 7] : [day, 14];
}

function title(view: View, first: string, last: string): string {
  if (view === 'day') return dayWords(first);
  const same = first.slice(0, 7) === last.slice(0, 7);
  const year = Number(last.slice(0, 4)) === new Date().getFullYear() ? '' : `, ${last.slice(0, 4)}`;
  return words.range(dateWords(first, { month: 'long', day: 'numeric' }), same ? `${Number(last.slice(8))}${year}` : dayWords(last, 'plain'));
}

export function CalendarPage() {
  const { tenant, person, roles } = useSession();
  const today = dayKey(new Date(), tenant.zone);
  const [kept, setKept] = useState<Kept>(() => recall<Kept>('calendar') ?? { view: 'day', day: today, whose: null });
  const change = (next: Partial<Kept>) => { const all = { ...kept, ...next }; setKept(all); keep('calendar', all); };
  const therapists = useLoad(async (): Promise<[string, string][]> => {
    if (!roles.includes('administrator')) return [[person.id, person.name]];
    const { items } = await call(api.GET('/practice/staff'));
    return items.filter((one) => one.status === 'active' && one.roles.includes('therapist')).map((one): [string, string] => [one.staff_id, one.name]).sort((a, b) => a[1].localeCompare(b[1]));
  }, []);
  const [first, count] = span(kept.view, kept.day);
  const step = (by: number) => change({ day: addDays(kept.view === 'week' ? first : kept.day, by * count) });
  return (
    <>
      <div class="split">
        <div class="cluster g3">
          <Heading title={words.title} move="calendar">{title(kept.view, first, addDays(first, count - 1))}</Heading>
          <div class="cluster g1">
            <Button look="quiet" mini class="icon" onClick={() => step(-1)}><Icon name="left" /><span class="hidden">{words.before[kept.view]}</span></Button>
            <Button mini onClick={() => change({ day: today })}>{words.today}</Button>
            <Button look="quiet" mini class="icon" onClick={() => step(1)}><Icon name="right" /><span class="hidden">{words.next[kept.view]}</span></Button>
          </div>
          <span class="small soft">{zoneLabel(tenant.zone)}</span>
        </div>
        <LinkButton look="primary" icon="plus" href="/staff/calendar/new">{words.add}</LinkButton>
      </div>
      <Ready of={therapists} bones={<RecordBones />} heading={false}>{(known) => <Body kept={kept} known={known} change={change} />}</Ready>
      <Feed />
    </>
  );
}

function Body({ kept, known, change }: { kept: Kept; known: [string, string][]; change: (next: Partial<Kept>) => void }) {
  const { tenant, person } = useSession();
  const { route } = useLocation();
  const small = useSmall();
  const own = known.some(([id]) => id === person.id);
  const fits = kept.whose === ALL || known.some(([id]) => id === kept.whose);
  const whose = fits && kept.whose ? kept.whose : own ? person.id : known.length === 1 ? known[0]![0] : ALL;
  const [first, count] = span(kept.view, kept.day);
  const found = useLoad(async () => {
    const query = { first_day: first, last_day: addDays(first, count - 1), zone: tenant.zone, ...(whose === ALL ? {} : { staff_ids: whose }) };
    return { view: kept.view, first, count, ...(await call(api.GET('/practice/calendar', { params: { query } }))) };
  }, [kept.view, first, count, whose]);
  const requests = useRequests();
  const beneath = whose === ALL && kept.view === 'week' && !small; // so many side by side need the whole width
  const pick = (column: Column, clock: string) => {
    const at = new URLSearchParams({ day: column.day, at: clock, ...(column.staff_id ? { staff: column.staff_id } : {}) });
    route(`/staff/calendar/new?${at}`);
  };
  return (
    <>
      <div class="calbar">
        <Segments legend={words.views} name="view" value={kept.view} options={(['day', 'week', 'agenda'] as const).map((value) => ({ value, label: words.view[value] }))} onChange={(view) => change({ view })} />
        <TextField id="go" label={words.go} type="date" value={kept.day} onInput={(day) => { if (day) change({ day }); }} />
        {known.length > 1 ? <SelectField id="whose" label={words.whose} value={whose} options={[[ALL, words.everyone], ...known]} onChange={(next) => change({ whose: next })} /> : null}
      </div>
      {(small || beneath) && (requests.data?.total ?? 0) > 0 ? <Note tone="warn" action={<Button mini onClick={() => document.getElementById('requests')?.focus()}>{calendar.requests.show}</Button>}>{calendar.requests.title(requests.data!.total)}</Note> : null}
      <div class={beneath ? 'beneath' : 'beside'}>
        <div class="stack g3">
          <Ready of={found} bones={<RecordBones />} heading={false}>
            {({ items, ...at }) => items.length
              ? <Shown items={items} view={at.view} first={at.first} count={at.count} zone={tenant.zone} named={items.length > 1} small={small} mine={person.id} onPick={pick} />
              : <section class="card"><div class="empty"><span class="glyph"><Icon name="people" /></span><h2>{words.noTherapists}</h2><p class="small">{words.noTherapistsText}</p></div></section>}
          </Ready>
        </div>
        <aside class="stack g4">
          <Requests of={requests} onChange={found.reload} narrow />
          {found.data?.items.length ? <Facts items={found.data.items} view={found.data.view} first={found.data.first} count={found.data.count} zone={tenant.zone} /> : null}
        </aside>
      </div>
    </>
  );
}

interface ShownProps { items: TherapistCalendar[]; view: View; first: string; count: number; zone: string; named: boolean; small: boolean; mine: string; onPick: (column: Column, clock: string) => void }

function columnsOf({ items, view, first, count, mine }: Pick<ShownProps, 'items' | 'view' | 'first' | 'count' | 'mine'>): Column[] {
  const spoken = (day: string) => dayWords(day);
  if (view === 'day' && items.length > 1) return items.map((one) => ({ key: one.staff_id, day: first, of: [one], head: one.name, sub: '', label: `${one.name}, ${spoken(first)}`, staff_id: one.staff_id }));
  const own = items.length === 1 ? items[0]!.staff_id : items.some((one) => one.staff_id === mine) ? mine : null;
  return Array.from({ length: count }, (_, n) => addDays(first, n)).map((day) => ({
    key: day, day, of: items, head: dateWords(day, { weekday: view === 'day' ? 'long' : 'short' }), sub: String(Number(day.slice(8))), label: spoken(day), staff_id: own,
  }));
}

function Shown(props: ShownProps) {
  const { items, view, zone, named, small, mine, first, count } = props;
  const columns = columnsOf(props);
  const label = title(view, first, addDays(first, count - 1));
  return (
    <>
      {items.length === 1 ? items.filter((one) => !one.bookable).map((one) => <Note key={one.staff_id} tone="info" action={<LinkButton mini href={one.staff_id === mine ? '/staff/availability' : `/staff/availability/${one.staff_id}`}>{words.setHours}</LinkButton>}>{words.notBookable(one.name)}</Note>) : null}
      {view === 'agenda' || (view === 'week' && small)
        ? <Agenda columns={columns} zone={zone} label={label} named={named} empty={words.none} />
        : <TimeGrid columns={columns} zone={zone} label={label} named={named && view === 'week'} roomy={view === 'day' && columns.length < 3} onPick={props.onPick} />}
      {named && view === 'week' && !small ? <ul class="cluster tiny soft g5 legend">{[...lettersOf(items.map((one) => one.name))].map(([name, letters]) => <li key={name}><b class="letters">{letters}</b> {name}</li>)}</ul> : null}
      {view === 'agenda' || (view === 'week' && small) ? null : (
        <ul class="cluster tiny soft g5 legend">
          <li class="cluster g2"><span class="key k2" />{words.legend.booked}</li><li class="cluster g2"><span class="key k3" />{words.legend.request}</li>
          <li class="cluster g2"><span class="key" />{words.legend.open}</li><li class="cluster g2"><span class="key k4" />{words.legend.closed}</li>
        </ul>
      )}
    </>
  );
}

/** What the days come to. */
function Facts({ items, view, first, count, zone }: { items: TherapistCalendar[]; view: View; first: string; count: number; zone: string }) {
  const days = Array.from({ length: count }, (_, n) => addDays(first, n));
  const placed = days.flatMap((day) => blocks(items, day, zone));
  const now = dayKey(new Date(), zone);
  const gone = minuteOfDay(new Date(), zone); // of today, what is past is not left
  const minutes = items.reduce((sum, one) => sum + days.filter((day) => day >= now).reduce((all, day) => {
    const taken = [...blocks([one], day, zone).map((each): [number, number] => [each.start - each.entry.before, each.end + each.entry.after]), ...parts(one.held, day, zone)];
    const open = parts(one.hours, day, zone).map(([start, end]): [number, number] => [day === now ? Math.max(start, gone) : start, end]).filter(([start, end]) => end > start);
    return all + left(open, taken);
  }, 0), 0);
  const waiting = items.reduce((sum, one) => sum + one.waiting, 0);
  return (
    <section class="card stack g2">
      <h2>{words.facts.title[view]}</h2>
      <dl class="facts">
        <dt>{words.facts.appointments}</dt><dd class="num">{new Set(placed.map((each) => each.entry.appointment_id)).size}</dd>
        <dt>{words.facts.open}</dt><dd class="num">{hours(minutes)}</dd>
        <dt><a href="/staff/wait-list">{words.facts.waiting}</a></dt><dd class="num">{waiting}</dd>
      </dl>
    </section>
  );
}

/** "12½" */
function hours(minutes: number): string {
  const halves = Math.floor(minutes / 30);
  return `${halves >= 2 || halves === 0 ? Math.floor(halves / 2) : ''}${halves % 2 ? '½' : ''}`;
}
