/** What is wrong with an answer as it stands on the page, in words. Null when it can be sent. */
import { client } from '../strings/client.ts';
import type { Field, Value } from '../types.ts';
import { dateFault, length, LIMITS, range } from './engine.ts';

const words = client.faults;

/** A partly entered date is kept as "1991-3-" (year-month-day with parts missing): not sendable, never lost. */
export function localFault(field: Field, value: Value | null | undefined, today: string): string | null {
  if (value === null || value === undefined || value === '') return null;
  switch (field.type) {
    case 'text': case 'long': case 'initials': {
      const limit = field.max ?? LIMITS[field.type];
      return typeof value === 'string' && length(value) > limit ? words.long(limit) : null;
    }
    case 'date': {
      const fault = typeof value === 'string' ? dateFault(field, value, today) : 'invalid';
      if (!fault) return null;
      if (fault === 'invalid' && /^\d{1,3}-\d+-\d+$/.test(String(value))) return words.year;
      return { invalid: words.date, early: words.early, future: words.future, far: words.far }[fault];
    }
    case 'number': {
      if (typeof value === 'number') {
        const [low, high] = range(field);
        if (!Number.isSafeInteger(value)) return words.whole;
        return value < low || value > high ? words.range(low, high) : null;
      }
      return words.whole;
    }
    case 'table':
      return Array.isArray(value) && value.some((row) => typeof row === 'object' && Object.values(row).some((cell) => length(cell) > LIMITS.cell)) ? words.cell : null;
    default:
      return null;
  }
}

/** What to say when an answer is missing. */
export function missingFault(field: Field): string {
  switch (field.type) {
    case 'date': return words.date;
    case 'choice': return words.choice;
    case 'choices': return words.choices;
    case 'yesno': return words.yesno;
    case 'number': return words.number;
    case 'scale': return words.scale;
    case 'table': return words.table;
    case 'agree': return words.agree;
    case 'initials': return words.initials;
    default: return words.text;
  }
}
