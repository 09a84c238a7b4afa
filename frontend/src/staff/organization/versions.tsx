/** The versions of a form, archiving, and for a notice: who knows only an older version, and asking them again. */
import { useLocation, useRoute } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Badge, Button, Dialog, Heading, LinkButton, Note, shortDay, useAct, useLoad } from '../../ui/index.ts';
import { forms as strings } from '../../strings/forms.ts';
import { staff } from '../../strings/staff.ts';
import type { FormVersions, Job, OutdatedRow, PracticeForm } from '../../types.ts';
import { JobProgress } from '../job.tsx';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';

const words = strings.versions;
const BASE = '/staff/organization/client-portal';

interface Setup { form: PracticeForm; versions: FormVersions }

export function FormVersionsPage() {
  const { form_id } = useRoute().params as { form_id: string };
  const loaded = useLoad(async (): Promise<Setup> => {
    const [versions, library] = await Promise.all([
      call(api.GET('/practice/forms/{form_id}/versions', { params: { path: { form_id } } })), call(api.GET('/practice/forms')),
    ]);
    return { versions, form: library.items.find((form) => form.form_id === form_id)! };
  }, [form_id]);
  return (
    <Ready of={loaded} bones={<RecordBones />} missing={{ title: staff.tryOut.failed, text: staff.tryOut.notFound }}>
      {(data) => <Versions key={form_id} {...data} reload={loaded.reload} />}
    </Ready>
  );
}

