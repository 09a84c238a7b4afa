/** Inviting many: who will be invited and who will not, the forms and the words, a look at one of them, then a job. */
import { useLocation, useRoute } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import {
  Button, Dialog, ErrorSummary, Facts, Field, Heading, Icon, LinkButton, Note, Segments, useAct, useDraft, useLoad, type Wrong,
} from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { InvitePreview, InviteTemplate, Job, ManyLook } from '../../types.ts';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';
import { moment } from '../when.ts';
import { pickedClients } from './picking.tsx';
import { ChooseForms, Odd, startOf, WriteMessage, wrongs, type Draft } from './write.tsx';

const words = staff.bulk;
const FEW = 8;

type Audience = 'marked' | 'never' | 'not_joined';
interface Setup { look: ManyLook; template: InviteTemplate; jobs: Job[]; audience: Audience }

/** Who is meant by the address of the page; those marked are known in memory only. */
function audienceOf(who: string | undefined): Audience {
  if (who === 'never' || who === 'not_joined') return who;
  return pickedClients().length ? 'marked' : 'never';
}

async function fetchSetup(audience: Audience): Promise<Setup> {
  const bodies = { marked: { client_ids: pickedClients() }, never: { never_invited: true }, not_joined: { not_joined: true } };
  const [look, template, jobs] = await Promise.all([
    call(api.POST('/practice/invites/bulk/check', { body: { never_invited: false, not_joined: false, ...bodies[audience] } })),
    call(api.GET('/practice/invites/template')),
    call(api.GET('/practice/jobs', { params: { query: { limit: 10 } } })),
  ]);
  return { look, template, jobs: jobs.items.filter((job) => job.work === 'invite').slice(0, 5), audience };
}

export function ManyPage() {
  const audience = audienceOf((useRoute().query as { who?: string }).who);
  const setup = useLoad(() => fetchSetup(audience), [audience]);
  return (
    <>
      <Crumbs items={[[staff.clients.title, '/staff/clients'], words.crumb]} />
      <Ready of={setup} bones={<RecordBones />}>{(data) => <Many key={data.audience} {...data} />}</Ready>
    </>
  );
}

function Many({ look, template, jobs, audience }: Setup) {
  const session = useSession();
  const first = startOf(template);
  const [draft, setDraft, drop] = useDraft<Draft>(session.person.id, 'invite:many', first);
  const [preview, setPreview] = useState<{ of: string; shown: InvitePreview } | null>(null);
  const offered = template.forms.map((form) => form.form_id);
  const now = { ...draft, forms: draft.forms.filter((id) => offered.includes(id)) };
  if (look.invited.length === 0) return <Nobody look={look} jobs={jobs} audience={audience} />;
  if (preview) return <Sending look={look} draft={now} template={template} audience={audience} preview={preview} onPreview={setPreview} onSent={drop} />;
  return <Writing look={look} template={template} draft={now} first={first} jobs={jobs} audience={audience} onDraft={setDraft} onPreview={setPreview} />;
}

/** Which group is invited: one question, because all that follows depends on it. */
function Who({ audience }: { audience: Audience }) {
  const { route } = useLocation();
  const offered = (['marked', 'never', 'not_joined'] as const).filter((one) => one !== 'marked' || pickedClients().length > 0);
  return (
    <Segments
      legend={words.audience} name="audience" value={audience} options={offered.map((one) => ({ value: one, label: words.audiences[one]! }))}
      onChange={(one) => route(one === 'marked' ? '/staff/invitations' : `/staff/invitations?who=${one}`, true)}
    />
  );
}

function Nobody({ look, jobs, audience }: { look: ManyLook; jobs: Job[]; audience: Audience }) {
  return (
    <>
      <Heading>{words.title}</Heading>
      <Who audience={audience} />
      <section class="card"><div class="empty">
        <span class="glyph"><Icon name="people" /></span>
        <h2>{words.nobodyTitle}</h2><p class="small">{look.left_out.length ? words.nobodyAll : words.nobodyText[audience]}</p>
        <LinkButton look="primary" href="/staff/clients">{words.toClients}</LinkButton>
      </div></section>
      {look.left_out.length > 0 && <LeftOut look={look} />}
      <Earlier jobs={jobs} />
    </>
  );
}

interface WritingProps {
  look: ManyLook; template: InviteTemplate; draft: Draft; first: Draft; jobs: Job[]; audience: Audience;
  onDraft: (draft: Draft) => void; onPreview: (preview: { of: string; shown: InvitePreview }) => void;
}

function previewOf(client_id: string, draft: Draft): Promise<InvitePreview> {
  const body = { form_ids: draft.forms, subject: draft.subject, message: draft.message };
  return call(api.POST('/practice/clients/{client_id}/invites/preview', { params: { path: { client_id } }, body }));
}

