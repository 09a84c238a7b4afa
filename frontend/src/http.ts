/** The one way to the server: typed requests, the CSRF header, and every failure as a `Problem`. */
import createClient, { type Middleware } from 'openapi-fetch';
import type { paths } from './api.d.ts';
import { shared } from './strings/shared.ts';
import type { Verification } from './types.ts';

/** One thing wrong with what was sent (RFC 9457, `errors`). `pointer` is a JSON pointer into the body. */
export interface Fault {
  pointer: string;
  code: string;
  detail: string;
  section_id?: string;
}

/** Why a request failed, in words a person can read.
 *
 * `status` is 0 and `code` is `network` when no answer came: the request may or may not have arrived. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly faults: Fault[];
  /** Seconds to wait before trying again, when the server said so. */
  readonly retryAfter: number | null;
  readonly request: string | null;

  constructor(from: { status: number; code: string; title: string; faults?: Fault[]; retryAfter?: number | null; request?: string | null }) {
    super(`${from.status} ${from.code}`);
    this.status = from.status;
    this.code = from.code;
    this.title = from.title;
    this.faults = from.faults ?? [];
    this.retryAfter = from.retryAfter ?? null;
    this.request = from.request ?? null;
  }

  /** No answer came, or one that says "later": the same request may succeed in a moment. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** The first fault at this pointer, if any. */
  at(pointer: string): Fault | undefined {
    return this.faults.find((fault) => fault.pointer === pointer);
  }
}

let csrf = '';
let onAnswer: (background: boolean) => void = () => {};
let onSignedOut: () => void = () => {};
let onProof: () => Promise<boolean> = () => Promise.resolve(false);
let onReplaced: () => Promise<boolean> = () => Promise.resolve(false);

/** Called by the session store whenever the session changes. */
export function carryToken(token: string): void {
  csrf = token;
}

/** The session store listens: `answered` after each request that keeps the session alive, `signedOut` after a 401.
 * `replaced`: a change came with the token of another session than the browser's cookie is of. It resolves to whether
 * this page carries the right one now; the change, of which nothing was done, is then sent again. */
export function listen(handlers: { answered: (background: boolean) => void; signedOut: () => void; replaced: () => Promise<boolean> }): void {
  onAnswer = handlers.answered;
  onSignedOut = handlers.signedOut;
  onReplaced = handlers.replaced;
}

/** Whoever can ask for the password listens here: resolves to whether it was given. The request is then sent again. */
export function listenForProof(ask: () => Promise<boolean>): void {
  onProof = ask;
}

/** A request under way: the session that asked (its token), and a change, to be sent again after the password, or under
 * the token that is right now. */
interface Asked { by: string; again: Request | null }

const asked = new Map<string, Asked>();

const watch: Middleware = {
  onRequest({ request, id }) {
    const changes = request.method !== 'GET' && csrf !== '';
    if (changes) request.headers.set('X-CSRF-Token', csrf);
    asked.set(id, { by: csrf, again: changes ? request.clone() : null });
    return request;
  },
  onError({ id }) {
    asked.delete(id);
  },
  async onResponse({ request, response, id }) {
    const background = request.headers.has('X-Background');
    const { by, again } = asked.get(id) ?? { by: '', again: null };
    asked.delete(id);
    if (response.status === 403 && again) {
      const body = (await response.clone().json().catch(() => ({}))) as { code?: string };
      if (body.code === 'proof_required' && (await onProof())) return fetch(again);
      if (body.code === 'csrf' && (await onReplaced())) {
        again.headers.set('X-CSRF-Token', csrf);
        return fetch(again);
      }
    }
    if (response.ok) onAnswer(background);
    if (response.status === 401 && csrf && !request.url.endsWith('/api/sessions')) {
      const body = (await response.clone().json().catch(() => ({}))) as { code?: string };
      // What was asked before somebody signed in says nothing about who is signed in now, however late it comes.
      if (body.code === 'unauthenticated' && by === csrf) onSignedOut();
    }
    return undefined;
  },
};

export const api = createClient<paths>({
  baseUrl: '/api',
  credentials: 'same-origin',
  headers: { Accept: 'application/json, application/problem+json' },
});
api.use(watch);

/** Header for polling: such a request does not count as the person being there. */
export const BACKGROUND = { 'X-Background': '1' } as const;

/** A fresh `Idempotency-Key`; keep it for retries of the same act. */
export function newKey(): string {
  return crypto.randomUUID();
}

interface Reply<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; throws a `Problem` for anything else.
 *
 *     const home = await call(api.GET('/portal/home'));
 */
export async function call<T>(pending: Promise<Reply<T>>): Promise<T> {
  let reply: Reply<T>;
  try {
    reply = await pending;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new Problem({ status: 0, code: 'network', title: shared.failure.network });
  }
  if (!reply.response.ok) throw problemOf(reply.response, reply.error);
  return reply.data as T;
}

/** Like `call`, but null when nothing changed since the tag that went along as If-None-Match. */
export async function callUnlessSame<T>(pending: Promise<Reply<T>>): Promise<T | null> {
  const reply = await pending.catch(() => null);
  if (reply?.response.status === 304) return null;
  return call(reply ? Promise.resolve(reply) : Promise.reject(new TypeError()));
}

function problemOf(response: Response, body: unknown): Problem {
  const said = (typeof body === 'object' && body !== null ? body : {}) as Partial<{
    code: string; title: string; errors: Fault[]; instance: string;
  }>;
  const wait = Number(response.headers.get('Retry-After'));
  return new Problem({
    status: response.status,
    code: said.code ?? (response.status >= 500 ? 'server' : 'unknown'),
    title: said.title ?? (response.status >= 500 ? shared.failure.server : shared.failure.unknown),
    faults: Array.isArray(said.errors) ? said.errors : [],
    retryAfter: Number.isFinite(wait) && wait > 0 ? wait : null,
    request: said.instance ?? response.headers.get('X-Request-Id'),
  });
}

/** Any thrown thing as a `Problem`, so that a page has one kind of failure to show. */
export function asProblem(cause: unknown): Problem {
  if (cause instanceof Problem) return cause;
  return new Problem({ status: 0, code: 'unknown', title: shared.failure.unknown });
}

/** Asks whether this PDF is unchanged since it was sealed. Public; the file goes as it is. Throws a `Problem`. */
export async function verifyFile(file: Blob): Promise<Verification> {
  return call(api.POST('/verification', {
    body: file as never,
    bodySerializer: (body: unknown) => body as Blob,
    headers: { 'Content-Type': 'application/pdf' },
  } as never)) as Promise<Verification>;
}
