/** Filling in one form: section by section, saved as one goes, then read through before signing. */
import { useLocation, useRoute } from 'preact-iso';
import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { Blocks, Grid } from '../forms/Blocks.tsx';
import { CrisisHelp } from '../forms/Crisis.tsx';
import { worries, worrying, type Part } from '../forms/engine.ts';
import { fieldId, FormField } from '../forms/fields/fields.tsx';
import { faultLine, readable } from '../forms/readable.ts';
import { SaveStatus } from '../forms/SaveStatus.tsx';
import { fetchForm, useFilling, type Filling } from '../forms/useFilling.ts';
import { useSession } from '../session.tsx';
import { TaskShell } from '../shell/TaskShell.tsx';
import { client } from '../strings/client.ts';
import type { FillingForm } from '../types.ts';
import { Bones, Button, Empty, ErrorSummary, Heading, LinkButton, LoadFailed, Note, useLoad, useToast, type Wrong } from '../ui/index.ts';

const words = client.fill;
const OUT = { href: '/forms', label: words.out };

export default function Fill() {
  const { params } = useRoute() as { params: Record<string, string> };
  const intake = params.intake_id ?? '';
  const form = params.form_id ?? '';
  const session = useSession();
  const loaded = useLoad(() => fetchForm(intake, form), [intake, form]);
  if (!loaded.data) {
    return <TaskShell out={OUT}>{loaded.problem ? <LoadFailed problem={loaded.problem} onRetry={() => void loaded.reload()} /> : <Bones rows={4} card={false} />}</TaskShell>;
  }
  if (loaded.data.status === 'signed' || loaded.data.status === 'sealed') return <AlreadySigned data={loaded.data} />;
  return <Pages key={`${intake}/${form}`} data={loaded.data} person={session.person.id} />;
}

function AlreadySigned({ data }: { data: FillingForm }) {
  return (
    <TaskShell out={OUT}>
      <div class="empty">
        <Heading>{data.title}</Heading>
        <p class="small">{words.signedAlready}</p>
        <LinkButton look="primary" href={data.document_id ? `/documents/${data.document_id}` : '/documents'}>{words.openCopy}</LinkButton>
      </div>
    </TaskShell>
  );
}

function Pages({ data, person }: { data: FillingForm; person: string }) {
  const say = useToast();
  const { query, route } = useLocation() as { query: Record<string, string>; route: (url: string, replace?: boolean) => void };
  const filling = useFilling(data, person, () => say(words.merged));
  const [tried, setTried] = useState<ReadonlySet<string>>(new Set());
  const base = `/forms/${data.intake_id}/${data.form_id}`;
  const parts = filling.sight.parts;
  const known = (id: string | null | undefined) => parts.some((part) => part.section.id === id);
  // Where to begin is decided once, when the form was opened; after that the address says where we are.
  const begin = useMemo(() => (known(data.position) ? (data.position as string) : data.saved_at ? (parts[0]?.section.id ?? 'review') : 'start'), []);
  const asked = query.s;
  const step = asked === 'start' || asked === 'review' || known(asked) ? (asked as string) : begin;
  const index = parts.findIndex((part) => part.section.id === step);
  const part = parts[index];
  const href = (to: string, fromReview = false) => `${base}?s=${to}${fromReview ? '&from=review' : ''}`;
  const tryHard = (id: string) => setTried((now) => new Set(now).add(id));

  useEffect(() => {
    if (part && data.position !== part.section.id) filling.at(part.section.id);
  }, [step]);
  useLayoutEffect(() => scrollTo(0, 0), [step]);

  if (filling.closed) {
    const signed = filling.closed.code === 'already_signed';
    return (
      <TaskShell out={OUT}>
        <Empty level={1} icon={signed ? 'check' : 'info'} title={signed ? data.title : words.revokedTitle} action={<LinkButton look="primary" href={signed ? '/documents' : '/forms'}>{signed ? words.openCopy : words.toForms}</LinkButton>}>
          {signed ? words.signedAlready : filling.closed.code === 'intake_revoked' ? words.revoked : filling.closed.title}
        </Empty>
      </TaskShell>
    );
  }
  const status = <SaveStatus state={filling.save} />;
  const first = parts[0]?.section.id ?? 'review';
  if (step === 'start') {
    return (
      <TaskShell out={OUT} status={status} foot={<div class="cluster"><LinkButton look="primary" href={href(first)}>{words.start}</LinkButton></div>}>
        <Start data={data} sections={parts.length} />
      </TaskShell>
    );
  }
  if (step === 'review' || !part) {
    const last = parts[parts.length - 1]?.section.id ?? 'start';
    return <Review filling={filling} status={status} back={href(last)} to={(id) => href(id, true)} onTry={tryHard} signAt={`${base}/sign`} go={route} />;
  }
  const fromReview = query.from === 'review';
  const next = fromReview ? 'review' : (parts[index + 1]?.section.id ?? 'review');
  const previous = fromReview ? 'review' : (parts[index - 1]?.section.id ?? 'start');
  return (
    <SectionPage
      key={part.section.id}
      filling={filling}
      part={part}
      number={index + 1}
      of={parts.length}
      status={status}
      asked={tried.has(part.section.id)}
      onAsk={() => tryHard(part.section.id)}
      back={href(previous)}
      lastOne={next === 'review'}
      onNext={() => route(href(next))}
    />
  );
}

