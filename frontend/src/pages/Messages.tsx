/** A client's messages: Inbox, Sent, Trash. */
import { FolderList } from '../messages/FolderList.tsx';
import { useSession } from '../session.tsx';
import { ClientShell } from '../shell/ClientShell.tsx';
import { messages as words } from '../strings/messages.ts';
import { Heading, LinkButton, Note, WithPhone } from '../ui/index.ts';

export default function Messages() {
  const { features, tenant } = useSession();
  const on = features.messaging?.on === true;
  const write = <LinkButton look="primary" icon="pen" href="/messages/new">{words.write}</LinkButton>;
  return (
    <ClientShell>
      <div class="stack g5">
        <div class="split"><div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>{on ? write : null}</div>
        {on ? null : <Note tone="info" icon="phone"><WithPhone text={words.offCall(tenant.phone)} phone={tenant.phone} /></Note>}
        <FolderList hrefOf={(one) => `/messages/${one.thread_id}`} />
      </div>
    </ClientShell>
  );
}
