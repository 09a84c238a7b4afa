/** Signing one form: disclosure, consents, typed or drawn signature; one act, never twice. */
import { useLocation, useRoute } from 'preact-iso';
import { useMemo, useRef, useState } from 'preact/hooks';
import { Blocks } from '../forms/Blocks.tsx';
import { helped } from '../forms/Crisis.tsx';
import { look, missing, worrying } from '../forms/engine.ts';
import { Pad, type Groups } from '../forms/Pad.tsx';
import { faultLine } from '../forms/readable.ts';
import { fetchForm, today } from '../forms/useFilling.ts';
import { missingFault } from '../forms/faults.ts';
import { api, asProblem, call, newKey, type Problem } from '../http.ts';
import { keep } from '../keep.ts';
import { useSession } from '../session.tsx';
import { TaskShell } from '../shell/TaskShell.tsx';
import { client } from '../strings/client.ts';
import type { FillingForm, SignatureBody, Strokes } from '../types.ts';
import { Bones, Button, Check, deviceZone, Empty, ErrorSummary, Facts, Field, FieldError, Heading, Icon, LinkButton, LoadFailed, longDay, Note, ProblemNote, Segments, TextField, useAct, useLoad, useToast, zoneName, type Wrong } from '../ui/index.ts';

const words = client.sign;
type Relationship = SignatureBody['relationship'];
const RELATIONSHIPS: Relationship[] = ['self', 'parent', 'guardian', 'other'];

export default function Sign() {
  const { params } = useRoute() as { params: Record<string, string> };
  const intake = params.intake_id ?? '';
  const form = params.form_id ?? '';
  const out = { href: `/forms/${intake}/${form}?s=review`, label: words.out };
  const loaded = useLoad(() => fetchForm(intake, form), [intake, form]);
  if (!loaded.data) {
    return <TaskShell out={out}>{loaded.problem ? <LoadFailed problem={loaded.problem} onRetry={() => void loaded.reload()} /> : <Bones rows={4} card={false} />}</TaskShell>;
  }
  return <Signing key={`${intake}/${form}`} data={loaded.data} out={out} />;
}

/** What is still missing, as the server sees it: fields with the section to answer them in. */
interface Gap { section: string; field: string; text: string }

const sightOf = (data: FillingForm) => look(data.definition, data.answers, data.skipped, { age: data.facts.age, today: today() });

/** Who signed the packet's earlier form, offered again for the next one. In memory only. */
const signers = new Map<string, { name: string; relationship: Relationship }>();

/**
 * Who signs, as far as the answers tell: a parent who said so is not offered the client's name to sign with. Both can be changed.
 * The ids are those of the standard forms; a form without them keeps what the server offers.
 */
function signerOf(data: FillingForm): { name: string; relationship: Relationship } {
  const { who_fills: who, filler_name: name, signing_for: whom } = data.answers;
  const offered = RELATIONSHIPS.find((one) => one === data.signer.relationship) ?? 'self';
  if (who === 'parent' || who === 'other') return { name: typeof name === 'string' ? name : '', relationship: who };
  const earlier = signers.get(data.intake_id);
  if (whom === 'other') return earlier && earlier.relationship !== 'self' ? earlier : { name: '', relationship: 'parent' };
  return (whom === undefined && earlier) || { name: data.signer.name, relationship: offered };
}

/** Names are compared as people read them: without case, accents' encoding or doubled spaces. */
const plain = (name: string) => name.normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase();

function gaps(data: FillingForm): Gap[] {
  const sight = sightOf(data);
  const ids = new Set(missing(sight));
  return sight.parts.flatMap((part) => part.fields.filter((field) => ids.has(field.id)).map((field) => ({
    section: part.section.id, field: field.id, text: faultLine(field, missingFault(field)),
  })));
}

function Incomplete({ data, found, out }: { data: FillingForm; found: Gap[]; out: { href: string; label: string } }) {
  const base = `/forms/${data.intake_id}/${data.form_id}`;
  return (
    <TaskShell out={out} foot={<div class="cluster"><LinkButton look="primary" href={`${base}?s=${found[0]?.section ?? 'review'}&from=review`}>{words.goToAnswers}</LinkButton></div>}>
      <div class="stack g5">
        <div class="stack g2"><Heading move="incomplete">{words.incompleteTitle}</Heading><p class="soft">{words.incomplete}</p></div>
        <ul class="card flush rows">{found.map((gap) => <li key={gap.field}><a class="row" href={`${base}?s=${gap.section}&from=review`}><div>{gap.text}</div><Icon name="right" /></a></li>)}</ul>
      </div>
    </TaskShell>
  );
}

