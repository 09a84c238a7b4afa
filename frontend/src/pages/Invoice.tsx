/** One invoice or estimate of the client: to read, print, pay, and have paid by somebody else. */
import { useRoute } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../http.ts';
import { dayWords, invoiceName, InvoiceSheet, mine, planOf, tooLittle, usePrint } from '../money/index.ts';
import { useSession } from '../session.tsx';
import { ClientShell } from '../shell/ClientShell.tsx';
import { payments } from '../strings/payments.ts';
import type { Invoice, MyBilling, PayLink } from '../types.ts';
import { Await, Bones, Button, dayKey, Heading, LinkButton, money, Note, ProblemNote, useAct, useLoad, WithPhone } from '../ui/index.ts';
import { UseCredit } from './Credit.tsx';

const words = payments.sheet;

export default function InvoicePage() {
  const { invoice_id } = useRoute().params as { invoice_id: string };
  const loaded = useLoad(async () => {
    const [invoice, billing] = await Promise.all([call(api.GET('/portal/invoices/{invoice_id}', { params: { path: { invoice_id } } })), call(api.GET('/portal/billing'))]);
    return { invoice, billing };
  }, [invoice_id]);
  return (
    <ClientShell>
      <Await of={loaded} bones={<Bones rows={4} />}>{({ invoice, billing }) => <One invoice={invoice} billing={billing} reload={loaded.reload} />}</Await>
    </ClientShell>
  );
}

const paper = { payment_id: null, first_day: null, last_day: null };

function One({ invoice, billing, reload }: { invoice: Invoice; billing: MyBilling; reload: () => Promise<void> }) {
  const { tenant } = useSession();
  const print = usePrint(mine);
  const name = invoiceName(invoice);
  const payable = invoice.status === 'open' && invoice.due.amount > 0;
  const make = (what: 'invoice' | 'superbill') => void print.run({ what, invoice_id: invoice.invoice_id, ...paper });
  const plan = planOf(invoice, tenant.zone);
  const byCard = payable && billing.can_pay;
  const why = !payable ? null : billing.can_pay ? tooLittle([invoice], billing) : payments.off(billing.why_not, billing.phone); // why it cannot be paid here
  return (
    <div class="stack g5">
      <div class="stack g3 noprint">
        <ol class="crumbs"><li><a href="/payments">{payments.page.wayBack}</a></li><li aria-current="page">{name}</li></ol>
        {byCard && !why ? <div><LinkButton look="primary" icon="card" href={`/payments?invoice=${invoice.invoice_id}`}>{words.pay(money(invoice.due))}</LinkButton></div> : null}
        <div class="cluster g2">
          <Button icon="print" onClick={() => window.print()}>{words.print}</Button>
          <Button icon="download" busy={print.busy} busyLabel={words.making} onClick={() => make('invoice')}>{words.pdf}</Button>
        </div>
        <ProblemNote problem={print.problem} />
        {plan ? <Note tone="info" icon="card">{payments.planned(plan)} <a href="/payments/cards">{payments.page.cards}</a></Note> : null}
        {why ? <Note tone="info" icon="phone"><WithPhone text={why} phone={billing.phone} /></Note> : null}
        <UseCredit invoice={invoice} credit={billing.balance.credit} onDone={reload} />
      </div>
      <InvoiceSheet invoice={invoice} phone={billing.phone} heading={<Heading>{name}</Heading>} />
      {invoice.what === 'invoice' ? (
        <section class="card stack g4 noprint" aria-labelledby="also">
          <h2 id="also">{words.also}</h2>
          <div class="stack g2"><div><Button busy={print.busy} onClick={() => make('superbill')}>{words.superbill}</Button></div><p class="small soft">{words.superbillHelp}</p></div>
          {byCard && !why ? <GuestLink invoice={invoice} /> : null}
        </section>
      ) : null}
    </div>
  );
}

/** A link by which somebody else pays: made on request, shown here only. */
function GuestLink({ invoice }: { invoice: Invoice }) {
  const { tenant } = useSession();
  const [link, setLink] = useState<PayLink | null>(null);
  const [copied, setCopied] = useState(false);
  const key = useRef(newKey());
  const field = useRef<HTMLInputElement>(null);
  const make = useAct(async () => setLink(await call(api.POST('/portal/invoices/{invoice_id}/pay-link', { params: { path: { invoice_id: invoice.invoice_id }, header: { 'Idempotency-Key': key.current } } }))));
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link!.address);
      setCopied(true);
    } catch {
      field.current?.select(); // the browser forbids it: it can be copied by hand
    }
  };
  return (
    <div class="stack g3 ruledtop">
      <div class="stack g1"><h3>{words.guest}</h3><p class="small soft">{words.guestText}</p></div>
      {link ? (
        <div class="stack g2">
          <div class="copy"><input ref={field} class="input" aria-label={words.guestLink} readOnly value={link.address} onFocus={(event) => event.currentTarget.select()} /><Button icon={copied ? 'check' : 'copy'} onClick={() => void copy()}>{copied ? words.copied : words.copy}</Button></div>
          <p class="tiny soft" role="status">{words.ends(dayWords(dayKey(link.ends_at, tenant.zone)))}</p>
        </div>
      ) : <div><Button busy={make.busy} onClick={() => void make.run()}>{words.guestMake}</Button></div>}
      <ProblemNote problem={make.problem} />
    </div>
  );
}
