/** Clients from a table: choose it, see what would become of each row, import with progress, take the result along. */
import { useRoute, useLocation } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, BACKGROUND, call, newKey } from '../http.ts';
import { staff } from '../strings/staff.ts';
import type { ImportField, ImportLook, Job } from '../types.ts';
import { Button, Check, Field, FileField, Heading, LinkButton, Note, useAct, useEvery, useLoad, saveText } from '../ui/index.ts';
import { Crumbs, Failed, Ready, RecordBones } from './parts.tsx';

const words = staff.imports;
const MAX = 3_000_000;
type Dates = ImportLook['dates'];
interface Choice { mapping: (ImportField | null)[] | null; dates: Dates | null; again: boolean }

async function base64(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

function Steps({ at }: { at: 'file' | 'columns' | 'done' }) {
  return <ol class="stepper small">{(['file', 'columns', 'done'] as const).map((step) => <li key={step} aria-current={step === at ? 'step' : undefined}>{words.steps[step]}</li>)}</ol>;
}

function Head({ at }: { at: 'file' | 'columns' | 'done' }) {
  return (
    <>
      <Crumbs items={[[staff.clients.title, '/staff/clients'], words.crumb]} />
      <div class="stack g3"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p><Steps at={at} /></div>
    </>
  );
}

export function ImportPage() {
  const { route } = useLocation();
  const [file, setFile] = useState<File | null>(null);
  const [content, setContent] = useState('');
  const [found, setFound] = useState<ImportLook | null>(null);
  const [choice, setChoice] = useState<Choice>({ mapping: null, dates: null, again: false });
  const [fault, setFault] = useState<string | null>(null);
  const [key, setKey] = useState(newKey);
  const wanted = useRef(choice);
  const want = (next: Choice) => {
    wanted.current = next;
    setChoice(next);
  };
  const look = useAct(async (text: string) => {
    for (;;) {
      const how = wanted.current;
      const seen = await call(api.POST('/practice/imports/look', { body: { file: text, ...how } }));
      if (how !== wanted.current) continue; // something else was chosen meanwhile
      setFound(seen);
      setKey(newKey());
      return;
    }
  });
  const choose = useAct(async () => {
    if (!file) return setFault(staff.imports.steps.file);
    if (file.size > MAX) return setFault(words.fileHelp);
    const text = await base64(file);
    setContent(text);
    want({ mapping: null, dates: null, again: false });
    await look.run(text);
    return undefined;
  });
  const again = (change: Partial<Choice>) => {
    want({ ...wanted.current, ...change });
    void look.run(content);
  };
  const start = useAct(async () => {
    const job = await call(api.POST('/practice/imports', { params: { header: { 'Idempotency-Key': key } }, body: { file: content, ...choice, mapping: found!.columns.map((one) => one.field), dates: found!.dates } }));
    route(`/staff/clients/import/${job.job_id}`);
  });
  if (!found) {
    const why = look.problem?.at('/file')?.detail;
    return (
      <>
        <Head at="file" />
        <section class="card stack g4">
          <FileField id="i-file" label={words.file} help={words.fileHelp} accept=".csv,.txt,.tsv,text/csv,text/plain" file={file} error={why ?? fault} onPick={(picked) => { setFile(picked); setFault(null); look.clear(); }} />
          {!why && <Failed problem={look.problem ?? choose.problem} lead={words.lookFailed} />}
          <div><Button look="primary" busy={choose.busy} busyLabel={words.looking} onClick={() => void choose.run()}>{words.look}</Button></div>
        </section>
      </>
    );
  }
  // What was chosen is shown at once; when it could not be looked at, the page goes back to what was.
  const fields = (look.busy && choice.mapping) || found.columns.map((one) => one.field);
  return (
    <>
      <Head at="columns" />
      <Columns found={found} fields={fields} onMap={(mapping) => again({ mapping })} />
      <section class="card stack g4">
        <div class="fieldgrid">
          <Field label={words.dates} id="i-dates">
            {(wiring) => <select {...wiring} value={(look.busy && choice.dates) || found.dates} onChange={(event) => again({ dates: event.currentTarget.value as Dates })}>{(['mdy', 'dmy', 'ymd'] as const).map((one) => <option key={one} value={one}>{words.date[one]}</option>)}</select>}
          </Field>
          <div class="wide"><Check checked={choice.again} onChange={(on) => again({ again: on })}>{words.again}</Check></div>
        </div>
        <Failed problem={look.problem} lead={words.lookFailed} />
      </section>
      <Outcome found={found} busy={look.busy} />
      <Failed problem={start.problem} lead={words.startFailed} />
      <div class="cluster g3">
        {found.counts && found.counts.create > 0 && <Button look="primary" busy={start.busy || look.busy} busyLabel={words.starting} onClick={() => void start.run()}>{words.start(found.counts.create)}</Button>}
        <Button onClick={() => { setFound(null); setFile(null); look.clear(); }}>{words.other}</Button>
      </div>
    </>
  );
}

function Columns({ found, fields, onMap }: { found: ImportLook; fields: (ImportField | null)[]; onMap: (mapping: (ImportField | null)[]) => void }) {
  const change = (at: number, field: ImportField | null) => onMap(fields.map((one, n) => (n === at ? field : one === field ? null : one)));
  return (
    <section class="card flush" aria-labelledby="columns">
      <div class="cardhead"><div class="stack g1"><h2 id="columns">{words.columns}</h2><p class="small soft">{words.columnsHelp}</p></div></div>
      <table class="fold">
        <thead><tr><th scope="col">{words.heading}</th><th scope="col">{words.examples}</th><th scope="col">{words.is}</th></tr></thead>
        <tbody>
          {found.columns.map((column, n) => (
            <tr key={n}>
              <td class="strong" data-label={words.heading}><div>{column.heading || '–'}</div></td>
              <td class="small soft" data-label={words.examples}><div>{column.examples.join('; ') || '–'}</div></td>
              <td data-label={words.is}>
                <select aria-label={`${words.is}: ${column.heading}`} value={fields[n] ?? ''} onChange={(event) => change(n, (event.currentTarget.value || null) as ImportField | null)}>
                  <option value="">{words.leftOut}</option>
                  {Object.entries(words.field).map(([name, label]) => <option key={name} value={name}>{label}</option>)}
                </select>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function why(reasons: string[]): string {
  return reasons.map((one) => words.reason[one] ?? words.otherReason).join('; ');
}

function Outcome({ found, busy }: { found: ImportLook; busy: boolean }) {
  if (!found.counts) return <Note tone="warn" live>{words.needName}</Note>;
  const { create, duplicate, refused } = found.counts;
  return (
    <section class="card stack g4" aria-labelledby="outcome" aria-busy={busy}>
      <h2 id="outcome">{words.rowsTitle}</h2>
      <div class="tally" role="status">
        <p><b>{create}</b> {words.create}</p><p><b>{duplicate}</b> {words.duplicate}</p><p><b>{refused}</b> {words.refused}</p>
      </div>
      {found.problems.length > 0 && (
        <>
          <div class="split">
            <h3>{words.problems}{found.problems.length < duplicate + refused ? ` (${words.first(found.problems.length, duplicate + refused)})` : ''}</h3>
            <Button mini icon="download" onClick={() => saveText(found.problems_file ?? '', 'rows-to-check.csv')}>{words.download}</Button>
          </div>
          <table class="fold">
            <thead><tr><th scope="col">{words.line}</th><th scope="col">{words.name}</th><th scope="col">{words.why}</th></tr></thead>
            <tbody>{found.problems.slice(0, 50).map((row) => (
              <tr key={row.line}><td class="num" data-label={words.line}>{row.line}</td><td data-label={words.name}><div>{row.name || '–'}</div></td><td data-label={words.why}><div>{why(row.reasons)}</div></td></tr>
            ))}</tbody>
          </table>
        </>
      )}
    </section>
  );
}

const reading = (job_id: string, background = false) =>
  call(api.GET('/practice/jobs/{job_id}', { params: { path: { job_id } }, ...(background ? { headers: BACKGROUND } : {}) }));

export function ImportJobPage() {
  const { job_id } = useRoute().params as { job_id: string };
  const loaded = useLoad(() => reading(job_id), [job_id]);
  const going = loaded.data?.status === 'queued' || loaded.data?.status === 'running';
  useEvery(1500, going, () => loaded.refresh(() => reading(job_id, true)));
  return <Ready of={loaded} bones={<RecordBones />}>{(job) => <Progress job={job} going={going} onStop={loaded.put} />}</Ready>;
}

function Progress({ job, going, onStop }: { job: Job; going: boolean; onStop: (job: Job) => void }) {
  const path = { job_id: job.job_id };
  const stop = useAct(async () => onStop(await call(api.POST('/practice/jobs/{job_id}/stop', { params: { path } }))));
  const result = useAct(async () => {
    const { csv, file_name } = await call(api.GET('/practice/jobs/{job_id}/result', { params: { path } }));
    saveText(csv, file_name);
  });
  return (
    <>
      <Head at="done" />
      <section class="card stack g4" aria-labelledby="progress">
        <h2 id="progress">{going ? words.runningTitle : job.status === 'stopped' ? words.stoppedTitle : words.doneTitle}</h2>
        <div class="stack g2">
          <progress class="meter" max={job.total || 1} value={job.position} aria-labelledby="progress" />
          <p class="small soft num" role="status">{words.running(job.position, job.total)}</p>
        </div>
        <div class="tally"><p><b>{job.done}</b> {words.imported}</p><p><b>{job.skipped}</b> {words.skipped}</p><p><b>{job.failed}</b> {words.failed}</p></div>
        {going ? <p class="small soft">{words.leave}</p> : job.status === 'stopped' && <p class="small soft">{words.stopped}</p>}
        <Failed problem={stop.problem ?? result.problem} />
        <div class="cluster g3">
          {going
            ? <Button busy={stop.busy} onClick={() => void stop.run()}>{words.stop}</Button>
            : <><LinkButton look="primary" href="/staff/clients">{words.toClients}</LinkButton><Button icon="download" busy={result.busy} onClick={() => void result.run()}>{words.result}</Button></>}
        </div>
      </section>
    </>
  );
}
