/** General Documents: what the client signed, with its state, the PDF, and the proof that it is unchanged. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Badge, Button, Empty, Note, dayAndTime, fetchLink, groups, shortDay, useAct } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { Document, StaffVerification } from '../../types.ts';
import { Failed, sentenceOf } from '../parts.tsx';
import { AddDocument } from './adddocument.tsx';
import type { ClientFile } from './details.tsx';

const words = staff.documents;

/** Fetches the short-lived link and hands the PDF to the browser; the page itself stays. */
function useDownload(client_id: string, { document_id, title }: Document) {
  return useAct(async () => {
    const { url } = await call(api.POST('/practice/clients/{client_id}/documents/{document_id}/download', { params: { path: { client_id, document_id } } }));
    fetchLink(url, title);
  });
}

/** Asks whether the stored PDF is still the one that was sealed; `tell` gets null while the answer is on its way. */
function useVerify(client_id: string, document_id: string, tell: (found: StaffVerification | null) => void) {
  return useAct(async () => {
    tell(null);
    tell(await call(api.GET('/practice/clients/{client_id}/documents/{document_id}/verification', { params: { path: { client_id, document_id } } })));
  });
}

export function DocumentsTab({ file, onChange, onTold }: { file: ClientFile; onChange: () => Promise<void>; onTold: (text: string) => void }) {
  const { documents, client } = file;
  const [verdict, setVerdict] = useState<{ document: Document; found: StaffVerification } | null>(null);
  const sealing = documents.some((one) => one.status === 'sealing');
  const add = <AddDocument client_id={client.client_id} onAdded={async (text) => { await onChange(); onTold(text); }} />;
  if (documents.length === 0) {
    return (
      <section class="card">
        <Empty icon="folder" title={words.emptyTitle} action={add}>{words.emptyText} {client.can_invite.allowed ? words.emptyInvite : ''}</Empty>
      </section>
    );
  }
  return (
    <div class="stack g4">
      {verdict && <Verdict title={verdict.document.title} found={verdict.found} onHide={() => setVerdict(null)} />}
      {sealing && <Note tone="info" live icon="clock">{words.sealingHelp}</Note>}
      <section class="card flush" aria-labelledby="gd">
        <div class="cardhead"><h2 id="gd">{words.title}</h2>{add}</div>
        <table class="fold">
          <thead>
            <tr>
              <th scope="col">{words.columns.document}</th><th scope="col">{words.columns.signedBy}</th><th scope="col">{words.columns.date}</th>
              <th scope="col">{words.columns.status}</th><th><span class="hidden">{words.columns.actions}</span></th>
            </tr>
          </thead>
          <tbody>
            {documents.map((one) => <Row key={one.document_id} document={one} client_id={client.client_id} onVerdict={(found) => setVerdict(found && { document: one, found })} onChange={onChange} />)}
          </tbody>
        </table>
      </section>
      <p class="tiny soft">{words.publicCheck} <a href="/verify" target="_blank" rel="noopener">{words.publicLink}</a></p>
    </div>
  );
}

/** Who signed it, or who put it there. */
export function fromWhom(document: Document): string {
  if (document.kind === 'intake_form') return document.signed_by ?? '–';
  return document.added_by === 'client' ? words.byClient : document.added_by_name ?? '–';
}

/** State in words: sealed, being sealed, and whether a safety answer needs to be read. */
export function DocumentBadges({ document }: { document: Document }) {
  return (
    <div class="badges">
      {document.kind !== 'intake_form' ? <Badge tone={document.shared ? 'info' : 'plain'} hollow={!document.shared}>{document.added_by === 'client' ? words.uploaded : document.shared ? words.shared : words.hidden}</Badge>
        : document.status === 'completed' ? <Badge tone="good">{words.completed}</Badge> : <Badge tone="info" hollow>{words.sealing}</Badge>}
      {document.worrying && (document.seen_at ? <Badge>{staff.safety.badgeSeen}</Badge> : <Badge tone="bad">{staff.safety.badge}</Badge>)}
    </div>
  );
}

