/** Credit, used for an invoice when the client says so. */
import { useRef } from 'preact/hooks';
import { api, call, newKey } from '../http.ts';
import { invoiceName } from '../money/index.ts';
import { payments } from '../strings/payments.ts';
import type { Invoice, InvoiceRow, Money } from '../types.ts';
import { Button, money, Note, ProblemNote, useAct, useToast } from '../ui/index.ts';

const words = payments.page;

/** `told`: the page says already how much credit there is. */
export function UseCredit({ invoice, credit, told, onDone }: { invoice: InvoiceRow; credit: Money; told?: boolean; onDone: (now: Invoice) => unknown }) {
  const say = useToast();
  const key = useRef(newKey());
  const amount = Math.min(credit.amount, invoice.due.amount);
  const use = useAct(async () => {
    const params = { path: { invoice_id: invoice.invoice_id }, header: { 'Idempotency-Key': key.current } };
    const now = await call(api.POST('/portal/invoices/{invoice_id}/credit', { params, body: { amount } }));
    key.current = newKey();
    say(words.creditUsed);
    await onDone(now);
  });
  if (amount <= 0 || invoice.status !== 'open') return null;
  const button = <Button mini busy={use.busy} onClick={() => void use.run()}>{words.useCredit(money({ ...credit, amount }), invoiceName(invoice))}</Button>;
  if (told) return <div class="stack g2"><div>{button}</div><ProblemNote problem={use.problem} /></div>;
  return (
    <Note tone="own" icon="card">
      {words.credit(money(credit))}
      <div class="noteaction">{button}</div>
      <ProblemNote problem={use.problem} />
    </Note>
  );
}
