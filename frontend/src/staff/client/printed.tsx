/** A whole packet for paper: every signed form of it, one after the other. */
import { useRoute } from 'preact-iso';
import { RecordView } from '../../forms/Record.tsx';
import { api, call } from '../../http.ts';
import { staff } from '../../strings/staff.ts';
import type { DocumentRecord } from '../../types.ts';
import { Button, fetchLink, Heading, useAct, useLoad } from '../../ui/index.ts';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';

const words = staff.summary;

async function open(client_id: string, intake_id: string) {
  const summary = await call(api.GET('/practice/clients/{client_id}/intakes/{intake_id}/summary', { params: { path: { client_id, intake_id } } }));
  const records: DocumentRecord[] = await Promise.all(summary.documents.map(({ document_id }) =>
    call(api.GET('/practice/clients/{client_id}/documents/{document_id}', { params: { path: { client_id, document_id } } }))));
  return { name: summary.client.name, records };
}

export function PacketPage() {
  const { client_id, intake_id } = useRoute().params as { client_id: string; intake_id: string };
  const loaded = useLoad(() => open(client_id, intake_id), [client_id, intake_id]);
  const base = `/staff/clients/${client_id}`;
  return (
    <Ready of={loaded} bones={<RecordBones />} missing={{ title: words.failed, text: words.notFound }}>
      {({ name, records }) => (
        <>
          <Crumbs items={[[staff.clients.title, '/staff/clients'], [name, base], [words.crumb, `${base}/intakes/${intake_id}`], words.printAll]} />
          <div class="split top">
            <Heading title={words.printTitle(name)}>{words.printTitle(name)}</Heading>
            <div class="cluster g2 noprint"><ZipButton client_id={client_id} intake_id={intake_id} /><Button look="primary" icon="print" onClick={() => window.print()}>{words.print}</Button></div>
          </div>
          {records.map((record) => (
            <article key={record.document_id} class="card stack g4" aria-label={record.title}>
              <h2>{record.title}</h2>
              <RecordView record={record} flags={staff.safety.badge} />
            </article>
          ))}
        </>
      )}
    </Ready>
  );
}

/** All sealed PDFs of the packet in one file, with their digests. */
export function ZipButton({ client_id, intake_id }: { client_id: string; intake_id: string }) {
  const act = useAct(async () => {
    const { url } = await call(api.POST('/practice/clients/{client_id}/intakes/{intake_id}/download', { params: { path: { client_id, intake_id } } }));
    fetchLink(url);
  });
  return <><Button icon="download" busy={act.busy} busyLabel={words.zipping} onClick={() => void act.run()}>{words.zip}</Button><Failed problem={act.problem} /></>;
}
