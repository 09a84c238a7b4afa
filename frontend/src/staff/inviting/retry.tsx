/** An address that we stopped writing to: why, and the act that says it is mended. */
import { useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Button, Check, Dialog, Note, useAct } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { Client } from '../../types.ts';
import { Failed } from '../parts.tsx';
import { momentInSentence } from '../when.ts';

const words = staff.retry;

export function AddressNote({ client, onDone }: { client: Client; onDone: (told: string) => unknown }) {
  const { tenant } = useSession();
  const { suppressed, suppressed_at, likely, shared } = client.mailbox;
  return (
    <>
      {suppressed && (
        <Note tone="bad" action={<TryAgain client={client} onDone={onDone} />}>
          <strong>{words.title[suppressed]}</strong><br />{words.text[suppressed](momentInSentence(suppressed_at!, tenant.zone))}
        </Note>
      )}
      {likely && <Note tone="warn">{words.likely(client.email ?? '', likely)}</Note>}
      {shared && <Note tone="warn">{words.shared}</Note>}
    </>
  );
}

function TryAgain({ client, onDone }: { client: Client; onDone: (told: string) => unknown }) {
  const { roles } = useSession();
  const [open, setOpen] = useState(false);
  const [asked, setAsked] = useState(false);
  const complaint = client.mailbox.suppressed === 'complained';
  const act = useAct(async () => {
    const path = { client_id: client.client_id };
    await call(api.POST('/practice/clients/{client_id}/address/retry', { params: { path }, body: { asked } }));
    setOpen(false);
    await onDone(words.done(client.email ?? ''));
  });
  if (client.can_invite.reason === 'no_permission' || (complaint && !roles.includes('administrator'))) return null;
  const shut = () => { if (!act.busy) setOpen(false); };
  return (
    <>
      <Button mini onClick={() => { act.clear(); setAsked(false); setOpen(true); }}>{words.button}</Button>
      <Dialog
        open={open} onClose={shut} title={words.question(client.email ?? '')}
        actions={<>
          <Button look="primary" busy={act.busy} busyLabel={words.busy} disabled={complaint && !asked} onClick={() => void act.run()}>{words.yes}</Button>
          <Button look="quiet" onClick={shut}>{words.no}</Button>
        </>}
      >
        <p class="soft">{complaint ? words.complaintHelp : words.help}</p>
        {complaint && <Check checked={asked} onChange={setAsked}>{words.asked(client.name)}</Check>}
        <Failed problem={act.problem} />
      </Dialog>
    </>
  );
}
