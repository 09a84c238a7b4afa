/** When an appointment is, and what has become of it, in words; always in a named zone. */
import { scheduling } from '../strings/scheduling.ts';
import { time, unbroken, weekday, zoneName } from './format.ts';
import type { Tone } from './parts.tsx';

export interface Timed { starts_at: string; ends_at: string }

/** "Thursday, December 3, 2:00 PM – 2:50 PM"; where it needs two lines, neither the date nor the time is broken. */
export function spoken(one: Timed, zone: string): string {
  return `${weekday(one.starts_at, zone).replace(/ (?=\d{1,2}\b)/, '\u00a0')}, ${span(one, zone)}`;
}

/** "2:00 PM – 2:50 PM" */
export function span(one: Timed, zone: string): string {
  return scheduling.span(time(one.starts_at, zone), time(one.ends_at, zone));
}

/** "Thu, Dec 3, 2:00 PM" of an instant; "Mon, Jan 4, 2027, 2:00 PM" in another year than this one. */
export function brief(instant: string, zone: string): string {
  const far = dayKey(instant, zone).slice(0, 4) !== dayKey(new Date(), zone).slice(0, 4);
  return unbroken(new Intl.DateTimeFormat('en-US', { weekday: 'short', month: 'short', day: 'numeric', ...(far ? { year: 'numeric' } : {}), hour: 'numeric', minute: '2-digit', timeZone: zone }).format(new Date(instant)));
}

/** "Eastern Time (New York)": a zone as people know it, as it is named then. */
export function zoneLabel(zone: string, at: Date = new Date()): string {
  const place = zone.split('/').pop()!.replaceAll('_', ' ');
  return zone.includes('/') ? scheduling.book.zoneOf(zoneName(zone, at), place) : zone;
}

/** "2026-12-03" of an instant, by a zone's calendar. */
export function dayKey(instant: string | Date, zone: string): string {
  return new Intl.DateTimeFormat('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit', timeZone: zone }).format(new Date(instant));
}

/** A calendar date some days later; dates without a zone. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T12:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** 0 for Sunday, of a calendar date. */
export function dayOfWeek(day: string): number {
  return new Date(`${day}T12:00:00Z`).getUTCDay();
}

/** A calendar date in the words of `options`. */
export function dateWords(day: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-US', { ...options, timeZone: 'UTC' }).format(new Date(`${day}T12:00:00Z`));
}

/** "Thursday, December 3" of a calendar date, with the year when it is another than this one; `short`: "Dec 3". */
export function dayWords(day: string, length: 'long' | 'plain' | 'short' = 'long'): string {
  const far = Number(day.slice(0, 4)) !== new Date().getFullYear();
  return dateWords(day, { ...(length === 'long' ? { weekday: 'long' } : {}), month: length === 'short' ? 'short' : 'long', day: 'numeric', ...(far ? { year: 'numeric' } : {}) });
}

/** Minutes since midnight of an instant, by a zone's clock. */
export function minuteOfDay(instant: string | Date, zone: string): number {
  const found = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: zone }).format(new Date(instant));
  const [hour, minute] = found.split(':').map(Number);
  return hour! * 60 + minute!;
}

const TONES: Record<string, [Exclude<Tone, 'own'>, boolean]> = {
  requested: ['warn', true], proposed: ['info', true], confirmed: ['good', false], completed: ['plain', false], no_show: ['warn', false],
};

/** The badge of a status: tone, whether it is settled, and the word. */
export function statusBadge(one: { status: string; late: boolean }): { tone: Exclude<Tone, 'own'>; hollow: boolean; word: string } {
  const [tone, hollow] = TONES[one.status] ?? ['plain', false];
  const late = one.late && one.status === 'cancelled';
  return { tone: late ? 'warn' : tone, hollow, word: scheduling.status[late ? 'late' : one.status] ?? one.status };
}

/** "In person, Oak Lane" or "Video". */
export function whereOf(one: { mode: 'in_person' | 'telehealth'; location: string | null }): string {
  return one.mode === 'in_person' && one.location ? scheduling.at(one.location) : scheduling.mode[one.mode];
}

/** The instant of a time of day on a date by a zone's clock. In the gap of a clock change: an hour later, as clocks go. */
export function instantOf(day: string, clock: string, zone: string): string {
  const wall = Date.parse(`${day}T${clock}:00Z`);
  const shift = (at: number) => {
    const date = new Date(at);
    return Date.parse(`${dayKey(date, zone)}T00:00:00Z`) + minuteOfDay(date, zone) * 60_000 - Math.floor(at / 60_000) * 60_000;
  };
  const first = wall - shift(wall);
  const second = wall - shift(first);
  return new Date(second).toISOString();
}

/** "14:05" of an instant by a zone's clock: what a time field takes. */
export function clockOf(instant: string, zone: string): string {
  const minute = minuteOfDay(instant, zone);
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

/** "2:05 PM" of "14:05". */
export function clockWords(clock: string): string {
  const [hour, minute] = clock.split(':').map(Number);
  return unbroken(new Intl.DateTimeFormat('en-US', { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' }).format(new Date(Date.UTC(2026, 0, 1, hour, minute))));
}
