/** Clients: search as you type, and who is where with the portal. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { api, asProblem, call, type Problem } from '../http.ts';
import { useSession } from '../session.tsx';
import { Badge, Button, Empty, Heading, Icon, LinkButton, Note, calendarDate } from '../ui/index.ts';
import { staff } from '../strings/staff.ts';
import type { ClientRow } from '../types.ts';
import { BeginPicking, PickBar, PickBox, usePicking, type Picking } from './inviting/picking.tsx';
import { PortalBadge, RowBones, Trouble, otherName, sentenceOf } from './parts.tsx';

const words = staff.clients;
const PAUSE = 200; // ms without a key before asking: a fast typist asks once a word
const LIMIT = 25;

/** What was searched last, for the way back from a client only. In memory: a name never goes into the address. */
let lastTerm = '';

interface Found { term: string; items: ClientRow[]; next: string | null }

function useSearch(initial: string) {
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState<'search' | 'more' | null>('search');
  const flight = useRef<AbortController | null>(null);

  const ask = useCallback(async (term: string, after: Found | null) => {
    flight.current?.abort();
    const mine = new AbortController();
    flight.current = mine;
    setBusy(after ? 'more' : 'search');
    const query = { limit: LIMIT, ...(after?.next ? { cursor: after.next } : {}) };
    try {
      const page = await call(
        term
          ? api.POST('/practice/clients/search', { body: { search: term }, signal: mine.signal })
          : api.GET('/practice/clients', { params: { query }, signal: mine.signal }),
      );
      if (mine !== flight.current) return;
      setFound({ term, items: after ? [...after.items, ...page.items] : page.items, next: page.next_cursor });
      setProblem(null);
      setBusy(null);
    } catch (cause) {
      if (mine !== flight.current || mine.signal.aborted) return;
      setProblem(asProblem(cause));
      setBusy(null);
    }
  }, []);

  useEffect(() => {
    void ask(initial, null);
    return () => {
      flight.current?.abort();
      flight.current = null;
    };
  }, []);
  return { found, problem, busy, ask };
}

export function Clients() {
  const location = useLocation() as ReturnType<typeof useLocation> & { wasPush?: boolean };
  const [typed, setTyped] = useState(() => (location.wasPush ? '' : lastTerm));
  const search = useSearch(typed.trim());
  const administrator = useSession().roles.includes('administrator');
  const picking = usePicking();
  const asked = useRef(typed.trim());
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);

  const look = (term: string) => {
    if (term === asked.current) return;
    asked.current = term;
    lastTerm = term;
    void search.ask(term, null);
  };
  useEffect(() => {
    const timer = setTimeout(() => look(typed.trim()), PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);

  const links = () => [...(list.current?.querySelectorAll<HTMLElement>('a[data-row]') ?? [])];
  const clear = () => {
    setTyped('');
    look('');
    field.current?.focus();
  };
  const onFieldKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter') look(typed.trim());
    if (event.key === 'Escape' && typed) { event.preventDefault(); clear(); }
    if (event.key === 'ArrowDown') { event.preventDefault(); links()[0]?.focus(); }
  };
  const onListKey = (event: KeyboardEvent) => {
    const all = links();
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (at < 0 || (event.key !== 'ArrowDown' && event.key !== 'ArrowUp')) return;
    event.preventDefault();
    if (event.key === 'ArrowDown') all[at + 1]?.focus();
    else (at === 0 ? field.current : all[at - 1])?.focus();
  };

  return (
    <>
      <div class="split">
        <div class="stack g1">
          <Heading>{words.title}</Heading>
          <p class="soft">{administrator ? words.intro : words.introTherapist}</p>
        </div>
        {administrator && <div class="cluster g2"><LinkButton icon="upload" href="/staff/clients/import">{words.import}</LinkButton><LinkButton look="primary" icon="plus" href="/staff/clients/new">{words.add}</LinkButton></div>}
      </div>
      <div class="split">
        <div class="affix pre findbox" role="search">
          <Icon name="search" />
          <input
            ref={field} class="input" type="search" aria-label={words.search} placeholder={words.placeholder}
            autocomplete="off" spellcheck={false} maxLength={100} value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)} onKeyDown={onFieldKey}
          />
          {typed && <button class="btn quiet mini" type="button" onClick={clear}>{words.clear}<span class="hidden">{words.clearOf}</span></button>}
        </div>
        {administrator && !picking.on && <BeginPicking picking={picking} />}
      </div>
      {administrator && picking.on && <PickBar picking={picking} rows={search.found?.items ?? []} />}
      <div ref={list} class="stack g3" onKeyDown={onListKey}>
        <Results search={search} picking={picking} onAll={clear} therapist={!administrator} />
      </div>
    </>
  );
}

