/** Dates, times and sizes as people read them. Instants come as UTC strings; every time is shown in a named zone. */
import { shared } from '../strings/shared.ts';

const LOCALE = 'en-US';

/** The zone of this device; the practice's zone is the tenant's. */
export function deviceZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

function parts(options: Intl.DateTimeFormatOptions, zone?: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(LOCALE, zone ? { ...options, timeZone: zone } : options);
}

/** A time is never broken over two lines: "2:00" at the end of one and "PM" on the next is read twice. */
export function unbroken(words: string): string {
  return words.replace(/(\d) ([AP]M)\b/g, '$1\u00a0$2');
}

/** "2:14 PM", in the device's zone unless another is named. */
export function time(instant: string | Date, zone?: string): string {
  return unbroken(parts({ hour: 'numeric', minute: '2-digit' }, zone).format(new Date(instant)));
}

/** "2:14 PM EST": for times that stand alone or matter legally. */
export function timeWithZone(instant: string | Date, zone?: string): string {
  return unbroken(parts({ hour: 'numeric', minute: '2-digit', timeZoneName: 'short' }, zone).format(new Date(instant)));
}

/** "November 23, 2026" from an instant. */
export function longDay(instant: string | Date, zone?: string): string {
  return parts({ year: 'numeric', month: 'long', day: 'numeric' }, zone).format(new Date(instant));
}

/** "Nov 23, 2026" from an instant. */
export function shortDay(instant: string | Date, zone?: string): string {
  return parts({ year: 'numeric', month: 'short', day: 'numeric' }, zone).format(new Date(instant));
}

/** "Monday, November 23" from an instant; "Monday, January 4, 2027" in another year than this one. */
export function weekday(instant: string | Date, zone?: string): string {
  const year = (at: string | Date) => parts({ year: 'numeric' }, zone).format(new Date(at));
  const far = year(instant) !== year(new Date());
  return parts({ weekday: 'long', month: 'long', day: 'numeric', ...(far ? { year: 'numeric' } : {}) }, zone).format(new Date(instant));
}

/** "November 23, 2026 at 2:14 PM EST". */
export function dayAndTime(instant: string | Date, zone?: string): string {
  return shared.when.at(longDay(instant, zone), timeWithZone(instant, zone));
}

/** "Today, 2:14 PM", "Yesterday, 9:00 AM", "Nov 18, 2026". */
export function lately(instant: string | Date, zone?: string, now: Date = new Date()): string {
  const key = (date: Date) => parts({ year: 'numeric', month: '2-digit', day: '2-digit' }, zone).format(date);
  const then = new Date(instant);
  if (key(then) === key(now)) return shared.when.today(time(then, zone));
  if (key(then) === key(new Date(now.getTime() - 86_400_000))) return shared.when.yesterday(time(then, zone));
  return shortDay(then, zone);
}

/** "March 8, 1991" from a calendar date "1991-03-08": a date of birth has no zone. */
export function calendarDate(date: string | null): string {
  if (!date || !/^\d{4}-\d{2}-\d{2}$/.test(date)) return date ?? '';
  return parts({ year: 'numeric', month: 'long', day: 'numeric' }, 'UTC').format(new Date(`${date}T12:00:00Z`));
}

/** "Eastern Time", the generic name of a zone. */
export function zoneName(zone: string, at: Date = new Date()): string {
  const found = new Intl.DateTimeFormat(LOCALE, { timeZone: zone, timeZoneName: 'longGeneric' })
    .formatToParts(at).find((part) => part.type === 'timeZoneName');
  return found?.value ?? zone;
}

/** "48 kB", "1.2 MB". */
export function fileSize(bytes: number): string {
  return bytes < 950_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** A code of 64 hexadecimal digits in groups of eight, so that two can be compared by eye. */
export function groups(hex: string): string {
  return hex.match(/.{1,8}/g)?.join(' ') ?? hex;
}

/** "MO" for Maya Okafor. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words.slice(0, 1);
  return letters.map((word) => [...(word ?? '')][0] ?? '').join('').toUpperCase();
}

/** An amount in minor units of an ISO 4217 currency, as the API gives it. */
export interface Amount { amount: number; currency: string }

function inCurrency(currency: string): Intl.NumberFormat {
  return new Intl.NumberFormat(LOCALE, { style: 'currency', currency: currency.toUpperCase() });
}

function decimals(currency: string): number {
  return inCurrency(currency).resolvedOptions().maximumFractionDigits ?? 2;
}

/** "$1,035.00", "−$125.00": the only way an amount gets onto a page. */
export function money({ amount, currency }: Amount): string {
  const digits = decimals(currency);
  return inCurrency(currency).format(Math.abs(amount) / 10 ** digits).replace(/^/, amount < 0 ? '−' : '');
}

/** "$", what stands before a field for an amount. */
export function currencySign(currency: string): string {
  return inCurrency(currency).formatToParts(0).find((part) => part.type === 'currency')?.value ?? currency.toUpperCase();
}

/** "35.00": what an amount is in a field where it is typed. */
export function typed({ amount, currency }: Amount): string {
  const digits = decimals(currency);
  const text = String(Math.abs(amount)).padStart(digits + 1, '0');
  return `${amount < 0 ? '-' : ''}${digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text}`;
}

/** Minor units of what somebody typed ("35", "35.5", "$1,200.00"); null when it is no such amount. Never rounds. */
export function untyped(text: string, currency: string): number | null {
  const digits = decimals(currency);
  const bare = text.replace(/\s/g, '').replace(currencySign(currency), '').replace(/^−/, '-');
  const found = /^(-?)(\d{1,3}(?:,\d{3})+|\d{1,9})?(?:\.(\d*))?$/.exec(bare);
  if (!found || (!found[2] && !found[3]) || (found[3] ?? '').length > digits) return null;
  const whole = Number((found[2] ?? '0').replaceAll(',', '')) * 10 ** digits + Number((found[3] ?? '').padEnd(digits, '0') || 0);
  return found[1] && whole ? -whole : whole;
}
