/** Intake Forms: the forms that can be sent, drafts of new versions, reminders, and who has not finished. */
import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { api, asProblem, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Badge, Button, Dialog, Empty, LinkButton, Note, TextField, useAct, useLoad } from '../../ui/index.ts';
import { forms as strings } from '../../strings/forms.ts';
import { staff } from '../../strings/staff.ts';
import type { PracticeForm } from '../../types.ts';
import { Failed, Ready, RowBones } from '../parts.tsx';
import { momentInSentence } from '../when.ts';
import { RemindersCard } from './reminders.tsx';

const words = staff.forms;
const library = strings.library;

export function FormsTab({ forms }: { forms: PracticeForm[] }) {
  const session = useSession();
  const writes = session.roles.includes('administrator');
  const settings = useLoad(() => call(api.GET('/practice/settings')), []);
  const shown = forms.filter((form) => form.status !== 'archived');
  const archived = forms.filter((form) => form.status === 'archived');
  return (
    <div class="stack g4">
      <Note tone="warn"><strong>{words.review}.</strong> {words.reviewText}</Note>
      <section class="card flush" aria-labelledby="if">
        <div class="cardhead">
          <div class="stack g1"><h2 id="if">{words.title}</h2><p class="small soft">{words.intro}</p></div>
          {writes && <NewForm forms={forms} />}
        </div>
        {shown.length === 0 ? <Empty icon="form" title={words.emptyTitle}>{words.emptyText}</Empty> : <Table forms={shown} writes={writes} />}
      </section>
      {archived.length > 0 && (
        <section class="card flush" aria-labelledby="af">
          <div class="cardhead"><div class="stack g1"><h2 id="af">{library.archivedTitle}</h2><p class="small soft">{library.archivedText}</p></div></div>
          <Table forms={archived} writes={writes} />
        </section>
      )}
      <div class="grid top">
        <Ready of={settings} bones={<RowBones rows={1} />} heading={false}>{(data) => <RemindersCard first={data} locked={!writes} />}</Ready>
        <section class="card stack g3" aria-labelledby="uf">
          <div class="stack g1"><h2 id="uf">{library.unfinished}</h2><p class="small soft">{library.unfinishedText}</p></div>
          <p><LinkButton icon="people" href="/staff/unfinished">{library.unfinished}</LinkButton></p>
        </section>
      </div>
    </div>
  );
}

function Table({ forms, writes }: { forms: PracticeForm[]; writes: boolean }) {
  return (
    <table class="fold">
      <thead>
        <tr>
          <th scope="col">{words.columns.form}</th><th scope="col">{words.columns.version}</th>
          <th scope="col">{words.columns.time}</th><th scope="col">{words.columns.status}</th><th><span class="hidden">{words.preview}</span></th>
        </tr>
      </thead>
      <tbody>{forms.map((form) => <Row key={form.form_id} form={form} writes={writes} />)}</tbody>
    </table>
  );
}

