/** Clients: search as you type, who is where with the portal, in order and filtered. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { api, asProblem, call, type Problem } from '../http.ts';
import { memory } from '../keep.ts';
import { useSession } from '../session.tsx';
import { Badge, Button, Empty, Heading, Icon, LinkButton, Note, SelectField, calendarDate } from '../ui/index.ts';
import { staff } from '../strings/staff.ts';
import type { ClientRow } from '../types.ts';
import { usePaused } from './standing.tsx';
import { BeginPicking, PickBar, PickBox, usePicking, type Picking } from './inviting/picking.tsx';
import { PortalBadge, RowBones, Trouble, otherName, sentenceOf } from './parts.tsx';

const words = staff.clients;
const PAUSE = 200; // ms without a key before asking: a fast typist asks once a word
const LIMIT = 25;

/** Order and filters; '' is no filter. */
interface View { order: 'name' | 'newest'; status: '' | 'active' | 'archived'; joined: '' | 'not_invited' | 'not_joined' | 'joined'; therapist: string }
const USUAL: View = { order: 'name', status: 'active', joined: '', therapist: '' };

/** What was searched and filtered last, for the way back from a client only. In memory: a name never goes into the address. */
const lastTerm = memory('');
const lastView = memory(USUAL);

interface Found { term: string; view: View; items: ClientRow[]; next: string | null; total: number | null }

function useSearch(initial: string, first: View) {
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState<'search' | 'more' | null>('search');
  const flight = useRef<AbortController | null>(null);

  const ask = useCallback(async (term: string, view: View, after: Found | null) => {
    flight.current?.abort();
    const mine = new AbortController();
    flight.current = mine;
    setBusy(after ? 'more' : 'search');
    const { order, status, joined, therapist } = view;
    const query = {
      limit: LIMIT, order, ...(status && { status }), ...(joined && { joined }), ...(therapist && { therapist_id: therapist }), ...(after?.next ? { cursor: after.next } : {}),
    };
    try {
      const page = await call(
        term
          ? api.POST('/practice/clients/search', { body: { search: term, limit: LIMIT, ...(after?.next ? { cursor: after.next } : {}) }, signal: mine.signal })
          : api.GET('/practice/clients', { params: { query }, signal: mine.signal }),
      );
      if (mine !== flight.current) return;
      setFound({ term, view, items: after ? [...after.items, ...page.items] : page.items, next: page.next_cursor, total: page.total });
      setProblem(null);
      setBusy(null);
    } catch (cause) {
      if (mine !== flight.current || mine.signal.aborted) return;
      setProblem(asProblem(cause));
      setBusy(null);
    }
  }, []);

  useEffect(() => {
    void ask(initial, first, null);
    return () => {
      flight.current?.abort();
      flight.current = null;
    };
  }, []);
  return { found, problem, busy, ask };
}

export function Clients() {
  const location = useLocation() as ReturnType<typeof useLocation> & { wasPush?: boolean };
  const [typed, setTyped] = useState(() => (location.wasPush ? '' : lastTerm.current));
  const [view, setView] = useState<View>(() => (location.wasPush ? USUAL : lastView.current));
  const search = useSearch(typed.trim(), view);
  const paused = usePaused();
  const administrator = useSession().roles.includes('administrator');
  const picking = usePicking();
  const asked = useRef(typed.trim());
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);

  const look = (term: string) => {
    if (term === asked.current) return;
    asked.current = term;
    lastTerm.current = term;
    void search.ask(term, view, null);
  };
  const show = (next: View) => {
    setView(next);
    lastView.current = next;
    void search.ask(typed.trim(), next, null);
  };
  useEffect(() => { lastView.current = view; }, []);
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
        {administrator && (paused ? <p class="small soft">{words.paused}</p> : <div class="cluster g2"><LinkButton icon="upload" href="/staff/clients/import">{words.import}</LinkButton><LinkButton look="primary" icon="plus" href="/staff/clients/new">{words.add}</LinkButton></div>)}
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
        {administrator && !paused && !picking.on && <BeginPicking picking={picking} />}
      </div>
      {typed.trim() ? <p class="small soft">{words.searchedAll}</p> : <Filters view={view} administrator={administrator} onChange={show} />}
      {administrator && picking.on && <PickBar picking={picking} rows={search.found?.items ?? []} />}
      <div ref={list} class="stack g3" onKeyDown={onListKey}>
        <Results search={search} picking={picking} onAll={clear} onReset={() => show(USUAL)} therapist={!administrator} />
      </div>
    </>
  );
}

