/** Instants as staff read them, always in the organization's own zone. */
import { shortDay, time } from '../ui/format.ts';
import { staff } from '../strings/staff.ts';

type Words = { today: (time: string) => string; yesterday: (time: string) => string; other: (day: string, time: string) => string };

function tell(instant: string, zone: string, words: Words, now: Date): string {
  const day = shortDay(instant, zone);
  const clock = time(instant, zone);
  if (day === shortDay(now, zone)) return words.today(clock);
  if (day === shortDay(new Date(now.getTime() - 86_400_000), zone)) return words.yesterday(clock);
  return words.other(day, clock);
}

/** "Today, 2:14 PM" · "Nov 18, 2026, 2:14 PM": for a cell or a fact. */
export function moment(instant: string, zone: string, now: Date = new Date()): string {
  return tell(instant, zone, { today: staff.time.Today, yesterday: staff.time.Yesterday, other: staff.time.day }, now);
}

/** "today at 2:14 PM" · "on Nov 18, 2026 at 2:14 PM": for the middle of a sentence. */
export function momentInSentence(instant: string, zone: string, now: Date = new Date()): string {
  return tell(instant, zone, { today: staff.time.today, yesterday: staff.time.yesterday, other: staff.time.on }, now);
}
