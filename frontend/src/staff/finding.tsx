/** Clients of whom one is to be picked: by name, or all of them, a page at a time. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, call, type Problem } from '../http.ts';
import { staff } from '../strings/staff.ts';
import type { ClientRow } from '../types.ts';
import { Button, calendarDate } from '../ui/index.ts';

export interface Found {
  /** Null: not known yet. */
  rows: ClientRow[] | null;
  /** Brings the next page; null: there is none. */
  more: (() => void) | null;
  /** Others have these letters, too, whom only more letters find. */
  others: boolean;
  busy: boolean;
  /** Why the last look failed; the rows are those of the one before. */
  problem: Problem | null;
}

/** The clients whose name begins with what was typed, or all in the order of their names; only those of one therapist,
 * where one is named. A name never goes into an address. */
export function useClientsFound(typed: string, therapist_id?: string): Found {
  const [rows, setRows] = useState<ClientRow[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [others, setOthers] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const term = typed.trim();
  const turn = useRef(0); // what was asked for other letters comes too late
  const ask = async (before: ClientRow[], after: string | null) => {
    const mine = turn.current;
    const wanted = { status: 'active' as const, ...(therapist_id ? { therapist_id } : {}), ...(after ? { cursor: after } : {}) };
    try {
      const page = await call(term ? api.POST('/practice/clients/search', { body: { search: term, limit: 25, ...wanted } }) : api.GET('/practice/clients', { params: { query: { order: 'name', ...wanted } } }));
      if (mine !== turn.current) return;
      setRows([...before, ...page.items]);
      setCursor(page.next_cursor);
      setOthers(term !== '' && page.total === null);
      setProblem(null);
    } catch (cause) {
      if (mine === turn.current) setProblem(asProblem(cause));
    }
  };
  useEffect(() => {
    setCursor(null); // of other letters
    const timer = setTimeout(() => void ask([], null), term ? 250 : 0);
    return () => { turn.current += 1; clearTimeout(timer); };
  }, [term, therapist_id]);
  const more = () => {
    setBusy(true);
    void ask(rows ?? [], cursor).finally(() => setBusy(false));
  };
  return { rows, more: cursor ? more : null, others, busy, problem };
}

/** What tells namesakes apart, beside a name that is to be picked. */
export function Born({ of }: { of: Pick<ClientRow, 'birth_date'> }) {
  return <span class="small soft">{of.birth_date ? staff.client.born(calendarDate(of.birth_date)) : staff.client.noBirth}</span>;
}

/** Beneath the rows: the way to the next ones, and to those whom only more letters find. */
export function MoreFound({ of }: { of: Found }) {
  if (!of.more && !of.others) return null;
  return (
    <div class="stack g2">
      {of.more && <div><Button mini busy={of.busy} busyLabel={staff.clients.loadingMore} onClick={of.more}>{staff.clients.more}</Button></div>}
      {of.others && <p class="small soft" role="status">{staff.clients.others}</p>}
    </div>
  );
}