function Writing({ look, template, draft, first, jobs, audience, onDraft, onPreview }: WritingProps) {
  const [turn, setTurn] = useState(0);
  const act = useAct(async () => {
    setTurn((n) => n + 1);
    if (!draft.subject.trim() || !draft.message.trim()) return;
    const one = look.invited[0]!.client_id;
    onPreview({ of: one, shown: await previewOf(one, draft) });
  });
  const wrong = wrongs(draft, act.problem);
  const shown = turn > 0 ? wrong : { forms: null, subject: null, message: null };
  const list: Wrong[] = (['forms', 'subject', 'message'] as const).flatMap((id) => (shown[id] ? [{ id: `invite-${id}`, text: shown[id] }] : []));
  const change = (next: Partial<Draft>) => { act.clear(); onDraft({ ...draft, ...next }); };
  return (
    <>
      <div class="stack g1"><Heading move="write">{words.title}</Heading><p class="soft">{{ marked: words.introPicked, never: words.introEveryone, not_joined: words.introNotJoined }[audience]}</p></div>
      <Who audience={audience} />
      <ErrorSummary wrong={list} turn={turn} title={staff.inviting.errorsTitle} />
      <div class="beside">
        <div class="stack g4">
          <Invited look={look} />
          {look.left_out.length > 0 && <LeftOut look={look} />}
        </div>
        <aside class="stack g4">
          <section class="card stack g2" aria-labelledby="today"><h2 id="today">{words.today}</h2><p class="small soft num">{staff.inviting.leftToday(look.left_today)}</p></section>
          <Earlier jobs={jobs} />
        </aside>
      </div>
      <div class="invitegrid">
        <ChooseForms template={template} chosen={draft.forms} error={shown.forms} onChange={(forms) => change({ forms })} />
        <WriteMessage template={template} draft={draft} first={first} subjectError={shown.subject} messageError={shown.message} onChange={change} />
      </div>
      {act.problem && !act.problem.faults.length && <Failed problem={act.problem} />}
      <div class="cluster g2">
        <Button look="primary" busy={act.busy} busyLabel={staff.inviting.previewing} onClick={() => void act.run()}>{staff.inviting.toPreview}</Button>
        <LinkButton look="quiet" href="/staff/clients">{staff.inviting.leave}</LinkButton>
      </div>
    </>
  );
}

function Invited({ look }: { look: ManyLook }) {
  const [all, setAll] = useState(false);
  // Addresses that look like a slip come first, so that none hides below the fold.
  const sorted = [...look.invited].sort((one, other) => Number(!one.likely) - Number(!other.likely));
  const rows = all ? sorted : sorted.slice(0, FEW);
  return (
    <section class="card flush" aria-labelledby="invited">
      <div class="cardhead"><h2 id="invited">{words.invited(look.invited.length)}</h2></div>
      <ul class="rows">
        {rows.map((one) => (
          <li key={one.client_id} class="manyrow">
            <div><a class="strong" href={`/staff/clients/${one.client_id}`}>{one.name}</a><br /><span class="small soft">{one.email}</span></div>
            {one.likely && <p class="tiny warning"><Icon name="alert" /><span>{words.likely(one.likely)}</span></p>}
          </li>
        ))}
      </ul>
      {look.invited.length > FEW && <div class="cardhead foothead"><Button mini onClick={() => setAll(!all)}>{all ? words.fewer : words.showAll(look.invited.length)}</Button></div>}
    </section>
  );
}

function LeftOut({ look }: { look: ManyLook }) {
  return (
    <section class="card flush" aria-labelledby="left-out">
      <div class="cardhead"><div class="stack g1"><h2 id="left-out">{words.leftOut(look.left_out.length)}</h2><p class="small soft">{words.leftOutHelp}</p></div></div>
      <Reasons rows={look.left_out.map((one) => ({ client_id: one.name === null ? null : one.client_id, name: one.name, reason: one.reason }))} />
    </section>
  );
}

/** Clients by the reason why nothing was sent to them. */
export function Reasons({ rows }: { rows: { client_id: string | null; name: string | null; reason: string }[] }) {
  const reasons = [...new Set(rows.map((row) => row.reason))];
  return (
    <ul class="rows">
      {reasons.map((reason) => {
        const these = rows.filter((row) => row.reason === reason);
        return (
          <li key={reason} class="manyrow stack g1">
            <p><span class="strong">{words.reasons[reason] ?? words.reasonOther}</span> <span class="soft num">({these.length})</span></p>
            <p class="small namelist">{these.map((row, n) => <span key={row.client_id ?? n}>{row.client_id ? <a href={`/staff/clients/${row.client_id}`}>{row.name}</a> : words.unknownClient}</span>)}</p>
          </li>
        );
      })}
    </ul>
  );
}

