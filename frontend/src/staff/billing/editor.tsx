/** Writing an invoice or an estimate, line by line; what is typed survives a reload and a time-out. */
import { useLocation, useRoute } from 'preact-iso';
import { Fragment } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { api, asProblem, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { billing } from '../../strings/billing.ts';
import { staff } from '../../strings/staff.ts';
import type { Invoice, Money, Offer } from '../../types.ts';
import { Button, Check, dayKey, ErrorSummary, FieldError, Heading, LinkButton, money, Note, TextField, typed, useAct, useDraft, useLoad, type Wrong } from '../../ui/index.ts';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';
import { AmountField } from './fields.tsx';
import { bodyOf, draftOf, emptyLine, faultsOf, totals, type Draft, type Line, type Tax } from './lines.ts';

const words = billing.editor;
const MOST = 50; // lines

export default function EditorPage() {
  const { client_id, invoice_id } = useRoute().params as { client_id: string; invoice_id?: string };
  const { query } = useLocation();
  const loaded = useLoad(async () => {
    const [client, offer, invoice, settings] = await Promise.all([
      call(api.GET('/practice/clients/{client_id}', { params: { path: { client_id } } })),
      call(api.GET('/practice/offer')),
      invoice_id ? call(api.GET('/practice/clients/{client_id}/invoices/{invoice_id}', { params: { path: { client_id, invoice_id } } })) : null,
      call(api.GET('/practice/settings')),
    ]);
    const { currency, taxes, due_days: days } = settings.billing;
    return { client, offer, invoice, currency, taxes, days };
  }, [client_id, invoice_id]);
  return (
    <Ready of={loaded} bones={<RecordBones />} missing={{ title: billing.one.notFoundTitle, text: billing.one.notFound, go: { label: billing.crumb, href: `/staff/clients/${client_id}/billing` } }}>
      {({ client, offer, invoice, currency, taxes, days }) => {
        const what = invoice?.what ?? (query['what'] === 'estimate' ? 'estimate' : 'invoice');
        const title = invoice ? words.editTitle : what === 'estimate' ? words.newEstimate : words.newTitle;
        return (
          <>
            <div class="stack g4">
              <Crumbs items={[[staff.clients.title, '/staff/clients'], [client.name, `/staff/clients/${client_id}/billing`], title]} />
              <div class="stack g1"><Heading>{title}</Heading>{what === 'estimate' ? <p class="soft">{words.estimateLead}</p> : null}</div>
            </div>
            {invoice && invoice.status !== 'draft'
              ? <Note tone="warn" action={<LinkButton mini href={`/staff/clients/${client_id}/billing/invoices/${invoice.invoice_id}`}>{words.look}</LinkButton>}>{words.gone}</Note>
              : <Editor key={invoice?.etag ?? what} client_id={client_id} offer={offer} invoice={invoice} what={what} currency={currency} taxes={taxes} days={days} reload={loaded.reload} />}
          </>
        );
      }}
    </Ready>
  );
}

interface Props { client_id: string; offer: Offer; invoice: Invoice | null; what: Invoice['what']; currency: string; taxes: Tax[]; days: number; reload: () => Promise<void> }

function Editor({ client_id, offer, invoice, what, currency, taxes, days, reload }: Props) {
  const { person, tenant } = useSession();
  const { route } = useLocation();
  const today = dayKey(new Date(), tenant.zone);
  const [draft, setDraft, drop] = useDraft<Draft>(person.id, `invoice:${client_id}:${invoice ? invoice.invoice_id + invoice.etag : what}`, invoice ? draftOf(invoice) : { lines: [emptyLine(today)], due_on: '', note: '', diagnoses: '' });
  const [turn, setTurn] = useState(0);
  const keys = useRef<Record<string, string>>({});
  const lines = (next: Line[]) => setDraft({ ...draft, lines: next });
  const line = (n: number, next: Partial<Line>) => lines(draft.lines.map((one, m) => (m === n ? { ...one, ...next } : one)));
  const wrong: Wrong[] = turn ? faultsOf(draft, currency) : [];
  const at = (id: string) => wrong.find((one) => one.id === id)?.text ?? null;
  const path = { client_id };
  const base = `/staff/clients/${client_id}/billing`;

  const save = useAct(async (issue: boolean) => {
    const body = bodyOf(draft, currency);
    const key = (keys.current[JSON.stringify(body)] ??= newKey());
    const made = invoice
      ? await call(api.PATCH('/practice/clients/{client_id}/invoices/{invoice_id}', { params: { path: { ...path, invoice_id: invoice.invoice_id }, header: { 'If-Match': invoice.etag } }, body }))
      : await call(api.POST('/practice/clients/{client_id}/invoices', { params: { path, header: { 'Idempotency-Key': key } }, body: { ...body, what } }));
    drop();
    let done = 'saved';
    if (issue) {
      try {
        await call(api.POST('/practice/clients/{client_id}/invoices/{invoice_id}/issue', { params: { path: { ...path, invoice_id: made.invoice_id }, header: { 'Idempotency-Key': newKey() } } }));
        done = 'issued';
      } catch (cause) {
        if (asProblem(cause).status === 401) throw cause;
        done = 'saved'; // the draft is there: its page offers to issue it
      }
    }
    route(`${base}/invoices/${made.invoice_id}?done=${done}`, true);
  });
  const begin = (issue: boolean) => {
    setTurn(turn + 1);
    if (!faultsOf(draft, currency).length) void save.run(issue);
  };
  const sum = totals(draft.lines, currency, taxes);
  const shown = (amount: number) => money({ amount, currency } satisfies Money);
  return (
    <form class="stack g5" noValidate onSubmit={(event) => { event.preventDefault(); begin(true); }}>
      <ErrorSummary wrong={wrong} turn={turn} />
      <section class="card stack g4" aria-labelledby="lines">
        <h2 id="lines">{words.lines}</h2>
        <datalist id="services">{offer.services.map((one) => <option key={one.service_id} value={one.name} />)}</datalist>
        {draft.lines.map((one, n) => (
          <LineFields
            key={one.key} n={n} line={one} currency={currency} offer={offer} taxable={taxes.length > 0} at={at} onChange={(next) => line(n, next)}
            onRemove={draft.lines.length > 1 ? () => lines(draft.lines.filter((_, m) => m !== n)) : null}
          />
        ))}
        <div class="split">
          {draft.lines.length < MOST ? <Button mini icon="plus" onClick={() => lines([...draft.lines, emptyLine(draft.lines[draft.lines.length - 1]?.service_on || today)])}>{words.add}</Button> : <span />}
          <dl class="facts linesum" aria-live="polite">
            {sum.taxes.length ? <><dt>{words.before}</dt><dd class="num">{shown(sum.total - sum.taxes.reduce((all, tax) => all + tax.amount, 0))}</dd></> : null}
            {sum.taxes.map((tax) => <Fragment key={tax.name}><dt class="said">{tax.name}</dt><dd class="num">{shown(tax.amount)}</dd></Fragment>)}
            <dt>{words.total}</dt><dd class="num strong">{shown(sum.total)}</dd>
            {sum.insurance ? <><dt>{words.expected}</dt><dd class="num">{shown(-sum.insurance)}</dd><dt>{words.portion}</dt><dd class="num strong">{shown(sum.total - sum.insurance)}</dd></> : null}
          </dl>
        </div>
      </section>
      <section class="card stack g4" aria-label={words.rest}>
        <div class="fieldgrid">
          {what === 'invoice' ? <TextField id="due" label={words.due} help={words.dueHelp(days)} optional type="date" short value={draft.due_on} error={at('due')} onInput={(due_on) => setDraft({ ...draft, due_on })} /> : null}
          <TextField id="diagnoses" label={words.diagnoses} help={what === 'estimate' ? words.diagnosesEstimate : words.diagnosesHelp} optional maxLength={150} value={draft.diagnoses} error={at('diagnoses')} onInput={(diagnoses) => setDraft({ ...draft, diagnoses })} />
        </div>
        <TextField id="note" label={words.note} optional rows={3} maxLength={2000} value={draft.note} onInput={(note) => setDraft({ ...draft, note })} />
      </section>
      {save.problem?.status === 412 ? <Note tone="warn" live action={<Button mini onClick={() => { drop(); void reload(); }}>{words.reload}</Button>}>{words.stale}</Note> : <Failed problem={save.problem} />}
      <div class="cluster g2">
        <Button type="submit" look="primary" busy={save.busy}>{what === 'estimate' ? words.give : words.issue}</Button>
        <Button busy={save.busy} onClick={() => begin(false)}>{words.draft}</Button>
        <LinkButton look="quiet" href={base}>{billing.cancel}</LinkButton>
      </div>
    </form>
  );
}

interface LineProps { n: number; line: Line; currency: string; offer: Offer; taxable: boolean; at: (id: string) => string | null; onChange: (next: Partial<Line>) => void; onRemove: (() => void) | null }

function LineFields({ n, line, currency, offer, taxable, at, onChange, onRemove }: LineProps) {
  const id = (name: string) => `line${n}-${name}`;
  /** A service that is offered brings its price along. */
  const named = (description: string) => {
    const service = offer.services.find((one) => one.name === description);
    onChange({ description, ...(service?.price && !line.amount.trim() ? { amount: typed(service.price) } : {}) });
  };
  const more = Boolean(line.code || line.therapist || (taxable && line.taxed) || at(id('code')));
  const description = at(id('description'));
  return (
    <fieldset class="stack g3 ruledrow">
      <legend class="strong">{words.line(n + 1)}</legend>
      <div class="linegrid">
        <div class={description ? 'field invalid what' : 'field what'}>
          <label class="strong" for={id('description')}>{words.description}</label>
          {description ? <FieldError id={id('description-error')} text={description} /> : null}
          <input class="input" id={id('description')} list="services" autocomplete="off" maxLength={200} value={line.description} aria-invalid={description ? 'true' : undefined} aria-describedby={description ? id('description-error') : undefined} onInput={(event) => named(event.currentTarget.value)} />
        </div>
        <TextField id={id('date')} label={words.date} type="date" value={line.service_on} error={at(id('date'))} onInput={(service_on) => onChange({ service_on })} />
        <TextField id={id('quantity')} label={words.quantity} inputMode="numeric" maxLength={2} value={line.quantity} error={at(id('quantity'))} onInput={(quantity) => onChange({ quantity })} />
        <AmountField id={id('amount')} label={words.price} currency={currency} value={line.amount} error={at(id('amount'))} onInput={(amount) => onChange({ amount })} />
        <AmountField id={id('insurance')} label={words.insurance} currency={currency} value={line.insurance} error={at(id('insurance'))} onInput={(insurance) => onChange({ insurance })} />
      </div>
      <div class="linemore">
        <details open={more}>
          <summary>{taxable ? words.moreTax : words.more}<span class="hidden">: {words.line(n + 1)}</span></summary>
          <div class="fieldgrid below top">
            <TextField id={id('code')} label={words.code} optional short maxLength={20} value={line.code} error={at(id('code'))} onInput={(code) => onChange({ code })} />
            <TextField id={id('therapist')} label={words.therapist} optional maxLength={200} value={line.therapist} onInput={(therapist) => onChange({ therapist })} />
            {taxable ? <Check checked={line.taxed} onChange={(taxed) => onChange({ taxed })}>{words.taxed}</Check> : null}
          </div>
        </details>
        {onRemove ? <Button mini look="quiet" icon="bin" onClick={onRemove}>{words.remove}<span class="hidden">: {words.line(n + 1)}</span></Button> : null}
      </div>
    </fieldset>
  );
}
