/** Recording cash, a check, or other money that came without the card processor. */
import { useLocation, useRoute } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, asProblem, call, newKey } from '../../http.ts';
import { invoiceName } from '../../money/index.ts';
import { useSession } from '../../session.tsx';
import { billing } from '../../strings/billing.ts';
import { staff } from '../../strings/staff.ts';
import type { InvoiceRow } from '../../types.ts';
import { Button, dayKey, ErrorSummary, Group, Heading, LinkButton, money, TextField, typed, untyped, useAct, useLoad, type Wrong } from '../../ui/index.ts';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';
import { AmountField } from './fields.tsx';
import { spread } from './lines.ts';

const words = billing.receive;
type Method = 'cash' | 'check' | 'other';

export default function ReceivePage() {
  const { client_id } = useRoute().params as { client_id: string };
  const { query } = useLocation();
  const loaded = useLoad(async () => {
    const [client, open] = await Promise.all([
      call(api.GET('/practice/clients/{client_id}', { params: { path: { client_id } } })),
      call(api.GET('/practice/clients/{client_id}/invoices', { params: { path: { client_id }, query: { phase: 'open', limit: 50 } } })),
    ]);
    return { client, open: [...open.items].reverse().slice(0, 20), currency: open.balance.due.currency };
  }, [client_id]);
  const base = `/staff/clients/${client_id}/billing`;
  return (
    <Ready of={loaded} bones={<RecordBones />}>
      {({ client, open, currency }) => (
        <>
          <div class="stack g4">
            <Crumbs items={[[staff.clients.title, '/staff/clients'], [client.name, base], words.title]} />
            <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>
          </div>
          <Form client_id={client_id} base={base} open={open} currency={currency} first={query['invoice']} />
        </>
      )}
    </Ready>
  );
}

function Form({ client_id, base, open, currency, first }: { client_id: string; base: string; open: InvoiceRow[]; currency: string; first: string | undefined }) {
  const { tenant } = useSession();
  const { route } = useLocation();
  const today = dayKey(new Date(), tenant.zone);
  const named = open.find((one) => one.invoice_id === first);
  const order = named ? [named, ...open.filter((one) => one !== named)] : open;
  const [method, setMethod] = useState<Method>('check');
  const [amount, setAmount] = useState(named ? typed(named.due) : '');
  const [day, setDay] = useState(today);
  const [reference, setReference] = useState('');
  const [own, setOwn] = useState<Record<string, string> | null>(null); // shares as they were typed; null: spread by itself
  const [turn, setTurn] = useState(0);
  const key = useRef<[string, string]>(['', '']);
  const sum = untyped(amount, currency);
  const even = spread(sum ?? 0, order);
  const shareText = (one: InvoiceRow) => own?.[one.invoice_id] ?? typed({ amount: even[one.invoice_id] ?? 0, currency });
  const shares = order.map((one) => ({ one, amount: untyped(shareText(one), currency) }));
  const given = shares.reduce((all, share) => all + (share.amount ?? 0), 0);
  const wrong: Wrong[] = [];
  if (sum === null || sum <= 0) wrong.push({ id: 'received', text: billing.needAmount });
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) wrong.push({ id: 'on', text: words.day });
  else if (day > today) wrong.push({ id: 'on', text: words.future });
  for (const { one, amount: share } of shares) if (share === null || share < 0) wrong.push({ id: `share-${one.invoice_id}`, text: billing.needAmount });
  if (sum !== null && given > sum) wrong.push({ id: `share-${order[0]!.invoice_id}`, text: words.tooMuch });
  const shown = turn ? wrong : [];
  const at = (id: string) => shown.find((one) => one.id === id)?.text ?? null;
  const record = useAct(async () => {
    const body = { method, amount: sum!, shares: shares.filter((share) => share.amount).map((share) => ({ invoice_id: share.one.invoice_id, amount: share.amount! })), received_on: day === today ? null : day, reference: reference.trim() || null };
    const said = JSON.stringify(body);
    if (key.current[0] !== said) key.current = [said, newKey()];
    try {
      const made = await call(api.POST('/practice/clients/{client_id}/payments', { params: { path: { client_id }, header: { 'Idempotency-Key': key.current[1] } }, body }));
      route(`${base}/payments/${made.payment_id}?done=recorded`, true);
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.status < 500 && problem.status !== 0) key.current = ['', ''];
      throw problem;
    }
  });
  return (
    <form class="stack g5 narrowpage" noValidate onSubmit={(event) => { event.preventDefault(); setTurn(turn + 1); if (!wrong.length) void record.run(); }}>
      <ErrorSummary wrong={shown} turn={turn} />
      <section class="card stack g4" aria-label={words.title}>
        <Group label={words.method}>
          <div class="cluster g5">{(['check', 'cash', 'other'] as const).map((one) => <label class="check" key={one}><input type="radio" name="method" checked={method === one} onChange={() => setMethod(one)} /><span>{words.methods[one]}</span></label>)}</div>
        </Group>
        <div class="fieldgrid">
          <AmountField id="received" label={words.amount} currency={currency} value={amount} error={at('received')} onInput={(value) => { setAmount(value); setOwn(null); }} />
          <TextField id="on" label={words.on} type="date" short value={day} error={at('on')} onInput={setDay} />
        </div>
        <TextField id="reference" label={words.reference} help={words.referenceHelp} optional maxLength={100} value={reference} onInput={setReference} />
      </section>
      {order.length ? (
        <section class="card stack g4" aria-labelledby="shares">
          <div class="stack g1"><h2 id="shares">{words.shares}</h2><p class="small soft">{words.sharesHelp}</p></div>
          <div class="fieldgrid">
            {order.map((one) => <AmountField key={one.invoice_id} id={`share-${one.invoice_id}`} label={words.share(invoiceName(one))} help={words.ofDue(money(one.due))} currency={currency} value={shareText(one)} error={at(`share-${one.invoice_id}`)} onInput={(value) => setOwn({ ...Object.fromEntries(order.map((each) => [each.invoice_id, shareText(each)])), [one.invoice_id]: value })} />)}
          </div>
        </section>
      ) : null}
      <p class="small" role="status">{sum !== null && sum > given ? words.rest(money({ amount: sum - given, currency })) : ''}</p>
      <Failed problem={record.problem} />
      <div class="cluster g2">
        <Button type="submit" look="primary" busy={record.busy}>{sum ? words.go(money({ amount: sum, currency })) : words.goPlain}</Button>
        <LinkButton look="quiet" href={base}>{billing.cancel}</LinkButton>
      </div>
    </form>
  );
}
