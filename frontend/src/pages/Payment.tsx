/** One payment of the client: the receipt, to read, print and keep. */
import { useRoute } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { api, call } from '../http.ts';
import { mine, paidBy, paymentBadge, usePrint, wentBack } from '../money/index.ts';
import { useSession } from '../session.tsx';
import { ClientShell } from '../shell/ClientShell.tsx';
import { payments } from '../strings/payments.ts';
import type { Payment } from '../types.ts';
import { Await, Badge, Bones, Button, Facts, Heading, Icon, longDay, money, ProblemNote, useLoad } from '../ui/index.ts';

const words = payments.receipt;

export default function PaymentPage() {
  const { payment_id } = useRoute().params as { payment_id: string };
  const { route } = useLocation();
  const loaded = useLoad(async () => {
    const [payment, profile] = await Promise.all([call(api.GET('/portal/payments/{payment_id}', { params: { path: { payment_id } } })), call(api.GET('/portal/profile'))]);
    return { payment, name: profile.legal_name };
  }, [payment_id]);
  const undone = loaded.data !== null && loaded.data.payment.status !== 'succeeded';
  useEffect(() => { if (undone) route(`/pay/done/${payment_id}`, true); }, [undone]);
  return (
    <ClientShell>
      <Await of={loaded} bones={<Bones rows={3} />}>{({ payment, name }) => (undone ? null : <Receipt payment={payment} name={name} />)}</Await>
    </ClientShell>
  );
}

function Receipt({ payment, name }: { payment: Payment; name: string }) {
  const { tenant } = useSession();
  const print = usePrint(mine);
  const badge = paymentBadge(payment);
  const day = longDay(payment.succeeded_at ?? payment.created_at, tenant.zone);
  const rest = payment.amount.amount - payment.shares.reduce((sum, share) => sum + share.amount.amount, 0);
  const num = (text: string) => <span class="num">{text}</span>;
  const rows: [string, preact.ComponentChildren][] = [[payment.way === 'guest' ? words.client : words.from, <span class="said">{name}</span>], [words.amount, num(money(payment.amount))], [words.date, day], [words.by, paidBy(payment)]];
  if (payment.refunded.amount) rows.push([words.back, num(wentBack(payment))]);
  if (payment.disputed.amount) rows.push([words.disputed, num(money(payment.disputed))]);
  return (
    <div class="stack g5">
      <div class="stack g3">
        <ol class="crumbs noprint"><li><a href="/payments">{payments.page.wayBack}</a></li><li aria-current="page">{words.crumb}</li></ol>
        <div class="cluster g3"><Heading>{words.title(day)}</Heading><Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge></div>
        <div class="cluster g2 noprint">
          <Button look="primary" icon="download" busy={print.busy} busyLabel={payments.print.making} onClick={() => void print.run({ what: 'receipt', payment_id: payment.payment_id, invoice_id: null, first_day: null, last_day: null })}>{words.pdf}</Button>
          <Button icon="print" onClick={() => window.print()}>{words.print}</Button>
        </div>
        <ProblemNote problem={print.problem} />
      </div>
      <section class="card stack g4" aria-labelledby="facts">
        <h2 id="facts">{words.facts}</h2>
        <Facts rows={rows} />
        {payment.closed && !payment.refunded.amount ? <p class="small soft">{payments.done.paidMore}</p> : null}
        {payment.disputed.amount ? <p class="small soft">{payment.lost.amount >= payment.disputed.amount ? words.lostText : words.disputedText}</p> : null}
        {payment.refunded.amount > payment.by_hand.amount && payment.method === 'card' ? <p class="small soft">{words.refund}</p> : null}
      </section>
      <section class="stack g3" aria-labelledby="for">
        <h2 id="for">{words.for}</h2>
        <ul class="card flush rows">
          {payment.shares.map((share) => (
            <li key={share.invoice_id}><a class="row" href={`/payments/invoices/${share.invoice_id}`}><div><p class="strong">{payments.invoice(share.number)}</p></div><p class="num strong">{money(share.amount)}</p><Icon name="right" /></a></li>
          ))}
          {rest > 0 ? <li><div class="row"><div><p class="strong">{words.kept}</p></div><p class="num strong">{money({ ...payment.amount, amount: rest })}</p></div></li> : null}
        </ul>
      </section>
    </div>
  );
}
