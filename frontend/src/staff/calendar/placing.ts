/** Where things stand in a calendar: columns of minutes, and what lies side by side. */
import { dayKey, minuteOfDay } from '../../ui/index.ts';
import type { CalendarEntry, TherapistCalendar } from '../../types.ts';

export const STEP = 5; // minutes a row: every start has its line
const LIVE = ['requested', 'proposed', 'confirmed', 'completed', 'no_show'];

/** One column of the grid: a day, of one therapist or of several. */
export interface Column { key: string; day: string; of: TherapistCalendar[]; head: string; sub: string; label: string; staff_id: string | null }
export type Part = [number, number];
interface Stretch { key: string; start: number; end: number; at: string; ends: string; by: string; lane: number; lanes: number }
export interface Block extends Stretch { entry: CalendarEntry }
/** What stands in a day; without an entry it is a time that is held for somebody on the wait list. */
export type Placed = Block | (Stretch & { entry: null });

/** What an interval has of a day, in minutes since its midnight by the zone's clock; null when nothing. */
export function within(one: { starts_at: string; ends_at: string }, day: string, zone: string): Part | null {
  const [from, to] = [dayKey(one.starts_at, zone), dayKey(one.ends_at, zone)];
  if (from > day || to < day) return null;
  const start = from < day ? 0 : minuteOfDay(one.starts_at, zone);
  const end = to > day ? 1440 : minuteOfDay(one.ends_at, zone);
  return end > start ? [start, end] : null;
}

/** The parts of several intervals that lie in a day. */
export function parts(all: { starts_at: string; ends_at: string }[], day: string, zone: string): Part[] {
  return all.map((each) => within(each, day, zone)).filter((each) => each !== null);
}

/** The entries of a day in their order. An offer stands at each of its times. */
export function blocks(of: TherapistCalendar[], day: string, zone: string): Block[] {
  const found: Block[] = [];
  for (const one of of) {
    for (const entry of one.appointments.filter((each) => LIVE.includes(each.status))) {
      const long = Date.parse(entry.ends_at) - Date.parse(entry.starts_at);
      for (const at of entry.status === 'proposed' && entry.proposals.length ? entry.proposals : [entry.starts_at]) {
        const ends = new Date(Date.parse(at) + long).toISOString();
        const part = within({ starts_at: at, ends_at: ends }, day, zone);
        if (part) found.push({ key: `${entry.appointment_id}${at}`, start: part[0], end: part[1], entry, at, ends, by: one.name, lane: 0, lanes: 1 });
      }
    }
  }
  return found.sort(earlier);
}

const earlier = (a: Stretch, b: Stretch) => a.start - b.start || a.end - b.end;

/** The entries of a day, and the times that are held for those who wait, side by side where they overlap. */
export function placed(of: TherapistCalendar[], day: string, zone: string): Placed[] {
  const found: Placed[] = blocks(of, day, zone);
  for (const one of of) {
    for (const { starts_at: at, ends_at: ends } of one.held) {
      const part = within({ starts_at: at, ends_at: ends }, day, zone);
      if (part) found.push({ key: `held${one.staff_id}${at}`, start: part[0], end: part[1], entry: null, at, ends, by: one.name, lane: 0, lanes: 1 });
    }
  }
  found.sort(earlier);
  let group: Placed[] = [];
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

/** Minutes of the parts that are not in any of the others. */
export function left(open: Part[], taken: Part[]): number {
  let minutes = 0;
  for (const [start, end] of open) for (let at = start; at < end; at += STEP) if (!taken.some(([from, to]) => from <= at && at < to)) minutes += STEP;
  return minutes;
}

/** "10:30" of minutes since midnight. */
export const clockText = (minute: number) => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

/** Puts a block in its rows through CSSOM: the policy allows no style attributes. */
export function place(element: HTMLElement | null, [start, end]: Part, from: number, lane = 0, lanes = 1): void {
  if (!element) return;
  element.style.setProperty('--at', String(Math.floor((start - from) / STEP) + 1));
  element.style.setProperty('--for', String(Math.max(1, Math.ceil((end - start) / STEP))));
  element.style.setProperty('--lane', String(lane));
  element.style.setProperty('--lanes', String(lanes));
}
