/** What the client owes, paying it, and what has been paid. */
import { useLocation } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call } from '../http.ts';
import { dayWords, invoiceBadge, invoiceName, paidBy, paidFor, paymentBadge } from '../money/index.ts';
import { useSession } from '../session.tsx';
import { ClientShell } from '../shell/ClientShell.tsx';
import { payments } from '../strings/payments.ts';
import type { InvoiceRow, MyBilling, MyCards, Page, Payment } from '../types.ts';
import { Await, Badge, Bones, Button, Empty, Heading, Icon, money, Note, ProblemNote, shortDay, useAct, useLoad, WithPhone } from '../ui/index.ts';
import { MOST, PayForm } from './PayForm.tsx';
import { UseCredit } from './Credit.tsx';

const words = payments.page;

interface Everything { billing: MyBilling; history: Page<Payment>; settled: Page<InvoiceRow>; estimates: Page<InvoiceRow>; cards: MyCards }

const history = (cursor?: string) => call(api.GET('/portal/payments', { params: { query: cursor ? { cursor } : {} } }));
const invoices = (phase: 'settled' | 'estimate', cursor?: string) => call(api.GET('/portal/invoices', { params: { query: cursor ? { phase, cursor } : { phase } } }));

async function everything(): Promise<Everything> {
  const [billing, paid, settled, estimates, cards] = await Promise.all([
    call(api.GET('/portal/billing')), history(), invoices('settled'), invoices('estimate'), call(api.GET('/portal/cards')),
  ]);
  const open = [...billing.open].sort((one, other) => (one.due_on ?? '').localeCompare(other.due_on ?? '') || (one.number ?? 0) - (other.number ?? 0)); // what is due first comes first
  return { billing: { ...billing, open }, history: paid, settled, estimates, cards };
}

export default function Payments() {
  const loaded = useLoad(everything, []);
  const { query } = useLocation();
  return (
    <ClientShell>
      <div class="stack g6">
        <Heading>{words.title}</Heading>
        <Await within of={loaded} bones={<Bones rows={3} />}>
          {(all) => (
            <>
              <Balance billing={all.billing} />
              <Open key={query['invoice'] ?? ''} billing={all.billing} cards={all.cards} first={query['invoice']} reload={loaded.reload} />
              <History first={all.history} />
              <Settled first={all.settled} estimates={all.estimates} />
              <CardsLink cards={all.cards} />
            </>
          )}
        </Await>
      </div>
    </ClientShell>
  );
}

function Balance({ billing }: { billing: MyBilling }) {
  const { due, credit } = billing.balance;
  return (
    <section class="stack g2" aria-label={words.balance}>
      <div class="sum"><span class="soft">{words.balance}</span><b class="num">{money(due)}</b></div>
      {credit.amount > 0 ? <p class="small soft">{words.credit(money(credit))} {billing.open.length > 1 && billing.can_pay ? words.creditChoose : words.creditHelp}</p> : null}
    </section>
  );
}

function Open({ billing, cards, first, reload }: { billing: MyBilling; cards: MyCards; first: string | undefined; reload: () => Promise<void> }) {
  const { open } = billing;
  const [picked, setPicked] = useState<string[]>(() => (first && open.some((one) => one.invoice_id === first) ? [first] : open.slice(0, MOST).map((one) => one.invoice_id)));
  const chosen = open.filter((one) => picked.includes(one.invoice_id));
  const lone = chosen.length === 1 ? chosen[0]! : null;
  const could = useRef(billing.can_pay); // it could be paid here when the page came
  if (!open.length) {
    return <section class="card flush" aria-label={words.openTitle}><Empty icon="check" title={words.nothingTitle}>{words.nothing}</Empty></section>;
  }
  return (
    <section class="stack g3" aria-labelledby="open">
      <h2 id="open" class={open.length > 1 || !billing.can_pay ? undefined : 'hidden'}>{words.openTitle}</h2>
      {lone ? <UseCredit told invoice={lone} credit={billing.balance.credit} onDone={reload} /> : null}
      {billing.can_pay ? <PayForm billing={billing} cards={cards} picked={picked} onPick={setPicked} onStale={reload} /> : (
        <>
          <Note tone="info" icon="phone" live={could.current}><WithPhone text={`${could.current ? `${payments.done.notCharged} ` : ''}${payments.off(billing.why_not, billing.phone)}`} phone={billing.phone} /></Note>
          <ul class="card flush rows">{open.map((one) => <li key={one.invoice_id}><InvoiceLine one={one} /></li>)}</ul>
        </>
      )}
      {billing.more ? <p class="small soft">{words.more}</p> : null}
    </section>
  );
}

