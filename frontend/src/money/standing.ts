/** How invoices and payments stand, in a badge and in a line. Shared by clients and staff. */
import { payments as words } from '../strings/payments.ts';
import type { Invoice, InvoiceRow, MyBilling, Payment, StaffPayment } from '../types.ts';
import { dateWords, dayKey } from '../ui/appointment.ts';
import { money } from '../ui/format.ts';
import type { Tone } from '../ui/parts.tsx';

export interface Standing { tone: Exclude<Tone, 'own'>; hollow: boolean; word: string }

/** "December 7", with the year when it is another one than now. */
export function dayWords(day: string, now: Date = new Date()): string {
  const sameYear = day.slice(0, 4) === String(now.getFullYear());
  return dateWords(day, sameYear ? { month: 'long', day: 'numeric' } : { month: 'long', day: 'numeric', year: 'numeric' });
}

/** "Invoice 1042", "Good-faith estimate". */
export function invoiceName(one: { what: InvoiceRow['what']; number: number | null; status: InvoiceRow['status'] }): string {
  if (one.what === 'estimate') return one.status === 'draft' ? words.estimateDraft : words.estimate;
  return words.invoice(one.number);
}

export function invoiceBadge(one: InvoiceRow): Standing {
  if (one.status === 'open' && one.paying) return { tone: 'info', hollow: true, word: words.paying };
  if (one.status === 'open' && one.due_on) {
    return one.overdue ? { tone: 'bad', hollow: false, word: words.overdue(dayWords(one.due_on)) } : { tone: 'warn', hollow: true, word: words.due(dayWords(one.due_on)) };
  }
  const tones: Record<string, Standing['tone']> = { paid: 'good', open: 'warn', given: 'info' };
  return { tone: tones[one.status] ?? 'plain', hollow: one.status === 'draft', word: words.status[one.status] ?? one.status };
}

/** What automatic payment does about an invoice: how much is charged when; `rest`: what of it has not been announced. */
export function planOf(one: InvoiceRow, zone: string): { amount: string; day: string; rest: string | null } | null {
  if (!one.charged_at || !one.charged_amount || one.status !== 'open') return null;
  const rest = one.paying ? 0 : one.due.amount - one.charged_amount.amount; // what is being paid now is not left out
  return { amount: money(one.charged_amount), day: dayWords(dayKey(one.charged_at, zone)), rest: rest > 0 ? money({ ...one.due, amount: rest }) : null };
}

/** Why no card can pay what is due on these invoices, if it is too little even together; several may be enough where
 * one alone is not. */
export function tooLittle(chosen: InvoiceRow[], { open, least_by_card: least, phone }: Pick<MyBilling, 'open' | 'least_by_card' | 'phone'>): string | null {
  const due = (some: InvoiceRow[]) => some.reduce((sum, one) => sum + one.due.amount, 0);
  if (!chosen.length || due(chosen) >= least.amount) return null;
  return words.page.tooLittle(money(least), due(open) >= least.amount, phone);
}

/** That these invoices together are more than a card pays at once. */
export function tooMuch(chosen: InvoiceRow[], most: MyBilling['most_by_card']): string | null {
  return chosen.reduce((sum, one) => sum + one.due.amount, 0) > most.amount ? words.page.tooMuch(money(most)) : null;
}

/** `refund_failed`: only staff are told of it. */
export function paymentBadge(one: Payment & Partial<Pick<StaffPayment, 'refund_failed'>>): Standing {
  if (one.lost.amount > 0 && one.lost.amount >= one.disputed.amount) return { tone: 'bad', hollow: false, word: words.lost };
  if (one.refund_failed) return { tone: 'bad', hollow: false, word: words.refundFailed };
  if (one.disputed.amount > 0) return { tone: 'warn', hollow: true, word: words.disputed };
  if (one.refunded.amount > 0) return { tone: 'info', hollow: false, word: one.refunded.amount >= one.amount.amount ? words.refunded : words.partly };
  const tones: Record<string, Standing['tone']> = { succeeded: 'good', processing: 'info', failed: 'bad' };
  return { tone: tones[one.status] ?? 'plain', hollow: one.status !== 'succeeded', word: words.state[one.status] ?? one.status };
}

