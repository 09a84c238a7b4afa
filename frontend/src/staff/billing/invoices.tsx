/** The organization's invoices: open, paid, void, drafts, estimates; found by client or number; exported. */
import { useEffect, useState } from 'preact/hooks';
import { api, asProblem, BACKGROUND, call, newKey, Problem } from '../../http.ts';
import { isPeriod } from '../../money/index.ts';
import { useSession } from '../../session.tsx';
import { billing } from '../../strings/billing.ts';
import type { Page, TenantInvoiceRow } from '../../types.ts';
import { Button, dayKey, Empty, goTo, money, SelectField, TextField, useAct, useLoad } from '../../ui/index.ts';
import { Failed, Ready, RowBones } from '../parts.tsx';
import { InvoiceRows } from './rows.tsx';

const words = billing.practice;
const YEAR = 365;
const TURNS = 120; // some five minutes: a large practice's year

type Choice = TenantInvoiceRow['status'];
const MOST = 3000; // invoices to look through for what is searched

/** The whole number that somebody typed, if it is one: the server finds it, whatever its status. */
const numberOf = (term: string): number | null => {
  const digits = /^\s*#?\s*([1-9]\d{0,8})\s*$/.exec(term);
  return digits ? Number(digits[1]) : null;
};

/** The invoice of that number: null while it is looked for. */
function useNumber(number: number | null): { rows: TenantInvoiceRow[] | null; problem: Problem | null } {
  const [found, setFound] = useState<{ number: number | null; rows: TenantInvoiceRow[] | null; problem: Problem | null }>({ number: null, rows: null, problem: null });
  useEffect(() => {
    if (number === null) return undefined;
    let late = false;
    const timer = setTimeout(() => {
      call(api.GET('/practice/invoices', { params: { query: { number } } })).then(
        (page) => { if (!late) setFound({ number, rows: page.items, problem: null }); },
        (cause: unknown) => { if (!late) setFound({ number, rows: [], problem: asProblem(cause) }); },
      );
    }, 250);
    return () => { late = true; clearTimeout(timer); };
  }, [number]);
  return found.number === number ? found : { rows: null, problem: null };
}

const ask = (choice: Choice, cursor?: string) => call(api.GET('/practice/invoices', { params: { query: { status: choice, limit: 100, ...(cursor ? { cursor } : {}) } } }));

export function InvoicesTab() {
  const [choice, setChoice] = useState<Choice>('open');
  const [term, setTerm] = useState('');
  const loaded = useLoad(() => ask(choice), [choice]);
  const more = useAct(async (page: Page<TenantInvoiceRow>) => {
    const next = await ask(choice, page.next_cursor!);
    loaded.put({ items: [...page.items, ...next.items], next_cursor: next.next_cursor });
  });
  const found = loaded.data;
  const number = numberOf(term);
  const numbered = useNumber(number);
  const looking = number !== null ? numbered.rows === null : Boolean(term.trim() && found?.next_cursor && found.items.length < MOST && !more.problem);
  useEffect(() => { if (looking && number === null && found) void more.run(found); }, [looking, found]);
  return (
    <>
      <div class="split">
        <SelectField label={words.show} value={choice} options={Object.entries(words.phases)} onChange={(value) => setChoice(value as Choice)} />
        <div class="findbox"><TextField label={words.search} type="search" autocomplete="off" maxLength={100} value={term} onInput={setTerm} /></div>
      </div>
      <Ready of={loaded} bones={<RowBones />} heading={false}>
        {(page) => {
          const rows = number !== null ? numbered.rows ?? [] : page.items.filter((one) => fits(one, term));
          const rest = number === null && page.next_cursor; // there are more of what is shown
          return (
            <section class="card flush" aria-label={words.tabs.invoices}>
              {rows.length ? <InvoiceRows rows={rows} open={choice === 'open'} of={(one) => one.client_name} to={(one) => `/staff/clients/${one.client_id}/billing/invoices/${one.invoice_id}`} /> : numbered.problem ? null : term.trim()
                ? <p class="inset soft" role="status">{looking ? words.looking : words.none(term.trim())}</p>
                : rest ? null : <Empty icon="card" title={words.emptyTitle}>{words.emptyText}</Empty>}
              {(choice === 'open' && number === null && rows.length > 0) || rest ? (
                <div class="cardhead foothead">
                  <span class="small soft" role="status">{choice === 'open' && rows.length ? words.open(rows.length, money({ amount: rows.reduce((sum, one) => sum + one.due.amount, 0), currency: rows[0]!.due.currency })) : ''}{rest ? ` ${looking ? words.looking : term.trim() ? words.tooMany(page.items.length) : words.some(page.items.length)}` : ''}</span>
                  {rest ? <Button mini busy={more.busy} onClick={() => void more.run(page)}>{billing.more}</Button> : null}
                </div>
              ) : null}
              <Failed problem={number !== null ? numbered.problem : more.problem} />
            </section>
          );
        }}
      </Ready>
      {found ? <Exports /> : null}
    </>
  );
}

/** Whether an invoice is what somebody looks for: by words of the client's name, or by how its number begins beside them. */
function fits(one: TenantInvoiceRow, term: string): boolean {
  const plain = (said: string) => said.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const name = plain(one.client_name);
  return plain(term).split(/\s+/).filter(Boolean).every((word) => name.includes(word) || String(one.number ?? '').startsWith(word.replace(/^#/, '')));
}

function Exports() {
  const { tenant } = useSession();
  const today = dayKey(new Date(), tenant.zone);
  const [first, setFirst] = useState(`${today.slice(0, 4)}-01-01`);
  const [last, setLast] = useState(today);
  const [fault, setFault] = useState<string | null>(null);
  const get = useAct(async (what: 'payments' | 'invoices') => {
    const body = { what, first_day: first, last_day: last };
    let table = await call(api.POST('/practice/exports', { params: { header: { 'Idempotency-Key': newKey() } }, body }));
    for (let turn = 0; turn < TURNS && !table.url; turn++) {
      await new Promise((done) => setTimeout(done, turn < 8 ? 500 : 2500));
      table = await call(api.GET('/practice/exports/{export_id}', { params: { path: { export_id: table.export_id } }, headers: BACKGROUND }));
    }
    if (!table.url) throw new Problem({ status: 503, code: 'export_slow', title: words.slow });
    location.assign(table.url);
  });
  const begin = (what: 'payments' | 'invoices') => {
    if (isPeriod(first, last, YEAR)) void get.run(what);
    else {
      setFault(words.period);
      goTo('export-last');
    }
  };
  return (
    <section class="card stack g4" aria-labelledby="export">
      <div class="stack g1"><h2 id="export">{words.exportTitle}</h2><p class="small soft">{words.exportText}</p></div>
      <div class="cluster g4 baseline">
        <TextField id="export-first" label={words.first} type="date" short value={first} onInput={(value) => { setFault(null); setFirst(value); }} />
        <TextField id="export-last" label={words.last} type="date" short value={last} error={fault} onInput={(value) => { setFault(null); setLast(value); }} />
        <Button icon="download" busy={get.busy} onClick={() => begin('payments')}>{words.payments}</Button>
        <Button icon="download" busy={get.busy} onClick={() => begin('invoices')}>{words.invoices}</Button>
      </div>
      <Failed problem={get.problem} />
    </section>
  );
}
