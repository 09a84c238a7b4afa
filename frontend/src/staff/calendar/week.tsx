/** The calendar of a week: hours, time off and appointments; a list per day on phones. */
import { useState } from 'preact/hooks';
import { Feed } from '../../account/Feed.tsx';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Badge, Button, Heading, Icon, LinkButton, Note, SelectField, addDays, dateWords, dayKey, dayOfWeek, minuteOfDay, statusBadge, time, useLoad, zoneLabel } from '../../ui/index.ts';
import { calendar } from '../../strings/calendar.ts';
import type { CalendarEntry, TherapistCalendar } from '../../types.ts';
import { Ready, RecordBones } from '../parts.tsx';
import { Requests, useRequests } from './requests.tsx';

const words = calendar.page;
const ALL = 'all';
const STEP = 5; // minutes a row
const LIVE = ['requested', 'proposed', 'confirmed', 'completed', 'no_show'];

/** Monday of a day's week. */
const weekOf = (day: string) => addDays(day, -((dayOfWeek(day) + 6) % 7));

export function CalendarPage() {
  const { tenant, person, roles } = useSession();
  const everyones = roles.includes('administrator');
  const today = dayKey(new Date(), tenant.zone);
  const [week, setWeek] = useState(weekOf(today));
  const [whose, setWhose] = useState<string | null>(null);
  const found = useLoad(() => call(api.GET('/practice/calendar', { params: { query: { first_day: week, last_day: addDays(week, 6), zone: tenant.zone } } })), [week]);
  const requests = useRequests();
  const last = addDays(week, 6);
  return (
    <>
      <div class="split">
        <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.zone(zoneLabel(tenant.zone))}</p></div>
        <LinkButton look="primary" icon="plus" href="/staff/calendar/new">{words.add}</LinkButton>
      </div>
      <Requests of={requests} onChange={found.reload} />
      <div class="split">
        <h2>{words.week(dateWords(week, { month: 'short', day: 'numeric' }), dateWords(last, { month: 'short', day: 'numeric', year: 'numeric' }))}</h2>
        <div class="cluster g1">
          <Button look="quiet" mini class="icon" onClick={() => setWeek(addDays(week, -7))}><Icon name="left" /><span class="hidden">{words.before}</span></Button>
          <Button mini onClick={() => setWeek(weekOf(today))}>{words.today}</Button>
          <Button look="quiet" mini class="icon" onClick={() => setWeek(addDays(week, 7))}><Icon name="right" /><span class="hidden">{words.next}</span></Button>
        </div>
      </div>
      <Ready of={found} bones={<RecordBones />} heading={false}>
        {({ items }) => {
          if (!items.length) return <section class="card"><div class="empty"><span class="glyph"><Icon name="people" /></span><h2>{words.noTherapists}</h2><p class="small">{words.noTherapistsText}</p></div></section>;
          const chosen = whose ?? (items.some((one) => one.staff_id === person.id) ? person.id : items.length === 1 ? items[0]!.staff_id : ALL);
          const shown = chosen === ALL ? items : items.filter((one) => one.staff_id === chosen);
          return (
            <>
              {everyones && items.length > 1 ? <div class="narrow"><SelectField id="whose" label={words.whose} value={chosen} options={[[ALL, words.everyone], ...items.map((one): [string, string] => [one.staff_id, one.name])]} onChange={setWhose} /></div> : null}
              {shown.filter((one) => !one.bookable).map((one) => <Note key={one.staff_id} tone="info" action={<LinkButton mini href={one.staff_id === person.id ? '/staff/availability' : `/staff/availability/${one.staff_id}`}>{words.setHours}</LinkButton>}>{words.notBookable(one.name)}</Note>)}
              <Week shown={shown} week={week} zone={tenant.zone} today={today} named={chosen === ALL} />
            </>
          );
        }}
      </Ready>
      <Feed />
    </>
  );
}

/** What an interval has of a day, in minutes since its midnight by the zone's clock; null when nothing. */
function within(one: { starts_at: string; ends_at: string }, day: string, zone: string): [number, number] | null {
  const [from, to] = [dayKey(one.starts_at, zone), dayKey(one.ends_at, zone)];
  if (from > day || to < day) return null;
  const start = from < day ? 0 : minuteOfDay(one.starts_at, zone);
  const end = to > day ? 1440 : minuteOfDay(one.ends_at, zone);
  return end > start ? [start, end] : null;
}

interface Block { key: string; start: number; end: number; entry: CalendarEntry; at: string; by: string; lane: number; lanes: number }

