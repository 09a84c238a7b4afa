/** Staff messages: the list and the conversation side by side, one after the other on phones. */
import { useLocation, useRoute } from 'preact-iso';
import { useMemo } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { Composer } from '../../messages/Composer.tsx';
import { useConversation } from '../../messages/conversation.ts';
import { FolderList } from '../../messages/FolderList.tsx';
import { talkWith } from '../../messages/mailbox.ts';
import { mailMoved } from '../../messages/news.ts';
import { Messages, shortPartner, useTrash } from '../../messages/Thread.tsx';
import { useSession } from '../../session.tsx';
import { messages as strings } from '../../strings/messages.ts';
import { messaging as words } from '../../strings/messaging.ts';
import { Avatar, Bones, Button, Empty, Heading, LinkButton, Note, ProblemNote, initials, shortDay, useLoad, useToast } from '../../ui/index.ts';
import { Trouble } from '../parts.tsx';
import { momentInSentence } from '../when.ts';
import { whyNot } from './why.ts';

export const hrefOf = (one: { client_id?: string; thread_id: string }) => `/staff/messages/${one.client_id}/${one.thread_id}`;

export default function MessagesPage() {
  const { client_id, thread_id } = useRoute().params as { client_id?: string; thread_id?: string };
  const session = useSession();
  const on = session.features.messaging?.on === true;
  const open = client_id && thread_id;
  return (
    <>
      <div class={open ? 'split mailtop open' : 'split mailtop'}>
        <div class="stack g1">{open ? <p class="pagetitle">{strings.title}</p> : <Heading>{strings.title}</Heading>}<p class="soft">{words.lead}</p></div>
        {on && <div class="cluster g2 acts"><LinkButton icon="people" href="/staff/mass-messages">{words.mass}</LinkButton><LinkButton look="primary" icon="pen" href="/staff/new-message">{strings.write}</LinkButton></div>}
      </div>
      {!on && <Note tone="info" icon="lock">{whyNot(session, 'feature_switched_off')}</Note>}
      <div class={open ? 'mailpanes open' : 'mailpanes'}>
        <section class="maillist" aria-label={strings.title}><FolderList hrefOf={hrefOf} current={thread_id ?? null} /></section>
        {open
          ? <Talking key={thread_id} client_id={client_id} thread_id={thread_id} />
          : <section class="card flush mailnone"><Empty icon="message" title={words.pickTitle}>{words.pick}</Empty></section>}
      </div>
    </>
  );
}

function Talking({ client_id, thread_id }: { client_id: string; thread_id: string }) {
  const talk = useMemo(() => talkWith(client_id, thread_id), [client_id, thread_id]);
  const open = useConversation(talk, thread_id);
  const session = useSession();
  const { route } = useLocation();
  const say = useToast();
  const { trash, restore } = useTrash(talk, () => {
    mailMoved();
    if (location.pathname.endsWith(thread_id)) route('/staff/messages');
  });
  const { data, problem } = open;
  const back = <p class="mailback"><LinkButton mini look="quiet" icon="left" href="/staff/messages">{strings.thread.back}</LinkButton></p>;
  if (!data) {
    return (
      <div class="stack g3">
        {back}
        {problem ? <Trouble problem={problem} retry={open.reload} missing={{ title: strings.thread.notFoundTitle, text: strings.thread.notFound, go: { label: strings.thread.back, href: '/staff/messages' } }} /> : <Bones rows={4} />}
      </div>
    );
  }
  const { thread } = data;
  const gone = thread.folder === 'trash' && thread.trash_until;
  return (
    <section class="mailthread" aria-label={strings.thread.label}>
      {back}
      <header class="split top">
        <div class="person">
          <Avatar letters={initials(thread.client_name ?? '')} />
          <div class="stack g1">
            <Heading class="threadtitle" title={strings.title}>{thread.subject}</Heading>
            <p class="small soft"><a href={`/staff/clients/${client_id}/messages`}>{thread.client_name}</a>{thread.topic !== 'direct' || thread.with_names.length > 1 ? `. ${[strings.topics[thread.topic], thread.with_names.join('; ')].filter(Boolean).join(': ')}` : ''}</p>
          </div>
        </div>
        <div class="cluster g2">
          <LinkButton mini icon="print" href={`/staff/clients/${client_id}/messages/${thread_id}/print`}>{strings.thread.print}</LinkButton>
          {gone ? <Button mini busy={restore.busy} onClick={() => void restore.run()}>{strings.thread.restore}</Button> : <Button mini icon="bin" busy={trash.busy} onClick={() => void trash.run()}>{strings.thread.trash}</Button>}
        </div>
      </header>
      <ProblemNote problem={trash.problem ?? restore.problem} />
      {gone && <Note tone="warn" icon="bin">{strings.thread.inTrash(shortDay(gone))}</Note>}
      <Opened client_id={client_id} thread_id={thread_id} />
      <Messages open={open} talk={talk} />
      {data.can_answer
        ? <div class="mailfoot"><Composer desk={talk.desk} facts={data.composer} to={shortPartner(thread)} copy={words.copy} copyHelp={words.copyHelp} onSent={open.wake} onCopied={() => say(words.copied)} onArrived={open.wake} /></div>
        : <Note tone="info">{whyNot(session, data.reason)}</Note>}
    </section>
  );
}

/** Who opened a conversation of one's own by break-glass. */
function Opened({ client_id, thread_id }: { client_id: string; thread_id: string }) {
  const { tenant } = useSession();
  const found = useLoad(() => call(api.GET('/practice/clients/{client_id}/messages/{thread_id}/openings', { params: { path: { client_id, thread_id } } })), [thread_id]);
  const items = found.data?.items ?? [];
  if (!items.length) return null;
  return <Note tone="warn" icon="eye"><ul class="stack g2">{items.map((one) => <li key={one.opening_id}><strong>{words.openings(one.by_name, momentInSentence(one.opened_at, tenant.zone))}</strong><br /><span class="said">{words.openingReason(one.reason)}</span></li>)}</ul></Note>;
}
