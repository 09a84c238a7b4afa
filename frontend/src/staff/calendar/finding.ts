/** Clients of whom one is to be picked: by name, or all of them, a page at a time. */
import { useEffect, useState } from 'preact/hooks';
import { api, asProblem, call, type Problem } from '../../http.ts';
import type { ClientRow } from '../../types.ts';

export interface Found {
  /** Null: not known yet. */
  rows: ClientRow[] | null;
  /** Brings the next page; null: there is none. */
  more: (() => void) | null;
  busy: boolean;
  /** Why the last look failed; the rows are those of the one before. */
  problem: Problem | null;
}

/** The clients whose name begins with what was typed, or all in the order of their names; only those of one therapist,
 * where one is named. A name never goes into an address. */
export function useClientsFound(typed: string, therapist_id?: string): Found {
  const [rows, setRows] = useState<ClientRow[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const term = typed.trim();
  const wanted = { status: 'active' as const, ...(therapist_id ? { therapist_id } : {}) };
  const page = (after: string | null) => call(api.GET('/practice/clients', { params: { query: { order: 'name', ...wanted, ...(after ? { cursor: after } : {}) } } }));
  useEffect(() => {
    let late = false;
    const timer = setTimeout(() => {
      (term ? call(api.POST('/practice/clients/search', { body: { search: term, ...wanted } })) : page(null)).then((found) => {
        if (late) return;
        setProblem(null);
        setRows(found.items);
        setCursor(found.next_cursor);
      }, (cause: unknown) => { if (!late) setProblem(asProblem(cause)); });
    }, term ? 250 : 0);
    return () => { late = true; clearTimeout(timer); };
  }, [term, therapist_id]);
  const more = () => {
    setBusy(true);
    page(cursor).then((found) => { setRows([...(rows ?? []), ...found.items]); setCursor(found.next_cursor); setProblem(null); }, (cause: unknown) => setProblem(asProblem(cause))).finally(() => setBusy(false));
  };
  return { rows, more: cursor && !term ? more : null, busy, problem };
}