function Signing({ data, out }: { data: FillingForm; out: { href: string; label: string } }) {
  const session = useSession();
  const say = useToast();
  const { route } = useLocation();
  const [consents, setConsents] = useState({ read: false, esign: false, intent: false });
  const [method, setMethod] = useState<'typed' | 'drawn'>('typed');
  const [typed, setTyped] = useState('');
  const [left, setLeft] = useState(false); // the name is compared once the field was left, not at every letter
  const [printed, setPrinted] = useState(() => signerOf(data).name);
  const [relationship, setRelationship] = useState(() => signerOf(data).relationship);
  const [groups, setGroups] = useState<Groups>([]);
  const [strokes, setStrokes] = useState<Strokes>([]);
  const [asked, setAsked] = useState(false);
  const [turn, setTurn] = useState(0);
  const [refusedGaps, setRefusedGaps] = useState<Gap[]>([]);
  const [over, setOver] = useState<Problem | null>(null);
  // Kept until an answer is certain, so that pressing again after a lost connection can never sign twice.
  const key = useRef<{ body: string; key: string } | null>(null);
  const open = useMemo(() => (data.status === 'signed' || data.status === 'sealed' ? [] : gaps(data)), [data]);

  const errors: Record<string, string> = {};
  if (!consents.read) errors.read = words.needRead;
  if (!consents.esign) errors.esign = words.needEsign;
  if (!consents.intent) errors.intent = words.needIntent;
  if (method === 'typed' && !typed.trim()) errors.typed = words.needTyped;
  if (method === 'typed' && typed.length > 200) errors.typed = words.tooLong;
  if (method === 'drawn' && !strokes.length) errors.pad = words.needDrawn;
  if (!printed.trim()) errors.printed = words.needPrinted;
  if (printed.length > 200) errors.printed = words.tooLong;
  const error = (name: string) => (asked ? (errors[name] ?? null) : null);
  const listed: Wrong[] = asked ? ['read', 'esign', 'intent', 'typed', 'pad', 'printed'].flatMap((name) => (errors[name] ? [{ id: `sign-${name}`, text: errors[name] as string }] : [])) : [];

  const act = useAct(async () => {
    const body: SignatureBody = {
      method,
      typed_name: method === 'typed' ? typed.trim() : printed.trim(),
      strokes: method === 'drawn' ? strokes : null,
      printed_name: printed.trim(),
      relationship,
      disclosure_version: data.disclosure.version,
      consents: { read: true, esign: true, intent: true }, // not sent before all three are checked
      time_zone: deviceZone(),
    };
    const digest = JSON.stringify(body);
    if (key.current?.body !== digest) key.current = { body: digest, key: newKey() };
    try {
      const signed = await call(api.POST('/portal/intakes/{intake_id}/forms/{form_id}/signature', {
        params: { path: { intake_id: data.intake_id, form_id: data.form_id }, header: { 'Idempotency-Key': key.current.key } }, body,
      }));
      keep(`draft:${session.person.id}:form:${data.intake_id}:${data.form_id}`, null);
      keep(`draft:${session.person.id}:raw:${data.intake_id}:${data.form_id}`, null);
      signers.set(data.intake_id, { name: body.printed_name, relationship });
      if (worrying(sightOf(data)).length) helped.add(data.intake_id);
      if (signed.next) {
        say(client.done.next);
        route(`/forms/${data.intake_id}/${signed.next.form_id}`, true);
      } else {
        route(`/forms/${data.intake_id}/done`, true);
      }
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.code === 'answers_incomplete') {
        setRefusedGaps(problem.faults.map((fault) => ({ section: fault.section_id ?? 'review', field: fault.pointer.replace('/answers/', ''), text: fault.detail })));
      } else if (problem.status === 409) {
        setOver(problem);
      } else {
        throw problem;
      }
    }
  });

  if (over || data.status === 'signed' || data.status === 'sealed') {
    const signed = !over || over.code === 'already_signed';
    return (
      <TaskShell out={{ href: '/forms', label: client.fill.out }}>
        <Empty level={1} icon={signed ? 'check' : 'info'} title={signed ? data.title : client.fill.revokedTitle} action={<LinkButton look="primary" href={signed ? (data.document_id ? `/documents/${data.document_id}` : '/documents') : '/forms'}>{signed ? client.fill.openCopy : client.fill.toForms}</LinkButton>}>
          {signed ? client.fill.signedAlready : over?.code === 'intake_revoked' ? client.fill.revoked : over?.title}
        </Empty>
      </TaskShell>
    );
  }
  const found = refusedGaps.length ? refusedGaps : open;
  if (found.length) return <Incomplete data={data} found={found} out={out} />;

  const submit = (event: Event) => {
    event.preventDefault();
    setAsked(true);
    if (Object.keys(errors).length) {
      setTurn(turn + 1);
      return;
    }
    void act.run();
  };
  const consent = (name: 'read' | 'esign' | 'intent', text: string) => (
    <div class={error(name) ? 'field invalid' : 'field'}>
      {error(name) ? <FieldError id={`sign-${name}-error`} text={error(name) ?? ''} /> : null}
      <Check id={`sign-${name}`} checked={consents[name]} invalid={Boolean(error(name))} describedBy={error(name) ? `sign-${name}-error` : undefined} onChange={(on) => setConsents({ ...consents, [name]: on })}>{text}</Check>
    </div>
  );
  const zone = deviceZone();
  return (
    <TaskShell
      out={out}
      foot={<div class="cluster"><Button look="primary" wide type="submit" form="sign" busy={act.busy} busyLabel={words.busy}>{words.submit}</Button></div>}
    >
      <form class="stack g6" id="sign" noValidate onSubmit={submit}>
        <div class="stack g5">
          <div class="stack g2">
            <div class="split small soft"><span>{client.fill.formOf(data.number, data.of)}</span><span>{words.last}</span></div>
            <progress max={1} value={1} aria-label={words.last} />
          </div>
          <div class="stack g2"><Heading>{words.title(data.title)}</Heading><p class="soft">{words.lead(data.version, session.tenant.name)}</p></div>
        </div>
        <ErrorSummary wrong={listed} turn={turn} />
        <section class="card stack g3" aria-labelledby="disclosure"><h2 id="disclosure">{words.disclosure}</h2><div class="stack g3 small"><Blocks blocks={data.disclosure.text} level={3} /></div></section>
        <fieldset class="stack g4"><legend class="hidden">{words.consents}</legend>
          {consent('read', words.read)}
          {consent('esign', words.esign)}
          {consent('intent', data.disclosure.intent)}
        </fieldset>
        <div class="stack g4">
          <Segments legend={words.how} name="how" value={method} options={[{ value: 'typed', label: words.type }, { value: 'drawn', label: words.draw }]} onChange={setMethod} />
          {method === 'typed' ? (
            <>
              <TextField id="sign-typed" label={words.typedName} help={words.typedHelp} autocomplete="name" maxLength={200} value={typed} error={error('typed')} onInput={setTyped} onBlur={() => setLeft(true)} required />
              <div class="pad typed" aria-hidden="true"><span class="typedname">{typed}</span></div>
            </>
          ) : <Pad id="sign-pad" groups={groups} error={error('pad')} onDrawn={(made, fitted) => { setGroups(made); setStrokes(fitted); }} />}
        </div>
        <div class="stack g3">
          <TextField id="sign-printed" label={words.printed} help={words.printedHelp} autocomplete="name" maxLength={200} value={printed} error={error('printed')} onInput={setPrinted} required />
          <div role="status" class="hint-slot">{method === 'typed' && left && typed.trim() && printed.trim() && plain(typed) !== plain(printed) ? <Note icon="info">{words.differs(typed.trim(), printed.trim())}</Note> : null}</div>
        </div>
        <Field id="sign-relationship" label={words.relationship}>
          {(wiring) => <select {...wiring} value={relationship} onChange={(event) => setRelationship(event.currentTarget.value as Relationship)}>{RELATIONSHIPS.map((one) => <option key={one} value={one}>{words.relationships[one]}</option>)}</select>}
        </Field>
        <Facts rows={[[words.signingAs, session.person.name], [words.date, longDay(new Date())], [words.zone, zoneName(zone)]]} />
        <Note icon="lock">{words.final}</Note>
        {act.problem ? act.problem.status === 0 || act.problem.status >= 500 ? <Note tone="warn" live icon="offline">{words.unsure}</Note> : <ProblemNote problem={act.problem} /> : null}
      </form>
    </TaskShell>
  );
}
