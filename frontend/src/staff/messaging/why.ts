/** Why a staff member cannot write, in words they can act on. */
import { messaging } from '../../strings/messaging.ts';
import type { Session } from '../../types.ts';

/** `reason` is a problem's code; that messaging is off says the session more exactly: seat, plan, organization. What
 * is on for them and off all the same is off for the client. */
export function whyNot(session: Session, reason: string | null | undefined): string {
  const own = session.features.messaging;
  const off = reason === 'feature_switched_off' || reason === 'feature_not_in_plan';
  const code = off ? (own && !own.on ? own.reason : 'client_switched_off') : reason;
  return messaging.reason[code ?? ''] ?? messaging.reasonOther;
}
