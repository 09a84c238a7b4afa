/** A conversation of a staff member's for paper. */
import { useRoute } from 'preact-iso';
import { useMemo } from 'preact/hooks';
import { talkWith } from '../../messages/mailbox.ts';
import { fetchPrinted, PrintedConversation } from '../../messages/Print.tsx';
import { messages } from '../../strings/messages.ts';
import { useLoad } from '../../ui/index.ts';
import { Crumbs, Ready, RecordBones } from '../parts.tsx';

export default function PrintThreadPage() {
  const { client_id, thread_id } = useRoute().params as { client_id: string; thread_id: string };
  const talk = useMemo(() => talkWith(client_id, thread_id), [client_id, thread_id]);
  const loaded = useLoad(() => fetchPrinted(talk), [client_id, thread_id]);
  return (
    <Ready of={loaded} bones={<RecordBones />} missing={{ title: messages.thread.notFoundTitle, text: messages.thread.notFound }}>
      {(found) => (
        <>
          <Crumbs items={[[messages.title, '/staff/messages'], [found.client_name, `/staff/messages/${client_id}/${thread_id}`], messages.print.title]} />
          <PrintedConversation found={found} talk={talk} />
        </>
      )}
    </Ready>
  );
}
