/** One conversation of a client's, with the composer at its foot. */
import { useLocation, useRoute } from 'preact-iso';
import { useMemo } from 'preact/hooks';
import { Composer } from '../messages/Composer.tsx';
import { useConversation } from '../messages/conversation.ts';
import { useFootHeight } from '../messages/foot.ts';
import { myTalk } from '../messages/mailbox.ts';
import { mailMoved } from '../messages/news.ts';
import { Messages, partner, shortPartner, useTrash } from '../messages/Thread.tsx';
import { TaskShell } from '../shell/TaskShell.tsx';
import { messages as strings } from '../strings/messages.ts';
import { Avatar, Bones, Button, Empty, Heading, LinkButton, LoadFailed, Note, ProblemNote, initials, shortDay } from '../ui/index.ts';

const words = strings.thread;

export default function ConversationPage() {
  const { thread_id = '' } = useRoute().params as { thread_id?: string };
  return <Talking key={thread_id} thread_id={thread_id} />;
}

function Talking({ thread_id }: { thread_id: string }) {
  const talk = useMemo(() => myTalk(thread_id), [thread_id]);
  const open = useConversation(talk, thread_id);
  const { route } = useLocation();
  const foot = useFootHeight();
  const { trash, restore } = useTrash(talk, () => {
    mailMoved();
    if (location.pathname.endsWith(thread_id)) route('/messages');
  });
  const { data } = open;
  const out = { href: '/messages', label: words.back };
  if (!data) {
    return (
      <TaskShell out={out} tenant={null}>
        {open.problem ? open.problem.status === 404
          ? <Empty level={1} icon="message" title={words.notFoundTitle} action={<LinkButton href="/messages">{words.back}</LinkButton>}>{words.notFound}</Empty>
          : <LoadFailed problem={open.problem} onRetry={() => void open.reload()} /> : <Bones rows={4} card={false} />}
      </TaskShell>
    );
  }
  const { thread } = data;
  const who = partner(thread);
  const gone = thread.folder === 'trash' && thread.trash_until;
  const acts = (
    <>
      <LinkButton mini look="quiet" icon="print" href={`/messages/${thread_id}/print`}>{words.print}</LinkButton>
      {gone ? null : <Button mini look="quiet" icon="bin" busy={trash.busy} onClick={() => void trash.run()}>{words.trashShort}</Button>}
    </>
  );
  return (
    <TaskShell
      out={out} status={acts} tenant={null}
      foot={data.can_answer ? <div ref={foot}><Composer desk={talk.desk} facts={data.composer} to={shortPartner(thread)} onSent={open.wake} onArrived={open.wake} /></div> : undefined}
    >
      <div class="stack g5">
        <div class="line"><Avatar letters={initials(who.split(/[,;]/u)[0]!)} /><div class="stack g1"><Heading class="threadtitle" title={strings.title}>{thread.subject}</Heading><p class="small soft">{words.with(who)}{thread.topic !== 'direct' ? `, ${strings.topics[thread.topic]}` : ''}{data.can_answer && data.composer.reply_time ? `. ${data.composer.reply_time}` : ''}</p></div></div>
        <ProblemNote problem={trash.problem ?? restore.problem} />
        {gone ? <Note tone="warn" icon="bin" action={<Button mini busy={restore.busy} onClick={() => void restore.run()}>{words.restore}</Button>}>{words.inTrash(shortDay(gone))}</Note> : null}
        <Messages open={open} talk={talk} />
        {data.can_answer && data.composer.away_note ? <Note icon="clock">{data.composer.away_note}</Note> : null}
        {data.can_answer ? null : <Note tone="info" action={<LinkButton mini href="/messages/new">{words.startNew}</LinkButton>}>{words.cannotAnswer}</Note>}
      </div>
    </TaskShell>
  );
}
