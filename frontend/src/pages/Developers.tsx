/** The API reference: a quick start, and every operation, drawn from the API's own description. Public. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, call } from '../http.ts';
import { useSessionState } from '../session.tsx';
import { SkipLink } from '../shell/shells.tsx';
import { developers } from '../strings/developers.ts';
import { shared } from '../strings/shared.ts';
import { Await, Badge, Button, Empty, Field, Heading, Icon, Segments, useBodyClass, useLoad } from '../ui/index.ts';
import { curl, features, fits, forTokens, inside, limitsOf, typeOf, type Document, type Feature, type Operation, type Schema, type Told } from './openapi.ts';
import './developers.css';

const words = developers;
const BASE = `${location.origin}/api`;
const SECTIONS: [id: string, title: string][] = [
  ['quick-start', words.quick], ['everywhere', words.everywhere], ['operations', words.operations], ['problems', words.problems],
];

export default function Developers() {
  const state = useSessionState();
  useBodyClass('developers');
  const description = useLoad(async () => (await call(api.GET('/openapi.json'))) as unknown as Document, []);
  const home = state.status === 'ready' && state.session.kind === 'staff' ? '/staff' : '/';
  return (
    <>
      <SkipLink />
      <header class="bar"><a class="brand" href={home}><span class="mark"><Icon name="sprout" /></span><span>{shared.product}</span></a></header>
      <main id="main" tabIndex={-1} class="wide-page stack g6">
        <div class="split top">
          <div class="stack g2 lede"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>
          <Button icon="print" onClick={() => window.print()}>{words.print}</Button>
        </div>
        <nav class="noprint" aria-label={words.contents}>
          <ul class="chips">{SECTIONS.map(([id, title]) => <li key={id}><a class="chip" href={`#${id}`} onClick={jump(id)}>{title}</a></li>)}</ul>
        </nav>
        <QuickStart />
        <Everywhere />
        <Await of={description} within>
          {(document) => <><Operations document={document} /><Problems told={document['x-problems']} /></>}
        </Await>
        <section class="stack g3">
          <h2>{words.schemas}</h2>
          <p class="small">{words.descriptionText}</p>
          <Code text={`${BASE}/openapi.json`} of={words.schemas} />
        </section>
      </main>
    </>
  );
}

/** A link within the page that moves the focus, too; the address keeps it. */
function jump(id: string) {
  return (event: Event) => {
    event.preventDefault();
    history.replaceState(null, '', `#${id}`);
    const found = document.getElementById(id);
    found?.scrollIntoView();
    found?.focus({ preventScroll: true });
  };
}

