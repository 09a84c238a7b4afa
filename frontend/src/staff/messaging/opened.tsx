/** A colleague's conversation that an administrator has opened for a reason: to read, for half an hour. */
import { useRoute } from 'preact-iso';
import { useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { MessageList } from '../../messages/Thread.tsx';
import { useSession } from '../../session.tsx';
import { messages as strings } from '../../strings/messages.ts';
import { messaging } from '../../strings/messaging.ts';
import { staff } from '../../strings/staff.ts';
import type { Message } from '../../types.ts';
import { Button, Heading, LinkButton, Note, ProblemNote, useAct, useLoad } from '../../ui/index.ts';
import { Crumbs, Ready, RecordBones } from '../parts.tsx';
import { momentInSentence } from '../when.ts';

const words = messaging.glass;

export default function OpenedPage() {
  const { client_id, thread_id } = useRoute().params as { client_id: string; thread_id: string };
  const { tenant } = useSession();
  const path = { client_id, thread_id };
  const page = (cursor?: string) => call(api.GET('/practice/clients/{client_id}/messages/{thread_id}/glass', { params: { path, query: cursor ? { cursor } : {} } }));
  const loaded = useLoad(async () => {
    const [client, first, log] = await Promise.all([
      call(api.GET('/practice/clients/{client_id}', { params: { path: { client_id } } })),
      page(),
      call(api.GET('/practice/clients/{client_id}/messages/{thread_id}/glass/log', { params: { path } })),
    ]);
    return { client, first, log: log.items };
  }, [client_id, thread_id]);
  const [older, setOlder] = useState<Message[]>([]);
  const [cursor, setCursor] = useState<string | null | undefined>(undefined);
  const next = cursor === undefined ? loaded.data?.first.next_cursor ?? null : cursor;
  const more = useAct(async () => {
    const found = await page(next ?? undefined);
    setOlder((known) => [...known, ...found.messages]);
    setCursor(found.next_cursor);
  });
  const file = (attachment_id: string) => call(api.POST('/practice/clients/{client_id}/messages/{thread_id}/glass/attachments/{attachment_id}/download', { params: { path: { ...path, attachment_id } } }));
  const tab = `/staff/clients/${client_id}/messages`;
  if (loaded.problem?.code === 'glass_not_broken') {
    return <section class="card"><div class="empty"><Heading>{words.endedTitle}</Heading><p class="small">{words.ended}</p><LinkButton href={tab}>{messaging.tab.title}</LinkButton></div></section>;
  }
  return (
    <Ready of={loaded} bones={<RecordBones />} missing={{ title: strings.thread.notFoundTitle, text: strings.thread.notFound, go: { label: messaging.tab.title, href: tab } }}>
      {({ client, first, log }) => (
        <div class="stack g4 narrow">
          <Crumbs items={[[staff.clients.title, '/staff/clients'], [client.name, `/staff/clients/${client_id}`], [messaging.tab.title, tab], words.crumb]} />
          <div class="stack g1"><Heading title={words.crumb}>{first.subject}</Heading><p class="soft">{strings.print.and(first.with_names.join('; '), client.name)}</p></div>
          <Note tone="warn" icon="eye">{words.banner}</Note>
          {next && <p class="centered"><Button mini busy={more.busy} onClick={() => void more.run()}>{words.earlier}</Button></p>}
          <ProblemNote problem={more.problem} />
          <MessageList items={[...first.messages, ...older].sort((one, other) => one.number - other.number)} file={file} />
          <section class="card stack g3" aria-labelledby="opened-log">
            <h2 id="opened-log">{words.log}</h2>
            <ul class="stack g3 small">{log.map((one) => <li key={one.opening_id}><p class="strong">{messaging.openings(one.by_name, momentInSentence(one.opened_at, tenant.zone))}</p><p class="said">{messaging.openingReason(one.reason)}</p></li>)}</ul>
          </section>
        </div>
      )}
    </Ready>
  );
}
