/** The seconds in which what was sent can still be called back. */
import { useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { Button, Note, useAct, useEvery } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { Invite } from '../../types.ts';
import { Failed } from '../parts.tsx';

const words = staff.hold;

/** Counts down once a second from when it is first shown; by seconds, so that a wrong clock does no harm. */
export function useCountdown(seconds: number): number {
  const [left, setLeft] = useState(seconds);
  useEvery(1000, left > 0, () => setLeft((now) => now - 1));
  return left;
}

/** "Cancel", while the mail waits. `left`: for how many seconds it still does; null when nobody counts them. */
export function HeldBack({ client_id, invite, left, onBack }: { client_id: string; invite: Invite; left: number | null; onBack: () => unknown }) {
  const act = useAct(async () => {
    const path = { client_id, invite_id: invite.invite_id };
    await call(api.POST('/practice/clients/{client_id}/invites/{invite_id}/cancel', { params: { path } }));
    await onBack();
  });
  if (act.problem?.code === 'mail_under_way') return <Note tone="warn" live>{act.problem.title}</Note>;
  const over = left !== null && left <= 0 && !act.busy && !act.problem;
  if (!invite.held_until || invite.delivery !== 'queued' || over) return null;
  return (
    <div class="stack g2">
      <Note tone="info" icon="clock" action={<Button mini busy={act.busy} busyLabel={words.cancelling} onClick={() => void act.run()}>{words.cancel}</Button>}>
        <strong>{words.title}</strong><br />{words.text} {left !== null && left > 0 && <span class="num" aria-hidden="true">{words.left(left)}</span>}
      </Note>
      <Failed problem={act.problem} />
    </div>
  );
}
