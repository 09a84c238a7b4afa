/** Answers in words, for reading through before signing. */
import { client } from '../strings/client.ts';
import { shared } from '../strings/shared.ts';
import type { Field, TableRow, Value } from '../types.ts';
import { calendarDate } from '../ui/format.ts';

/** Null when there is no answer; an array for several choices; rows for a table. */
export function readable(field: Field, value: Value | undefined): string | string[] | string[][] | null {
  if (value === undefined) return null;
  const label = (id: string) => field.options?.find((option) => option.id === id)?.label ?? id;
  switch (field.type) {
    case 'yesno': return value ? shared.yes : shared.no;
    case 'agree': return value ? shared.yes : null;
    case 'choice': return label(String(value));
    case 'choices': return (value as string[]).map(label);
    case 'date': return calendarDate(String(value));
    case 'scale': return `${String(value)} / 10`;
    case 'table': return (value as TableRow[]).map((row) => (field.columns ?? []).map((column) => row[column.id] ?? ''));
    default: return String(value);
  }
}

/** "Do you feel safe at home? Choose yes or no" */
export function faultLine(field: Field, fault: string): string {
  const label = field.label ?? '';
  return /[?.!:]$/.test(label) ? `${label} ${fault}` : client.faults.line(label, fault);
}
