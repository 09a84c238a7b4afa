/** Everything that happened with a client's money, newest first. */
import { useRoute } from 'preact-iso';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { billing } from '../../strings/billing.ts';
import { payments as common } from '../../strings/payments.ts';
import { staff } from '../../strings/staff.ts';
import type { LedgerEntry } from '../../types.ts';
import { Empty, Facts, Heading, money, shortDay, useLoad } from '../../ui/index.ts';
import { Crumbs, Ready, RecordBones } from '../parts.tsx';
import { moment } from '../when.ts';

const words = billing.ledger;
const LOWERS = ['payment', 'void', 'write_off', 'credit', 'refund_failed', 'dispute_won']; // what the client owes

export default function LedgerPage() {
  const { client_id } = useRoute().params as { client_id: string };
  const loaded = useLoad(async () => {
    const [client, ledger] = await Promise.all([
      call(api.GET('/practice/clients/{client_id}', { params: { path: { client_id } } })),
      call(api.GET('/practice/clients/{client_id}/ledger', { params: { path: { client_id } } })),
    ]);
    return { client, ledger };
  }, [client_id]);
  const base = `/staff/clients/${client_id}/billing`;
  return (
    <Ready of={loaded} bones={<RecordBones />}>
      {({ client, ledger }) => (
        <>
          <div class="stack g4">
            <Crumbs items={[[staff.clients.title, '/staff/clients'], [client.name, base], words.title]} />
            <div class="stack g1"><Heading title={`${words.title}, ${client.name}`}>{words.title}</Heading><p class="soft">{words.lead}</p></div>
          </div>
          <section class="card" aria-label={billing.client.balance}>
            <div class="ledgersum"><Facts rows={[[words.due, <span class="num strong">{money(ledger.due)}</span>], [words.credit, <span class="num">{money(ledger.credit)}</span>], ...(ledger.debt.amount ? [[words.debt, <span class="num">{money(ledger.debt)}</span>] as [string, preact.ComponentChildren]] : [])]} /></div>
          </section>
          <section class="card flush" aria-label={words.title}>
            {ledger.items.length ? (
              <table class="fold">
                <thead><tr><th scope="col">{words.when}</th><th scope="col">{words.what}</th><th scope="col" class="end">{words.amount}</th><th scope="col">{words.by}</th><th scope="col">{words.note}</th></tr></thead>
                <tbody>{ledger.items.map((one) => <Entry key={one.entry_id} one={one} base={base} />)}</tbody>
              </table>
            ) : <Empty icon="card" title={words.empty}>{words.emptyText}</Empty>}
          </section>
        </>
      )}
    </Ready>
  );
}

function Entry({ one, base }: { one: LedgerEntry; base: string }) {
  const { tenant } = useSession();
  const name = words.entry[one.entry] ?? one.entry;
  const received = one.entry === 'payment' && one.method !== 'card'; // on a day: nobody noted the time
  const said = one.reason ?? one.reference;
  const href = one.payment_id ? `${base}/payments/${one.payment_id}` : one.invoice_id ? `${base}/invoices/${one.invoice_id}` : null;
  return (
    <tr>
      <td data-label={words.when} class="num">{received ? shortDay(one.happened_at, tenant.zone) : moment(one.happened_at, tenant.zone)}</td>
      <td data-label={words.what}><span>{href ? <a href={href}>{name}</a> : name}{one.method ? `, ${common.method[one.method] ?? one.method}` : ''}{one.numbers.length ? <span class="aside tiny soft">{common.invoices(one.numbers)}</span> : null}</span></td>
      <td data-label={words.amount} class="end num">{one.amount.amount ? money({ ...one.amount, amount: LOWERS.includes(one.entry) ? -one.amount.amount : one.amount.amount }) : '–'}</td>
      <td data-label={words.by}>{one.recorded_by}</td>
      <td data-label={words.note} class={said ? undefined : 'blank'}><span class="said">{said ?? '–'}</span></td>
    </tr>
  );
}
