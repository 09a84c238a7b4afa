/** Writing a form: title and introduction, its parts, its questions; what is missing; publishing. */
import { useLocation, useRoute } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { Badge, Button, Check, Dialog, Heading, LinkButton, Note, TextField, goTo, useAct, useLoad, useToast } from '../../ui/index.ts';
import { forms as strings } from '../../strings/forms.ts';
import { staff } from '../../strings/staff.ts';
import type { FieldType, FormDefinition, FormDraft, Section } from '../../types.ts';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';
import { useDrafting, type Drafting } from './draft.ts';
import { TYPES, fieldIds, inWords, moved, newField, newSection, replaced, withField, withSection, without } from './editing.ts';
import { Flaws, Question, TextBlocks } from './question.tsx';

const words = strings.editor;
const BASE = '/staff/organization/client-portal/intake-forms';

export function FormEditorPage() {
  const { form_id } = useRoute().params as { form_id: string };
  const draft = useLoad(async () => (await call(api.GET('/practice/forms/{form_id}/draft', { params: { path: { form_id } } }))) as unknown as FormDraft, [form_id]);
  return (
    <Ready of={draft} bones={<RecordBones />} missing={{ title: words.missing, text: words.missingText, go: { label: words.toForms, href: BASE } }}>
      {(data) => <Editor key={form_id} first={data} />}
    </Ready>
  );
}

function Editor({ first }: { first: FormDraft }) {
  const drafting = useDrafting(first);
  const { text, change, draft } = drafting;
  const say = useToast();
  const flaws = (section: number | null, field: number | null = null) => draft.problems.filter((one) => one.section === section && one.field === field).map((one) => one.detail);
  const setSection = (at: number, section: Section) => change({ ...text, sections: replaced(text.sections, at, section) });
  const removeSection = (at: number) => {
    const before = text;
    change({ ...text, sections: without(text.sections, at) });
    say(words.removed(text.sections[at]?.title || words.part(at + 1)), { label: words.undo, run: () => change(before) });
  };
  return (
    <>
      <Crumbs items={[[staff.organization.title, '/staff/organization/client-portal'], [staff.organization.tabs.forms, BASE], words.crumb]} />
      <div class="stack g1"><Heading title={words.title(text.title)}>{words.title(text.title)}</Heading><p class="soft">{words.intro(draft.version)}</p></div>
      <Stale drafting={drafting} />
      <div class="beside editor">
        <div class="stack g4">
          <Basics text={text} onChange={change} />
          {text.sections.map((section, at) => (
            <Part
              key={section.id} form={text} section={section} at={at} flaws={flaws}
              onChange={(next) => setSection(at, next)} onRemove={() => removeSection(at)}
              onMove={(to) => change({ ...text, sections: moved(text.sections, at, to) })}
            />
          ))}
          <div><Button icon="plus" onClick={() => change(withSection(text, newSection(text)))}>{words.addPart}</Button></div>
        </div>
        <aside class="stack g4"><Status drafting={drafting} /></aside>
      </div>
    </>
  );
}

/* ---------- somebody else was faster ---------- */

function Stale({ drafting }: { drafting: Drafting }) {
  const { problem, theirs, take, insist } = drafting;
  if (problem?.status !== 412) return null;
  if (!theirs) return <Note tone="warn" live action={<LinkButton mini href={BASE}>{staff.organization.tabs.forms}</LinkButton>}>{words.staleGone}</Note>;
  return (
    <Note tone="warn" live action={<div class="cluster g2"><Button mini onClick={() => take(theirs)}>{words.takeTheirs}</Button><Button mini onClick={() => void insist()}>{words.keepMine}</Button></div>}>
      <strong>{words.staleTitle(theirs.changed_by_name)}</strong><br />{words.staleText}
    </Note>
  );
}

/* ---------- the head of the form ---------- */