function Versions({ form, versions, reload }: Setup & { reload: () => Promise<void> }) {
  const session = useSession();
  const writes = session.roles.includes('administrator');
  const [told, setTold] = useState<string | null>(null);
  return (
    <>
      <Crumbs items={[[staff.organization.title, BASE], [staff.organization.tabs.forms, `${BASE}/intake-forms`], words.crumb]} />
      <div class="split top">
        <div class="stack g1"><Heading>{words.title(form.title)}</Heading><p class="soft">{words.intro}</p></div>
        {writes && <Archiving form={form} onDone={(text) => { setTold(text); void reload(); }} />}
      </div>
      {told && <Note tone="good" live>{told}</Note>}
      {form.status === 'archived' && !told && <Note tone="info">{words.archived}</Note>}
      <section class="card flush" aria-label={words.crumb}>
        <table class="fold">
          <thead><tr><th scope="col">{words.columns.version}</th><th scope="col">{words.columns.published}</th><th scope="col">{words.columns.changed}</th><th><span class="hidden">{words.preview}</span></th></tr></thead>
          <tbody>
            {versions.items.map((one) => (
              <tr key={one.version}>
                <td><div class="badges"><span class="strong">{words.number(one.version)}</span>{one.version === form.version && <Badge tone="good">{words.newest}</Badge>}</div></td>
                <td class="num" data-label={words.columns.published}><div>{one.published_by_name ? <>{shortDay(one.published_at, session.tenant.zone)}<br /><span class="tiny soft">{one.published_by_name}</span></> : words.shipped}</div></td>
                <td data-label={words.columns.changed}><div class="pre small">{one.what_changed ?? '–'}</div></td>
                <td class="end acts">
                  <div class="cluster g2 end">
                    <LinkButton mini icon="eye" href={`/staff/forms/${form.form_id}?version=${one.version}`}>{words.preview}<span class="hidden">{strings.library.of(words.number(one.version))}</span></LinkButton>
                    {writes && <BeginFrom form={form} version={one.version} />}
                  </div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {writes && form.purpose === 'notice' && form.version > 1 && <Outdated form={form} />}
    </>
  );
}

function BeginFrom({ form, version }: { form: PracticeForm; version: number }) {
  const { route } = useLocation();
  const act = useAct(async () => {
    await call(api.POST('/practice/forms/{form_id}/draft', { params: { path: { form_id: form.form_id } }, body: { source: 'version', version } }));
    route(`/staff/forms/${form.form_id}/edit`);
  });
  return (
    <>
      <Button mini icon="pen" busy={act.busy} onClick={() => void act.run()}>{words.use}<span class="hidden">{strings.library.of(words.number(version))}</span></Button>
      {act.problem?.code === 'draft_exists' ? <p class="error" role="alert">{words.draftExists}</p> : <Failed problem={act.problem} />}
    </>
  );
}

function Archiving({ form, onDone }: { form: PracticeForm; onDone: (told: string) => void }) {
  const archived = form.status === 'archived';
  const [asking, setAsking] = useState(false);
  const act = useAct(async () => {
    const params = { path: { form_id: form.form_id } };
    const now = await call(archived ? api.POST('/practice/forms/{form_id}/restore', { params }) : api.POST('/practice/forms/{form_id}/archive', { params }));
    setAsking(false);
    onDone(words.done[now.status]!);
  });
  const shut = () => { if (!act.busy) setAsking(false); };
  return (
    <>
      <Button busy={archived && act.busy} onClick={() => { act.clear(); if (archived) void act.run(); else setAsking(true); }}>{archived ? words.restore : words.archive}</Button>
      {archived && <Failed problem={act.problem} />}
      <Dialog
        open={asking} onClose={shut} title={words.archive}
        actions={<><Button look="danger" busy={act.busy} onClick={() => void act.run()}>{words.archive}</Button><Button look="quiet" onClick={shut}>{strings.editor.keep}</Button></>}
      >
        <p class="soft">{words.archiveText}</p>
        <Failed problem={act.problem} />
      </Dialog>
    </>
  );
}

/* ---------- who knows only an older version ---------- */

function Outdated({ form }: { form: PracticeForm }) {
  const { tenant } = useSession();
  const params = (cursor?: string) => ({ params: { path: { form_id: form.form_id }, query: { limit: 100, ...(cursor ? { cursor } : {}) } } });
  const first = useLoad(() => call(api.GET('/practice/forms/{form_id}/outdated', params())), [form.form_id]);
  const [more, setMore] = useState<{ items: OutdatedRow[]; next: string | null } | null>(null);
  const [job, setJob] = useState<Job | null>(null);
  const items = [...(first.data?.items ?? []), ...(more?.items ?? [])];
  const next = more ? more.next : first.data?.next_cursor ?? null;
  const load = useAct(async () => {
    const page = await call(api.GET('/practice/forms/{form_id}/outdated', params(next ?? undefined)));
    setMore((known) => ({ items: [...(known?.items ?? []), ...page.items], next: page.next_cursor }));
  });
  return (
    <section class="card flush" aria-labelledby="od">
      <div class="cardhead">
        <div class="stack g1"><h2 id="od">{words.outdated}</h2><p class="small soft">{words.outdatedText}</p></div>
        {items.length > 0 && <AskAgain form={form} items={items} more={next !== null} onStarted={setJob} />}
      </div>
      {job && <div class="inset"><JobProgress first={job} onEnd={() => { setMore(null); void first.reload(); }} /></div>}
      <Ready of={first} bones={null} heading={false}>
        {() => items.length === 0 ? <p class="inset small soft">{words.outdatedNone}</p> : (
          <table class="fold">
            <thead><tr><th scope="col">{words.client}</th><th scope="col">{words.knows}</th><th scope="col">{words.since}</th></tr></thead>
            <tbody>
              {items.map((row) => (
                <tr key={row.client_id}>
                  <td><a class="strong" href={`/staff/clients/${row.client_id}`}>{row.client_name}</a>{row.reason && <><br /><span class="tiny soft">{strings.unfinished.reason[row.reason] ?? ''}</span></>}</td>
                  <td data-label={words.knows}><div>{words.number(row.version)}<br /><span class="tiny soft">{words.outcome[row.outcome]}</span></div></td>
                  <td class="num" data-label={words.since}>{shortDay(row.happened_at, tenant.zone)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Ready>
      {next && <div class="cardhead foothead"><Button look="quiet" mini busy={load.busy} onClick={() => void load.run()}>{words.more}</Button></div>}
    </section>
  );
}

function AskAgain({ form, items, more, onStarted }: { form: PracticeForm; items: OutdatedRow[]; more: boolean; onStarted: (job: Job) => void }) {
  const [asking, setAsking] = useState(false);
  const key = useRef('');
  const able = items.filter((row) => !row.reason).length;
  const act = useAct(async () => {
    const params = { path: { form_id: form.form_id }, header: { 'Idempotency-Key': key.current } };
    const job = await call(api.POST('/practice/forms/{form_id}/renewals', { params, body: {} }));
    setAsking(false);
    onStarted(job);
  });
  const shut = () => { if (!act.busy) setAsking(false); };
  return (
    <>
      <Button look="primary" icon="mail" aria-disabled={able || more ? undefined : 'true'} onClick={() => { if (!able && !more) return; key.current = newKey(); act.clear(); setAsking(true); }}>{words.askAgain}</Button>
      <Dialog
        open={asking} onClose={shut} title={words.askTitle(able)}
        actions={<><Button look="primary" busy={act.busy} onClick={() => void act.run()}>{words.askYes}</Button><Button look="quiet" onClick={shut}>{strings.unfinished.no}</Button></>}
      >
        <p class="soft">{words.askText(items.length - able)} {more ? words.askMore : ''}</p>
        <Failed problem={act.problem} />
      </Dialog>
    </>
  );
}