function Start({ data, sections }: { data: FillingForm; sections: number }) {
  return (
    <div class="stack g5">
      <div class="stack g3">
        {data.of > 1 ? (
          <>
            <div class="split small soft"><span>{words.formOf(data.number, data.of)}</span></div>
            <progress max={data.of} value={data.number - 1} aria-label={words.formOf(data.number, data.of)} />
          </>
        ) : null}
        <Heading>{data.title}</Heading>
        <p class="soft">{words.about(data.definition.minutes ?? Math.max(3, sections))}</p>
      </div>
      {data.what_changed.length > 0 && (
        <Note tone="info"><strong>{words.whatChanged}</strong>{data.what_changed.map((text, index) => <p key={index} class="said">{text}</p>)}</Note>
      )}
      <div class="stack g3"><Blocks blocks={data.definition.intro ?? []} level={2} /></div>
    </div>
  );
}

interface SectionPageProps {
  filling: Filling;
  part: Part;
  number: number;
  of: number;
  status: preact.ComponentChildren;
  asked: boolean;
  onAsk: () => void;
  back: string;
  lastOne: boolean;
  onNext: () => void;
}

function SectionPage({ filling, part, number, of, status, asked, onAsk, back, lastOne, onNext }: SectionPageProps) {
  const session = useSession();
  const [turn, setTurn] = useState(0);
  const { section, skipped } = part;
  const wrongs = filling.wrongs(part);
  const listed: Wrong[] = asked ? wrongs.map(({ field, text }) => ({ id: fieldId(field), text: faultLine(field, text) })) : [];
  const firstWorry = part.fields.find((field) => worries(field, filling.sight));

  const submit = (event: Event) => {
    event.preventDefault();
    if (!skipped && wrongs.length) {
      onAsk();
      setTurn(turn + 1);
      return;
    }
    filling.confirm(part);
    filling.leave();
    onNext();
  };

  return (
    <TaskShell
      out={OUT}
      status={status}
      foot={<div class="cluster"><a class="btn" href={back}>{client.fill.backLabel}</a><Button look="primary" type="submit" form="section">{lastOne ? words.toReview : words.next}</Button></div>}
    >
      <form class="stack g6" id="section" noValidate onSubmit={submit}>
        <div class="stack g5">
          <div class="stack g2">
            <div class="split small soft"><span>{filling.data.title}</span><span class="num">{words.sectionOf(number, of)}</span></div>
            <progress max={of} value={number} aria-label={words.sectionLabel(number, of)} />
          </div>
          <div class="stack g2">
            <Heading move={section.id} title={`${section.title}, ${words.sectionLabel(number, of).toLowerCase()}`}>{section.title}</Heading>
            {section.why ? <p class="soft">{section.why}</p> : null}
          </div>
          {section.skippable && !skipped ? <p><Button mini class="inperson" icon="message" onClick={() => filling.skip(section.id, true)}>{words.inPerson}</Button></p> : null}
        </div>
        <ErrorSummary wrong={listed} turn={turn} title={words.reviewMissingAny(listed.length)} />
        {skipped ? (
          <Note tone="own" icon="message" live action={undefined}>
            <strong>{words.inPersonTitle}</strong>
            <p>{words.inPersonText}</p>
            <p class="noteaction"><Button mini onClick={() => filling.skip(section.id, false)}>{words.answerAfterAll}</Button></p>
          </Note>
        ) : part.fields.length ? part.fields.map((field) => (
          <div key={field.id} data-field={field.id} class="stack g5 question">
            <FormField
              field={field}
              value={filling.answers[field.id]}
              error={filling.fault(part, field, asked)}
              onChange={(value) => filling.set(section.id, field, value)}
              onLeave={filling.leave}
            />
            {field.worrying?.length ? (
              <div aria-live="polite" class="crisis-slot">
                {worries(field, filling.sight) ? <CrisisHelp tenant={session.tenant} id={field.id} brief={field !== firstWorry} /> : null}
              </div>
            ) : null}
          </div>
        )) : <p class="soft">{words.nothingHere}</p>}
      </form>
    </TaskShell>
  );
}