function Basics({ text, onChange }: { text: FormDefinition; onChange: (text: FormDefinition) => void }) {
  return (
    <section class="card stack g4" aria-labelledby="basics">
      <h2 id="basics">{words.basics}</h2>
      <TextField id="form-title" label={words.name} value={text.title} maxLength={200} onInput={(title) => onChange({ ...text, title })} />
      <TextField
        id="form-minutes" label={words.minutes} value={String(text.minutes ?? '')} inputMode="numeric" short maxLength={3}
        onInput={(value) => onChange({ ...text, minutes: Math.max(1, Math.min(600, Number(value.replace(/\D/gu, '')) || 1)) })}
      />
      <TextBlocks id="form-intro" label={words.welcome} help={words.welcomeHelp} rows={4} blocks={text.intro} onChange={(intro) => onChange({ ...text, intro })} />
    </section>
  );
}

/* ---------- one part ---------- */

interface PartProps {
  form: FormDefinition; section: Section; at: number; flaws: (section: number | null, field?: number | null) => string[];
  onChange: (section: Section) => void; onRemove: () => void; onMove: (to: number) => void;
}

function Part({ form, section, at, flaws, onChange, onRemove, onMove }: PartProps) {
  const say = useToast();
  const [open, setOpen] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  const named = section.title || words.part(at + 1);
  const of = <span class="hidden">{words.of(named)}</span>;
  const move = (from: number, to: number) => {
    onChange({ ...section, fields: moved(section.fields, from, to) });
    say(words.movedTo(to + 1, section.fields.length));
  };
  const remove = (index: number) => {
    const before = section;
    onChange({ ...section, fields: without(section.fields, index) });
    say(words.removed(section.fields[index]?.label || words.types[section.fields[index]?.type ?? '']!), { label: words.undo, run: () => onChange(before) });
  };
  return (
    <section class="card flush" id={`part-${at}`} tabIndex={-1} aria-label={`${words.part(at + 1)}${section.title ? `, ${section.title}` : ''}`}>
      <div class="cardhead">
        <h2>{words.part(at + 1)}</h2>
        <div class="cluster g2">
          {at > 0 && <Button mini look="quiet" onClick={() => onMove(at - 1)}>{words.up}{of}</Button>}
          {at < form.sections.length - 1 && <Button mini look="quiet" onClick={() => onMove(at + 1)}>{words.down}{of}</Button>}
          <Button mini look="quiet" icon="bin" onClick={() => (section.fields.length ? setAsking(true) : onRemove())}>{words.remove}{of}</Button>
        </div>
      </div>
      <div class="inset stack g4">
        <Flaws list={flaws(at)} />
        <TextField id={`part-${at}-title`} label={words.partTitle} value={section.title} maxLength={200} onInput={(title) => onChange({ ...section, title })} />
        <TextField id={`part-${at}-why`} label={words.why} help={words.whyHelp} value={section.why ?? ''} maxLength={2000} rows={2} onInput={(why) => onChange({ ...section, why })} />
        <Check checked={Boolean(section.skippable)} onChange={(on) => { const { skippable: _, ...rest } = section; onChange(on ? { ...rest, skippable: true } : rest); }}>
          {words.skippable}<br /><span class="small soft">{words.skippableHelp}</span>
        </Check>
        {section.when && (
          <Note tone="info" action={<Button mini onClick={() => { const { when: _, ...rest } = section; onChange(rest); }}>{words.dropCondition}{of}</Button>}>
            <strong>{words.condition}.</strong> {words.conditionText(inWords(section.when, form))}
          </Note>
        )}
      </div>
      <ol class="questions" aria-label={`${words.questions}: ${named}`}>
        {section.fields.map((field, index) => (
          <Question
            key={field.id} form={form} field={field} place={`${at}-${index}`} flaws={flaws(at, index)} open={open === field.id}
            first={index === 0} last={index === section.fields.length - 1}
            onOpen={(on) => setOpen(on ? field.id : null)} onMove={(by) => move(index, index + by)} onRemove={() => remove(index)}
            onChange={(next) => onChange({ ...section, fields: replaced(section.fields, index, next) })}
          />
        ))}
      </ol>
      <Adding form={form} at={at} onAdd={(type) => {
        const field = newField(type, fieldIds(form));
        onChange(withField(section, field));
        setOpen(field.id);
        setTimeout(() => goTo(`field-${field.id}`));
      }} />
      <Dialog
        open={asking} onClose={() => setAsking(false)} title={words.removePartTitle(at + 1, section.title)}
        actions={<><Button look="danger" onClick={() => { setAsking(false); onRemove(); }}>{words.removePart}</Button><Button look="quiet" onClick={() => setAsking(false)}>{words.keep}</Button></>}
      >
        <p class="soft">{words.removePartText(section.fields.length)}</p>
      </Dialog>
    </section>
  );
}

