/** One signed document: to read here, to download as the sealed PDF, to print. */
import { useRoute } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { RecordView } from '../forms/Record.tsx';
import { api, BACKGROUND, call } from '../http.ts';
import { ClientShell } from '../shell/ClientShell.tsx';
import { client } from '../strings/client.ts';
import type { DocumentRecord } from '../types.ts';
import { Await, Badge, Bones, Button, dayAndTime, Facts, fileSize, groups, Heading, Note, ProblemNote, useAct, useEvery, useLoad } from '../ui/index.ts';

const words = client.documents;

export default function DocumentPage() {
  const { params } = useRoute() as { params: Record<string, string> };
  const document_id = params.document_id ?? '';
  const loaded = useLoad(() => call(api.GET('/portal/documents/{document_id}', { params: { path: { document_id } } })), [document_id]);
  useEvery(3000, loaded.data?.status === 'sealing', () =>
    loaded.refresh(() => call(api.GET('/portal/documents/{document_id}', { params: { path: { document_id } }, headers: BACKGROUND }))));
  return (
    <ClientShell>
      <Await of={loaded} bones={<Bones rows={4} />}>{(record) => <Read record={record} />}</Await>
    </ClientShell>
  );
}

function Read({ record }: { record: DocumentRecord }) {
  const sealed = record.status === 'completed';
  const [long, setLong] = useState(false);
  useEffect(() => {
    if (sealed) return;
    const timer = setTimeout(() => setLong(true), 60_000);
    return () => clearTimeout(timer);
  }, [sealed]);
  const download = useAct(async () => {
    const { url } = await call(api.POST('/portal/documents/{document_id}/download', { params: { path: { document_id: record.document_id } } }));
    location.assign(url);
  });
  const signed = record.kind === 'intake_form';
  const facts: [string, preact.ComponentChildren][] = !signed ? [[words.fileName, record.file_name ?? '–'], [words.added, (record.added_by === 'client' ? words.youSent : words.practiceSent)(dayAndTime(record.filed_at!))]] : [
    [words.signedBy, record.signed_by ?? '–'],
    [words.signedAt, record.signed_at ? dayAndTime(record.signed_at) : '–'],
  ];
  if (signed && record.filed_at) facts.push([words.filed, dayAndTime(record.filed_at)]);
  if (record.size) facts.push([words.size, fileSize(record.size)]);
  return (
    <div class="stack g6">
      <div class="stack g3">
        <ol class="crumbs noprint"><li><a href="/documents">{words.back}</a></li><li>{record.title}</li></ol>
        <div class="stack g2">
          <div class="cluster g3"><Heading>{record.title}</Heading>{!signed ? <Badge>{record.added_by === 'client' ? words.yours : words.shared}</Badge> : sealed ? <Badge tone="good">{words.ready}</Badge> : <Badge tone="info" hollow>{words.sealing}</Badge>}</div>
          {record.version ? <p class="soft">{words.version(record.version)}</p> : null}
        </div>
        <div class="cluster noprint">
          <Button look="primary" icon="download" disabled={!sealed} busy={download.busy} busyLabel={words.downloading} onClick={() => void download.run()}>{signed ? words.download : words.downloadFile}</Button>
          {signed && <Button icon="print" onClick={() => print()}>{words.print}</Button>}
        </div>
        <div role="status">{sealed ? null : <Note tone="info" icon="clock">{long ? words.sealingLong : words.sealingText}</Note>}</div>
        <ProblemNote problem={download.problem} />
      </div>
      <section class="card stack g3" aria-labelledby="facts">
        <h2 id="facts">{signed ? words.facts : words.plainFacts}</h2>
        <Facts rows={facts} />
        {signed && record.sha256 ? <div class="stack g1"><p class="small soft">{words.check}</p><p class="code">{groups(record.sha256)}</p><p class="tiny soft">{words.checkHelp} <a class="noprint" href="/verify">{words.checkLink}</a></p></div> : null}
      </section>
      {signed && <section class="card" aria-label={words.answers}><RecordView record={record} /></section>}
    </div>
  );
}
