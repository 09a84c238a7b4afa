/** A client's conversation for paper. */
import { useRoute } from 'preact-iso';
import { useMemo } from 'preact/hooks';
import { myTalk } from '../messages/mailbox.ts';
import { fetchPrinted, PrintedConversation } from '../messages/Print.tsx';
import { TaskShell } from '../shell/TaskShell.tsx';
import { messages } from '../strings/messages.ts';
import { Await, useLoad } from '../ui/index.ts';

export default function PrintConversation() {
  const { thread_id = '' } = useRoute().params as { thread_id?: string };
  const talk = useMemo(() => myTalk(thread_id), [thread_id]);
  const loaded = useLoad(() => fetchPrinted(talk), [thread_id]);
  return (
    <TaskShell out={{ href: `/messages/${thread_id}`, label: messages.print.back }} tenant={null}>
      <Await of={loaded}>{(found) => <PrintedConversation found={found} talk={talk} />}</Await>
    </TaskShell>
  );
}
