/** One invoice of a client as staff see it: the sheet, and every change that is possible now. */
import { useLocation, useRoute } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../../http.ts';
import { dayWords, invoiceBadge, invoiceName, InvoiceSheet, ofClient, planOf, usePrint } from '../../money/index.ts';
import { useSession } from '../../session.tsx';
import { billing } from '../../strings/billing.ts';
import { payments as common } from '../../strings/payments.ts';
import { staff } from '../../strings/staff.ts';
import type { Invoice, Money, PayLink } from '../../types.ts';
import { Badge, Button, dayKey, Heading, LinkButton, money, Note, useAct, useLoad } from '../../ui/index.ts';
import { CopyLink, Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';
import { Ask } from './fields.tsx';
import { issuedWords } from './tab.tsx';

const words = billing.one;
type Asked = 'issue' | 'remove' | 'writeOff' | 'adjust' | 'void' | 'credit';

export default function InvoicePage() {
  const { client_id, invoice_id } = useRoute().params as { client_id: string; invoice_id: string };
  const { query } = useLocation();
  const path = { client_id, invoice_id };
  const loaded = useLoad(async () => {
    const [client, invoice, open] = await Promise.all([
      call(api.GET('/practice/clients/{client_id}', { params: { path: { client_id } } })),
      call(api.GET('/practice/clients/{client_id}/invoices/{invoice_id}', { params: { path } })),
      call(api.GET('/practice/clients/{client_id}/invoices', { params: { path: { client_id }, query: { limit: 1 } } })),
    ]);
    return { client, invoice, credit: open.balance.credit };
  }, [client_id, invoice_id]);
  const [told, setTold] = useState<string | null>(null);
  const base = `/staff/clients/${client_id}/billing`;
  return (
    <Ready of={loaded} bones={<RecordBones />} missing={{ title: words.notFoundTitle, text: words.notFound, go: { label: billing.crumb, href: base } }}>
      {({ client, invoice, credit }) => {
        const name = invoiceName(invoice);
        const badge = invoiceBadge(invoice);
        const arrived = query['done'] === 'issued' ? issuedWords(invoice) : query['done'] === 'saved' ? billing.editor.saved : '';
        return (
          <>
            <div class="stack g3 noprint">
              <Crumbs items={[[staff.clients.title, '/staff/clients'], [client.name, base], name]} />
              <div class="cluster g3"><Heading title={`${name}, ${client.name}`} move={invoice_id}>{name}</Heading><Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge></div>
              <div class="told-slot" role="status">{told ?? arrived ? <Note tone="good">{told ?? arrived}</Note> : null}</div>
            </div>
            <One base={base} client_id={client_id} invoice={invoice} credit={credit} onDone={async (text) => { await loaded.reload(); setTold(text); }} />
          </>
        );
      }}
    </Ready>
  );
}

interface Props { base: string; client_id: string; invoice: Invoice; credit: Money; onDone: (told: string) => Promise<void> }

function One({ base, client_id, invoice, credit, onDone }: Props) {
  const { features, tenant, may_bill } = useSession();
  const [asked, setAsked] = useState<Asked | null>(null);
  const plan = planOf(invoice, tenant.zone);
  const payable = features['payments']?.on && invoice.status === 'open' && invoice.due.amount > 0;
  return (
    <div class="beside billpage">
      <InvoiceSheet invoice={invoice} phone={tenant.phone} heading={<h2>{invoiceName(invoice)}</h2>} />
      <aside class="stack g4 noprint">
        <Papers client_id={client_id} invoice={invoice} base={base} onAsk={setAsked} />
        {plan ? <Note tone="info" icon="card">{billing.client.autopayOne(plan)}</Note> : null}
        {payable && !invoice.enough_for_card ? <Note tone="info" icon="card">{words.tooLittle}</Note> : null}
        {may_bill && (invoice.status === 'open' || invoice.status === 'paid') && invoice.what === 'invoice' ? <Changes invoice={invoice} credit={credit} base={base} onAsk={setAsked} /> : null}
        {may_bill && payable && invoice.enough_for_card ? <Guest client_id={client_id} invoice={invoice} /> : null}
      </aside>
      {asked ? <Question asked={asked} client_id={client_id} base={base} invoice={invoice} credit={credit} onClose={() => setAsked(null)} onDone={onDone} /> : null}
    </div>
  );
}

const paper = { payment_id: null, first_day: null, last_day: null };

/** What a draft needs, or what can be printed. */
function Papers({ client_id, invoice, base, onAsk }: { client_id: string; invoice: Invoice; base: string; onAsk: (asked: Asked) => void }) {
  const { may_bill } = useSession();
  const print = usePrint(ofClient(client_id));
  const make = (what: 'invoice' | 'superbill') => void print.run({ what, invoice_id: invoice.invoice_id, ...paper });
  if (invoice.status === 'draft') {
    return may_bill ? (
      <section class="card stack g2" aria-label={common.status['draft']}>
        <Button look="primary" wide onClick={() => onAsk('issue')}>{invoice.what === 'estimate' ? words.give : words.issue}</Button>
        <LinkButton wide icon="pen" href={`${base}/invoices/${invoice.invoice_id}/edit`}>{words.edit}</LinkButton>
        <Button wide look="quiet" icon="bin" onClick={() => onAsk('remove')}>{words.remove}</Button>
      </section>
    ) : null;
  }
  return (
    <section class="card stack g2" aria-label={words.print}>
      <Button wide icon="print" onClick={() => window.print()}>{words.print}</Button>
      <Button wide icon="download" busy={print.busy} busyLabel={common.print.making} onClick={() => make('invoice')}>{words.pdf}</Button>
      {invoice.what === 'invoice' ? <Button wide look="quiet" icon="download" busy={print.busy} onClick={() => make('superbill')}>{words.superbill}</Button> : null}
      {invoice.what === 'invoice' && invoice.diagnoses.length ? <p class="small soft">{words.diagnoses(invoice.diagnoses.join(', '))}</p> : null}
      <Failed problem={print.problem} />
    </section>
  );
}

function Changes({ invoice, credit, base, onAsk }: { invoice: Invoice; credit: Money; base: string; onAsk: (asked: Asked) => void }) {
  const due = invoice.status === 'open' && invoice.due.amount > 0;
  return (
    <section class="card stack g3" aria-labelledby="changes">
      <div class="stack g1"><h2 id="changes">{words.acts}</h2><p class="small soft">{words.actsText}</p></div>
      <div class="stack g2">
        {due ? <LinkButton wide href={`${base}/receive?invoice=${invoice.invoice_id}`}>{words.receive}</LinkButton> : null}
        {due && credit.amount > 0 ? <Button wide onClick={() => onAsk('credit')}>{words.credit}</Button> : null}
        {due ? <Button wide onClick={() => onAsk('writeOff')}>{words.writeOff}</Button> : null}
        <Button wide onClick={() => onAsk('adjust')}>{words.adjust}</Button>
        <Button wide look="quiet" onClick={() => onAsk('void')}>{words.void}</Button>
      </div>
    </section>
  );
}

function Guest({ client_id, invoice }: { client_id: string; invoice: Invoice }) {
  const { tenant } = useSession();
  const [link, setLink] = useState<PayLink | null>(null);
  const key = useRef(newKey());
  const make = useAct(async () => setLink(await call(api.POST('/practice/clients/{client_id}/invoices/{invoice_id}/pay-link', { params: { path: { client_id, invoice_id: invoice.invoice_id }, header: { 'Idempotency-Key': key.current } } }))));
  return (
    <section class="card stack g3" aria-labelledby="guest">
      <div class="stack g1"><h2 id="guest">{words.guest}</h2><p class="small soft">{words.guestText}</p></div>
      {link
        ? <><CopyLink label={words.guestLink} link={link.address} button={words.guestCopy} /><p class="tiny soft">{words.ends(dayWords(dayKey(link.ends_at, tenant.zone)))}</p></>
        : <Button busy={make.busy} onClick={() => void make.run()}>{words.guestMake}</Button>}
      <Failed problem={make.problem} />
    </section>
  );
}

/** The question behind each change. */
function Question({ asked, client_id, base, invoice, credit, onClose, onDone }: { asked: Asked; client_id: string; base: string; invoice: Invoice; credit: Money; onClose: () => void; onDone: (told: string) => Promise<void> }) {
  const { route } = useLocation();
  const path = { client_id, invoice_id: invoice.invoice_id };
  const at = (key: string) => ({ params: { path, header: { 'Idempotency-Key': key } } });
  const { currency, amount: due } = invoice.due;
  const estimate = invoice.what === 'estimate';
  const owed = due + invoice.settled.amount;
  if (asked === 'issue') {
    return (
      <Ask title={estimate ? words.giveTitle : words.issueTitle} text={estimate ? words.giveText : words.issueText} go={estimate ? words.give : words.issue} onClose={onClose}
        act={async (_, key) => onDone(issuedWords(await call(api.POST('/practice/clients/{client_id}/invoices/{invoice_id}/issue', at(key)))))} />
    );
  }
  if (asked === 'remove') {
    return (
      <Ask title={words.removeTitle} text={words.removeText} go={words.remove} danger onClose={onClose} act={async () => {
        await call(api.DELETE('/practice/clients/{client_id}/invoices/{invoice_id}', { params: { path } }));
        route(`${base}?done=removed`, true);
      }} />
    );
  }
  if (asked === 'void') {
    return (
      <Ask title={words.voidTitle} text={words.voidText} go={words.void} danger reason onClose={onClose} act={async ({ reason }, key) => {
        await call(api.POST('/practice/clients/{client_id}/invoices/{invoice_id}/void', { ...at(key), body: { reason } }));
        await onDone(words.voidDone);
      }} />
    );
  }
  if (asked === 'credit') {
    const most = Math.min(due, credit.amount);
    return (
      <Ask title={words.creditTitle} text={words.creditText} go={words.credit} amount={{ first: most, most, least: 1, currency }} onClose={onClose} act={async ({ amount }, key) => {
        await call(api.POST('/practice/clients/{client_id}/invoices/{invoice_id}/credit', { ...at(key), body: { amount } }));
        await onDone(words.creditDone);
      }} />
    );
  }
  if (asked === 'writeOff') {
    return (
      <Ask title={words.writeOffTitle} go={words.writeOff} amount={{ first: due, most: due, least: 1, currency }} reason onClose={onClose} act={async (body, key) => {
        await call(api.POST('/practice/clients/{client_id}/invoices/{invoice_id}/write-off', { ...at(key), body }));
        await onDone(words.writeOffDone);
      }} />
    );
  }
  return (
    <Ask title={words.adjustTitle} go={words.adjust} amount={{ first: null, most: null, least: -owed, currency, help: words.adjustHelp, low: (found) => (found ? words.adjustMost(money({ amount: owed, currency })) : words.adjustNothing) }} reason onClose={onClose} act={async (body, key) => {
      await call(api.POST('/practice/clients/{client_id}/invoices/{invoice_id}/adjustment', { ...at(key), body }));
      await onDone(words.adjustDone);
    }} />
  );
}
