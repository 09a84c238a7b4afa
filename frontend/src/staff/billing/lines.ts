/** The lines of an invoice as they are typed: what is wrong with them, what they come to, what is sent; and money spread
 * over invoices. */
import { billing } from '../../strings/billing.ts';
import type { Invoice, InvoiceBody, Money } from '../../types.ts';
import { typed, untyped } from '../../ui/format.ts';

const { faults } = billing.editor;

export interface Line {
  key: string; description: string; service_on: string; quantity: string; amount: string; insurance: string; code: string; therapist: string; taxed: boolean; appointment_id: string | null;
}
export interface Draft { lines: Line[]; due_on: string; note: string; diagnoses: string }
export interface Fault { id: string; text: string }

let made = 0;

export function emptyLine(day: string): Line {
  made += 1;
  return { key: `new${made}`, description: '', service_on: day, quantity: '1', amount: '', insurance: '', code: '', therapist: '', taxed: false, appointment_id: null };
}

export function draftOf(invoice: Invoice): Draft {
  return {
    lines: invoice.lines.map((line, n) => ({
      key: `line${n}`, description: line.description, service_on: line.service_on ?? '', quantity: String(line.quantity), amount: typed(line.amount),
      insurance: line.insurance.amount ? typed(line.insurance) : '', code: line.code ?? '', therapist: line.therapist ?? '', taxed: line.taxed, appointment_id: line.appointment_id,
    })),
    due_on: invoice.due_on ?? '', note: invoice.note ?? '', diagnoses: invoice.diagnoses.join(', '),
  };
}

const quantityOf = (line: Line) => (/^\d{1,2}$/.test(line.quantity.trim()) ? Number(line.quantity) : NaN);
const insuranceOf = (line: Line, currency: string) => (line.insurance.trim() ? untyped(line.insurance, currency) : 0);
const codes = (text: string) => text.split(/[\s,;]+/).filter(Boolean).map((code) => code.toUpperCase());
const DAY = /^(\d{4}-\d{2}-\d{2})?$/;

export interface Tax { name: string; basis_points: number }
export interface Totals { total: number; insurance: number; taxes: { name: string; amount: number }[] }

/** What the lines come to with tax, in minor units, as the server reckons: each tax on the sum of the taxed lines, rounded
 * half up once. What cannot be read counts as nothing. */
export function totals(lines: Line[], currency: string, rates: Tax[] = []): Totals {
  const of = (line: Line) => (quantityOf(line) || 0) * Math.max(0, untyped(line.amount, currency) ?? 0);
  const sum = (some: Line[]) => some.reduce((all, line) => all + of(line), 0);
  const taxed = sum(lines.filter((line) => line.taxed));
  const taxes = taxed ? rates.map(({ name, basis_points }) => ({ name, amount: Math.floor((taxed * basis_points + 5_000) / 10_000) })) : [];
  const insurance = lines.reduce((all, line) => all + Math.max(0, insuranceOf(line, currency) ?? 0), 0);
  return { total: sum(lines) + taxes.reduce((all, tax) => all + tax.amount, 0), insurance, taxes };
}

export function faultsOf({ lines, due_on, diagnoses }: Draft, currency: string): Fault[] {
  const found: Fault[] = [];
  lines.forEach((line, n) => {
    const say = (name: string, text: string) => found.push({ id: `line${n}-${name}`, text });
    const amount = untyped(line.amount, currency);
    const insurance = insuranceOf(line, currency);
    if (!line.description.trim()) say('description', faults.description);
    if (!DAY.test(line.service_on)) say('date', faults.date);
    if (!(quantityOf(line) >= 1)) say('quantity', faults.quantity);
    if (amount === null || amount < 0) say('amount', faults.price);
    if (insurance === null || insurance < 0 || (amount !== null && amount >= 0 && insurance > amount * (quantityOf(line) || 0))) say('insurance', faults.insurance);
    if (line.code.trim() && !/^[A-Za-z0-9-]{1,20}$/.test(line.code.trim())) say('code', faults.code);
  });
  if (!DAY.test(due_on)) found.push({ id: 'due', text: faults.date });
  if (codes(diagnoses).length > 12 || codes(diagnoses).some((code) => !/^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$/.test(code))) found.push({ id: 'diagnoses', text: faults.diagnoses });
  if (!found.length && totals(lines, currency).total <= 0) found.push({ id: 'line0-amount', text: faults.nothing });
  return found;
}

export function bodyOf(draft: Draft, currency: string): InvoiceBody {
  return {
    lines: draft.lines.map((line) => ({
      description: line.description.trim(), service_on: line.service_on || null, quantity: quantityOf(line), amount: untyped(line.amount, currency)!, insurance: insuranceOf(line, currency)!,
      code: line.code.trim() || null, taxed: line.taxed, therapist: line.therapist.trim() || null, appointment_id: line.appointment_id,
    })),
    due_on: draft.due_on || null, note: draft.note.trim() || null, diagnoses: codes(draft.diagnoses),
  };
}

/** An amount over invoices, one after the other, each up to what is due. */
export function spread(amount: number, open: { invoice_id: string; due: Money }[]): Record<string, number> {
  let left = amount;
  return Object.fromEntries(open.map((one) => {
    const share = Math.max(0, Math.min(left, one.due.amount));
    left -= share;
    return [one.invoice_id, share];
  }));
}