/** An invoice as a line that leads to it. */
function InvoiceLine({ one }: { one: InvoiceRow }) {
  const badge = invoiceBadge(one);
  const open = one.status === 'open';
  const state = <Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge>; // "Overdue since November 21" wants the room on the left
  return (
    <a class="row" href={`/payments/invoices/${one.invoice_id}`}>
      <div class="stack g1"><p class="strong">{invoiceName(one)}</p>{open ? <p>{state}</p> : <p class="small soft">{one.issued_on ? dayWords(one.issued_on) : ''}</p>}</div>
      <div class="stack g1 end"><p class="num strong">{money(open ? one.due : one.charge)}</p>{open ? null : <p>{state}</p>}</div>
      <Icon name="right" />
    </a>
  );
}

function History({ first }: { first: Page<Payment> }) {
  const [older, setOlder] = useState<Payment[]>([]);
  const [cursor, setCursor] = useState(first.next_cursor);
  const more = useAct(async () => {
    const page = await history(cursor ?? undefined);
    setOlder((known) => [...known, ...page.items]);
    setCursor(page.next_cursor);
  });
  const items = [...first.items, ...older];
  return (
    <section class="stack g3" aria-labelledby="history">
      <div class="split"><h2 id="history">{words.history}</h2><a class="small" href="/payments/statement">{words.statement}</a></div>
      {items.length ? <ul class="card flush rows">{items.map((one) => <li key={one.payment_id}><PaymentLine one={one} /></li>)}</ul> : <p class="soft small">{words.historyEmpty}</p>}
      {cursor ? <div><Button busy={more.busy} onClick={() => void more.run()}>{words.older}</Button></div> : null}
      <ProblemNote problem={more.problem} />
    </section>
  );
}

function PaymentLine({ one }: { one: Payment }) {
  const { tenant } = useSession();
  const badge = paymentBadge(one);
  return (
    <a class="row" href={`/payments/${one.payment_id}`}>
      <div class="stack g1"><p class="strong">{shortDay(one.succeeded_at ?? one.created_at, tenant.zone)}</p><p class="small soft">{paidFor(one)}, {paidBy(one)}</p></div>
      <div class="stack g1 end"><p class="num strong">{money(one.amount)}</p><p><Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge></p></div>
      <Icon name="right" />
    </a>
  );
}

function Settled({ first, estimates }: { first: Page<InvoiceRow>; estimates: Page<InvoiceRow> }) {
  const [pages, setPages] = useState({ settled: first, estimate: estimates });
  const phase = pages.estimate.next_cursor ? 'estimate' as const : 'settled' as const;
  const cursor = pages[phase].next_cursor;
  const more = useAct(async () => {
    const page = await invoices(phase, cursor ?? undefined);
    setPages((known) => ({ ...known, [phase]: { items: [...known[phase].items, ...page.items], next_cursor: page.next_cursor } }));
  });
  const items = [...pages.estimate.items, ...pages.settled.items];
  if (!items.length) return null;
  return (
    <section class="stack g3" aria-labelledby="settled">
      <h2 id="settled">{words.settled}</h2>
      <ul class="card flush rows">{items.map((one) => <li key={one.invoice_id}><InvoiceLine one={one} /></li>)}</ul>
      {cursor ? <div><Button busy={more.busy} onClick={() => void more.run()}>{words.older}</Button></div> : null}
      <ProblemNote problem={more.problem} />
    </section>
  );
}

function CardsLink({ cards }: { cards: MyCards }) {
  const auto = cards.items.some((card) => card.autopay);
  return (
    <ul class="card flush rows">
      <li>
        <a class="row" href="/payments/cards">
          <span class="glyph"><Icon name="card" /></span>
          <div><p class="strong">{words.cards}</p><p class="small soft">{cards.items.length ? words.cardsSome(cards.items.length) : words.cardsNone}{auto ? `. ${words.autopayOn}` : ''}</p></div>
          <Icon name="right" />
        </a>
      </li>
    </ul>
  );
}
