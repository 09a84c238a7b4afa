/** Looking again by itself at what a job works on: every two seconds while it goes on, more rarely when nothing moves, not
 * while the page is hidden, and not once it has ended. */
import { useEffect, useRef } from 'preact/hooks';
import { startPolling } from '../../messages/poll.ts';

const QUICK = 2000;
const SLOW = 10_000;

/** `look` says whether something has changed since the last time. */
export function useLooking(on: boolean, look: () => Promise<boolean>): void {
  const latest = useRef(look);
  latest.current = look;
  useEffect(() => {
    if (!on) return;
    return startPolling(() => latest.current(), { quick: QUICK, slow: SLOW }).stop;
  }, [on]);
}

/** What a series is asked for with while it is worked on: unchanged it is not sent, and the look is not audited. */
export const unlessSame = (etag: string) => ({ 'X-Background': '1', 'If-None-Match': `"${etag}"` });
