/** Sending an invitation again: one question that names the address, one mail however often it is pressed. */
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../../http.ts';
import { Button, Dialog, Note, useAct } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { Client } from '../../types.ts';
import { Failed } from '../parts.tsx';

const words = staff.portalTab;

export function ResendButton({ client, onDone }: { client: Client; onDone: (told: string) => void }) {
  const invite = client.invite!;
  const [open, setOpen] = useState(false);
  const key = useRef('');
  const resend = useAct(async () => {
    const path = { client_id: client.client_id, invite_id: invite.invite_id };
    const sent = await call(api.POST('/practice/clients/{client_id}/invites/{invite_id}/resend', { params: { path, header: { 'Idempotency-Key': key.current } } }));
    setOpen(false);
    onDone(words.resent(sent.email));
  });
  const ask = () => {
    key.current = newKey();
    resend.clear();
    setOpen(true);
  };
  const off = resend.problem?.code.startsWith('feature_') ?? false;
  const closed = resend.problem?.code === 'invitation_closed';
  return (
    <>
      <Button look="primary" icon="refresh" onClick={ask}>{words.resend}</Button>
      <Dialog
        open={open}
        onClose={() => { if (!resend.busy) setOpen(false); }}
        title={words.resendTitle}
        actions={closed
          ? <Button onClick={() => { setOpen(false); onDone(words.closed); }}>{words.look}</Button>
          : <>
              <Button look="primary" busy={resend.busy} busyLabel={words.resending} onClick={() => void resend.run()}>{words.resendYes}</Button>
              <Button look="quiet" onClick={() => { if (!resend.busy) setOpen(false); }}>{words.notNow}</Button>
            </>}
      >
        <p class="soft">{words.resendText(client.name, client.email ?? invite.email)}</p>
        {client.email && client.email !== invite.email && <p class="small">{words.addressChanged(invite.email)}</p>}
        {off ? <Note tone="warn" live>{words.resendOff}</Note> : <Failed problem={resend.problem} lead={resend.problem?.passing ? words.unknown : ''} />}
      </Dialog>
    </>
  );
}
