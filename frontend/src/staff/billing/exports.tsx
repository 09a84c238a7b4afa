/** Payments and invoices of a period as CSV: asked for, made by a worker, and kept for a day. This tab remembers what it
 * asked for, so that it can be left meanwhile; every download asks for a link of its own, since one works for minutes. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, BACKGROUND, call, newKey, type Problem } from '../../http.ts';
import { keep, recall } from '../../keep.ts';
import { dayWords, isPeriod } from '../../money/index.ts';
import { useSession } from '../../session.tsx';
import { billing } from '../../strings/billing.ts';
import type { Export } from '../../types.ts';
import { Badge, Button, dayKey, goTo, Note, TextField, useAct, useSlow } from '../../ui/index.ts';
import { Failed } from '../parts.tsx';

const words = billing.practice;
const YEAR = 365;
const MOST = 6; // files that this tab remembers
const LONG = 60_000;
type What = Export['what'];

const read = (export_id: string) => call(api.GET('/practice/exports/{export_id}', { params: { path: { export_id } }, headers: BACKGROUND }));

export function Exports() {
  const { tenant, person } = useSession();
  const name = `draft:${person.id}:exports`;
  const today = dayKey(new Date(), tenant.zone);
  const [first, setFirst] = useState(`${today.slice(0, 4)}-01-01`);
  const [last, setLast] = useState(today);
  const [fault, setFault] = useState<string | null>(null);
  const [asked, setAsked] = useState<string[]>(() => recall<string[]>(name) ?? []); // newest first
  const [tables, setTables] = useState<Record<string, Export>>({}); // as far as they are known
  const fresh = useRef(new Set<string>()); // asked for on this page: downloaded as soon as they are there
  const keys = useRef<Record<string, string>>({});
  const forget = (id: string) => keep(name, (recall<string[]>(name) ?? []).filter((each) => each !== id));
  const put = (now: Export) => setTables((known) => ({ ...known, [now.export_id]: now }));
  const ask = useAct(async (what: What) => {
    const body = { what, first_day: first, last_day: last };
    const said = JSON.stringify(body);
    const key = (keys.current[said] ??= newKey()); // the same wish again, after a lost answer, is the same file
    const made = await call(api.POST('/practice/exports', { params: { header: { 'Idempotency-Key': key } }, body }));
    delete keys.current[said];
    fresh.current.add(made.export_id);
    put(made);
    const now = [made.export_id, ...asked].slice(0, MOST);
    keep(name, now);
    setAsked(now);
  });
  const making = (what: What) => Object.values(tables).some((one) => one.status === 'making' && one.what === what && one.first_day === first && one.last_day === last);
  const begin = (what: What) => {
    if (isPeriod(first, last, YEAR)) void ask.run(what);
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
        <Button icon="download" busy={ask.busy || making('payments')} onClick={() => begin('payments')}>{words.payments}</Button>
        <Button icon="download" busy={ask.busy || making('invoices')} onClick={() => begin('invoices')}>{words.invoices}</Button>
      </div>
      <Failed problem={ask.problem} />
      {asked.map((id) => <Table key={id} id={id} table={tables[id] ?? null} fresh={fresh.current.has(id)} put={put} forget={() => forget(id)} />)}
    </section>
  );
}

interface TableProps { id: string; table: Export | null; fresh: boolean; put: (now: Export) => void; forget: () => void }

/** A file that was asked for: how far it is, and the file itself. */
function Table({ id, table, fresh, put, forget }: TableProps) {
  const { end, lost } = useMade(id, fresh, put);
  const slow = useSlow(table?.status === 'making', LONG);
  const download = useAct(async () => { location.assign((await read(id)).url!); });
  const over = end ?? download.problem;
  const gone = over?.status === 404;
  useEffect(() => { if (gone) forget(); }, [gone]);
  const name = table && words.tables.of(words.tables[table.what], dayWords(table.first_day), dayWords(table.last_day));
  if (gone) return <p class="small soft ruledtop" role="status">{name ? `${name}. ` : ''}{words.tables.gone}</p>;
  if (!table) return lost || end ? <div class="ruledtop">{lost ? <Note tone="warn" icon="offline" live>{words.tables.lost}</Note> : <Failed problem={end} />}</div> : null;
  const ready = table.status === 'ready';
  const told = !ready ? [table.rows ? words.tables.soFar(table.rows) : '', slow ? words.tables.slow : words.tables.wait].filter(Boolean).join(' ')
    : table.rows ? words.tables.rows(table.rows) : table.what === 'invoices' ? words.tables.none : words.tables.nothing;
  return (
    <div class="stack g2 ruledtop">
      <div class="split">
        <div class="stack g1">
          <div class="cluster g2"><span class="strong">{name}</span><Badge tone={!ready ? 'info' : table.rows ? 'good' : 'plain'} hollow={!ready}>{!ready ? words.tables.making : table.rows ? words.tables.ready : words.tables.empty}</Badge></div>
          <p class="small soft" role="status">{told}</p>
        </div>
        {ready && table.rows ? <Button icon="download" busy={download.busy} onClick={() => void download.run()}>{words.tables.download}</Button> : null}
      </div>
      {lost && !ready ? <Note tone="warn" icon="offline" live>{words.tables.lost}</Note> : null}
      <Failed problem={over} />
    </div>
  );
}

/** Asks until the file is there, soon at first, and downloads it then if it is `fresh`. `end`: what ended the asking;
 * `lost`: the last question got no answer. */
function useMade(id: string, fresh: boolean, put: (now: Export) => void): { end: Problem | null; lost: boolean } {
  const [end, setEnd] = useState<Problem | null>(null);
  const [lost, setLost] = useState(false);
  useEffect(() => {
    let alive = true;
    let timer = 0;
    const ask = async (turn: number) => {
      try {
        const now = await read(id);
        if (!alive) return;
        setLost(false);
        put(now);
        if (now.status === 'ready') {
          if (fresh && now.rows) location.assign(now.url!);
          return;
        }
      } catch (cause) {
        if (!alive) return;
        const problem = asProblem(cause);
        if (problem.status >= 400 && problem.status < 500 && problem.status !== 429) {
          setEnd(problem);
          return;
        }
        setLost(true);
      }
      timer = window.setTimeout(() => void ask(turn + 1), turn < 8 ? 500 : turn < 40 ? 2500 : 10_000);
    };
    timer = window.setTimeout(() => void ask(0), fresh ? 500 : 0);
    return () => {
      alive = false;
      clearTimeout(timer);
    };
  }, [id]);
  return { end, lost };
}
