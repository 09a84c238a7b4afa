/** How far a job is, and who was left out, with the reason. Looks again by itself until it has ended. */
import { useEffect, useState } from 'preact/hooks';
import { api, BACKGROUND, call } from '../http.ts';
import { Note, useEvery } from '../ui/index.ts';
import { forms as strings } from '../strings/forms.ts';
import type { Job, JobItem, Page } from '../types.ts';

const words = strings.job;

const FEW = 5; // names in a sentence before "and 12 more"

/** A few names, and how many more: the list itself has them all. */
export function named(names: string[]): string {
  return names.length > FEW + 1 ? strings.unfinished.andMore(names.slice(0, FEW).join(', '), names.length - FEW) : names.join(', ');
}

const isOver = (job: Job) => job.status === 'done' || job.status === 'stopped';

export function JobProgress({ first, onEnd }: { first: Job; onEnd: () => void }) {
  const [job, setJob] = useState(first);
  const [others, setOthers] = useState<JobItem[]>([]);
  const over = isOver(job);
  const path = { job_id: job.job_id };
  useEvery(1500, !over, () => call(api.GET('/practice/jobs/{job_id}', { params: { path }, headers: BACKGROUND })).then((found) => {
    // An answer that comes late says how it stood before: a job only goes on.
    setJob((now) => (isOver(now) || found.position < now.position ? now : found));
  }));
  useEffect(() => {
    if (!over) return;
    if (job.skipped || job.failed) void rest(job.job_id).then(setOthers, () => {});
    onEnd();
  }, [over]);
  const left = (status: JobItem['status'], title: (n: number) => string) => {
    const items = others.filter((item) => item.status === status);
    return items.length > 0 && (
      <>
        <br />{title(items.length)}
        <ul class="dots">{[...new Set(items.map((item) => item.reason ?? ''))].map((reason) => (
          <li key={reason}>{named(items.filter((item) => (item.reason ?? '') === reason).map((item) => item.client_name ?? words.nobody))}: {strings.unfinished.reason[reason] ?? reason}</li>
        ))}</ul>
      </>
    );
  };
  return (
    <div class="stack g2" role="status">
      {!over && <><p class="small">{words.running(job.position, job.total)}</p><progress max={Math.max(1, job.total)} value={job.position} aria-label={words.title} /></>}
      {over && <Note tone={job.failed ? 'warn' : 'good'}><strong>{job.status === 'stopped' ? words.stopped : words.done(job.done)}</strong>{left('skipped', words.skipped)}{left('failed', words.failed)}</Note>}
    </div>
  );
}

/** The items that were not done: a job has some thousands at most, and these are few. */
async function rest(job_id: string): Promise<JobItem[]> {
  const found: JobItem[] = [];
  let cursor: string | null = null;
  do {
    const query: { limit: number; cursor?: string } = cursor ? { limit: 100, cursor } : { limit: 100 };
    const page: Page<JobItem> = await call(api.GET('/practice/jobs/{job_id}/items', { params: { path: { job_id }, query } }));
    found.push(...page.items.filter((item) => item.status === 'skipped' || item.status === 'failed'));
    cursor = page.next_cursor;
  } while (cursor && found.length < 200);
  return found;
}
