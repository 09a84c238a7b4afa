/** The client's documents. */
import { api, BACKGROUND, call } from '../http.ts';
import { ClientShell } from '../shell/ClientShell.tsx';
import { client } from '../strings/client.ts';
import type { Document } from '../types.ts';
import { Await, Badge, Bones, Empty, Heading, Icon, LinkButton, shortDay, useEvery, useLoad } from '../ui/index.ts';
import { SendDocument } from './SendDocument.tsx';

const words = client.documents;

async function all(background = false): Promise<Document[]> {
  const page = await call(api.GET('/portal/documents', background ? { headers: BACKGROUND } : {}));
  return page.items;
}

export default function Documents() {
  const loaded = useLoad(() => all(), []);
  useEvery(4000, (loaded.data ?? []).some((one) => one.status === 'sealing'), () => loaded.refresh(() => all(true)));
  return (
    <ClientShell>
      <div class="stack g6">
        <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>
        <Await within of={loaded} bones={<Bones rows={3} />}>
          {(items) => items.length ? (
            <ul class="card flush rows">
              {items.map((item) => (
                <li key={item.document_id}>
                  <a class="row" href={`/documents/${item.document_id}`}>
                    <span class="glyph"><Icon name={item.kind === 'intake_form' ? 'form' : 'folder'} /></span>
                    <div class="stack g1"><p class="strong">{item.title}</p><p class="small soft">{item.kind !== 'intake_form' ? (item.added_by === 'client' ? words.youSent : words.practiceSent)(shortDay(item.filed_at!)) : [item.signed_at ? words.signed(shortDay(item.signed_at)) : '', item.version ? words.version(item.version) : ''].filter(Boolean).join('. ')}</p><p>{item.kind !== 'intake_form' ? <Badge>{item.added_by === 'client' ? words.yours : words.shared}</Badge> : item.status === 'completed' ? <Badge tone="good">{words.ready}</Badge> : <Badge tone="info" hollow>{words.sealing}</Badge>}</p></div>
                    <Icon name="right" />
                  </a>
                </li>
              ))}
            </ul>
          ) : <section class="card flush"><Empty icon="folder" title={words.emptyTitle} action={<LinkButton href="/forms">{words.toForms}</LinkButton>}>{words.empty}</Empty></section>}
        </Await>
        <SendDocument onSent={loaded.reload} />
        <p class="small soft">{words.checkHelp} <a href="/verify">{words.checkLink}</a></p>
      </div>
    </ClientShell>
  );
}
