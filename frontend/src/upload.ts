/** Sends a file: straight to the bucket by the form that the server signed, then waits for what the check says. */
import { Problem } from './http.ts';
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

/** Resolves once the file is filed, clean or refused; a status of `checking` means that it takes longer. `onProgress`
 * hears how much of it is sent, from 0 to 1. */
export async function sendFile(file: File, way: Way, onProgress: (part: number) => void = () => {}, signal?: AbortSignal): Promise<Upload> {
  const ticket = await way.begin({ name: file.name.slice(0, 400) || 'file', size: file.size });
  const form = new FormData();
  for (const field of ticket.fields) form.append(field.name, field.value);
  form.append('file', file);
  const status = await post(ticket.url, form, onProgress, signal);
  if (status < 200 || status > 299) throw new Problem({ status, code: 'upload_refused', title: shared.upload.notTaken });
  let now = await way.finish(ticket.upload_id);
  for (let look = 0; now.status === 'checking' && look < LOOKS; look += 1) {
    await new Promise((done) => setTimeout(done, LOOK_AGAIN));
    now = await way.read(ticket.upload_id);
  }
  return now;
}

/** `fetch` does not say how much has gone out, so this is the older way. Resolves to the status. */
function post(url: string, form: FormData, onProgress: (part: number) => void, signal?: AbortSignal): Promise<number> {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    request.upload.onprogress = (event) => { if (event.lengthComputable) onProgress(event.loaded / event.total); };
    request.onload = () => done(request.status);
    request.onerror = () => fail(new Problem({ status: 0, code: 'network', title: shared.failure.network }));
    request.onabort = () => fail(new DOMException('', 'AbortError'));
    signal?.addEventListener('abort', () => request.abort());
    request.send(form);
  });
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