function Row({ document, client_id, onVerdict, onChange }: { document: Document; client_id: string; onVerdict: (found: StaffVerification | null) => void; onChange: () => Promise<void> }) {
  const { tenant } = useSession();
  const download = useDownload(client_id, document);
  const verify = useVerify(client_id, document.document_id, onVerdict);
  const share = useAct(async () => {
    const path = { client_id, document_id: document.document_id };
    await call(api.POST('/practice/clients/{client_id}/documents/{document_id}/sharing', { params: { path }, body: { shared: !document.shared } }));
    await onChange();
  });
  const problem = download.problem ?? verify.problem ?? share.problem;
  const signed = document.kind === 'intake_form';
  const at = document.signed_at ?? document.filed_at;
  const ready = document.status === 'completed';
  const of = <span class="hidden">{words.of(document.title)}</span>;
  return (
    <tr>
      <td>
        <a class="strong" href={`/staff/clients/${client_id}/documents/${document.document_id}`}>{document.title}</a><br />
        <span class="tiny soft">{!signed ? [words.kinds[document.kind], document.file_name].filter((part) => part && part !== document.title).join(', ') : document.version === null ? words.plainKind : words.kind(document.version)}</span>
        {problem && problem.status !== 401 && <p class="error" role="alert">{download.problem ? words.downloadFailed : verify.problem ? words.verifyFailed : words.shareFailed} {problem.passing ? sentenceOf(problem) : ''}</p>}
      </td>
      <td data-label={words.columns.signedBy}><div>{fromWhom(document)}</div></td>
      <td class="num" data-label={words.columns.date} >{at ? shortDay(at, tenant.zone) : '–'}</td>
      <td data-label={words.columns.status}><DocumentBadges document={document} /></td>
      <td class="end acts">
        {ready ? (
          <div class="cluster g2 end">
            <Button mini icon="download" busy={download.busy} busyLabel={words.preparing} onClick={() => void download.run()}>{signed ? words.download : words.downloadFile}{of}</Button>
            {!signed && document.added_by === 'practice' && <Button mini icon="eye" busy={share.busy} onClick={() => void share.run()}>{document.shared ? words.unshare : words.share}{of}</Button>}
            {signed && <Button mini icon="shield" busy={verify.busy} busyLabel={words.verifying} onClick={() => void verify.run()}>{words.verify}{of}</Button>}
          </div>
        ) : <span class="tiny soft nb">{words.notYet}</span>}
      </td>
    </tr>
  );
}

/** The answer of a verification, in words first and hashes last. Takes focus, as it is what was asked for. */
export function Verdict({ title, found, onHide }: { title: string; found: StaffVerification; onHide: () => void }) {
  const { tenant } = useSession();
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    ref.current?.scrollIntoView({ block: 'nearest' });
    ref.current?.focus();
  }, [found]);
  const good = found.intact && found.matches_record;
  const sealed = found.sealed_at ? dayAndTime(found.sealed_at, tenant.zone) : null;
  const why = found.reason ? words.reasons[found.reason] ?? '' : found.intact && !found.matches_record ? words.mismatch : '';
  return (
    <div ref={ref} tabIndex={-1} role="status" aria-label={words.verdictTitle(title)}>
      <Note tone={good ? 'good' : 'bad'} icon={good ? 'shield' : 'alert'} action={<Button mini onClick={onHide}>{words.hide}</Button>}>
        <strong>{title}: {good ? words.intact : words.broken}</strong><br />
        {good ? words.intactText(sealed ?? '') : <>{why} {words.brokenText}</>}
        {found.sha256 && <><br /><span class="tiny">{words.digest} <span class="mono">{groups(found.sha256)}</span></span></>}
      </Note>
    </div>
  );
}

/** Download and verify for a page that shows one document. */
export function DocumentActs({ document, client_id, onVerdict }: { document: Document; client_id: string; onVerdict: (found: StaffVerification | null) => void }) {
  const download = useDownload(client_id, document);
  const verify = useVerify(client_id, document.document_id, onVerdict);
  const signed = document.kind === 'intake_form';
  const ready = document.status === 'completed';
  return (
    <>
      <div class="cluster g2 noprint">
        {signed && <Button icon="print" onClick={() => window.print()}>{staff.record.print}</Button>}
        {ready && signed && <Button icon="shield" busy={verify.busy} busyLabel={words.verifying} onClick={() => void verify.run()}>{words.verify}</Button>}
        {ready && <Button look="primary" icon="download" busy={download.busy} busyLabel={words.preparing} onClick={() => void download.run()}>{signed ? words.download : words.downloadFile}</Button>}
      </div>
      <Failed problem={download.problem ?? verify.problem} lead={download.problem ? words.downloadFailed : words.verifyFailed} />
    </>
  );
}