function Adding({ form, at, onAdd }: { form: FormDefinition; at: number; onAdd: (type: FieldType) => void }) {
  const [type, setType] = useState<FieldType>('text');
  const signed = form.sections.some((section) => section.fields.some((field) => field.type === 'signature'));
  return (
    <div class="inset ruled">
      <div class="adding">
        <div class="field">
          <label for={`add-${at}`}>{words.addKind}</label>
          <select id={`add-${at}`} value={type} onChange={(event) => setType(event.currentTarget.value as FieldType)}>
            {TYPES.filter((one) => one !== 'signature' || !signed).map((one) => <option key={one} value={one}>{words.types[one]}</option>)}
          </select>
        </div>
        <Button icon="plus" onClick={() => onAdd(type)}>{words.add}<span class="hidden">{words.of(words.part(at + 1))}</span></Button>
      </div>
    </div>
  );
}

/* ---------- state, problems, publishing ---------- */

function Status({ drafting }: { drafting: Drafting }) {
  const { draft, state, problem, flush, text } = drafting;
  const { route } = useLocation();
  const where = (section: number | null, field: number | null) =>
    section === null ? 'form-title' : field === null ? `part-${section}-title` : `question-${section}-${field}`;
  const preview = useAct(async () => {
    if (await flush()) route(`/staff/forms/${draft.form_id}?draft=1`);
  });
  return (
    <>
      <section class="card stack g4" aria-labelledby="state">
        <div class="split"><h2 id="state">{words.publish}</h2><span role="status"><Badge tone={state === 'saved' ? 'good' : state === 'failed' ? 'bad' : 'plain'} hollow={state !== 'saved'}>{words.state[state]}</Badge></span></div>
        {state === 'failed' && problem && problem.status !== 412 && (
          <><Failed problem={problem} lead={problem.status === 0 ? words.offline : ''} />
          {problem.faults.length > 0 && <Flaws list={[...new Set(problem.faults.map((fault) => fault.detail))]} />}
          <Button mini onClick={() => void flush()}>{words.saveAgain}</Button></>
        )}
        {draft.problems.length === 0 ? <p class="small soft">{words.ready}</p> : (
          <div class="stack g2">
            <p class="small strong">{words.problems}</p>
            <ul class="stack g2 small problems">
              {draft.problems.map((one, index) => {
                const field = one.section !== null && one.field !== null ? text.sections[one.section]?.fields[one.field] : null;
                const named = field ? field.label || words.types[field.type]! : '';
                const told = one.section === null ? one.detail : words.problemAt(one.section + 1, named ? `${named}. ${one.detail}` : one.detail);
                return <li key={index}><button type="button" class="linklike" onClick={() => goTo(where(one.section, one.field))}>{told}</button></li>;
              })}
            </ul>
          </div>
        )}
        <div class="cluster g2">
          <Publishing drafting={drafting} />
          <Button icon="eye" busy={preview.busy} aria-disabled={draft.problems.length ? 'true' : undefined} onClick={() => { if (!draft.problems.length) void preview.run(); }}>{words.preview}</Button>
        </div>
        {draft.problems.length > 0 && <p class="tiny soft">{words.previewHelp}</p>}
        <p class="tiny soft">{words.review}</p>
      </section>
      <Ending drafting={drafting} />
    </>
  );
}