/** The entries of a day, side by side where they overlap. An offer stands at each of its times. */
function blocks(shown: TherapistCalendar[], day: string, zone: string): Block[] {
  const found: Block[] = [];
  for (const one of shown) {
    for (const entry of one.appointments.filter((each) => LIVE.includes(each.status))) {
      const long = Date.parse(entry.ends_at) - Date.parse(entry.starts_at);
      for (const at of entry.status === 'proposed' && entry.proposals.length ? entry.proposals : [entry.starts_at]) {
        const part = within({ starts_at: at, ends_at: new Date(Date.parse(at) + long).toISOString() }, day, zone);
        if (part) found.push({ key: `${entry.appointment_id}${at}`, start: part[0], end: part[1], entry, at, by: one.name, lane: 0, lanes: 1 });
      }
    }
  }
  found.sort((a, b) => a.start - b.start || a.end - b.end);
  let group: Block[] = [];
  let until = -1;
  const close = () => { const lanes = Math.max(0, ...group.map((each) => each.lane)) + 1; for (const each of group) each.lanes = lanes; group = []; };
  for (const each of found) {
    if (each.start >= until) close();
    const taken = new Set(group.filter((other) => other.end > each.start).map((other) => other.lane));
    while (taken.has(each.lane)) each.lane += 1;
    group.push(each);
    until = Math.max(until, each.end);
  }
  close();
  return found;
}

/** Puts a block in its rows through CSSOM: the policy allows no style attributes. */
function place(element: HTMLElement | null, start: number, end: number, from: number, lane = 0, lanes = 1): void {
  if (!element) return;
  element.style.setProperty('--at', String(Math.floor((start - from) / STEP) + 1));
  element.style.setProperty('--for', String(Math.max(1, Math.ceil((end - start) / STEP))));
  element.style.setProperty('--lane', String(lane));
  element.style.setProperty('--lanes', String(lanes));
}

function Week({ shown, week, zone, today, named }: { shown: TherapistCalendar[]; week: string; zone: string; today: string; named: boolean }) {
  const days = Array.from({ length: 7 }, (_, n) => addDays(week, n));
  const placed = days.map((day) => blocks(shown, day, zone));
  const hours = days.map((day) => shown.flatMap((one) => one.hours.map((each) => within(each, day, zone)).filter((each) => each !== null)));
  const away = days.map((day) => (named ? [] : shown.flatMap((one) => one.time_off.map((each) => within(each, day, zone)).filter((each) => each !== null))));
  const all = placed.flat();
  // From eight to seven, and as much more as somebody is there.
  const from = Math.floor(Math.min(480, ...all.map((each) => each.start), ...hours.flat().map((each) => Math.max(360, each[0]))) / 60) * 60;
  const to = Math.ceil(Math.max(1140, ...all.map((each) => each.end), ...hours.flat().map((each) => Math.min(1320, each[1]))) / 60) * 60;
  const clip = ([start, end]: [number, number]): [number, number] | null => (Math.min(end, to) > Math.max(start, from) ? [Math.max(start, from), Math.min(end, to)] : null);
  const rows = (element: HTMLElement | null) => element?.style.setProperty('--rows', String((to - from) / STEP));
  return (
    <section class="card flush" aria-label={words.title}>
      <div class="week fine" ref={rows}>
        <div class="head" />
        {days.map((day) => <div key={day} class={day === today ? 'head today' : 'head'}>{dateWords(day, { weekday: 'short' })}<b>{Number(day.slice(8))}</b></div>)}
        <ul class="hours" aria-hidden="true">{Array.from({ length: (to - from) / 60 }, (_, n) => <li key={n}>{hourName(from / 60 + n)}</li>)}</ul>
        {days.map((day, n) => (
          <div key={day} class="day" role="group" aria-label={dateWords(day, { weekday: 'long', month: 'long', day: 'numeric' })}>
            {hours[n]!.map(clip).filter((each) => each !== null).map(([start, end]) => <div key={`${start}-${end}`} class="open" ref={(element) => place(element, start, end, from)} />)}
            {away[n]!.map(clip).filter((each) => each !== null).map(([start, end]) => <div key={`away${start}`} class="event away" ref={(element) => place(element, start, end, from)}><b>{words.away}</b></div>)}
            {placed[n]!.map((each) => <Event key={each.key} block={each} zone={zone} from={from} named={named} />)}
          </div>
        ))}
      </div>
      <p class="tiny soft inset noteline">{all.length ? words.legend : `${words.none} ${words.legend}`}</p>
    </section>
  );
}

function hourName(hour: number): string {
  return new Intl.DateTimeFormat('en-US', { hour: 'numeric', timeZone: 'UTC' }).format(new Date(Date.UTC(2026, 0, 1, hour)));
}

function Event({ block, zone, from, named }: { block: Block; zone: string; from: number; named: boolean }) {
  const { entry } = block;
  const badge = statusBadge(entry);
  const asked = entry.status === 'requested' || entry.status === 'proposed';
  const name = entry.client_name ?? words.hidden;
  const at = time(block.at, zone);
  const inside = <><b>{name}</b>{at}{named ? <><br />{block.by}</> : null}<span class="hidden">, {badge.word}</span></>;
  const put = (element: HTMLElement | null) => place(element, block.start, block.end, from, block.lane, block.lanes);
  const look = asked ? 'event asked lane' : 'event lane';
  if (!entry.client_id) return <div class={look} ref={put}>{inside}</div>;
  return <a class={look} ref={put} href={`/staff/clients/${entry.client_id}/appointments/${entry.appointment_id}`}>{inside}{entry.status === 'no_show' ? <Badge tone="warn">{badge.word}</Badge> : null}</a>;
}
