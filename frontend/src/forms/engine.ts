/** The form engine: what is asked, what is missing, what is worrying. Pure functions; no page, no clock of their own.
 *
 * The server has the twin of this module, and tests/vectors/forms.json holds both to the same rules:
 *
 * - A field is visible when its section is not skipped, and its section's and its own condition hold. Conditions see
 *   only values of visible fields that come earlier, so one walk from top to bottom decides everything.
 * - A skippable section may be left for the conversation: it stays listed; its fields are not asked, not required
 *   and do not count. Skipping any other section has no effect.
 * - No answer is an absent value, null, blank text, an empty choice, or a table without a filled cell.
 */
import type { Answers, Condition, Field, FormDefinition, Section, TableRow, Value } from '../types.ts';

/** What is known besides the answers: the age on file in whole years, and the person's own today ("2026-11-24"). */
export interface Facts { age: number | null; today: string }

export interface Part { section: Section; skipped: boolean; fields: Field[] }
export interface Sight { parts: Part[]; values: Map<string, Value> }

export const LIMITS = { text: 200, long: 10_000, initials: 6, cell: 200, rows: 20 } as const;
const YEARS_AHEAD = 10;
const BIRTH_DATE = 'birth_date';

const BLANK = /^[\s\u001c-\u001f\u0085]*$/u;

function blank(text: string): boolean {
  return BLANK.test(text) && !text.includes('\ufeff');
}

/** Characters as people count them (code points), as the server does. */
export function length(text: string): number {
  let n = 0;
  for (const _ of text) n += 1;
  return n;
}

/** A real calendar date as [year, month, day]; null for anything else. */
export function day(text: unknown): [number, number, number] | null {
  if (typeof text !== 'string' || !/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return null;
  const [year, month, date] = text.split('-').map(Number) as [number, number, number];
  const made = new Date(0);
  made.setUTCFullYear(year, month - 1, date);
  return year > 0 && made.getUTCFullYear() === year && made.getUTCMonth() === month - 1 && made.getUTCDate() === date
    ? [year, month, date] : null;
}

/** Whole years on `today`. Someone born on February 29 turns a year older on March 1 of a common year. */
export function ageOn(birth: [number, number, number], today: [number, number, number]): number {
  const before = today[1] < birth[1] || (today[1] === birth[1] && today[2] < birth[2]);
  return today[0] - birth[0] - (before ? 1 : 0);
}

function nextDay(date: string): string {
  const made = new Date(`${date}T00:00:00Z`);
  made.setUTCDate(made.getUTCDate() + 1);
  return made.toISOString().slice(0, 10);
}

/** What is wrong with a date, as a code; null when it can be stored. Dates compare as text in this form. */
export function dateFault(field: Field, text: string, today: string): 'invalid' | 'early' | 'future' | 'far' | null {
  if (!day(text)) return 'invalid';
  if (text < '1900-01-01') return 'early';
  if (field.id === BIRTH_DATE && text > nextDay(today)) return 'future';
  const limit = `${String(Number(today.slice(0, 4)) + YEARS_AHEAD)}${today.slice(4) === '-02-29' ? '-03-01' : today.slice(4)}`;
  return text > limit ? 'far' : null;
}

/** Lowest and highest value of a number or scale. */
export function range(field: Field): [number, number] {
  if (field.type === 'scale') return [0, 10];
  return [field.min ?? -Number.MAX_SAFE_INTEGER, field.max ?? Number.MAX_SAFE_INTEGER];
}

function storable(text: string): boolean {
  return !text.includes('\0') && !/\p{Surrogate}/u.test(text);
}

/** The value if it fits its field and says anything, else null. */
export function valueOf(field: Field, answers: Answers, today: string): Value | null {
  const value: unknown = answers[field.id];
  if (value === null || value === undefined) return null;
  switch (field.type) {
    case 'text': case 'long': case 'initials': {
      if (typeof value !== 'string' || !storable(value) || blank(value)) return null;
      return length(value.replace(/\r\n/g, '\n')) <= (field.max ?? LIMITS[field.type]) ? value : null;
    }
    case 'date':
      return typeof value === 'string' && !dateFault(field, value, today) ? value : null;
    case 'choice':
      return typeof value === 'string' && (field.options ?? []).some((option) => option.id === value) ? value : null;
    case 'choices': {
      if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) return null;
      const known = (field.options ?? []).map((option) => option.id);
      if (!value.every((one) => known.includes(one))) return null;
      const chosen = known.filter((one) => (value as string[]).includes(one));
      return chosen.length ? chosen : null;
    }
    case 'yesno': case 'agree':
      return typeof value === 'boolean' ? value : null;
    case 'number': case 'scale': {
      const [low, high] = range(field);
      return typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high ? value : null;
    }
    case 'table': {
      const columns = (field.columns ?? []).map((column) => column.id);
      if (!Array.isArray(value) || value.length > (field.max_rows ?? LIMITS.rows)) return null;
      const rows: TableRow[] = [];
      for (const row of value as unknown[]) {
        if (typeof row !== 'object' || row === null || Array.isArray(row)) return null;
        const kept: TableRow = {};
        for (const [key, cell] of Object.entries(row)) {
          if (!columns.includes(key)) return null;
          if (cell === null) continue;
          if (typeof cell !== 'string' || !storable(cell) || length(cell) > LIMITS.cell) return null;
          if (!blank(cell)) kept[key] = cell;
        }
        if (Object.keys(kept).length) rows.push(kept);
      }
      return rows.length ? rows : null;
    }
    default:
      return null; // info and signature hold no answer
  }
}

