/** One screen for the therapist: what is worrying, what was said in short, what was left for the conversation. */
import { useRoute } from 'preact-iso';
import { api, BACKGROUND, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Button, Heading, Icon, LinkButton, Note, dayAndTime, useEvery, useLoad } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { Document, Highlight, IntakeSummary } from '../../types.ts';
import { Crumbs, Ready, RecordBones } from '../parts.tsx';
import { DocumentBadges } from './documents.tsx';
import { MarkSeen, SeenBy, unseen } from './flags.tsx';
import { ZipButton } from './printed.tsx';

const words = staff.summary;

export function SummaryPage() {
  const { client_id, intake_id } = useRoute().params as { client_id: string; intake_id: string };
  const load = (background = false) =>
    call(
      api.GET('/practice/clients/{client_id}/intakes/{intake_id}/summary', {
        params: { path: { client_id, intake_id } },
        ...(background ? { headers: BACKGROUND } : {}),
      }),
    );
  const summary = useLoad(() => load(), [client_id, intake_id]);
  const sealing = summary.data?.documents.some((one) => one.status === 'sealing') ?? false;
  // What is being sealed arrives by itself; looking again does not count as being there.
  useEvery(15_000, sealing, () => summary.refresh(() => load(true)));
  return (
    <Ready of={summary} bones={<RecordBones />} missing={{ title: words.failed, text: words.notFound }}>
      {(data) => <Summary summary={data} client_id={client_id} intake_id={intake_id} onSeen={summary.reload} />}
    </Ready>
  );
}

function Summary({ summary, client_id, intake_id, onSeen }: { summary: IntakeSummary; client_id: string; intake_id: string; onSeen: () => unknown }) {
  const { tenant } = useSession();
  const { client, highlights, worrying, documents, in_person } = summary;
  const facts = words.facts(client.age === null ? null : words.age(client.age), client.pronouns);
  const calm = highlights.filter((one) => !worrying.some((other) => other.label === one.label && other.section_id === one.section_id));
  return (
    <>
      <Crumbs items={[[staff.clients.title, '/staff/clients'], [client.name, `/staff/clients/${client_id}`], words.crumb]} />
      <div class="split">
        <div class="stack g1">
          <Heading>{words.title(client.name)}</Heading>
          <p class="soft">{[facts, summary.completed_at ? words.completed(dayAndTime(summary.completed_at, tenant.zone)) : ''].filter(Boolean).join('. ')}</p>
        </div>
        <div class="cluster g2 noprint"><ZipButton client_id={client_id} intake_id={intake_id} /><LinkButton href={`/staff/clients/${client_id}/intakes/${intake_id}/print`}>{words.printAll}</LinkButton><Button icon="print" onClick={() => window.print()}>{words.print}</Button></div>
      </div>
      {worrying.length > 0 ? <Worrying items={worrying} documents={documents} client_id={client_id} onSeen={onSeen} /> : <Note>{words.calm}</Note>}
      <div class="beside">
        <section class="card stack g4" aria-labelledby="short">
          <h2 id="short">{words.highlights}</h2>
          {calm.length === 0 ? <p class="small soft">{words.noHighlights}</p> : (
            <dl class="told brief">{calm.map((one, n) => <div key={n} class={wide(one) ? 'wide' : undefined}><dt>{one.label}</dt><dd>{valueOf(one)}</dd></div>)}</dl>
          )}
        </section>
        <aside class="stack g4">
          {in_person.length > 0 && (
            <section class="card stack g3" aria-labelledby="person">
              <div class="stack g1"><h2 id="person">{words.inPerson}</h2><p class="tiny soft">{words.inPersonHelp}</p></div>
              <ul class="dots small">{in_person.map((title) => <li key={title}>{title}</li>)}</ul>
            </section>
          )}
          <Documents documents={documents} client_id={client_id} />
        </aside>
      </div>
    </>
  );
}

/** Own words need the whole line; a word or two do not. */
function wide({ value }: Highlight): boolean {
  return Array.isArray(value as unknown) || String(value).length > 60;
}

/** The summary is one screen; what is longer stands in the document beside it. */
const LETTERS = 280;

function brief(text: string): string {
  const letters = Array.from(text);
  return letters.length > LETTERS ? `${letters.slice(0, LETTERS).join('').trimEnd()} …` : text;
}

/** The value as the API gives it: a sentence, a list, or rows of a table. */
function valueOf({ value }: Highlight) {
  const given = value as unknown;
  if (given === null || given === '') return <span class="soft">{words.noAnswer}</span>;
  if (!Array.isArray(given)) return <span class="pre">{brief(String(given))}</span>;
  return <ul class="dots">{given.map((one, n) => <li key={n}>{Array.isArray(one) ? one.filter(Boolean).join(', ') : String(one)}</li>)}</ul>;
}

function Worrying({ items, documents, client_id, onSeen }: { items: Highlight[]; documents: Document[]; client_id: string; onSeen: () => unknown }) {
  const places = items.filter((one, n) => items.findIndex((other) => other.form_id === one.form_id && other.section_id === one.section_id) === n);
  return (
    <section class="note bad" aria-labelledby="first">
      <Icon name="alert" />
      <div class="stack g4">
        <div class="stack g1"><h2 id="first">{words.worrying}</h2><p class="small">{unseen(documents).length ? words.worryingHelp : words.seenHelp}</p></div>
        <dl class="told brief">{items.map((one, n) => <div key={n} class={wide(one) ? 'wide' : undefined}><dt>{one.label}</dt><dd class="strong">{valueOf(one)}</dd></div>)}</dl>
        <SeenBy documents={documents} />
        <div class="cluster g3 noprint">
          <MarkSeen client_id={client_id} documents={unseen(documents)} onSeen={onSeen} />
          {places.map((one) => {
            const document = documents.find((other) => other.form_id === one.form_id);
            return document && <a key={one.section_id} href={`/staff/clients/${client_id}/documents/${document.document_id}#s-${one.section_id}`}>{words.section(document.title)}</a>;
          })}
        </div>
      </div>
    </section>
  );
}

function Documents({ documents, client_id }: { documents: Document[]; client_id: string }) {
  return (
    <section class="card flush" aria-labelledby="docs">
      <div class="cardhead"><h2 id="docs">{words.documents}</h2></div>
      <ul class="rows">
        {documents.map((one) => (
          <li key={one.document_id}>
            <a class="row" href={`/staff/clients/${client_id}/documents/${one.document_id}`}>
              <div class="stack g2"><p class="strong small">{one.title}</p><DocumentBadges document={one} /></div>
              <Icon name="right" />
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