function Row({ form, writes }: { form: PracticeForm; writes: boolean }) {
  const { tenant } = useSession();
  const { route } = useLocation();
  const of = <span class="hidden">{library.of(form.title)}</span>;
  const edit = useAct(async () => {
    if (!form.draft_etag) {
      try {
        await call(api.POST('/practice/forms/{form_id}/draft', { params: { path: { form_id: form.form_id } }, body: { source: 'newest' } }));
      } catch (cause) {
        if (asProblem(cause).code !== 'draft_exists') throw cause; // someone else has just begun one: that is the one to open
      }
    }
    route(`/staff/forms/${form.form_id}/edit`);
  });
  return (
    <tr>
      <td>
        {form.version ? <a class="strong" href={`/staff/forms/${form.form_id}`}>{form.title}</a> : <span class="strong">{form.title}</span>}<br />
        <span class="tiny soft">{library.kinds[form.purpose]}{form.standard ? `. ${words.standardReview}` : ''}</span>
        {form.draft_changed_at && <><br /><span class="tiny soft">{library.draftBy(form.draft_changed_by_name ?? '', momentInSentence(form.draft_changed_at, tenant.zone))}</span></>}
        {edit.problem && <Failed problem={edit.problem} lead={library.failed} />}
      </td>
      <td class="num" data-label={words.columns.version}>{form.version || '–'}</td>
      <td class="num" data-label={words.columns.time}>{words.minutes(form.minutes)}</td>
      <td data-label={words.columns.status}>
        <div class="badges">
          {form.status === 'active' ? <Badge tone="good">{words.active}</Badge> : form.status === 'archived' ? <Badge>{words.archived}</Badge> : <Badge hollow>{library.neverPublished}</Badge>}
          {form.draft_etag && form.version > 0 && <Badge tone="info" hollow>{library.draft}</Badge>}
        </div>
      </td>
      <td class="end acts">
        <div class="cluster g2 end">
          {writes && <Button mini icon="pen" busy={edit.busy} onClick={() => void edit.run()}>{form.draft_etag ? library.editDraft : library.edit}{of}</Button>}
          {form.version > 0 && <LinkButton mini icon="eye" href={`/staff/forms/${form.form_id}`}>{words.preview}<span class="hidden">{words.previewOf(form.title)}</span></LinkButton>}
          {form.version > 0 && <LinkButton mini href={`/staff/forms/${form.form_id}/versions`}>{library.more}{of}</LinkButton>}
        </div>
      </td>
    </tr>
  );
}

function NewForm({ forms }: { forms: PracticeForm[] }) {
  const begin = strings.begin;
  const { route } = useLocation();
  const [open, setOpen] = useState(false);
  const [title, setTitle] = useState('');
  const [kind, setKind] = useState<'questionnaire' | 'consent' | 'notice'>('questionnaire');
  const [from, setFrom] = useState('');
  const [tried, setTried] = useState(false);
  const source = forms.find((form) => form.form_id === from);
  const act = useAct(async () => {
    setTried(true);
    if (!title.trim()) return;
    const purpose = (source?.purpose ?? kind) as typeof kind;
    const draft = await call(api.POST('/practice/forms', { body: { title: title.trim(), purpose, copy_of: from || null } }));
    route(`/staff/forms/${draft.form_id}/edit`);
  });
  const shut = () => { if (!act.busy) setOpen(false); };
  return (
    <>
      <Button look="primary" icon="plus" onClick={() => { act.clear(); setTried(false); setOpen(true); }}>{library.newForm}</Button>
      <Dialog
        open={open} onClose={shut} title={begin.title}
        actions={<><Button look="primary" busy={act.busy} busyLabel={begin.creating} onClick={() => void act.run()}>{begin.create}</Button><Button look="quiet" onClick={shut}>{begin.cancel}</Button></>}
      >
        <TextField label={begin.name} help={begin.nameHelp} value={title} maxLength={200} error={tried && !title.trim() ? begin.missing : null} onInput={setTitle} />
        <div class="field">
          <label class="strong" for="begin-from">{begin.from}</label>
          <select id="begin-from" value={from} onChange={(event) => setFrom(event.currentTarget.value)}>
            <option value="">{begin.blank}</option>
            {forms.map((form) => <option key={form.form_id} value={form.form_id}>{begin.copyOf(form.title)}</option>)}
          </select>
        </div>
        {!source && (
          <div class="field">
            <label class="strong" for="begin-kind">{begin.kind}</label>
            <select id="begin-kind" value={kind} onChange={(event) => setKind(event.currentTarget.value as typeof kind)}>
              {(['questionnaire', 'consent', 'notice'] as const).map((one) => <option key={one} value={one}>{library.kinds[one]}</option>)}
            </select>
            {kind === 'notice' && <p class="help">{begin.noticeHelp}</p>}
          </div>
        )}
        <Failed problem={act.problem} />
      </Dialog>
    </>
  );
}
