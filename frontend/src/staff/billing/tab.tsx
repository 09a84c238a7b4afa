/** Client Details > Billing: what is due, what was billed and paid, and what has not been billed yet. */
import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { api, call } from '../../http.ts';
import { cardName, invoiceName, ofClient, paidBy, paidFor, paymentBadge, planOf, StatementForm } from '../../money/index.ts';
import { useSession } from '../../session.tsx';
import { billing as words } from '../../strings/billing.ts';
import { payments as common } from '../../strings/payments.ts';
import type { Billable, ClientInvoices, InvoiceRow, Page, StaffPayment } from '../../types.ts';
import { Badge, Button, Empty, Facts, LinkButton, money, Note, shortDay, useAct, useLoad } from '../../ui/index.ts';
import { Failed, Ready, RowBones } from '../parts.tsx';
import { InvoiceRows } from './rows.tsx';
import { ToBill } from './tobill.tsx';

const text = words.client;
type Phase = 'open' | 'settled' | 'draft' | 'estimate';

interface All { open: ClientInvoices; settled: ClientInvoices; draft: ClientInvoices; estimate: ClientInvoices; payments: Page<StaffPayment>; billable: Billable[] }

export function BillingTab({ client_id, archived }: { client_id: string; archived: boolean }) {
  const session = useSession();
  const { query } = useLocation();
  const path = { client_id };
  const phase = (name: Phase, cursor?: string) => call(api.GET('/practice/clients/{client_id}/invoices', { params: { path, query: { phase: name, limit: 50, ...(cursor ? { cursor } : {}) } } }));
  const paid = (cursor?: string) => call(api.GET('/practice/clients/{client_id}/payments', { params: { path, query: cursor ? { cursor } : {} } }));
  const loaded = useLoad(async (): Promise<All> => {
    const [open, settled, draft, estimate, payments, billable] = await Promise.all([
      phase('open'), phase('settled'), phase('draft'), phase('estimate'), paid(),
      session.may_bill ? call(api.GET('/practice/clients/{client_id}/billable', { params: { path } })).then((found) => found.items) : [],
    ]);
    return { open, settled, draft, estimate, payments, billable };
  }, [client_id]);
  const [told, setTold] = useState(query['done'] === 'removed' ? words.one.removed : '');
  const more = useAct((name: Phase | 'payments') => loaded.refresh(async () => {
    const all = loaded.data!;
    const page = await (name === 'payments' ? paid(all.payments.next_cursor!) : phase(name, all[name].next_cursor!));
    return { ...all, [name]: { ...page, items: [...all[name].items, ...page.items] } };
  }));
  const base = `/staff/clients/${client_id}/billing`;
  const part = (name: Phase, title: string, data: ClientInvoices) => (data.items.length ? (
    <InvoiceTable id={name} title={title} rows={data.items} base={base} more={data.next_cursor ? <Button mini busy={more.busy} onClick={() => void more.run(name)}>{words.more}</Button> : null} />
  ) : null);
  return (
    <Ready of={loaded} bones={<RowBones />} heading={false}>
      {(all) => {
        const none = !all.open.items.length && !all.settled.items.length && !all.draft.items.length && !all.estimate.items.length && !all.payments.items.length;
        return (
          <>
            {session.may_bill ? null : <Note tone="info" icon="lock">{words.noPermission}</Note>}
            <div class="told-slot" role="status">{told ? <Note tone="good">{told}</Note> : null}</div>
            <div class="beside balancefirst">
              <div><Balance all={all} base={base} archived={archived} /></div>
              <div class="stack g4">
                {session.may_bill && all.billable.length ? <ToBill client_id={client_id} items={all.billable} onDone={async (words_) => { setTold(words_); await loaded.reload(); }} /> : null}
                {none ? <section class="card"><Empty icon="card" title={text.emptyTitle}>{session.may_bill ? text.emptyText : ''}</Empty></section> : null}
                {part('open', text.open, all.open)}
                {part('draft', text.drafts, all.draft)}
                {part('estimate', text.estimates, all.estimate)}
                {all.payments.items.length ? <PaymentTable rows={all.payments.items} base={base} more={all.payments.next_cursor ? <Button mini busy={more.busy} onClick={() => void more.run('payments')}>{words.more}</Button> : null} /> : null}
                {part('settled', text.done, all.settled)}
                <Failed problem={more.problem} />
              </div>
              <aside class="stack g4">
                <Automatic of={all.open} />
                <section class="card stack g3" aria-labelledby="statement"><h2 id="statement">{text.statement}</h2><StatementForm printer={ofClient(client_id)} today={new Date()} /></section>
              </aside>
            </div>
          </>
        );
      }}
    </Ready>
  );
}

