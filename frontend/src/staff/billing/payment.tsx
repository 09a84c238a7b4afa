/** One payment of a client as staff see it, and sending money back. */
import { useLocation, useRoute } from 'preact-iso';
import { useState } from 'preact/hooks';
import { api, BACKGROUND, call, Problem } from '../../http.ts';
import { ofClient, paidBy, paymentBadge, usePrint, wentBack } from '../../money/index.ts';
import { useSession } from '../../session.tsx';
import { billing } from '../../strings/billing.ts';
import { payments as common } from '../../strings/payments.ts';
import { staff } from '../../strings/staff.ts';
import type { Client, StaffPayment } from '../../types.ts';
import { Badge, Button, dayAndTime, Facts, Heading, Icon, longDay, money, Note, useEvery, useLoad, type Loaded } from '../../ui/index.ts';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';
import { Ask } from './fields.tsx';

const words = billing.payment;
const BY_HAND = ['cash', 'check', 'other'] as const;

export default function PaymentPage() {
  const { client_id, payment_id } = useRoute().params as { client_id: string; payment_id: string };
  const path = { client_id, payment_id };
  const loaded = useLoad(async () => {
    const [client, payment] = await Promise.all([
      call(api.GET('/practice/clients/{client_id}', { params: { path: { client_id } } })),
      call(api.GET('/practice/clients/{client_id}/payments/{payment_id}', { params: { path } })),
    ]);
    return { client, payment };
  }, [client_id, payment_id]);
  return (
    <Ready of={loaded} bones={<RecordBones />} missing={{ title: words.notFoundTitle, text: words.notFound, go: { label: billing.crumb, href: `/staff/clients/${client_id}/billing` } }}>
      {({ client, payment }) => <One client={client} payment={payment} of={loaded} />}
    </Ready>
  );
}

/** What of a payment can still go back. */
const leftOf = (payment: StaffPayment) => ({ ...payment.amount, amount: payment.amount.amount - payment.refunded.amount - payment.disputed.amount });

/** A refund that did not go through: what happened and, for those who can bill, what to do while that much is still theirs. */
function RefundFailed({ payment }: { payment: StaffPayment }) {
  const { tenant, may_bill } = useSession();
  const failed = payment.refund_failed!;
  const said = words.refundFailed[failed.how];
  const open = may_bill && leftOf(payment).amount > 0 && !payment.disputed.amount;
  return <Note tone="bad"><p class="strong">{said.title(money(failed.amount))}</p><p>{said.text(longDay(failed.at, tenant.zone))}{open ? ` ${said.next}` : ''}</p></Note>;
}

