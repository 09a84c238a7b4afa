/** Invoices: lines as they are typed, sums that add up, and money over several invoices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { course, invoiceBadge, planOf, sums, tooLittle, wentBack } from '../src/money/standing.ts';
import { bodyOf, emptyLine, faultsOf, spread, totals, type Draft } from '../src/staff/billing/lines.ts';
import type { Invoice, InvoiceRow, Payment } from '../src/types.ts';

const usd = (amount: number) => ({ amount, currency: 'usd' });

function draft(...lines: Partial<Draft['lines'][number]>[]): Draft {
  return { lines: lines.map((line) => ({ ...emptyLine('2026-11-20'), description: 'Session', amount: '120', ...line })), due_on: '', note: '', diagnoses: '' };
}

test('lines come to what they say, in cents', () => {
  const one = draft({ quantity: '3', amount: '0.10' }, { amount: '1,200.05', insurance: '200.05' });
  assert.deepEqual(totals(one.lines, 'usd'), { total: 120_035, insurance: 20_005, taxes: [] });
  assert.deepEqual(faultsOf(one, 'usd'), []);
  assert.deepEqual(bodyOf(one, 'usd').lines.map((line) => [line.quantity, line.amount, line.insurance]), [[3, 10, 0], [1, 120_005, 20_005]]);
  assert.deepEqual(totals(draft({ amount: 'much' }, { quantity: '' }).lines, 'usd'), { total: 0, insurance: 0, taxes: [] });
});

test('tax is reckoned as the server does: on the sum of the taxed lines, rounded half up once for each tax', () => {
  const rates = [{ name: 'State', basis_points: 825 }, { name: 'City', basis_points: 5 }];
  const lines = draft({ amount: '99.99', taxed: true, insurance: '20' }, { amount: '0.01', taxed: true }, { amount: '50' }).lines;
  assert.deepEqual(totals(lines, 'usd', rates), { total: 15_830, insurance: 2_000, taxes: [{ name: 'State', amount: 825 }, { name: 'City', amount: 5 }] });
  assert.deepEqual(totals(draft({ amount: '99.99' }).lines, 'usd', rates).taxes, []); // no line is taxed
  assert.equal(totals(draft({ quantity: '99', amount: '999999.99', taxed: true }).lines, 'usd', rates).taxes[0]!.amount, 816_749_992);
});

test('what is wrong with a line is said beside its field', () => {
  const ids = (one: Draft) => faultsOf(one, 'usd').map((fault) => fault.id);
  assert.deepEqual(ids(draft({ description: ' ' })), ['line0-description']);
  assert.deepEqual(ids(draft({}, { quantity: '0' }, { quantity: '1.5' })), ['line1-quantity', 'line2-quantity']);
  assert.deepEqual(ids(draft({ amount: '' })), ['line0-amount']);
  assert.deepEqual(ids(draft({ amount: '-5' })), ['line0-amount']);
  assert.deepEqual(ids(draft({ insurance: '120.01' })), ['line0-insurance']);
  assert.deepEqual(ids(draft({ code: '90 834' })), ['line0-code']);
  assert.deepEqual(ids(draft({ amount: '0' })), ['line0-amount']); // an invoice over nothing
  assert.deepEqual(ids({ ...draft({}), diagnoses: 'anxiety' }), ['diagnoses']);
  assert.deepEqual(bodyOf({ ...draft({}), diagnoses: 'f41.1, F32' + '.0' }, 'usd').diagnoses, ['F41.1', 'F32.0']);
});

test('money goes to the first invoice first, and no invoice gets more than is due', () => {
  const open = [{ invoice_id: 'a', due: usd(1550) }, { invoice_id: 'b', due: usd(4000) }];
  assert.deepEqual(spread(1000, open), { a: 1000, b: 0 });
  assert.deepEqual(spread(2000, open), { a: 1550, b: 450 });
  assert.deepEqual(spread(9999, open), { a: 1550, b: 4000 });
  assert.deepEqual(spread(0, open), { a: 0, b: 0 });
});

test('what went back says how much of it did not go to the card', () => {
  const of = (refunded: number, byHand: number) => wentBack({ refunded: usd(refunded), by_hand: usd(byHand) } as Payment);
  assert.deepEqual([of(2_050, 0), of(2_050, 1_500), of(1_500, 1_500)], ['$20.50', '$20.50, $15.00 of it not to the card', '$15.00, not to the card']);
});

function row(more: Partial<InvoiceRow>): InvoiceRow {
  return {
    invoice_id: 'x', what: 'invoice', status: 'open', number: 1001, issued_on: '2026-11-20', due_on: '2026-12-04', overdue: false, total: usd(18_500), insurance: usd(12_500), charge: usd(6_000),
    settled: usd(0), due: usd(6_000), paying: false, enough_for_card: true, least: usd(500), most_partial: usd(5_950), charged_at: null, charged_amount: null, ...more,
  };
}

test('the sums of an invoice lead from its total to what is due', () => {
  const of = (one: InvoiceRow) => sums(one).map(([name, amount]) => `${name} ${amount}`);
  assert.deepEqual(of(row({})), ['Total $185.00', 'Expected from insurance −$125.00', 'Your portion $60.00', 'Balance due $60.00']);
  assert.deepEqual(of(row({ settled: usd(2_000), due: usd(3_500) })).slice(3), ['Changes by the practice −$5.00', 'Paid or applied −$20.00', 'Balance due $35.00']);
  assert.deepEqual(of(row({ insurance: usd(0), charge: usd(18_500), due: usd(18_500) })), ['Total $185.00', 'Balance due $185.00']);
  assert.deepEqual(of(row({ what: 'estimate', status: 'given', due: usd(0) })).slice(-1), ['Your expected portion $60.00']);
});

test('the sheet of an invoice says what became of it, line by line, and adds up', () => {
  const step = (kind: Invoice['history'][number]['kind'], amount: number, more: Partial<Invoice['history'][number]> = {}) => ({ kind, amount: usd(amount), at: '2026-12-02T03:30:00Z', method: null, payment_id: null, ...more });
  const one = {
    ...row({ total: usd(10_825), insurance: usd(0), charge: usd(10_825), settled: usd(4_825), due: usd(5_000) }),
    taxes: [{ name: 'State tax', basis_points: 825, amount: usd(825) }], kept: usd(0),
    history: [step('payment', -5_825, { method: 'check' }), step('refund', 1_000), step('write_off', -1_000)],
  } as Invoice;
  assert.deepEqual(course(one, 'America/New_York').map(([name, amount]) => `${name} ${amount}`), [
    'Before tax $100.00', 'State tax $8.25', 'Total $108.25', 'Payment by check, Dec 1, 2026 −$58.25', 'Refund, Dec 1, 2026 $10.00', 'Written off by the practice, Dec 1, 2026 −$10.00', 'Balance due $50.00',
  ]);
  assert.deepEqual(course({ ...one, status: 'void', due: usd(0), kept: usd(4_825) }, 'UTC').slice(-2).map(([name]) => name), ['Kept as credit', 'Balance due']);
});

test('too little for a card alone may be enough together', () => {
  const [one, other, much] = [row({ due: usd(30) }), row({ due: usd(19) }), row({ due: usd(20) })];
  const said = (chosen: InvoiceRow[], open: InvoiceRow[]) => tooLittle(chosen, { open, least_by_card: usd(50), phone: '' });
  assert.equal(said([one], [one, other]), 'A card cannot pay less than $0.50 at once. Pay this at the practice.');
  assert.equal(said([one], [one, other, much]), 'A card cannot pay less than $0.50 at once. Pay this at the practice, or together with another invoice.');
  assert.equal(said([one, much], [one, other, much]), null);
  assert.equal(said([], [one]), null);
});

test('what is charged by itself is told with what it leaves out', () => {
  const plan = (more: Partial<InvoiceRow>) => planOf(row({ charged_at: '2020-12-07T15:00:00.000000Z', charged_amount: usd(6_000), ...more }), 'America/New_York');
  assert.deepEqual(plan({}), { amount: '$60.00', day: 'December 7, 2020', rest: null });
  assert.equal(plan({ due: usd(8_000) })!.rest, '$20.00'); // raised after the notice
  assert.equal(plan({ due: usd(8_000), charged_amount: usd(2_000), paying: true })!.rest, null); // $60.00 are on their way
  assert.equal(plan({ charged_at: null, charged_amount: null }), null);
});

test('an invoice says in a word how it stands', () => {
  const year = new Date().getFullYear();
  assert.equal(invoiceBadge(row({ due_on: `${year}-12-04` })).word, 'Due December 4');
  assert.equal(invoiceBadge(row({ due_on: '2020-12-04', overdue: true })).word, 'Overdue since December 4, 2020');
  assert.equal(invoiceBadge(row({ paying: true })).word, 'Payment under way');
  assert.equal(invoiceBadge(row({ status: 'void' })).word, 'Void');
});
