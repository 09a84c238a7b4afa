/** Who has not finished: open packets, since when, the last reminder; reminding the chosen or everyone. */
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../http.ts';
import { useSession } from '../session.tsx';
import { Button, Dialog, Empty, Heading, Note, useAct, useLoad, type Loaded } from '../ui/index.ts';
import { forms as strings } from '../strings/forms.ts';
import type { Job, UnfinishedPage, UnfinishedRow } from '../types.ts';
import { JobProgress, named } from './job.tsx';
import { Failed, Ready, RowBones } from './parts.tsx';
import { moment, momentInSentence } from './when.ts';

const words = strings.unfinished;
const WEEK = 7 * 86_400_000;

type Filter = 'all' | 'week' | 'fresh' | 'blocked';
const FITS: Record<Filter, (row: UnfinishedRow) => boolean> = {
  all: () => true, week: (row) => Date.now() - Date.parse(row.sent_at) >= WEEK, fresh: (row) => row.reminders === 0, blocked: (row) => row.reason !== null,
};

const fetchPage = (cursor?: string): Promise<UnfinishedPage> => call(api.GET('/practice/open-intakes', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } } }));

export function Unfinished() {
  const first = useLoad(() => fetchPage(), []);
  return (
    <>
      <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.intro}</p></div>
      <Ready of={first} bones={<RowBones />} heading={false}>{(page) => <List page={page} of={first} />}</Ready>
    </>
  );
}

function List({ page, of }: { page: UnfinishedPage; of: Loaded<UnfinishedPage> }) {
  const [filter, setFilter] = useState<Filter>('all');
  const [picked, setPicked] = useState<string[]>([]);
  const [job, setJob] = useState<Job | null>(null);
  const [told, setTold] = useState<string | null>(null);
  const more = useAct(() => of.refresh(async () => {
    const next = await fetchPage(page.next_cursor!);
    return { ...next, items: [...page.items, ...next.items] };
  }));
  const shown = page.items.filter(FITS[filter]);
  const able = shown.filter((row) => !row.reason);
  const chosen = page.items.filter((row) => picked.includes(row.intake_id));
  const after = (text: string | null) => { setTold(text); setPicked([]); void of.reload(); };
  if (page.items.length === 0 && !page.next_cursor && !job) return <section class="card"><Empty icon="check" title={words.emptyTitle}>{words.emptyText}</Empty></section>;
  return (
    <div class="stack g4">
      {told && <Note tone="good" live>{told}</Note>}
      {job && <JobProgress key={job.job_id} first={job} onEnd={() => after(null)} />}
      <section class="card flush" aria-label={words.title}>
        <div class="cardhead">
          <div class="cluster g3">
            <label class="small strong" for="show">{words.filter}</label>
            <select id="show" value={filter} onChange={(event) => setFilter(event.currentTarget.value as Filter)}>
              {(Object.keys(FITS) as Filter[]).map((one) => <option key={one} value={one}>{words.filters[one]}</option>)}
            </select>
            <span class="small soft num" role="status">{words.shown(shown.length, page.next_cursor !== null)}</span>
          </div>
          {page.can_remind_many && (
            <div class="cluster g2">
              {able.length > 0 && <Button mini look="quiet" onClick={() => setPicked(able.map((row) => row.intake_id))}>{words.pickAll}</Button>}
              <Many rows={chosen} all={false} onStarted={setJob} />
              <Many rows={page.items} all more={page.next_cursor !== null} onStarted={setJob} />
            </div>
          )}
        </div>
        {shown.length === 0 ? <Empty icon="search" title={words.noneTitle}>{words.noneText}</Empty> : (
          <table class="fold">
            <thead>
              <tr>
                {page.can_remind_many && <th><span class="hidden">{words.columns.pick}</span></th>}
                <th scope="col">{words.columns.client}</th><th scope="col">{words.columns.forms}</th><th scope="col">{words.columns.sent}</th>
                <th scope="col">{words.columns.reminded}</th><th><span class="hidden">{words.remindOne}</span></th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <Row
                  key={row.intake_id} row={row} page={page} picked={picked.includes(row.intake_id)}
                  onPick={(on) => setPicked((now) => (on ? [...now, row.intake_id] : now.filter((one) => one !== row.intake_id)))}
                  onReminded={() => after(words.reminded(row.client_name))}
                />
              ))}
            </tbody>
          </table>
        )}
        {page.next_cursor && <div class="cardhead foothead"><Button look="quiet" mini busy={more.busy} onClick={() => void more.run()}>{words.more}</Button><Failed problem={more.problem} /></div>}
      </section>
    </div>
  );
}

