/** Why a session is over, when the server no longer knows it. */

/** `idle` and `absolute`: a limit ran out; `lost`: neither did (signed out elsewhere, cookies cleared). */
export type Over = 'idle' | 'absolute' | 'lost';

const SLACK = 2000; // milliseconds: clocks and answers are never exact

/** What to say of a session that the server refuses at `now`; all are milliseconds of this device's clock. */
export function overHow(now: number, idleEnd: number, absoluteEnd: number): Over {
  if (now >= absoluteEnd - SLACK) return 'absolute';
  return now >= idleEnd - SLACK ? 'idle' : 'lost';
}