/** "Visa ending 4242". */
export function cardName(card: { brand: string; last4: string }): string {
  return words.card(words.brand[card.brand] ?? card.brand.replace(/^./, (letter) => letter.toUpperCase()), card.last4);
}

/** "Visa ending 4242", "Check". */
export function paidBy(one: Payment): string {
  return one.card ? cardName(one.card) : one.way === 'guest' ? words.payLink : words.paidBy[one.method] ?? one.method;
}

/** "$20.50", "$20.50, $15.00 of it not to the card": what went back of a payment. */
export function wentBack({ refunded, by_hand: part }: Payment): string {
  return part.amount ? words.receipt.byHand(money(refunded), part.amount < refunded.amount ? money(part) : null) : money(refunded);
}

/** "Invoice 1031", "Invoices 1031 and 1032"; what stands on no invoice is credit. */
export function paidFor(one: Payment): string {
  const numbers = one.shares.map((share) => share.number);
  const kept = one.amount.amount > one.shares.reduce((sum, share) => sum + share.amount.amount, 0);
  return numbers.length ? words.paidFor(words.invoices(numbers), kept) : words.receipt.kept;
}

type Sums = Pick<InvoiceRow, 'what' | 'status' | 'total' | 'insurance' | 'charge' | 'settled' | 'due'>;
type Row = [name: string, amount: string, counts: boolean];

/** From the total to the client's portion; of an estimate that is all. */
function portion(one: Sums, taxes: Invoice['taxes'] = []): Row[] {
  const estimate = one.what === 'estimate';
  const before = one.total.amount - taxes.reduce((sum, tax) => sum + tax.amount.amount, 0);
  const rows: Row[] = taxes.length ? [[words.sums.before, money({ ...one.total, amount: before }), false]] : [];
  rows.push(...taxes.map((tax): Row => [tax.name, money(tax.amount), false]));
  rows.push([estimate ? words.sums.estimated : words.sums.total, money(one.total), estimate && !one.insurance.amount]);
  if (one.insurance.amount) {
    rows.push([words.sums.insurance, money({ ...one.insurance, amount: -one.insurance.amount }), false]);
    rows.push([estimate ? words.sums.estimatedPortion : words.sums.portion, money(one.charge), estimate]);
  }
  return rows;
}

/** What an invoice comes to, line by line; those that say nothing are left out. The last is what is still due. */
export function sums(one: Sums): Row[] {
  const rows = portion(one);
  if (one.what === 'estimate') return rows;
  const { currency } = one.total;
  const adjusted = one.status === 'open' || one.status === 'paid' ? one.settled.amount + one.due.amount - one.charge.amount : 0;
  if (adjusted) rows.push([words.sums.adjusted, money({ amount: adjusted, currency }), false]);
  if (one.settled.amount) rows.push([words.sums.paid, money({ amount: -one.settled.amount, currency }), false]);
  return [...rows, [words.sums.due, money(one.due), true]];
}

/** The same of an issued invoice that is looked at by itself: everything that became of it, with the day in `zone`. */
export function course(one: Invoice, zone: string): Row[] {
  const rows = portion(one, one.taxes);
  if (one.what === 'estimate') return rows;
  for (const step of one.history) {
    const name = step.kind === 'payment' ? words.sums.payment[step.method ?? 'other']! : words.sums.step[step.kind];
    rows.push([words.sums.on(name, shortDate(dayKey(step.at, zone))), money(step.amount), false]);
  }
  if (one.kept.amount) rows.push([words.sums.kept, money(one.kept), false]);
  if (one.status !== 'draft') rows.push([words.sums.due, money(one.due), true]);
  return rows;
}

/** Dates as they fit into a column: "Nov 16, 2026". */
export function shortDate(day: string): string {
  return dateWords(day, { year: 'numeric', month: 'short', day: 'numeric' });
}