function Balance({ all, base, archived }: { all: All; base: string; archived: boolean }) {
  const { may_bill } = useSession();
  const { due, credit } = all.open.balance;
  return (
    <section class="card stack g4" aria-labelledby="balance">
      <h2 id="balance">{text.balance}</h2>
      <div class="amounts"><Facts rows={[[text.due, <span class="num strong">{money(due)}</span>], [text.credit, <span class="num">{money(credit)}</span>]]} /></div>
      <div class="stack g2">
        {may_bill && !archived ? <LinkButton icon="plus" href={`${base}/new`}>{text.newInvoice}</LinkButton> : null}
        {may_bill && !archived ? <LinkButton href={`${base}/new?what=estimate`}>{text.newEstimate}</LinkButton> : null}
        {may_bill ? <LinkButton href={`${base}/receive`}>{text.receive}</LinkButton> : null}
        <LinkButton look="quiet" href={`${base}/ledger`}>{text.ledger}</LinkButton>
      </div>
    </section>
  );
}

/** Whether a saved card pays new invoices, and what it will be charged when. */
function Automatic({ of: { items, autopay } }: { of: ClientInvoices }) {
  const { tenant } = useSession();
  const planned = items.flatMap((one) => { const plan = planOf(one, tenant.zone); return plan ? [{ one, plan }] : []; });
  return (
    <section class="card stack g3" aria-labelledby="autopay">
      <h2 id="autopay">{text.autopay}</h2>
      <p class="small">{autopay ? text.autopayOn(cardName(autopay), shortDay(autopay.since, tenant.zone)) : text.autopayOff}</p>
      {planned.length ? <p class="small">{text.autopayPlanned}</p> : autopay ? <p class="small">{text.autopayNone}</p> : null}
      {planned.length ? <ul class="dots small">{planned.map(({ one, plan }) => <li key={one.invoice_id}>{text.planned(invoiceName(one), plan)}</li>)}</ul> : null}
      <p class="small soft">{text.autopayWho}</p>
    </section>
  );
}

function InvoiceTable({ id, title, rows, base, more }: { id: Phase; title: string; rows: InvoiceRow[]; base: string; more: preact.ComponentChildren }) {
  const open = id === 'open';
  return (
    <section class="card flush" aria-labelledby={`invoices-${id}`}>
      <div class="cardhead"><h2 id={`invoices-${id}`}>{title}</h2></div>
      <InvoiceRows rows={rows} open={open} to={(one) => `${base}/invoices/${one.invoice_id}`} />
      {more ? <div class="cardhead foothead">{more}</div> : null}
    </section>
  );
}

function PaymentTable({ rows, base, more }: { rows: StaffPayment[]; base: string; more: preact.ComponentChildren }) {
  const { tenant } = useSession();
  return (
    <section class="card flush" aria-labelledby="paid">
      <div class="cardhead"><h2 id="paid">{text.payments}</h2></div>
      <table class="fold cover">
        <thead><tr><th scope="col">{text.date}</th><th scope="col">{text.for}</th><th scope="col">{text.by}</th><th scope="col" class="end">{text.amount}</th><th scope="col" class="end">{text.status}</th></tr></thead>
        <tbody>
          {rows.map((one) => {
            const badge = paymentBadge(one);
            return (
              <tr key={one.payment_id}>
                <td><a class="strong" data-row href={`${base}/payments/${one.payment_id}`}>{shortDay(one.succeeded_at ?? one.created_at, tenant.zone)}</a></td>
                <td data-label={text.for}>{paidFor(one)}</td>
                <td data-label={text.by}>{paidBy(one)}</td>
                <td data-label={text.amount} class="end num strong">{money(one.amount)}</td>
                <td data-label={text.status} class="end"><Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge></td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {more ? <div class="cardhead foothead">{more}</div> : null}
    </section>
  );
}

/** The words for an invoice that was just made: "Invoice 1042 is issued." */
export function issuedWords(one: { what: InvoiceRow['what']; number: number | null; status: InvoiceRow['status'] }): string {
  return one.what === 'estimate' ? words.one.given : words.one.issued(common.invoice(one.number));
}
