/** An invoice or estimate as it stands on paper: the same for clients and staff. */
import { useSession } from '../session.tsx';
import { payments } from '../strings/payments.ts';
import type { Invoice } from '../types.ts';
import { money } from '../ui/format.ts';
import { course, invoiceBadge, invoiceName, shortDate } from './standing.ts';
import { Badge, Facts } from '../ui/parts.tsx';

const words = payments.sheet;

export function InvoiceSheet({ invoice, phone, heading }: { invoice: Invoice; phone: string; heading: preact.ComponentChildren }) {
  const { tenant } = useSession();
  const badge = invoiceBadge(invoice);
  const facts: [string, preact.ComponentChildren][] = [];
  if (invoice.issued_on) facts.push([invoice.what === 'estimate' ? words.given : words.issued, shortDate(invoice.issued_on)]);
  if (invoice.due_on && invoice.what === 'invoice') facts.push([words.dueOn, shortDate(invoice.due_on)]);
  if (invoice.what === 'estimate' && invoice.diagnoses.length) facts.push([words.diagnoses, invoice.diagnoses.join(', ')]);
  facts.push([words.status, <Badge tone={badge.tone} hollow={badge.hollow}>{invoice.status === 'open' ? payments.status.open : badge.word}</Badge>]);
  const rows = course(invoice, tenant.zone);
  const [name, ...address] = invoice.billed_to;
  return (
    <article class="sheet bill stack g6" aria-label={invoiceName(invoice)}>
      <div class="split"><p class="strong lt noprint">{tenant.name}</p>{heading}</div>
      <div class="grid tight top small">
        <div><p class="faint">{words.from}</p><p class="strong">{tenant.name}</p>{invoice.sender.map((line) => <p key={line}>{line}</p>)}</div>
        <div><p class="faint">{words.to}</p><p class="strong said">{name}</p>{address.map((line) => <p class="said" key={line}>{line}</p>)}</div>
        <Facts rows={facts} />
      </div>
      <table>
        <thead><tr><th scope="col">{words.date}</th><th scope="col">{words.service}</th><th scope="col" class="end">{words.amount}</th></tr></thead>
        <tbody>
          {invoice.lines.map((line, n) => (
            <tr key={n}>
              <td class="num">{line.service_on ? shortDate(line.service_on) : '–'}</td>
              <td><span class="said">{line.description}</span>{[line.code ? words.code(line.code) : null, line.therapist, line.quantity > 1 ? words.quantity(line.quantity, money(line.amount)) : null].filter(Boolean).map((text) => <span class="aside tiny soft" key={text}>{text}</span>)}</td>
              <td class="end num">{money(line.sum)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          {rows.map(([name, amount], n) => <tr key={n}><th scope="row" colSpan={2}>{name}</th><td class="end num">{amount}</td></tr>)}
        </tfoot>
      </table>
      {invoice.note ? <p class="small said">{invoice.note}</p> : null}
      {invoice.footer ? <p class="small said">{invoice.footer}</p> : null}
      {invoice.status === 'void' ? <p class="small strong">{words.void}</p> : null}
      {invoice.what === 'estimate' ? <p class="small soft">{words.estimateNote}</p> : null}
      {phone ? <p class="tiny soft">{words.questions(tenant.name)}<span class="nb">{phone}</span>.</p> : null}
    </article>
  );
}
