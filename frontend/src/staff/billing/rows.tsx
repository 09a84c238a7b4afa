/** Invoices as a table: one client's, or with whose they are the practice's. */
import { dayWords, invoiceBadge, invoiceName } from '../../money/index.ts';
import { billing } from '../../strings/billing.ts';
import type { InvoiceRow } from '../../types.ts';
import { Badge, money } from '../../ui/index.ts';

const text = billing.client;

/** `open`: what is left to pay has a column; `of`: so has the client, by this name. */
export function InvoiceRows<Row extends InvoiceRow>({ rows, open, of, to }: { rows: Row[]; open: boolean; of?: (one: Row) => string; to: (one: Row) => string }) {
  const estimates = rows.length > 0 && rows.every((one) => one.status === 'given');
  return (
    <table class="fold cover">
      <thead><tr>
        <th scope="col">{estimates ? text.estimate : text.number}</th>{of ? <th scope="col">{billing.practice.client}</th> : null}<th scope="col">{estimates ? text.given : text.issued}</th><th scope="col" class="end">{text.total}</th>
        {open ? <th scope="col" class="end">{text.left}</th> : null}<th scope="col" class="end">{text.status}</th>
      </tr></thead>
      <tbody>
        {rows.map((one) => {
          const badge = invoiceBadge(one);
          return (
            <tr key={one.invoice_id}>
              <td><a class="strong" data-row href={to(one)}>{invoiceName(one)}</a></td>
              {of ? <td data-label={billing.practice.client}>{of(one)}</td> : null}
              <td data-label={estimates ? text.given : text.issued} class="num">{one.issued_on ? dayWords(one.issued_on) : '–'}</td>
              <td data-label={text.total} class="end num">{money(one.total)}</td>
              {open ? <td data-label={text.left} class="end num strong">{money(one.due)}</td> : null}
              <td data-label={text.status} class="end"><Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge></td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
