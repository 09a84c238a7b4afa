/** A mass message under way: how far it is, stopping it, and who did not get it. */
import { useRoute } from 'preact-iso';
import { api, asProblem, BACKGROUND, call } from '../../http.ts';
import { messages as strings } from '../../strings/messages.ts';
import { messaging } from '../../strings/messaging.ts';
import type { Job, JobItem } from '../../types.ts';
import { Badge, Button, Heading, LinkButton, Note, useAct, useEvery, useLoad } from '../../ui/index.ts';
import { Crumbs, Failed, Ready, RecordBones, RowBones } from '../parts.tsx';
import { LeftOut } from './many.tsx';

const words = messaging.many.job;
const under = (job: Job) => job.status === 'queued' || job.status === 'running';

function fetchJob(job_id: string, background = false): Promise<Job> {
  return call(api.GET('/practice/mass-messages/{job_id}', { params: { path: { job_id } }, ...(background ? { headers: BACKGROUND } : {}) }));
}

export default function MassJobPage() {
  const { job_id } = useRoute().params as { job_id: string };
  const job = useLoad(() => fetchJob(job_id), [job_id]);
  useEvery(1500, job.data !== null && under(job.data), () => job.refresh(() => fetchJob(job_id, true)));
  return (
    <>
      <Crumbs items={[[strings.title, '/staff/messages'], [messaging.many.title, '/staff/mass-messages'], words.crumb]} />
      <Ready of={job} bones={<RecordBones />}>{(data) => <Progress job={data} onChange={job.put} />}</Ready>
    </>
  );
}

function Progress({ job, onChange }: { job: Job; onChange: (job: Job) => void }) {
  const stop = useAct(async () => {
    try {
      onChange(await call(api.POST('/practice/mass-messages/{job_id}/stop', { params: { path: { job_id: job.job_id } } })));
    } catch (cause) {
      if (asProblem(cause).code !== 'job_ended') throw cause;
      onChange(await fetchJob(job.job_id));
    }
  });
  const held = job.status === 'queued' && job.starts_at !== null;
  const title = words.title[held ? 'held' : job.status] ?? words.crumb;
  return (
    <div class="stack g4 narrow">
      <Heading move={title} title={title}>{title}</Heading>
      <section class="card stack g4" aria-label={words.progress}>
        {held && <Note tone="info" icon="clock">{words.held}</Note>}
        {job.status === 'stopped' && <Note tone="warn">{job.done ? words.stopped : words.stoppedClean}</Note>}
        <div class="stack g2">
          <progress max={Math.max(1, job.total)} value={job.position} aria-label={words.progress} />
          <p class="small num" role="status">{words.position(job.position, job.total)}</p>
        </div>
        <div class="badges"><Badge tone="good">{words.done(job.done)}</Badge>{job.skipped > 0 && <Badge>{words.skipped(job.skipped)}</Badge>}{job.failed > 0 && <Badge tone="bad">{words.failed(job.failed)}</Badge>}</div>
        <div class="cluster g2">{under(job) ? <Button busy={stop.busy} busyLabel={words.stopping} onClick={() => void stop.run()}>{words.stop}</Button> : <LinkButton look="primary" href="/staff/messages">{words.back}</LinkButton>}</div>
        <Failed problem={stop.problem} />
      </section>
      {!under(job) && job.skipped + job.failed > 0 && <NotSent job_id={job.job_id} />}
    </div>
  );
}

async function notDone(job_id: string): Promise<JobItem[]> {
  const found: JobItem[] = [];
  let cursor: string | null = null;
  do {
    const query: { limit: number; cursor?: string } = { limit: 100, ...(cursor ? { cursor } : {}) };
    const page: { items: JobItem[]; next_cursor: string | null } = await call(api.GET('/practice/mass-messages/{job_id}/items', { params: { path: { job_id }, query } }));
    found.push(...page.items.filter((one) => one.status === 'skipped' || one.status === 'failed'));
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}

function NotSent({ job_id }: { job_id: string }) {
  const items = useLoad(() => notDone(job_id), [job_id]);
  return (
    <Ready of={items} bones={<RowBones rows={2} />} heading={false}>
      {(rows) => <section class="card flush" aria-labelledby="not"><div class="cardhead"><h2 id="not">{words.not}</h2></div><LeftOut rows={rows} /></section>}
    </Ready>
  );
}
