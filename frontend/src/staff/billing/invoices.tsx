/** The organization's invoices: open, paid, void, drafts, estimates; found by client or number; exported. */
import { useEffect, useState } from 'preact/hooks';
import { api, asProblem, call, type Problem } from '../../http.ts';
import { billing } from '../../strings/billing.ts';
import type { Page, TenantInvoiceRow } from '../../types.ts';
import { Button, Empty, money, SelectField, TextField, useAct, useLoad } from '../../ui/index.ts';
import { Failed, Ready, RowBones } from '../parts.tsx';
import { Exports } from './exports.tsx';
import { InvoiceRows } from './rows.tsx';

const words = billing.practice;

type Choice = TenantInvoiceRow['status'];
const MOST = 3000; // invoices to look through for what is searched

/** The number that somebody typed, as it is or as invoices are named: the server finds it, whatever its status. */
const numberOf = (term: string): number | null => {
  const digits = /^\s*(?:invoice\s|#)?\s*([1-9]\d{0,8})\s*$/i.exec(term);
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
  const more = useAct((page: Page<TenantInvoiceRow>) => loaded.refresh(async () => {
    const next = await ask(choice, page.next_cursor!);
    return { items: [...page.items, ...next.items], next_cursor: next.next_cursor };
  }));
  const found = loaded.data;
  const number = numberOf(term);
  const numbered = useNumber(number);
  const looking = number !== null ? numbered.rows === null : Boolean(term.trim() && found?.next_cursor && found.items.length < MOST && !more.problem);
  useEffect(() => { if (looking && number === null && found && !more.busy) void more.run(found); }, [looking, found, more.busy]);
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
                ? <p class="inset soft" role="status">{number !== null ? (looking ? words.lookingNumber : words.noNumber)(number) : looking ? words.looking : words.none(term.trim())}</p>
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