function matches(value: Value | undefined, wanted: readonly unknown[]): boolean {
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  return given.some((one) => wanted.some((want) => one === want));
}

function holds(condition: Condition | null | undefined, values: Map<string, Value>, facts: Facts): boolean {
  if (!condition) return true;
  if ('all' in condition) return condition.all.every((part) => holds(part, values, facts));
  if ('any' in condition) return condition.any.some((part) => holds(part, values, facts));
  if ('not' in condition) return !holds(condition.not, values, facts);
  if ('age_under' in condition) {
    const birth = day(values.get(BIRTH_DATE));
    const now = day(facts.today);
    const age = birth && now ? ageOn(birth, now) : facts.age;
    return age !== null && age < condition.age_under;
  }
  return matches(values.get(condition.field), condition.any_of);
}

/** One walk through the form: what is shown, section by section, and the values that count. */
export function look(form: FormDefinition, answers: Answers, skipped: readonly string[], facts: Facts): Sight {
  const sight: Sight = { parts: [], values: new Map() };
  for (const section of form.sections) {
    if (!holds(section.when, sight.values, facts)) continue;
    const skip = Boolean(section.skippable) && skipped.includes(section.id);
    const part: Part = { section, skipped: skip, fields: [] };
    sight.parts.push(part);
    if (skip) continue;
    for (const field of section.fields) {
      if (!holds(field.when, sight.values, facts)) continue;
      part.fields.push(field);
      const value = valueOf(field, answers, facts.today);
      if (value !== null) sight.values.set(field.id, value);
    }
  }
  return sight;
}

function isMissing(field: Field, values: Map<string, Value>): boolean {
  if (!field.required || field.type === 'info' || field.type === 'signature') return false;
  const value = values.get(field.id);
  return field.type === 'agree' ? value !== true : value === undefined;
}

/** The fields of one shown section that must still be answered. */
export function missingIn(part: Part, sight: Sight): Field[] {
  return part.fields.filter((field) => isMissing(field, sight.values));
}

/** Whether the answer to this field calls for the crisis numbers. */
export function worries(field: Field, sight: Sight): boolean {
  return matches(sight.values.get(field.id), field.worrying ?? []);
}

/** Ids of the fields that must be answered before signing. */
export function missing(sight: Sight): string[] {
  return sight.parts.flatMap((part) => missingIn(part, sight).map((field) => field.id));
}

/** Ids of the shown fields whose answer calls for the crisis numbers. */
export function worrying(sight: Sight): string[] {
  return sight.parts.flatMap((part) => part.fields.filter((field) => worries(field, sight)).map((field) => field.id));
}