/** Whom the list shows, and in which order. */
function Filters({ view, administrator, onChange }: { view: View; administrator: boolean; onChange: (view: View) => void }) {
  const [therapists, setTherapists] = useState<{ staff_id: string; name: string }[]>([]);
  useEffect(() => {
    // Without the list there is one filter less; whatever is wrong, the clients themselves will say.
    if (administrator) call(api.GET('/practice/therapists')).then((found) => setTherapists(found.items), () => {});
  }, []);
  const pick = <K extends keyof View>(name: K, label: string, options: [string, string][]) => (
    <SelectField label={label} value={view[name]} options={options} onChange={(value) => onChange({ ...view, [name]: value as View[K] })} />
  );
  const of = (record: Record<string, string>) => Object.entries(record);
  return (
    <div class="filters" role="group" aria-label={words.filters}>
      {pick('order', words.order, of(words.orders))}
      {pick('status', words.status, of(words.statuses))}
      {pick('joined', words.joined, of(words.joineds))}
      {administrator && pick('therapist', words.therapist, [['', words.anyTherapist], ['nobody', words.noTherapist], ...therapists.map((one): [string, string] => [one.staff_id, one.name])])}
    </div>
  );
}

interface ResultsProps { search: ReturnType<typeof useSearch>; picking: Picking; onAll: () => void; onReset: () => void; therapist: boolean }

function Results({ search, picking, onAll, onReset, therapist }: ResultsProps) {
  const { found, problem, busy, ask } = search;
  if (!found && problem) return problem.status === 401 ? null : <Trouble problem={problem} retry={() => ask('', USUAL, null)} heading={false} />;
  if (!found) return <div aria-busy="true"><RowBones rows={6} /></div>;
  const { term, view, items, next, total } = found;
  const filtered = view.joined !== '' || view.therapist !== '' || view.status !== 'active';
  const counted = term ? words.foundFor(total, items.length, term) : total !== null ? words.counted(total) : words.found(items.length, next !== null);
  return (
    <>
      <p class="small soft num" role="status" aria-live="polite">{busy === 'search' ? <>{counted} <span class="hidden">{words.searching}</span></> : counted}</p>
      {problem && <Note tone="warn" live action={<Button mini onClick={() => void ask(term, view, null)}>{staff.trouble.retry}</Button>}>{sentenceOf(problem)}</Note>}
      <section class="card flush" aria-label={words.title} aria-busy={busy === 'search'}>
        {items.length === 0
          ? term
            ? total === null ? <Empty icon="search" title={words.noneNewest(term)}>{words.others}</Empty>
            : <Empty icon="search" title={words.noMatch(term)} action={<Button onClick={onAll}>{words.showAll}</Button>}>{words.noMatchText}</Empty>
            : filtered ? <Empty icon="search" title={words.noneFit} action={<Button onClick={onReset}>{words.resetFilters}</Button>}>{words.noneFitText}</Empty>
            : <Empty icon="people" title={words.emptyTitle}>{therapist ? words.emptyTextTherapist : words.emptyText}</Empty>
          : <Table items={items} picking={picking} />}
        {next && (
          <div class="cardhead foothead">
            <span class="small soft num">{total !== null ? words.shownOf(items.length, total) : words.shown(items.length)}</span>
            <Button mini busy={busy === 'more'} busyLabel={words.loadingMore} onClick={() => void ask(term, view, found)}>{words.more}</Button>
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