function Row({ row, page, picked, onPick, onReminded }: { row: UnfinishedRow; page: UnfinishedPage; picked: boolean; onPick: (on: boolean) => void; onReminded: () => void }) {
  const { tenant } = useSession();
  const key = useRef('');
  const remind = useAct(async () => {
    key.current ||= newKey();
    const params = { path: { client_id: row.client_id, intake_id: row.intake_id }, header: { 'Idempotency-Key': key.current } };
    await call(api.POST('/practice/clients/{client_id}/intakes/{intake_id}/reminders', { params }));
    key.current = '';
    onReminded();
  });
  return (
    <tr>
      {page.can_remind_many && (
        <td class="tick"><label class="check"><input type="checkbox" checked={picked} disabled={row.reason !== null} onChange={(event) => onPick(event.currentTarget.checked)} /><span class="hidden">{words.pick(row.client_name)}</span></label></td>
      )}
      <td><a class="strong" href={`/staff/clients/${row.client_id}`}>{row.client_name}</a><br /><span class="tiny soft num">{words.signed(row.signed, row.of)}</span></td>
      <td data-label={words.columns.forms}><ul class="stack g1 small">{row.forms.map((title) => <li key={title}>{title}</li>)}</ul></td>
      <td class="num" data-label={words.columns.sent}><div>{moment(row.sent_at, tenant.zone)}<br /><span class="tiny soft">{row.sent_by_name}</span></div></td>
      <td class="num" data-label={words.columns.reminded}>
        <div>{row.reminded_at ? momentInSentence(row.reminded_at, tenant.zone) : words.never}{row.reminders > 0 && <><br /><span class="tiny soft">{words.reminders(row.reminders)}</span></>}</div>
      </td>
      <td class="end acts">
        {row.reason ? (
          <div class="why tiny soft">
            {words.reason[row.reason] ?? row.reason}
            {row.reason === 'no_account' && <><br /><a href={`/staff/clients/${row.client_id}/portal`}>{words.invitation}<span class="hidden">: {row.client_name}</span></a></>}
          </div>
        ) : page.can_remind && (
          <Button mini icon="mail" busy={remind.busy} onClick={() => void remind.run()}>{words.remindOne}<span class="hidden">: {row.client_name}</span></Button>
        )}
        <Failed problem={remind.problem} />
      </td>
    </tr>
  );
}

/** The chosen ones or everyone: who is left out and why is said before anything is sent. */
function Many({ rows, all, more = false, onStarted }: { rows: UnfinishedRow[]; all: boolean; more?: boolean; onStarted: (job: Job) => void }) {
  const [asking, setAsking] = useState(false);
  const key = useRef('');
  const left = rows.filter((row) => row.reason);
  const reasons = [...new Set(left.map((row) => row.reason!))];
  const act = useAct(async () => {
    const body = all ? { all: true } : { intakes: rows.map(({ client_id, intake_id }) => ({ client_id, intake_id })), all: false };
    const job = await call(api.POST('/practice/open-intakes/reminders', { params: { header: { 'Idempotency-Key': key.current } }, body }));
    setAsking(false);
    onStarted(job);
  });
  const shut = () => { if (!act.busy) setAsking(false); };
  const idle = rows.length === 0;
  const nobody = !more && left.length === rows.length;
  return (
    <>
      <Button mini look={all ? 'plain' : 'primary'} icon="mail" aria-disabled={idle ? 'true' : undefined} onClick={() => { if (idle) return; key.current = newKey(); act.clear(); setAsking(true); }}>
        {all ? words.remindAll : words.remindPicked(rows.length)}
      </Button>
      <Dialog
        open={asking} onClose={shut} title={nobody ? words.nobodyTitle : all ? words.confirmAllTitle : words.confirmTitle(rows.length - left.length)}
        actions={nobody
          ? <Button onClick={shut}>{words.close}</Button>
          : <><Button look="primary" busy={act.busy} busyLabel={words.starting} onClick={() => void act.run()}>{words.yes}</Button><Button look="quiet" onClick={shut}>{words.no}</Button></>}
      >
        <p class="soft">{nobody ? words.nobodyText : words.confirmText}</p>
        {left.length > 0 && (
          <div class="stack g1 small">
            <p>{words.skipped(left.length)}</p>
            <ul class="dots">{reasons.map((reason) => <li key={reason}>{named(left.filter((row) => row.reason === reason).map((row) => row.client_name))}: {words.reason[reason] ?? reason}</li>)}</ul>
          </div>
        )}
        {reasons.includes('no_account') && <p class="small"><a href="/staff/invitations?who=not_joined">{words.inviteAgain}</a></p>}
        <Failed problem={act.problem} />
      </Dialog>
    </>
  );
}
