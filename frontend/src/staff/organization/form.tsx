/** A form as the client sees it, to be tried out: conditions, crisis help and skipping work, and nothing is saved. */
import { useRoute } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Blocks } from '../../forms/Blocks.tsx';
import { CrisisHelp } from '../../forms/Crisis.tsx';
import { look, worries, type Part, type Sight } from '../../forms/engine.ts';
import { localFault } from '../../forms/faults.ts';
import { FormField } from '../../forms/fields/fields.tsx';
import { FormPreview } from '../../forms/Preview.tsx';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Badge, Button, Heading, LinkButton, Note, Segments, useLoad } from '../../ui/index.ts';
import { forms } from '../../strings/forms.ts';
import { staff } from '../../strings/staff.ts';
import type { Answers, Field, FormDefinition, PracticeFormDetail, Value } from '../../types.ts';
import { Crumbs, Ready, RecordBones } from '../parts.tsx';

const words = staff.tryOut;
const BASE = '/staff/organization/client-portal';
type Who = 'adult' | 'minor';
type View = 'parts' | 'all';
const AGE: Record<Who, number> = { adult: 34, minor: 15 };
const END = '__end';

export function FormPreviewPage() {
  const { params, query } = useRoute() as { params: Record<string, string>; query: Record<string, string> };
  const form_id = params.form_id ?? '';
  const version = Number(query.version) || null;
  const draft = query.draft === '1';
  // The description of the API calls the inside of a form plain JSON; its shape is in types.ts.
  const form = useLoad(async () => (await call(draft
    ? api.GET('/practice/forms/{form_id}/draft/preview', { params: { path: { form_id } } })
    : api.GET('/practice/forms/{form_id}', { params: { path: { form_id }, query: version ? { version } : {} } }))) as unknown as PracticeFormDetail, [form_id, version, draft]);
  return (
    <Ready of={form} bones={<RecordBones />} missing={{ title: words.failed, text: words.notFound }}>
      {(data) => <TryOut key={`${form_id}/${data.version}`} form={data} edit={draft ? `/staff/forms/${form_id}/edit` : null} />}
    </Ready>
  );
}

/** The day on this device, as the form engine wants it. */
function today(): string {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((n) => String(n).padStart(2, '0')).join('-');
}

function TryOut({ form, edit }: { form: PracticeFormDetail; edit: string | null }) {
  const [who, setWho] = useState<Who>('adult');
  const [view, setView] = useState<View>('parts');
  const [answers, setAnswers] = useState<Answers>({});
  const [skipped, setSkipped] = useState<string[]>([]);
  const [at, setAt] = useState('');
  const sight = look(form.definition, answers, skipped, { age: AGE[who], today: today() });
  const found = sight.parts.findIndex((part) => part.section.id === at);
  const index = at === END ? sight.parts.length : Math.max(0, found);
  const part = sight.parts[index];
  const paperRef = useRef<HTMLElement>(null);
  const moved = useRef(false);
  useEffect(() => {
    // The next part begins at its top, with the cursor on its title; not when the page opens.
    if (moved.current) {
      paperRef.current?.scrollIntoView({ block: 'start' });
      paperRef.current?.querySelector<HTMLElement>('h2')?.focus({ preventScroll: true });
    }
    moved.current = true;
  }, [at, view]);
  const restart = () => {
    setAnswers({});
    setSkipped([]);
    setAt('');
  };
  const paper: PaperProps = {
    sight, answers,
    onAnswer: (id, value) => setAnswers((now) => ({ ...now, [id]: value })),
    onSkip: (id, on) => setSkipped((now) => (on ? [...now, id] : now.filter((other) => other !== id))),
  };
  return (
    <>
      <Crumbs items={[[staff.organization.title, BASE], [staff.organization.tabs.forms, `${BASE}/intake-forms`], words.crumb]} />
      <div class="split">
        <div class="stack g1"><Heading>{form.title}</Heading><p class="soft">{words.intro}</p></div>
        <div class="badges"><Badge hollow>{form.version ? forms.versions.number(form.version) : forms.library.draft}</Badge><Badge tone="info" hollow>{words.badge}</Badge></div>
      </div>
      <Note tone="warn">{form.review_note}</Note>
      <div class="beside">
        <article class={view === 'all' ? 'asclient' : 'card asclient stack g6'} aria-label={form.title} ref={paperRef}>
          {view === 'all' ? <FormPreview definition={form.definition} conditional={words.conditional} />
            : part ? <OnePart key={part.section.id} definition={form.definition} part={part} number={index + 1} of={sight.parts.length} {...paper} />
            : <Note tone="good" icon="pen">{words.end}</Note>}
          {view === 'parts' && (
            <Steps
              first={index === 0} last={index >= sight.parts.length}
              onBack={() => setAt(sight.parts[index - 1]?.section.id ?? '')}
              onNext={() => setAt(sight.parts[index + 1]?.section.id ?? END)} onRestart={restart}
            />
          )}
        </article>
        <aside class="stack g4 noprint">
          <section class="card stack g4" aria-label={words.options}>
            {edit && <LinkButton icon="left" href={edit}>{words.toDraft}</LinkButton>}
            <Segments legend={words.view} name="view" value={view} onChange={setView} options={[{ value: 'parts', label: words.byPart }, { value: 'all', label: words.all }]} />
            {view === 'parts' && <div class="stack g2"><p class="small strong" aria-hidden="true">{words.as}</p><Segments legend={words.as} name="who" value={who} onChange={setWho} options={[{ value: 'adult', label: words.adult }, { value: 'minor', label: words.minor }]} /></div>}
          </section>
          <Parts sight={sight} current={view === 'parts' ? part?.section.id ?? '' : ''} onOpen={(id) => { setView('parts'); setAt(id); }} />
        </aside>
      </div>
    </>
  );
}

