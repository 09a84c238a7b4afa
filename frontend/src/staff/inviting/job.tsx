/** A bulk invitation under way: how far it is, stopping it, and what became of everyone. */
import { useRoute } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { api, asProblem, BACKGROUND, call, type Problem } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Badge, Button, Heading, LinkButton, Note, useAct, useEvery, useLoad } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { Job, JobItem } from '../../types.ts';
import { Crumbs, Failed, Ready, RecordBones, sentenceOf } from '../parts.tsx';
import { momentInSentence } from '../when.ts';
import { Reasons } from './many.tsx';

const words = staff.bulk;

const under = (job: Job) => job.status === 'queued' || job.status === 'running';

function fetchJob(job_id: string, background = false): Promise<Job> {
  return call(api.GET('/practice/jobs/{job_id}', { params: { path: { job_id } }, ...(background ? { headers: BACKGROUND } : {}) }));
}

export function JobPage() {
  const { job_id } = useRoute().params as { job_id: string };
  const job = useLoad(() => fetchJob(job_id), [job_id]);
  useEvery(1500, job.data !== null && under(job.data), () => job.refresh(() => fetchJob(job_id, true)));
  return (
    <>
      <Crumbs items={[[staff.clients.title, '/staff/clients'], [words.crumb, '/staff/invitations'], words.jobCrumb]} />
      <Ready of={job} bones={<RecordBones />}>{(data) => <Progress job={data} onChange={job.put} />}</Ready>
    </>
  );
}

function Progress({ job, onChange }: { job: Job; onChange: (job: Job) => void }) {
  const { tenant } = useSession();
  const stop = useAct(async () => {
    try {
      onChange(await call(api.POST('/practice/jobs/{job_id}/stop', { params: { path: { job_id: job.job_id } } })));
    } catch (cause) {
      if (asProblem(cause).code !== 'job_ended') throw cause;
      onChange(await fetchJob(job.job_id));
    }
  });
  const held = job.status === 'queued' && job.starts_at !== null;
  const title = words.state[held ? 'held' : job.status] ?? words.jobCrumb;
  return (
    <>
      <div class="stack g1">
        <Heading move={title} title={title}>{title}</Heading>
        <p class="soft">{words.startedBy(job.started_by_name, momentInSentence(job.created_at, tenant.zone))}</p>
      </div>
      <section class="card stack g4" aria-label={words.progress}>
        {held && <Note tone="info" icon="clock">{words.heldText}</Note>}
        {job.status === 'stopped' && <Note tone="warn">{job.done ? words.stoppedText(job.done) : words.stoppedClean}</Note>}
        <div class="stack g2">
          <progress max={Math.max(1, job.total)} value={job.position} aria-label={words.progress} />
          <p class="small num" role="status">{words.position(job.position, job.total)}</p>
        </div>
        <div class="badges">
          <Badge tone="good">{words.done(job.done)}</Badge>
          <Badge>{words.skipped(job.skipped)}</Badge>
          {job.failed > 0 && <Badge tone="bad">{words.failed(job.failed)}</Badge>}
        </div>
        <div class="cluster g2">
          {under(job) && <Button busy={stop.busy} busyLabel={words.stopping} onClick={() => void stop.run()}>{held ? words.cancel : words.stop}</Button>}
          {!under(job) && <LinkButton look="primary" href="/staff/clients">{words.toClients}</LinkButton>}
        </div>
        <Failed problem={stop.problem} />
      </section>
      {!under(job) && <Outcome job={job} />}
    </>
  );
}

async function everyItem(job_id: string): Promise<JobItem[]> {
  const found: JobItem[] = [];
  let cursor: string | null = null;
  do {
    const query: { limit: number; cursor?: string } = { limit: 100, ...(cursor ? { cursor } : {}) };
    const page: { items: JobItem[]; next_cursor: string | null } = await call(api.GET('/practice/jobs/{job_id}/items', { params: { path: { job_id }, query } }));
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}

function Outcome({ job }: { job: Job }) {
  const [items, setItems] = useState<JobItem[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const load = () => {
    setProblem(null);
    everyItem(job.job_id).then(setItems, (cause) => setProblem(asProblem(cause)));
  };
  useEffect(load, [job.job_id]);
  if (problem) return <Note tone="warn" live action={<Button mini onClick={load}>{staff.trouble.retry}</Button>}>{sentenceOf(problem)}</Note>;
  if (!items) return <RecordBones />;
  const done = items.filter((one) => one.status === 'done');
  const not = items.filter((one) => one.status !== 'done');
  return (
    <div class="stack g4">
      {not.length > 0 && (
        <section class="card flush" aria-labelledby="not">
          <div class="cardhead"><h2 id="not">{words.notInvited(not.length)}</h2></div>
          <Reasons rows={not.map((one) => ({ client_id: one.client_id, name: one.client_name, reason: one.reason ?? 'stopped' }))} />
        </section>
      )}
      {done.length > 0 && (
        <section class="card flush" aria-labelledby="done">
          <div class="cardhead"><h2 id="done">{words.wereInvited(done.length)}</h2></div>
          <p class="small namelist inset">{done.map((one) => <span key={one.number}>{one.client_id ? <a href={`/staff/clients/${one.client_id}/portal`}>{one.client_name}</a> : words.unknownClient}</span>)}</p>
        </section>
      )}
    </div>
  );
}