function QuickStart() {
  return (
    <section class="stack g4" aria-labelledby="quick-start">
      <h2 id="quick-start" tabIndex={-1}>{words.quick}</h2>
      <ol class="steps stack g5">
        {words.steps.map((step) => (
          <li key={step.title} class="stack g2">
            <h3>{step.title}</h3>
            <p class="small soft prose">{step.text}</p>
            <Code text={step.code(BASE)} of={step.title} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Everywhere() {
  return (
    <section class="stack g4" aria-labelledby="everywhere">
      <h2 id="everywhere" tabIndex={-1}>{words.everywhere}</h2>
      <dl class="rules">{words.rules.map(([name, text]) => [<dt key={name}>{name}</dt>, <dd key={`${name}-d`}>{text}</dd>])}</dl>
    </section>
  );
}

/** A piece of code with a button that copies it. Long lines scroll within it, by keyboard as well. */
function Code({ text, of }: { text: string; of: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 4000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => navigator.clipboard.writeText(text).then(() => setCopied(true), () => setCopied(false));
  return (
    <div class="codebox">
      <pre class="mono" tabIndex={0} role="region" aria-label={of}><code>{text}</code></pre>
      <Button look="quiet" mini icon={copied ? 'check' : 'copy'} onClick={() => void copy()}>{copied ? shared.copied : shared.copy}<span class="hidden">{words.copyOf(of)}</span></Button>
      <span class="hidden" role="status">{copied ? shared.copied : ''}</span>
    </div>
  );
}

/* ---------- operations ---------- */

function Operations({ document: api }: { document: Document }) {
  const every = useMemo(() => features(api), [api]);
  const asked = useRef(location.hash.slice(1));
  const named = useMemo(() => every.flatMap((each) => each.operations).find((each) => each.operationId === asked.current), [every]);
  const [typed, setTyped] = useState('');
  const [which, setWhich] = useState<'tokens' | 'every'>(named && !forTokens(named) ? 'every' : 'tokens');
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const [before, after] = [() => setPrinting(true), () => setPrinting(false)];
    addEventListener('beforeprint', before);
    addEventListener('afterprint', after);
    return () => {
      removeEventListener('beforeprint', before);
      removeEventListener('afterprint', after);
    };
  }, []);
  useLayoutEffect(() => {
    if (asked.current) document.getElementById(asked.current)?.scrollIntoView();
  }, []);
  const shown = every
    .map((feature) => ({ ...feature, operations: feature.operations.filter((each) => (which === 'every' || forTokens(each)) && fits(each, typed)) }))
    .filter((feature) => feature.operations.length);
  const n = shown.reduce((sum, feature) => sum + feature.operations.length, 0);
  return (
    <section class="stack g5" aria-labelledby="operations">
      <h2 id="operations" tabIndex={-1}>{words.operations}</h2>
      <div class="grid noprint">
        <Field label={words.search}>
          {(wiring) => <input {...wiring} class="input" type="search" placeholder={words.placeholder} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />}
        </Field>
        <Segments legend={words.which} name="which" value={which} onChange={setWhich} options={[{ value: 'tokens', label: words.forTokens }, { value: 'every', label: words.every }]} />
      </div>
      <p class="small soft num" role="status">{words.found(n)}</p>
      {shown.length === 0 ? (
        <Empty icon="search" title={words.noneTitle} level={3} action={which === 'tokens' ? <Button onClick={() => setWhich('every')}>{words.showEvery}</Button> : undefined}>{words.none}</Empty>
      ) : shown.map((feature) => <Group key={feature.name} feature={feature} api={api} all={printing} named={named?.operationId} />)}
    </section>
  );
}

function Group({ feature, api, all, named }: { feature: Feature; api: Document; all: boolean; named: string | undefined }) {
  const id = `feature-${feature.name}`;
  return (
    <section class="stack g3" aria-labelledby={id}>
      <div class="stack g1"><h3 id={id} class="featurename">{words.features[feature.name] ?? feature.name}</h3><p class="small soft">{feature.description}</p></div>
      <div class="card flush rows ops">
        {feature.operations.map((each) => <One key={each.operationId} operation={each} api={api} all={all} first={each.operationId === named} />)}
      </div>
    </section>
  );
}

function One({ operation, api, all, first }: { operation: Operation; api: Document; all: boolean; first: boolean }) {
  const [open, setOpen] = useState(first);
  const scope = operation['x-scope'];
  return (
    <details class="op" id={operation.operationId} open={open || all} onToggle={(event) => { if (!all) setOpen(event.currentTarget.open); }}>
      <summary>
        <span class="opline">
          <span class={`method mono ${operation.method.toLowerCase()}`}>{operation.method}</span>
          <span class="mono path">{breakable(operation.path)}</span>
          <span class="what">{operation.summary}</span>
        </span>
        {scope ? <span class="chip mono">{scope}</span> : <Badge hollow>{operation.security ? words.closed : words.open}</Badge>}
      </summary>
      {open || all ? <Inside operation={operation} api={api} /> : null}
    </details>
  );
}

/** A sentence of the description: what stands between backticks is code. */
function Said({ text }: { text: string | undefined }) {
  return <>{text?.split('`').map((part, index) => (index % 2 ? <code key={index} class="mono">{part}</code> : part))}</>;
}

/** An address that may break after each slash. */
function breakable(path: string) {
  return path.split('/').map((part, index) => (index ? <>/<wbr />{part}</> : part));
}

function Inside({ operation, api }: { operation: Operation; api: Document }) {
  const scope = operation['x-scope'];
  const content = Object.entries(operation.requestBody?.content ?? {})[0];
  const [status, good] = Object.entries(operation.responses).find(([code]) => code < '300') ?? ['', undefined];
  const answer = Object.values(good?.content ?? {})[0];
  const notes = notesOf(operation);
  return (
    <div class="opbody stack g4">
      <p class="small">{scope ? words.scopeText(scope) : operation.security ? words.closedText : words.openText} <Said text={operation.description} /></p>
      {notes.length ? <ul class="dots small soft">{notes.map((note) => <li key={note}>{note}</li>)}</ul> : null}
      {operation.parameters.length ? (
        <Part title={words.parameters}>
          <dl class="fields">
            {operation.parameters.map((each) => (
              <Row key={each.name} name={each.name} schema={each.schema} api={api} required={each.required} extra={[words.places[each.in] ?? each.in]} seen={[]} />
            ))}
          </dl>
        </Part>
      ) : null}
      {content ? (
        <Part title={words.body}>
          {content[0] === 'application/json' ? <Shape schema={content[1].schema} api={api} incoming /> : <p class="small">{words.bytes(content[0])}</p>}
        </Part>
      ) : null}
      <Part title={words.answer(status)}>{answer ? <Shape schema={answer.schema} api={api} /> : <p class="small soft">{words.noContent}</p>}</Part>
      <Part title={words.failures}><Failures operation={operation} told={api['x-problems']} /></Part>
      <Part title={words.example}><Code text={curl(operation, api, BASE)} of={`${words.example}: ${operation.summary}`} /></Part>
    </div>
  );
}

function Part({ title, children }: { title: string; children: preact.ComponentChildren }) {
  return <div class="stack g2"><h4>{title}</h4>{children}</div>;
}

function notesOf(operation: Operation): string[] {
  const names = operation.parameters.map((each) => each.name);
  const notes: string[] = [];
  if (names.includes('Idempotency-Key')) notes.push(words.notes.key);
  if (names.includes('cursor')) notes.push(words.notes.pages);
  if (names.includes('If-Match')) notes.push(words.notes.match);
  return notes;
}

function Failures({ operation, told }: { operation: Operation; told: Told[] }) {
  const sentences = new Map(told.map((each) => [each.code, each.title]));
  const bad = Object.entries(operation.responses).filter(([code]) => code >= '400');
  return (
    <dl class="fields">
      {bad.map(([status, answer]) => (
        <div key={status} class="fieldrow">
          <dt class="num">{status}</dt>
          <dd class="small">
            {answer['x-codes']?.map((code) => <p key={code}><span class="mono strong">{code}</span> <span class="soft">{sentences.get(code)}</span></p>)
              ?? <p class="soft">{status === '409' ? words.conflict : words.noCode}</p>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/* ---------- types ---------- */

/** An object's fields; objects within open by themselves when asked for. `incoming`: what must be sent is marked. */
function Shape({ schema, api, incoming, seen = [] }: { schema: Schema; api: Document; incoming?: boolean; seen?: string[] }) {
  const found = inside(schema, api);
  if (!found) return <p class="small mono">{typeOf(schema, api)}</p>;
  const needed = new Set(found.schema.required ?? []);
  return (
    <div class="stack g2">
      {found.schema.description ? <p class="small soft"><Said text={found.schema.description} /></p> : null}
      <dl class="fields">
        {Object.entries(found.schema.properties ?? {}).map(([name, each]) => (
          <Row key={name} name={name} schema={each} api={api} required={Boolean(incoming) && needed.has(name)} extra={[]} seen={[...seen, found.name]} incoming={incoming} />
        ))}
      </dl>
    </div>
  );
}

function Row({ name, schema, api, required, extra, seen, incoming }: {
  name: string; schema: Schema; api: Document; required: boolean; extra: string[]; seen: string[]; incoming?: boolean;
}) {
  const within = inside(schema, api);
  const told = [...extra, ...limitsOf(schema, api)];
  return (
    <div class="fieldrow">
      <dt><span class="mono strong">{name}</span>{required ? <span class="tiny needed"> {words.required}</span> : null}</dt>
      <dd class="small stack g1">
        <p><span class="mono">{typeOf(schema, api)}</span>{told.length ? <span class="soft"> · {told.join(' · ')}</span> : null}</p>
        {within && !seen.includes(within.name) ? <Deeper name={within.name} schema={schema} n={Object.keys(within.schema.properties ?? {}).length} api={api} seen={seen} incoming={incoming} /> : null}
        {within && seen.includes(within.name) ? <p class="soft">{words.again(within.name)}</p> : null}
      </dd>
    </div>
  );
}

function Deeper({ name, schema, n, api, seen, incoming }: { name: string; schema: Schema; n: number; api: Document; seen: string[]; incoming?: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{name}: {words.fields(n)}</summary>
      {open ? <div class="below"><Shape schema={schema} api={api} seen={seen} incoming={incoming} /></div> : null}
    </details>
  );
}

function Problems({ told }: { told: Told[] }) {
  return (
    <section class="stack g4" aria-labelledby="problems">
      <div class="stack g2"><h2 id="problems" tabIndex={-1}>{words.problems}</h2><p class="small soft">{words.problemsText}</p></div>
      <dl class="fields card">
        {told.map((each) => (
          <div key={each.code} class="fieldrow"><dt><span class="num">{each.status}</span> <span class="mono strong">{each.code}</span></dt><dd class="small soft">{each.title}</dd></div>
        ))}
      </dl>
    </section>
  );
}
