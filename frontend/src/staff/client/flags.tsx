/** Safety answers that wait to be read: which documents hold one, and the button that says somebody has seen it. */
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { staff } from '../../strings/staff.ts';
import type { Document } from '../../types.ts';
import { Button, useAct } from '../../ui/index.ts';
import { Failed } from '../parts.tsx';
import { momentInSentence } from '../when.ts';

const words = staff.safety;

/** The documents whose safety answer nobody has marked as seen yet. */
export function unseen<D extends Document>(documents: readonly D[]): D[] {
  return documents.filter((one) => one.worrying && !one.seen_at);
}

/** Marks the safety answers of these documents as seen; those that are still being sealed have to wait. `of`: which
 * ones, for those who cannot see what it stands beside. */
export function MarkSeen({ client_id, documents, of, onSeen }: { client_id: string; documents: Document[]; of?: string; onSeen: () => unknown }) {
  const ready = documents.filter((one) => one.status === 'completed');
  const act = useAct(async () => {
    for (const { document_id } of ready) {
      await call(api.POST('/practice/clients/{client_id}/documents/{document_id}/seen', { params: { path: { client_id, document_id } } }));
    }
    await onSeen();
  });
  if (ready.length === 0) return null;
  return (
    <>
      <Button mini busy={act.busy} busyLabel={words.marking} onClick={() => void act.run()}>{words.markSeen}{of && <span class="hidden">{of}</span>}</Button>
      <Failed problem={act.problem} lead={words.markFailed} />
    </>
  );
}

/** Who has seen the safety answers of these documents, and when; nothing while nobody has. */
export function SeenBy({ documents }: { documents: Document[] }) {
  const { tenant } = useSession();
  const seen = documents.filter((one) => one.worrying && one.seen_at);
  return (
    <>
      {seen.map((one) => (
        <p key={one.document_id} class="small">{words.seenBy(one.seen_by_name ?? '', momentInSentence(one.seen_at!, tenant.zone), seen.length > 1 ? one.title : '')}</p>
      ))}
    </>
  );
}
