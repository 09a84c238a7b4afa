/** The client's forms: what needs to be completed, and what is. */
import { api, BACKGROUND, call } from '../http.ts';
import { ClientShell } from '../shell/ClientShell.tsx';
import { client } from '../strings/client.ts';
import type { Intake, IntakeForm } from '../types.ts';
import { Await, Badge, Bones, Empty, Heading, Icon, Note, shortDay, useEvery, useLoad } from '../ui/index.ts';

const words = client.forms;

/** Every packet of this client, newest first as the server gives them. A client has few: pages are read to the end. */
export async function allIntakes(background = false): Promise<Intake[]> {
  const found: Intake[] = [];
  let cursor: string | null = null;
  do {
    const query: { limit: number; cursor?: string } = cursor ? { limit: 50, cursor } : { limit: 50 };
    const page: { items: Intake[]; next_cursor: string | null } = await call(api.GET('/portal/intakes', { params: { query }, ...(background ? { headers: BACKGROUND } : {}) }));
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}

interface Line { intake: Intake; form: IntakeForm }

export default function Forms() {
  const loaded = useLoad(() => allIntakes(), []);
  const sealing = (loaded.data ?? []).some((intake) => intake.forms.some((form) => form.status === 'signed'));
  useEvery(4000, sealing, () => loaded.refresh(() => allIntakes(true)));
  return (
    <ClientShell>
      <div class="stack g6">
        <Heading>{words.title}</Heading>
        <Await within of={loaded} bones={<Bones rows={3} />}>{(intakes) => <Lists intakes={intakes} />}</Await>
      </div>
    </ClientShell>
  );
}

function Lists({ intakes }: { intakes: Intake[] }) {
  const lines: Line[] = intakes.flatMap((intake) => intake.forms.map((form) => ({ intake, form })));
  const signed = ({ form }: Line) => form.status === 'signed' || form.status === 'sealed';
  const done = lines.filter(signed);
  const waits = ({ intake, form }: Line) => intake.status === 'open' && (form.status === 'to_do' || form.status === 'started');
  const open = lines.filter(waits);
  const taken = lines.filter((line) => !signed(line) && !waits(line));
  if (!lines.length) return <section class="card flush"><Empty icon="form" title={words.emptyTitle}>{words.empty}</Empty></section>;
  return (
    <>
      <section class="stack g3" aria-labelledby="open">
        <h2 id="open">{words.open}</h2>
        {intakes.filter((intake) => intake.status === 'open' && intake.note).map((intake) => <Note key={intake.intake_id} tone="own" icon="message"><strong>{words.noteFrom(intake.sent_by_name)}</strong><br /><span class="said">{intake.note}</span></Note>)}
        {open.length ? <ul class="card flush rows">{open.map((line) => <OpenRow key={line.intake.intake_id + line.form.form_id} {...line} />)}</ul> : <p class="note good"><Icon name="check" /><span>{words.noneOpen}</span></p>}
      </section>
      {done.length || taken.length ? (
        <section class="stack g3" aria-labelledby="done">
          <h2 id="done">{words.done}</h2>
          <ul class="card flush rows">
            {done.map((line) => <DoneRow key={line.intake.intake_id + line.form.form_id} {...line} />)}
            {taken.map(({ intake, form }) => <li key={intake.intake_id + form.form_id}><div class="row"><span class="glyph"><Icon name="form" /></span><div><p class="strong">{form.title}</p><p class="small soft">{words.settledText[form.status] ?? words.withdrawnText}</p></div><Badge>{words.settled[form.status] ?? words.withdrawn}</Badge></div></li>)}
          </ul>
        </section>
      ) : null}
    </>
  );
}

function OpenRow({ intake, form }: Line) {
  const started = form.status === 'started';
  return (
    <li>
      <a class="row" href={`/forms/${intake.intake_id}/${form.form_id}`}>
        <span class="glyph"><Icon name="form" /></span>
        <div class="stack g1">
          <p class="strong">{form.title}</p>
          <p class="small soft">{words.minutes(form.minutes)}{started && form.progress ? `. ${words.progress(form.progress.done, form.progress.of)}` : ''}</p>
          <p class="tiny soft">{words.sentBy(intake.sent_by_name, shortDay(intake.sent_at))}</p>
          <p><Badge tone={started ? 'info' : 'plain'} hollow>{started ? words.started : words.toDo}</Badge></p>
        </div>
        <Icon name="right" />
      </a>
    </li>
  );
}

function DoneRow({ form }: Line) {
  const body = (
    <>
      <span class="glyph"><Icon name="form" /></span>
      <div class="stack g1">
        <p class="strong">{form.title}</p>
        <p class="small soft">{form.signed_at ? words.signedOn(shortDay(form.signed_at)) : ''}</p>
        <p>{form.status === 'sealed' ? <Badge tone="good">{words.sealed}</Badge> : <Badge tone="info" hollow>{words.sealing}</Badge>}</p>
      </div>
    </>
  );
  return <li>{form.document_id ? <a class="row" href={`/documents/${form.document_id}`}>{body}<Icon name="right" /></a> : <div class="row">{body}</div>}</li>;
}
