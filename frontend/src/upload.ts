/** Sends a file: straight to the bucket by the form that the server signed, then waits for what the check says. */
import { asProblem, Problem } from './http.ts';
import { shared } from './strings/shared.ts';
import type { Upload, UploadTicket } from './types.ts';

export const MAX_BYTES = 25 * 1024 * 1024;
/** What file choosers offer; what a file really is the server decides by its bytes. */
export const ACCEPT = 'application/pdf,image/jpeg,image/png,image/heic,image/heif,text/plain,.pdf,.jpg,.jpeg,.png,.heic,.txt,.docx';
const LOOK_AGAIN = 1000;
const LOOKS = 90;

export interface Way {
  begin: (about: { name: string; size: number }) => Promise<UploadTicket>;
  finish: (upload_id: string) => Promise<Upload>;
  read: (upload_id: string) => Promise<Upload>;
}

/** Resolves once the file is filed, clean or refused; a status of `checking` means that it takes longer. */
export async function sendFile(file: File, way: Way): Promise<Upload> {
  const ticket = await way.begin({ name: file.name.slice(0, 400) || 'file', size: file.size });
  const form = new FormData();
  for (const field of ticket.fields) form.append(field.name, field.value);
  form.append('file', file);
  let answer: Response;
  try {
    answer = await fetch(ticket.url, { method: 'POST', body: form, credentials: 'omit', referrerPolicy: 'no-referrer' });
  } catch (cause) {
    throw asNetwork(cause);
  }
  if (!answer.ok) throw new Problem({ status: answer.status, code: 'upload_refused', title: shared.upload.notTaken });
  let now = await way.finish(ticket.upload_id);
  for (let look = 0; now.status === 'checking' && look < LOOKS; look += 1) {
    await new Promise((done) => setTimeout(done, LOOK_AGAIN));
    now = await way.read(ticket.upload_id);
  }
  return now;
}

function asNetwork(cause: unknown): Problem {
  return cause instanceof TypeError ? new Problem({ status: 0, code: 'network', title: shared.failure.network }) : asProblem(cause);
}

/** Why a chosen file cannot be sent at all, or null. */
export function unfit(file: File | null): string | null {
  if (!file) return shared.upload.choose;
  if (file.size === 0) return shared.upload.empty;
  return file.size > MAX_BYTES ? shared.upload.tooLarge : null;
}

/** What became of it, in a sentence, when it was not filed. */
export function refusal(upload: Upload): string | null {
  if (upload.status === 'used' || upload.status === 'clean') return null;
  if (upload.status === 'refused') return shared.upload.reasons[upload.reason ?? 'damaged'] ?? shared.upload.notTaken;
  return shared.upload.slow;
}