function Publishing({ drafting }: { drafting: Drafting }) {
  const { draft, flush } = drafting;
  const { route } = useLocation();
  const say = useToast();
  const [asking, setAsking] = useState(false);
  const [changed, setChanged] = useState('');
  const latest = useRef(draft);
  latest.current = draft;
  const act = useAct(async () => {
    const params = { path: { form_id: draft.form_id }, header: { 'If-Match': latest.current.etag } };
    const row = await call(api.POST('/practice/forms/{form_id}/publication', { params, body: { what_changed: changed.trim() || null } }));
    say(words.published(row.version));
    route(BASE, true); // the draft is gone: there is nothing to come back to
  });
  const ask = async () => {
    if (draft.problems.length || !(await flush())) return;
    act.clear();
    setAsking(true);
  };
  const shut = () => { if (!act.busy) setAsking(false); };
  return (
    <>
      <Button look="primary" aria-disabled={draft.problems.length ? 'true' : undefined} onClick={() => void ask()}>{words.publish}</Button>
      <Dialog
        open={asking} onClose={shut} title={words.publishTitle(draft.version)}
        actions={<><Button look="primary" busy={act.busy} busyLabel={words.publishing} onClick={() => void act.run()}>{words.publishYes}</Button><Button look="quiet" onClick={shut}>{words.notYet}</Button></>}
      >
        <p class="soft">{words.publishText}</p>
        {draft.published && <TextField label={words.whatChanged} help={words.whatChangedHelp} rows={3} maxLength={2000} value={changed} onInput={setChanged} />}
        <Failed problem={act.problem} />
      </Dialog>
    </>
  );
}

/** Back to the standard text, and dropping the draft. */
function Ending({ drafting }: { drafting: Drafting }) {
  const { draft, take, flush } = drafting;
  const { route } = useLocation();
  const [asking, setAsking] = useState<'standard' | 'discard' | null>(null);
  const latest = useRef(draft);
  latest.current = draft;
  const path = { form_id: draft.form_id };
  const act = useAct(async (what: 'standard' | 'discard') => {
    await flush();
    if (what === 'standard') {
      const body = { source: 'standard' as const, replaces: latest.current.etag };
      take((await call(api.POST('/practice/forms/{form_id}/draft', { params: { path }, body }))) as unknown as FormDraft);
      setAsking(null);
      return;
    }
    await call(api.DELETE('/practice/forms/{form_id}/draft', { params: { path, header: { 'If-Match': latest.current.etag } } }));
    route(BASE, true); // the draft is gone: there is nothing to come back to
  });
  const shut = () => { if (!act.busy) setAsking(null); };
  const gone = !draft.published;
  const standard = asking === 'standard';
  return (
    <section class="card stack g3" aria-label={words.discard}>
      {draft.standard && <Button look="quiet" icon="refresh" onClick={() => { act.clear(); setAsking('standard'); }}>{words.standard}</Button>}
      <Button look="quiet" icon="bin" onClick={() => { act.clear(); setAsking('discard'); }}>{gone ? words.delete : words.discard}</Button>
      <Dialog
        open={asking !== null} onClose={shut} title={standard ? words.standardTitle : gone ? words.deleteTitle : words.discardTitle}
        actions={<>
          <Button look={standard ? 'primary' : 'danger'} busy={act.busy} onClick={() => asking && void act.run(asking)}>{standard ? words.standardYes : gone ? words.delete : words.discard}</Button>
          <Button look="quiet" onClick={shut}>{words.keep}</Button>
        </>}
      >
        <p class="soft">{standard ? words.standardText : gone ? words.deleteText : words.discardText}</p>
        <Failed problem={act.problem} />
      </Dialog>
    </section>
  );
}
