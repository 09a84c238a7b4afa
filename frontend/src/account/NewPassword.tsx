/** Choosing a password: the field, how far it is, and why it is refused. */
import type { Problem } from '../http.ts';
import { shared } from '../strings/shared.ts';
import { PasswordField } from '../ui/index.ts';

const words = shared.newPassword;
const SHORTEST = 15;
const LONGEST = 128;
const FAULTS: Record<string, string> = {
  too_short: words.tooShort, too_long: words.tooLong, too_common: words.tooCommon, contains_email: words.containsEmail, too_personal: words.tooPersonal,
};

/** What can be said against a password before it is sent; null when there is nothing. */
export function passwordFault(password: string): string | null {
  const count = [...password].length;
  return count < SHORTEST ? words.tooShort : count > LONGEST ? words.tooLong : null;
}

/** What the server says against it; null when the problem is another one. */
export function refusedPassword(problem: Problem): string | null {
  const fault = problem.faults.find((one) => one.pointer.startsWith('/password'));
  return fault ? (FAULTS[fault.code] ?? fault.detail) : null;
}

export function NewPasswordField({ id, label, value, error, onInput }: { id: string; label: string; value: string; error: string | null; onInput: (value: string) => void }) {
  return (
    <div class="stack g2">
      <PasswordField id={id} label={label} help={words.help} autocomplete="new-password" name="new-password" value={value} error={error} required onInput={onInput} />
      <Meter count={[...value].length} />
    </div>
  );
}

/** How far the password is; said to screen readers when it is long enough, not at every key. */
function Meter({ count }: { count: number }) {
  if (!count) return null;
  const enough = count >= SHORTEST;
  return (
    <div class="stack g1">
      <progress max={SHORTEST} value={Math.min(count, SHORTEST)} aria-hidden="true" />
      <p class="tiny soft num" aria-hidden="true">{enough ? words.longEnough : words.left(SHORTEST - count)}</p>
      <p class="hidden" role="status">{enough ? words.longEnough : ''}</p>
    </div>
  );
}
