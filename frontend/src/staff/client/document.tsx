/** One signed document as a page that can be read, printed and checked: the answers, the signature, the certificate. */
import { useRoute } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { RecordView } from '../../forms/Record.tsx';
import { api, BACKGROUND, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Button, Facts, Heading, Note, dayAndTime, fileSize, groups, useEvery, useLoad } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { DocumentRecord, StaffVerification } from '../../types.ts';
import { Crumbs, Ready, RecordBones } from '../parts.tsx';
import { DocumentActs, DocumentBadges, fromWhom, Verdict } from './documents.tsx';
import { SeenBy } from './flags.tsx';

const words = staff.record;

interface Opened { record: DocumentRecord; name: string }

function fetchRecord(client_id: string, document_id: string, background = false): Promise<DocumentRecord> {
  const path = { client_id, document_id };
  const headers = background ? { headers: BACKGROUND } : {};
  return call(api.GET('/practice/clients/{client_id}/documents/{document_id}', { params: { path }, ...headers }));
}

async function open(client_id: string, document_id: string): Promise<Opened> {
  const [record, client] = await Promise.all([
    fetchRecord(client_id, document_id),
    call(api.GET('/practice/clients/{client_id}', { params: { path: { client_id } } })),
  ]);
  return { record, name: client.name };
}

export function DocumentPage() {
  const { client_id, document_id } = useRoute().params as { client_id: string; document_id: string };
  const opened = useLoad(() => open(client_id, document_id), [client_id, document_id]);
  const { data, refresh } = opened;
  useEvery(5000, data?.record.status === 'sealing', () =>
    refresh(async () => ({ ...data!, record: await fetchRecord(client_id, document_id, true) })));
  return (
    <Ready of={opened} bones={<RecordBones />} missing={{ title: words.failed, text: words.notFound }}>
      {({ record, name }) => <Page key={document_id} record={record} name={name} client_id={client_id} />}
    </Ready>
  );
}

function Page({ record, name, client_id }: { record: DocumentRecord; name: string; client_id: string }) {
  const [verdict, setVerdict] = useState<StaffVerification | null>(null);
  useEffect(() => {
    // A link from the summary names the part; the heading has taken focus by now.
    if (location.hash.startsWith('#s-')) jump(location.hash.slice(1));
  }, []);
  const first = record.sections.flatMap((section) => section.items).find((item) => item.worrying);
  const base = `/staff/clients/${client_id}`;
  return (
    <>
      <Crumbs items={[[staff.clients.title, '/staff/clients'], [name, base], [staff.documents.title, `${base}/documents`], words.crumb]} />
      <div class="split top">
        <div class="stack g2">
          <Heading title={`${record.title}, ${name}`}>{record.title}</Heading>
          <p class="soft">{record.version === null ? name : `${name}. ${words.version(record.version)}`}</p>
          <DocumentBadges document={record} />
        </div>
        <DocumentActs document={record} client_id={client_id} onVerdict={setVerdict} />
      </div>
      {verdict && <Verdict title={record.title} found={verdict} onHide={() => setVerdict(null)} />}
      {record.status === 'sealing' && <Note tone="info" icon="clock" live>{words.sealingNote}</Note>}
      {first && (
        <Note tone="bad" action={<Button mini onClick={() => jump(`a-${first.field_id}`)}>{words.toWorrying}</Button>}><strong>{words.worryingNote}</strong><SeenBy documents={[record]} /></Note>
      )}
      {record.kind !== 'intake_form' ? <Uploaded record={record} /> : <div class="beside">
        <article class="card" aria-label={record.title}><RecordView record={record} flags={staff.safety.badge} /></article>
        <aside class="stack g4">
          <Certificate record={record} />
          {record.sections.length > 3 && <Contents record={record} />}
        </aside>
      </div>}
    </>
  );
}

/** A file that somebody sent: what is known of it; it is opened after downloading it. */
function Uploaded({ record }: { record: DocumentRecord }) {
  const { tenant } = useSession();
  return (
    <section class="card stack g3" aria-labelledby="about">
      <h2 id="about">{words.about}</h2>
      <p class="small soft">{words.noPreview}</p>
      <Facts rows={[
        [words.kind, staff.documents.kinds[record.kind] ?? record.kind],
        [words.fileName, record.file_name ?? '–'],
        [words.addedBy, fromWhom(record)],
        [words.addedAt, record.filed_at ? dayAndTime(record.filed_at, tenant.zone) : '–'],
        ...(record.size ? [[words.size, fileSize(record.size)] as [string, string]] : []),
        [words.visible, record.added_by === 'client' || record.shared ? staff.documents.shared : staff.documents.hidden],
      ]} />
      {record.sha256 && <div class="stack g1"><p class="small soft">{staff.documents.digest}</p><p class="tiny mono">{groups(record.sha256)}</p></div>}
    </section>
  );
}

function jump(id: string): void {
  const found = document.getElementById(id);
  if (!found) return;
  found.tabIndex = -1;
  found.scrollIntoView({ block: 'start' });
  found.focus({ preventScroll: true });
}

function Contents({ record }: { record: DocumentRecord }) {
  return (
    <nav class="card stack g3 noprint" aria-labelledby="contents">
      <h2 id="contents">{words.contents}</h2>
      <ol class="stack g1 small">
        {record.sections.map((section) => (
          <li key={section.section_id}>
            <a href={`#s-${section.section_id}`} onClick={(event) => { event.preventDefault(); jump(`s-${section.section_id}`); }}>{section.title}</a>
          </li>
        ))}
      </ol>
    </nav>
  );
}

function Certificate({ record }: { record: DocumentRecord }) {
  const { tenant } = useSession();
  return (
    <section class="card stack g3" aria-labelledby="certificate">
      <h2 id="certificate">{words.certificate}</h2>
      <Facts rows={[
        [words.form, record.version === null ? record.title : `${record.title}, ${words.version(record.version).toLowerCase()}`],
        ...(record.signed_by ? [[words.signedBy, record.signed_by] as [string, string]] : []),
        ...(record.signed_at ? [[words.signedAt, dayAndTime(record.signed_at, tenant.zone)] as [string, string]] : []),
        [words.filed, record.filed_at ? dayAndTime(record.filed_at, tenant.zone) : words.notYet],
        ...(record.size ? [[words.size, fileSize(record.size)] as [string, string]] : []),
      ]} />
      {record.sha256 && <div class="stack g1"><p class="small soft">{words.digest}</p><p class="tiny mono">{groups(record.sha256)}</p></div>}
    </section>
  );
}