interface ReviewProps {
  filling: Filling;
  status: preact.ComponentChildren;
  back: string;
  to: (section: string) => string;
  onTry: (section: string) => void;
  signAt: string;
  go: (url: string) => void;
}

function Review({ filling, status, back, to, onTry, signAt, go }: ReviewProps) {
  const session = useSession();
  const [turn, setTurn] = useState(0);
  const [busy, setBusy] = useState(false);
  const [unsaved, setUnsaved] = useState(false);
  const parts = filling.sight.parts;
  const wrong = parts.flatMap((part) => filling.wrongs(part).map(({ field, text }) => ({ part, field, text })));
  const listed: Wrong[] = turn ? wrong.map(({ field, text }) => ({ id: `m-${field.id}`, text: faultLine(field, text) })) : [];
  const answerable = parts.filter((part) => part.skipped || part.fields.some((field) => field.type !== 'info' && field.type !== 'signature'));

  const goOn = async () => {
    if (wrong.length) {
      for (const { part } of wrong) onTry(part.section.id);
      setTurn(turn + 1);
      return;
    }
    setBusy(true);
    const settled = await filling.settle();
    setBusy(false);
    setUnsaved(!settled);
    if (settled) go(signAt);
  };

  return (
    <TaskShell
      out={OUT}
      status={status}
      foot={<div class="cluster"><a class="btn" href={back}>{client.fill.backLabel}</a><Button look="primary" busy={busy} busyLabel={client.save.saving} onClick={() => void goOn()}>{words.toSign}</Button></div>}
    >
      <div class="stack g6">
        <div class="stack g5">
          <div class="stack g2">
            <div class="split small soft"><span>{filling.data.title}</span></div>
            <progress max={parts.length} value={parts.length} aria-label={words.sectionLabel(parts.length, parts.length)} />
          </div>
          <div class="stack g2"><Heading move="review">{words.reviewTitle}</Heading><p class="soft">{words.reviewLead}</p></div>
        </div>
        <ErrorSummary wrong={listed} turn={turn} title={words.reviewMissing(listed.length)} />
        {unsaved ? <Note tone="warn" live>{client.save.waiting}</Note> : null}
        {answerable.map((part) => <ReviewPart key={part.section.id} part={part} filling={filling} href={to(part.section.id)} asked={turn > 0} />)}
        {worrying(filling.sight).length ? <CrisisHelp tenant={session.tenant} id="review" /> : null}
      </div>
    </TaskShell>
  );
}

function ReviewPart({ part, filling, href, asked }: { part: Part; filling: Filling; href: string; asked: boolean }) {
  const { section, skipped } = part;
  const wrongs = filling.wrongs(part);
  const asks = part.fields.filter((field) => field.type !== 'info' && field.type !== 'signature');
  const rows = asks.filter((field) => filling.sight.values.has(field.id) || wrongs.some((wrong) => wrong.field === field));
  const empty = asks.length - rows.length;
  return (
    <section class="card flush" aria-labelledby={`r-${section.id}`}>
      <div class="cardhead"><h2 id={`r-${section.id}`}>{section.title}</h2><a class="btn quiet mini" href={href}>{words.change}<span class="hidden">: {section.title}</span></a></div>
      {skipped ? <p class="pad-in soft">{words.inPersonTitle}.</p> : (
        <dl class="answers">
          {rows.map((field) => {
            const value = readable(field, filling.sight.values.get(field.id));
            const fault = wrongs.find((wrong) => wrong.field === field)?.text;
            return (
              <div key={field.id} class={fault && asked ? 'invalid' : undefined}>
                <dt>{field.label}</dt>
                <dd>{fault ? <a id={`m-${field.id}`} class={asked ? 'fix bad' : 'fix'} href={`${href}`}>{asked ? fault : words.answer}<span class="hidden">: {field.label}</span></a> : <Said value={value} columns={field.columns?.map((column) => column.label)} />}</dd>
              </div>
            );
          })}
          {empty ? <div><dt class="faint">{rows.length ? words.restEmpty(empty) : words.allEmpty}</dt><dd class="hidden">{client.documents.noAnswer}</dd></div> : null}
        </dl>
      )}
    </section>
  );
}

/** An answer in words, whatever its kind. */
export function Said({ value, columns }: { value: string | string[] | string[][] | null; columns?: string[] | null }) {
  if (value === null || value.length === 0) return <span class="faint">{client.documents.noAnswer}</span>;
  if (typeof value === 'string') return <span class="said">{value}</span>;
  if (Array.isArray(value[0])) return <Grid columns={columns ?? []} rows={value as string[][]} />;
  return <>{(value as string[]).join(', ')}</>;
}