function One({ client, payment, of }: { client: Client; payment: StaffPayment; of: Loaded<{ client: Client; payment: StaffPayment }> }) {
  const put = (next: StaffPayment) => of.put({ client, payment: next });
  const { tenant, may_bill } = useSession();
  const { query } = useLocation();
  const { client_id } = client;
  const base = `/staff/clients/${client_id}/billing`;
  const path = { client_id, payment_id: payment.payment_id };
  const print = usePrint(ofClient(client_id));
  const [asking, setAsking] = useState(false);
  const [stale, setStale] = useState(''); // nothing went back, because everything had gone back already
  const [told, setTold] = useState(query['done'] === 'recorded' ? billing.receive.done(money(payment.amount)) : '');
  const waiting = payment.refunding.amount > 0;
  const [looks, setLooks] = useState(0); // each is audited: where Stripe does not answer for long they become few
  useEvery(looks < 20 ? 2_000 : 60_000, waiting, async () => {
    const found = await of.refresh(async () => ({ client, payment: await call(api.GET('/practice/clients/{client_id}/payments/{payment_id}', { params: { path }, headers: BACKGROUND })) }));
    if (!found) return;
    const now = found.payment;
    if (now.refunding.amount) return setLooks(looks + 1);
    setLooks(0);
    if (now.refunded.amount > payment.refunded.amount) setTold(words.done);
  });
  const left = leftOf(payment);
  const badge = paymentBadge(payment);
  const at = payment.succeeded_at ?? payment.created_at;
  const day = longDay(at, tenant.zone);
  const num = (text: string) => <span class="num">{text}</span>;
  const rows: [string, preact.ComponentChildren][] = [
    [common.receipt.amount, num(money(payment.amount))], [common.receipt.date, payment.way === 'staff' ? day : dayAndTime(at, tenant.zone)], [common.receipt.by, paidBy(payment)], [words.way, words.ways[payment.way] ?? payment.way],
  ];
  if (payment.refunded.amount) rows.push([common.receipt.back, num(wentBack(payment))]);
  if (payment.disputed.amount) rows.push([common.receipt.disputed, num(money(payment.disputed))]);
  if (payment.status === 'failed') rows.push([common.done.failedTitle, common.why[payment.failure ?? ''] ?? common.declined]);
  const rest = payment.amount.amount - payment.shares.reduce((sum, share) => sum + share.amount.amount, 0);
  const card = payment.method === 'card';
  const ways = [payment.method, ...BY_HAND.filter((way) => way !== payment.method)]; // first the way it came
  const done = payment.status === 'succeeded';
  const over = payment.status === 'expired' || payment.status === 'cancelled';
  const closed = !payment.closed ? '' : over ? words.closed : done && !payment.refunded.amount ? words.paidMore : '';
  return (
    <>
      <div class="stack g3">
        <Crumbs items={[[staff.clients.title, '/staff/clients'], [client.name, base], common.receipt.crumb]} />
        <div class="split">
          <div class="cluster g3"><Heading title={`${words.title(day)}, ${client.name}`}>{words.title(day)}</Heading><Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge></div>
          <div class="cluster g2 noprint">
            {done ? <Button icon="download" busy={print.busy} busyLabel={common.print.making} onClick={() => void print.run({ what: 'receipt', payment_id: payment.payment_id, invoice_id: null, first_day: null, last_day: null })}>{words.receipt}</Button> : null}
            {may_bill && done && left.amount > 0 && (!waiting || asking) ? <Button onClick={() => { setTold(''); setStale(''); setAsking(true); }}>{words.refund}</Button> : null}
          </div>
        </div>
        <Failed problem={print.problem} />
        <div class="told-slot" role="status">{stale ? <Note tone="warn">{stale}</Note> : waiting ? <Note tone="info" icon="clock">{words.asked(money(payment.refunding))}</Note> : payment.refund_failed ? <RefundFailed payment={payment} /> : told ? <Note tone="good">{told}</Note> : null}</div>
      </div>
      <div class="beside">
        <section class="card flush" aria-labelledby="for">
          <div class="cardhead"><h2 id="for">{common.receipt.for}</h2></div>
          <ul class="rows">
            {payment.shares.map((share) => <li key={share.invoice_id}><a class="row" href={`${base}/invoices/${share.invoice_id}`}><div><p class="strong">{common.invoice(share.number)}</p></div><p class="num strong">{money(share.amount)}</p><Icon name="right" /></a></li>)}
            {rest > 0 ? <li><div class="row"><div><p class="strong">{common.receipt.kept}</p></div><p class="num strong">{money({ ...payment.amount, amount: rest })}</p></div></li> : null}
          </ul>
        </section>
        <aside class="card stack g3"><h2>{words.facts}</h2><Facts rows={rows} />{payment.refunded.amount ? <p class="small"><a href={`${base}/ledger`}>{words.each}</a></p> : null}{closed ? <p class="small soft">{closed}</p> : null}{payment.disputed.amount ? <p class="small soft">{payment.lost.amount >= payment.disputed.amount ? words.lostText : words.disputedText}</p> : null}{card ? <p class="tiny soft">{words.never}</p> : null}</aside>
      </div>
      {asking ? (
        <Ask
          title={words.refundTitle} go={words.refundPlain} onClose={() => setAsking(false)}
          choice={{ label: words.refundHow, options: ways.map((way) => ({ value: way, label: words.refundWays[way], text: way === 'card' ? words.refundText : words.refundHand })) }}
          amount={{ first: Math.min(left.amount, payment.refund_failed?.amount.amount ?? left.amount), most: left.amount, least: 1, currency: left.currency }} reason
          act={async (said, key, chosen) => {
            const byHand = chosen !== 'card';
            const body = { ...said, method: chosen as (typeof ways)[number] };
            const header = { 'Idempotency-Key': key, 'If-Match': payment.etag };
            const now = await call(api.POST('/practice/clients/{client_id}/payments/{payment_id}/refunds', { params: { path, header }, body })).catch(async (problem: unknown) => {
              if (!(problem instanceof Problem) || !(problem.status === 412 || ['refund_under_way', 'not_refundable', 'processor_unavailable'].includes(problem.code))) throw problem;
              const seen = await call(api.GET('/practice/clients/{client_id}/payments/{payment_id}', { params: { path } }));
              put(seen);
              if (problem.code === 'processor_unavailable') {
                if (!seen.refunding.amount) throw problem; // it has not begun
                return seen; // it will be made: nobody has to ask again
              }
              if (problem.code === 'not_refundable') {
                if (!seen.refund_failed || seen.refund_failed.at === payment.refund_failed?.at) throw problem;
                return seen; // the page says that nothing went back, and what to do
              }
              if (seen.refunding.amount) throw new Problem({ status: 409, code: 'refund_under_way', title: words.refundUnderWay(byHand, money(seen.refunding)) });
              if (!leftOf(seen).amount) return null;
              const more = seen.refunded.amount - payment.refunded.amount;
              const left = money(leftOf(seen));
              throw new Problem({ status: 412, code: 'stale', title: more > 0 ? words.refundStale(byHand, money({ ...seen.refunded, amount: more }), left) : words.refundUnsure(byHand, left) });
            });
            if (!now) {
              setStale(words.refundGone(byHand));
              return;
            }
            if (!now.refunding.amount && !now.refund_failed) setTold(words.done);
            put(now);
          }}
        />
      ) : null}
    </>
  );
}
