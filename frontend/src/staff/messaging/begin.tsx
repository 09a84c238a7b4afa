/** A staff member begins a conversation with a client. */
import { useLocation, useRoute } from 'preact-iso';
import { useMemo, useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { AttachButton, AttachedFiles, Discard, DraftState, Outcome } from '../../messages/Composer.tsx';
import { unready } from '../../messages/attaching.ts';
import { newDeskTo } from '../../messages/mailbox.ts';
import { mailMoved } from '../../messages/news.ts';
import { useWriting } from '../../messages/writing.ts';
import { useSession } from '../../session.tsx';
import { messages as strings } from '../../strings/messages.ts';
import { messaging } from '../../strings/messaging.ts';
import { staff } from '../../strings/staff.ts';
import type { ComposerFacts } from '../../types.ts';
import { Button, ErrorSummary, Heading, LinkButton, TextField, useLoad, useToast, type Wrong } from '../../ui/index.ts';
import { Crumbs, Ready, RecordBones } from '../parts.tsx';
import { whyNot } from './why.ts';

const words = messaging.begin;

export default function NewMessagePage() {
  const { client_id } = useRoute().params as { client_id: string };
  const path = { client_id };
  const session = useSession();
  const loaded = useLoad(async () => {
    const [client, threads] = await Promise.all([
      call(api.GET('/practice/clients/{client_id}', { params: { path } })),
      call(api.GET('/practice/clients/{client_id}/messages', { params: { path, query: { limit: 1 } } })),
    ]);
    return { client, threads };
  }, [client_id]);
  return (
    <Ready of={loaded} bones={<RecordBones />} missing={{ title: staff.client.notFoundTitle, text: staff.client.notFound }}>
      {({ client, threads }) => (
        <>
          <Crumbs items={[[staff.clients.title, '/staff/clients'], [client.name, `/staff/clients/${client_id}`], [messaging.tab.title, `/staff/clients/${client_id}/messages`], words.crumb]} />
          {threads.can_write ? <Begin client_id={client_id} name={client.name} facts={threads.composer} /> : (
            <section class="card"><div class="empty"><Heading title={words.crumb}>{words.title(client.name)}</Heading><p class="small">{whyNot(session, threads.reason)}</p><LinkButton href={`/staff/clients/${client_id}/messages`}>{messaging.tab.title}</LinkButton></div></section>
          )}
        </>
      )}
    </Ready>
  );
}

function Begin({ client_id, name, facts }: { client_id: string; name: string; facts: ComposerFacts }) {
  const { person } = useSession();
  const { route } = useLocation();
  const say = useToast();
  const desk = useMemo(() => newDeskTo(client_id), [client_id]);
  const writing = useWriting(desk, person.id, mailMoved);
  const [turn, setTurn] = useState(0);
  const [held, setHeld] = useState(0); // the press of "Send" that a file held up
  const { text, files, change } = writing;
  const wrongs = {
    subject: text.subject.trim() ? null : strings.composer.subjectMissing,
    body: text.body.trim() || files.items.length ? null : strings.composer.empty,
    // A file that is attached later is no fault until "Send" is pressed again.
    files: turn && held === turn ? unready(files) : null,
  };
  const shown = turn ? wrongs : { subject: null, body: null, files: null };
  const list: Wrong[] = (['subject', 'body', 'files'] as const).flatMap((id) => (shown[id] ? [{ id: `m-${id}`, text: shown[id] }] : []));
  const send = async (copy: boolean) => {
    setTurn((n) => n + 1);
    if (unready(files)) setHeld(turn + 1);
    if (wrongs.subject || wrongs.body || unready(files)) return;
    const sent = await writing.send(copy);
    if (!sent) return;
    mailMoved();
    say(copy ? messaging.copied : words.sent);
    route(`/staff/messages/${client_id}/${sent.thread_id}`, true);
  };
  return (
    <form class="stack g4 narrow" noValidate onSubmit={(event) => { event.preventDefault(); void send(false); }}>
      <div class="split"><Heading title={words.crumb}>{words.title(name)}</Heading><DraftState writing={writing} /></div>
      <ErrorSummary wrong={list} turn={turn} title={strings.composer.missing} />
      <TextField id="m-subject" label={strings.composer.subject} help={strings.composer.subjectHelp} value={text.subject} maxLength={120} error={shown.subject} onInput={(subject) => change({ subject })} />
      <TextField id="m-body" label={strings.composer.body} rows={9} value={text.body} maxLength={facts.most} error={shown.body} onInput={(body) => change({ body })} />
      <AttachedFiles files={files} id="m-files" error={shown.files} />
      <Outcome writing={writing} />
      <div class="cluster g2">
        <Button look="primary" icon="send" type="submit" busy={writing.sending} busyLabel={strings.composer.sending}>{writing.problem?.passing ? strings.composer.again : strings.composer.send}</Button>
        <Button icon="copy" busy={writing.sending} onClick={() => void send(true)}>{messaging.copy}</Button>
        <AttachButton files={files} facts={facts}>{strings.composer.attach}</AttachButton>
        <Discard writing={writing} />
      </div>
      <p class="tiny soft">{messaging.copyHelp}</p>
    </form>
  );
}
