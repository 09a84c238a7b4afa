/** A client begins a conversation: whom to, about what, and the words. */
import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { api, call } from '../http.ts';
import { AttachButton, AttachedFiles, Discard, DraftState, Emergencies, Outcome } from '../messages/Composer.tsx';
import { useFootHeight } from '../messages/foot.ts';
import { unready } from '../messages/attaching.ts';
import { myNewDesk } from '../messages/mailbox.ts';
import { mailMoved } from '../messages/news.ts';
import { useWriting } from '../messages/writing.ts';
import { useSession } from '../session.tsx';
import { TaskShell } from '../shell/TaskShell.tsx';
import { messages as strings } from '../strings/messages.ts';
import type { Choice, ComposerFacts } from '../types.ts';
import { Await, Bones, Button, Empty, ErrorSummary, Group, Heading, LinkButton, Note, TextField, useLoad, useToast, WithPhone, type Wrong } from '../ui/index.ts';

const words = strings.begin;
const OUT = { href: '/messages', label: words.back };

export default function NewMessage() {
  const loaded = useLoad(() => call(api.GET('/portal/messages/recipients')), []);
  const { tenant } = useSession();
  if (!loaded.data) return <TaskShell out={OUT} tenant={null}><Await of={loaded} bones={<Bones rows={4} card={false} />}>{() => null}</Await></TaskShell>;
  const { items, composer } = loaded.data;
  if (!items.length) {
    return (
      <TaskShell out={OUT}>
        <Empty level={1} icon="message" title={words.nobodyTitle} action={<LinkButton href="/messages">{words.back}</LinkButton>}><WithPhone text={`${words.nobody} ${tenant.phone}`} phone={tenant.phone} /></Empty>
      </TaskShell>
    );
  }
  return <Begin items={items} facts={composer} />;
}

export function nameOf(choice: Choice): string {
  return choice.name ?? words.kinds[choice.kind] ?? choice.kind;
}

function Begin({ items, facts }: { items: Choice[]; facts: ComposerFacts }) {
  const { person } = useSession();
  const { route } = useLocation();
  const say = useToast();
  const foot = useFootHeight();
  const writing = useWriting(myNewDesk, person.id, mailMoved);
  const [turn, setTurn] = useState(0);
  const [held, setHeld] = useState(0); // the press of "Send" that a file held up
  const { text, files, change } = writing;
  const only = items.length === 1 ? items[0]!.to : null;
  const to = items.some((one) => one.to === text.to) ? text.to : only;
  useEffect(() => { if (writing.loaded && only && text.to !== only) change({ to: only }); }, [writing.loaded]);
  const wrongs = {
    to: to ? null : strings.composer.toMissing,
    subject: text.subject.trim() ? null : strings.composer.subjectMissing,
    body: text.body.trim() || files.items.length ? null : strings.composer.empty,
    // A file that is attached later is no fault until "Send" is pressed again.
    files: turn && held === turn ? unready(files) : null,
  };
  const shown = turn ? wrongs : { to: null, subject: null, body: null, files: null };
  const list: Wrong[] = (['to', 'subject', 'body', 'files'] as const).flatMap((id) => (shown[id] ? [{ id: `m-${id}`, text: shown[id] }] : []));
  const send = async () => {
    setTurn((n) => n + 1);
    if (unready(files)) setHeld(turn + 1);
    if (wrongs.to || wrongs.subject || wrongs.body || unready(files)) return;
    const sent = await writing.send(false);
    if (!sent) return;
    mailMoved();
    say(words.sent);
    route(`/messages/${sent.thread_id}`, true);
  };
  return (
    <TaskShell out={OUT} status={<DraftState writing={writing} />} tenant={null} foot={<div class="stack g2" ref={foot}><Emergencies facts={facts} /><div class="cluster"><AttachButton files={files} facts={facts}>{strings.composer.attach}</AttachButton><Button look="primary" icon="send" busy={writing.sending} busyLabel={strings.composer.sending} onClick={() => void send()}>{writing.problem?.passing ? strings.composer.again : strings.composer.send}</Button></div></div>}>
      <form class="stack g5" noValidate onSubmit={(event) => { event.preventDefault(); void send(); }}>
        <div class="stack g1"><Heading>{words.title}</Heading>{facts.reply_time ? <p class="soft">{facts.reply_time}</p> : null}</div>
        <ErrorSummary wrong={list} turn={turn} title={strings.composer.missing} />
        {facts.away_note ? <Note icon="clock">{facts.away_note}</Note> : null}
        <Group id="m-to" label={words.to} help={words.toHelp} error={shown.to}>
          <div class="choices">
            {items.map((one) => (
              <label class="choice" key={one.to}>
                <input type="radio" name="to" checked={to === one.to} onChange={() => change({ to: one.to })} />
                <span>{nameOf(one)}<span class="help">{words.kindHelp[one.kind]}</span></span>
              </label>
            ))}
          </div>
        </Group>
        <TextField id="m-subject" label={strings.composer.subject} help={strings.composer.subjectHelp} value={text.subject} maxLength={120} error={shown.subject} onInput={(subject) => change({ subject })} />
        <TextField id="m-body" label={strings.composer.body} rows={7} value={text.body} maxLength={facts.most} error={shown.body} onInput={(body) => change({ body })} />
        <AttachedFiles files={files} id="m-files" error={shown.files} />
        <Outcome writing={writing} />
        <Discard writing={writing} />
      </form>
    </TaskShell>
  );
}
