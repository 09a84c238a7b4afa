/** Back from Stripe's page: asks until the truth is known, and says nothing before. */
import { useLocation, useRoute } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, BACKGROUND, call } from '../http.ts';
import { paidFor } from '../money/index.ts';
import { TaskShell } from '../shell/TaskShell.tsx';
import { payments } from '../strings/payments.ts';
import type { Payment } from '../types.ts';
import { Await, Bones, Button, Heading, Icon, LinkButton, money, Note, ProblemNote, useAct, useLoad, useOnline, useSlow, type IconName } from '../ui/index.ts';

const words = payments.done;
const SOON = 1500;
const LATER = 5000;
const LONG = 25_000;
const UNDECIDED = ['starting', 'open', 'processing'];

export default function PayDone() {
  const { payment_id } = useRoute().params as { payment_id: string };
  const { query } = useLocation();
  const gaveUp = query['cancelled'] !== undefined;
  const loaded = useLoad(() => (gaveUp
    // Whoever pressed "Back" on Stripe's page may have paid in another tab: the answer says what is true.
    ? call(api.POST('/portal/payments/{payment_id}/cancellation', { params: { path: { payment_id } } })).catch(() => read(payment_id))
    : read(payment_id)), [payment_id]);
  return (
    <TaskShell out={{ href: '/payments', label: words.leave }} tenant={null} offline={words.offline}>
      <Await of={loaded} bones={<Bones rows={2} />}>{(payment) => <Outcome payment={payment} put={loaded.put} />}</Await>
    </TaskShell>
  );
}

const read = (payment_id: string, background = false) => call(api.GET('/portal/payments/{payment_id}', { params: { path: { payment_id } }, ...(background ? { headers: BACKGROUND } : {}) }));

/** Asks again while a payment is undecided; `lost`: the last question got no answer. */
function useTruth(payment: Payment, put: (now: Payment) => void): { lost: boolean } {
  const [lost, setLost] = useState(false);
  const since = useRef(Date.now());
  const undecided = UNDECIDED.includes(payment.status);
  useEffect(() => {
    if (!undecided) return;
    let timer = 0;
    let alive = true;
    const ask = async () => {
      if (document.visibilityState === 'visible') {
        try {
          const now = await read(payment.payment_id, true);
          if (!alive) return;
          setLost(false);
          put(now);
        } catch {
          if (alive) setLost(true);
        }
      }
      if (alive) again();
    };
    const again = () => { timer = window.setTimeout(() => void ask(), Date.now() - since.current > 60_000 ? LATER : SOON); };
    again();
    return () => {
      alive = false;
      clearTimeout(timer);
    };
  }, [payment.payment_id, undecided]);
  return { lost };
}

function Outcome({ payment, put }: { payment: Payment; put: (now: Payment) => void }) {
  const { lost } = useTruth(payment, put);
  const online = useOnline();
  const long = useSlow(UNDECIDED.includes(payment.status), LONG);
  const amount = money(payment.amount);
  const home = <LinkButton href="/payments">{words.back}</LinkButton>;
  const again = <LinkButton look="primary" href={payment.shares.length === 1 ? `/payments?invoice=${payment.shares[0]!.invoice_id}` : '/payments'}>{words.again}</LinkButton>;
  if (payment.status === 'succeeded') {
    return (
      <Told icon="check" tone="good" title={words.paidTitle} text={`${words.paid(amount, paidFor(payment))}${payment.closed ? ` ${words.paidMore}` : ''}`} acts={<><LinkButton look="primary" href={`/payments/${payment.payment_id}`}>{words.receipt}</LinkButton>{home}</>} />
    );
  }
  if (payment.status === 'failed') {
    const why = payments.why[payment.failure ?? ''] ?? payments.declined;
    return <Told icon="alert" tone="bad" title={words.failedTitle} text={`${words.notCharged} ${why}`} acts={<>{again}{home}</>} />;
  }
  const over = payment.status === 'cancelled' || payment.status === 'expired';
  if (over && payment.closed) {
    return <Told icon="info" title={words.closedTitle} text={`${words.notCharged} ${words.closed}`} acts={<LinkButton look="primary" href="/payments">{words.now}</LinkButton>} />;
  }
  if (over) {
    return <Told icon="info" title={payment.status === 'expired' ? words.expiredTitle : words.cancelledTitle} text={words.notCharged} acts={<>{again}{home}</>} />;
  }
  const closing = payment.closed && payment.status !== 'processing';
  return (
    <div class="stack g4">
      {closing ? <Told icon="clock" wait title={words.closingTitle} text={words.closing} /> : <Told icon="clock" wait title={words.waitTitle} text={long ? words.long(amount) : words.wait(amount)} />}
      {lost && online ? <Note tone="warn" icon="offline" live>{words.lost}</Note> : null}
      {payment.status === 'open' && long && !closing ? <StillOpen payment={payment} put={put} /> : null}
    </div>
  );
}

/** No word has come: perhaps nobody paid at Stripe, perhaps the word is late. Which of both, nobody here knows. */
function StillOpen({ payment, put }: { payment: Payment; put: (now: Payment) => void }) {
  const leave = useAct(async () => put(await call(api.POST('/portal/payments/{payment_id}/cancellation', { params: { path: { payment_id: payment.payment_id } } }))));
  return (
    <section class="card stack g3" aria-labelledby="still">
      <h2 id="still">{words.unpaidTitle}</h2>
      <p class="small soft">{words.unpaid}</p>
      <ProblemNote problem={leave.problem} />
      <div class="cluster g2">
        {payment.address ? <LinkButton href={payment.address}>{words.goOn}</LinkButton> : null}
        <Button look="quiet" busy={leave.busy} onClick={() => void leave.run()}>{words.giveUp}</Button>
      </div>
    </section>
  );
}

interface ToldProps { icon: IconName; tone?: 'good' | 'bad'; wait?: boolean; title: string; text: string; acts?: preact.ComponentChildren; children?: preact.ComponentChildren }

/** What is known, in one picture: the heading changes with it and takes the focus. */
export function Told({ icon, tone, wait, title, text, acts, children }: ToldProps) {
  return (
    <div class="card lead stack g5" aria-live="polite">
      <div class="stack g3">
        <span class={tone ? `glyph big ${tone}` : 'glyph big'}>{wait ? <span class="spin" aria-hidden="true" /> : <Icon name={icon} />}</span>
        <Heading move={title}>{title}</Heading>
        <p>{text}</p>
        {children}
      </div>
      {acts ? <div class="cluster g2">{acts}</div> : null}
    </div>
  );
}