function Steps({ first, last, onBack, onNext, onRestart }: { first: boolean; last: boolean; onBack: () => void; onNext: () => void; onRestart: () => void }) {
  return (
    <div class="cluster g2 noprint">
      {!first && <Button onClick={onBack}>{words.back}</Button>}
      {last ? <Button look="primary" onClick={onRestart}>{words.restart}</Button> : <Button look="primary" onClick={onNext}>{words.next}</Button>}
    </div>
  );
}

function Parts({ sight, current, onOpen }: { sight: Sight; current: string; onOpen: (id: string) => void }) {
  return (
    <nav class="card stack g3" aria-labelledby="parts">
      <h2 id="parts">{words.contents}</h2>
      <ol class="stack g1 small partlist">
        {sight.parts.map(({ section }) => (
          <li key={section.id}><button type="button" class="linklike" aria-current={section.id === current ? 'step' : undefined} onClick={() => onOpen(section.id)}>{section.title}</button></li>
        ))}
      </ol>
    </nav>
  );
}

interface PaperProps {
  sight: Sight; answers: Answers;
  onAnswer: (id: string, value: Value | null) => void;
  onSkip: (section: string, on: boolean) => void;
}

function OnePart({ definition, part, number, of, ...paper }: { definition: FormDefinition; part: Part; number: number; of: number } & PaperProps) {
  return (
    <>
      {number === 1 && <Intro definition={definition} />}
      <div class="stack g2">
        <p class="small soft num" role="status">{words.section(number, of)}</p>
        <progress max={of} value={number} aria-label={words.section(number, of)} />
      </div>
      <Questions part={part} {...paper} />
    </>
  );
}

function Intro({ definition }: { definition: FormDefinition }) {
  return definition.intro?.length ? <div class="stack g3"><Blocks blocks={definition.intro} /></div> : null;
}

function Questions({ part, sight, answers, onAnswer, onSkip }: { part: Part } & PaperProps) {
  const { tenant } = useSession();
  const { section, skipped } = part;
  const first = part.fields.find((field) => worries(field, sight));
  const crisis = (field: Field) => worries(field, sight) && <CrisisHelp tenant={tenant} id={field.id} brief={field !== first} />;
  return (
    <>
      <div class="stack g2">
        <h2 tabIndex={-1}>{section.title}</h2>
        {section.why && <p class="soft">{section.why}</p>}
        {section.skippable && (
          <p><Button mini icon="message" onClick={() => onSkip(section.id, !skipped)}>{skipped ? words.answerAfterAll : words.inPerson}<span class="hidden">: {section.title}</span></Button></p>
        )}
      </div>
      {skipped ? <Note tone="own" icon="message">{words.skipped}</Note> : part.fields.map((field) => (
        <div key={field.id} class="stack g5">
          <FormField
            field={field} value={answers[field.id]} error={localFault(field, answers[field.id], today())}
            onChange={(value) => onAnswer(field.id, value)} onLeave={() => {}}
          />
          {field.worrying?.length ? <div aria-live="polite" class="crisis-slot">{crisis(field)}</div> : null}
        </div>
      ))}
    </>
  );
}