function Earlier({ jobs }: { jobs: Job[] }) {
  const { tenant } = useSession();
  if (jobs.length === 0) return null;
  return (
    <section class="card stack g2" aria-labelledby="earlier">
      <h2 id="earlier">{words.earlier}</h2>
      <ul class="stack g2 small">
        {jobs.map((job) => <li key={job.job_id}><a href={`/staff/invitations/${job.job_id}`}>{moment(job.created_at, tenant.zone)}</a><br /><span class="soft num">{words.counts(job.done, job.total)}</span></li>)}
      </ul>
    </section>
  );
}

interface SendingProps {
  look: ManyLook; draft: Draft; template: InviteTemplate; audience: Audience; preview: { of: string; shown: InvitePreview };
  onPreview: (preview: { of: string; shown: InvitePreview } | null) => void; onSent: () => void;
}

function Sending({ look, draft, template, audience, preview, onPreview, onSent }: SendingProps) {
  const { route } = useLocation();
  const [asking, setAsking] = useState(false);
  const key = useRef(newKey());
  const other = useAct(async (of: string) => onPreview({ of, shown: await previewOf(of, draft) }));
  const send = useAct(async () => {
    const client_ids = look.invited.map((one) => one.client_id);
    const body = { client_ids, form_ids: draft.forms, subject: draft.subject, message: draft.message, hold: true, again: audience === 'not_joined' };
    const job = await call(api.POST('/practice/invites/bulk', { params: { header: { 'Idempotency-Key': key.current } }, body }));
    onSent();
    route(`/staff/invitations/${job.job_id}`);
  });
  const { shown } = preview;
  const n = look.invited.length;
  const slips = look.invited.filter((one) => one.likely);
  const titles = template.forms.filter((form) => draft.forms.includes(form.form_id)).map((form) => form.title);
  const shut = () => { if (!send.busy) setAsking(false); };
  return (
    <>
      <div class="stack g1"><Heading move="preview" title={staff.inviting.previewTitle}>{staff.inviting.previewTitle}</Heading><p class="soft">{words.previewHelp}</p></div>
      <div class="previewof">
        <Field id="preview-of" label={words.previewOf}>
          {(wiring) => (
            <select {...wiring} value={preview.of} disabled={other.busy} onChange={(event) => void other.run(event.currentTarget.value)}>
              {look.invited.map((one) => <option key={one.client_id} value={one.client_id}>{one.name}</option>)}
            </select>
          )}
        </Field>
      </div>
      <Failed problem={other.problem} />
      <Odd oddities={shown.oddities} />
      <article class="card flush letter" aria-label={staff.inviting.previewTitle}>
        <div class="cardhead"><Facts rows={[[staff.inviting.to, <>{shown.name}<br /><span class="soft">{shown.to}</span></>], [staff.inviting.subject, <span class="strong">{shown.subject}</span>]]} /></div>
        <p class="mail">{shown.text}</p>
      </article>
      <div class="cluster g2">
        <Button look="primary" icon="send" onClick={() => { send.clear(); setAsking(true); }}>{words.send(n)}</Button>
        <Button look="quiet" onClick={() => onPreview(null)}>{staff.inviting.back}</Button>
      </div>
      <Dialog
        open={asking} onClose={shut} title={words.confirmTitle(n)}
        actions={<>
          <Button look="primary" busy={send.busy} busyLabel={staff.inviting.sending} onClick={() => void send.run()}>{send.problem?.passing ? staff.inviting.again : words.confirmYes}</Button>
          <Button look="quiet" onClick={shut}>{staff.inviting.confirmNo}</Button>
        </>}
      >
        <Facts rows={[
          [words.willGet, <span class="strong num">{n}</span>],
          [words.willNot, <span class="num">{look.left_out.length}</span>],
          [staff.inviting.confirmForms, titles.length ? <ul class="stack g1">{titles.map((title) => <li key={title}>{title}</li>)}</ul> : staff.inviting.noForms],
          [words.today, <span class="num">{staff.inviting.leftToday(look.left_today)}</span>],
        ]} />
        {slips.length > 0 && <Note tone="warn"><strong>{words.slips(slips.length)}</strong><ul class="dots">{slips.slice(0, 5).map((one) => <li key={one.client_id}>{words.slip(one.name, one.email, one.likely!)}</li>)}</ul></Note>}
        <p class="small soft">{template.hold_seconds ? words.holdText(template.hold_seconds) : words.noHold}</p>
        {send.problem && <Failed problem={send.problem} lead={send.problem.passing ? staff.inviting.unknown : staff.inviting.failed} />}
      </Dialog>
    </>
  );
}