function Results({ search, picking, onAll, therapist }: { search: ReturnType<typeof useSearch>; picking: Picking; onAll: () => void; therapist: boolean }) {
  const { found, problem, busy, ask } = search;
  if (!found && problem) return problem.status === 401 ? null : <Trouble problem={problem} retry={() => ask('', null)} heading={false} />;
  if (!found) return <div aria-busy="true"><RowBones rows={6} /></div>;
  const { term, items, next } = found;
  const counted = term ? words.foundFor(items.length, next !== null, term) : words.found(items.length, next !== null);
  return (
    <>
      <p class="small soft num" role="status" aria-live="polite">{busy === 'search' ? <>{counted} <span class="hidden">{words.searching}</span></> : counted}</p>
      {problem && <Note tone="warn" live action={<Button mini onClick={() => void ask(term, null)}>{staff.trouble.retry}</Button>}>{sentenceOf(problem)}</Note>}
      <section class="card flush" aria-label={words.title} aria-busy={busy === 'search'}>
        {items.length === 0
          ? term
            ? <Empty icon="search" title={words.noMatch(term)} action={<Button onClick={onAll}>{words.showAll}</Button>}>{words.noMatchText}</Empty>
            : <Empty icon="people" title={words.emptyTitle}>{therapist ? words.emptyTextTherapist : words.emptyText}</Empty>
          : <Table items={items} picking={picking} />}
        {next && (
          <div class="cardhead foothead">
            <span class="small soft num">{words.shown(items.length)}</span>
            <Button mini busy={busy === 'more'} busyLabel={words.loadingMore} onClick={() => void ask(term, found)}>{words.more}</Button>
          </div>
        )}
      </section>
    </>
  );
}

function Table({ items, picking }: { items: ClientRow[]; picking: Picking }) {
  const { columns } = words;
  return (
    <table class="fold cover">
      <thead><tr>{picking.on && <th scope="col"><span class="hidden">{staff.bulk.pickColumn}</span></th>}<th scope="col">{columns.name}</th><th scope="col">{columns.born}</th><th scope="col">{columns.therapists}</th><th scope="col">{columns.portal}</th></tr></thead>
      <tbody>
        {items.map((row) => (
          <tr key={row.client_id}>
            {picking.on && <td class="pickcell"><PickBox picking={picking} row={row} /></td>}
            <td>
              <a class="strong plain" data-row href={`/staff/clients/${row.client_id}`}>{row.name}</a>
              {otherName(row) && <><br /><span class="tiny soft">{words.prefers(otherName(row)!)}</span></>}
            </td>
            <td class="num" data-label={columns.born}>{row.birth_date ? calendarDate(row.birth_date) : words.none}</td>
            <td data-label={columns.therapists}><div>{row.therapists.map((one) => one.name).join('; ') || words.none}</div></td>
            <td data-label={columns.portal}>
              <div class="badges">
                {row.status === 'archived' ? <Badge>{words.archived}</Badge> : <PortalBadge portal={row.portal} />}
                {row.worrying && <Badge tone="bad">{staff.safety.badge}</Badge>}
              </div>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
