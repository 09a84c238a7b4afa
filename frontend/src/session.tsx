/** Who is signed in: loading, sign-in, sign-out, and the watch that ends a quiet session without losing what was typed. */
import { createContext, type ComponentChildren } from 'preact';
import { useContext, useEffect, useMemo, useState } from 'preact/hooks';
import { api, asProblem, BACKGROUND, call, carryToken, listen, Problem } from './http.ts';
import { overHow, type Over } from './ended.ts';
import { forgetAll, forgetOthers, keep, recall, rememberOrganization } from './keep.ts';
import type { Kind, Session, SignIn } from './types.ts';

/** Why the last session is over; the sign-in page says it in a sentence. */
export type Ended = { how: Over | 'signed_out'; minutes: number; slug: string; kind: Kind };

export type SessionState =
  | { status: 'loading' }
  | { status: 'failed'; problem: Problem }
  /** `fresh`: the page was opened without a session, so its address is one that somebody asked for. */
  | { status: 'none'; ended: Ended | null; fresh: boolean }
  | { status: 'ready'; session: Session };

/** Where to go after signing in again, for the same person only. */
interface WayBack { path: string; person: string }

let state: SessionState = { status: 'loading' };
// Moments in milliseconds of this device's clock (which, unlike performance.now, goes on while the device sleeps).
let endsIn = 0;
let absoluteEnd = 0;
let lastAnswer = 0;
let offset = 0; // how far the server's clock is ahead of this device's
const watchers = new Set<() => void>();
const tabs = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('portal-session');

function set(next: SessionState): void {
  state = next;
  carryToken(next.status === 'ready' ? next.session.csrf_token : '');
  for (const tell of watchers) tell();
}

function span(session: Session): void {
  const idle = Date.parse(session.idle_ends_at);
  const ends = Date.parse(session.ends_at);
  // Until the absolute limit cuts it short, the idle end is exactly `idle_seconds` away: that tells the difference
  // of the clocks, so that a device whose clock is wrong still warns at the right moment.
  if (ends - idle > 1000) offset = idle - session.idle_seconds * 1000 - Date.now();
  endsIn = idle - offset;
  absoluteEnd = ends - offset;
}

function touched(background: boolean): void {
  if (state.status !== 'ready' || background) return;
  lastAnswer = Date.now();
  endsIn = lastAnswer + state.session.idle_seconds * 1000;
  tabs?.postMessage('touched');
}

function over(how: Ended['how']): void {
  if (state.status !== 'ready') return;
  const { session } = state;
  const ended: Ended = { how, minutes: Math.round(session.idle_seconds / 60), slug: session.tenant.slug, kind: session.kind };
  if (how === 'signed_out') {
    forgetAll();
  } else {
    const back: WayBack = { path: location.pathname + location.search, person: session.person.id };
    keep('back', back);
  }
  keep('ended', ended);
  set({ status: 'none', ended, fresh: false });
}

/** The server no longer knows this session. */
function refused(): void {
  over(overHow(Date.now(), endsIn, absoluteEnd));
}

listen({
  answered: touched,
  signedOut: refused,
  replaced: async () => {
    const before = state;
    await check().catch(() => {});
    return state !== before && state.status === 'ready';
  },
});
tabs?.addEventListener('message', (event) => {
  if (state.status !== 'ready') return;
  if (event.data === 'signed_in') void check().catch(() => {});
  if (event.data === 'touched') endsIn = Date.now() + state.session.idle_seconds * 1000;
  if (event.data === 'signed_out') over('signed_out');
});

/** Takes a session the server just gave (sign-in, invitation) as the current one. It is every tab's, as the cookie is. */
export function adopt(session: Session): void {
  take(session);
  tabs?.postMessage('signed_in');
}

function take(session: Session): void {
  forgetOthers(session.person.id);
  rememberOrganization(session.tenant.slug);
  keep('ended', null);
  span(session);
  lastAnswer = Date.now();
  set({ status: 'ready', session });
}

/** Takes the session that the cookie is of. Where that is another person's, who signed in in another tab, everything on
 * this page is about somebody else: it is loaded anew. */
function follow(session: Session): void {
  if (state.status === 'ready' && state.session.person.id !== session.person.id) location.reload();
  else take(session);
}

/** Asks the server who is signed in; called once when the page loads, and again by "Try again". Whoever signs in before
 * the answer comes is signed in: the answer is older than that. */
export async function load(): Promise<void> {
  const before = state;
  try {
    const session = await call(api.GET('/session'));
    if (state === before) follow(session);
  } catch (cause) {
    if (state !== before) return;
    const problem = asProblem(cause);
    if (problem.status === 401) set({ status: 'none', ended: recall<Ended>('ended'), fresh: true });
    else set({ status: 'failed', problem });
  }
}

/** Signs in; throws a `Problem`. The caller navigates (see `wayBack`). */
export async function signIn(body: SignIn): Promise<Session> {
  const session = await call(api.POST('/sessions', { body }));
  adopt(session);
  return session;
}

/** Where to go now: back to where this person was when the session ran out, or `fallback`. Forgets it. */
export function wayBack(session: Session, fallback: string): string {
  const back = recall<WayBack>('back');
  keep('back', null);
  return back && back.person === session.person.id ? back.path : fallback;
}

/** Remembers the page that asked for a sign-in, when nobody was signed in at all. Used once, by whoever signs in first.
 * It is newer than the page where an earlier session ran out. */
export function comeBackTo(path: string): void {
  keep('asked', path);
  keep('back', null);
}

/** The page that asked for a sign-in, once. */
export function askedFor(kind: Kind): string | null {
  const path = recall<string>('asked');
  keep('asked', null);
  if (!path) return null;
  return path.startsWith('/staff') === (kind === 'staff') ? path : null;
}

/** Ends the session here and on the server, and wipes every draft of this tab. */
export async function signOut(): Promise<void> {
  try {
    await call(api.DELETE('/session'));
  } catch (cause) {
    const problem = asProblem(cause);
    if (problem.status !== 401) throw problem; // the session would live on, so say so instead of pretending
  }
  tabs?.postMessage('signed_out');
  over('signed_out');
}

/** Ends every session of this person, this one included. Throws a `Problem`. */
export async function endEverywhere(): Promise<void> {
  await call(api.DELETE('/sessions'));
  tabs?.postMessage('signed_out');
  over('signed_out');
}

/** Tells the server that the person is here. Throws a `Problem`. */
export async function stay(): Promise<void> {
  const session = await call(api.POST('/session/activity'));
  if (state.status === 'ready' && state.session.csrf_token === session.csrf_token) take(session);
}

/** Milliseconds until the session goes idle. */
export function left(): number {
  return Math.min(endsIn, absoluteEnd) - Date.now();
}

/** Whether staying is still possible, or the absolute limit is what is coming. */
export function canStay(): boolean {
  return absoluteEnd - endsIn > 1000;
}

/** Milliseconds since the server last heard from this person. */
export function sinceAnswer(): number {
  return Date.now() - lastAnswer;
}

/** Asks without extending whether the session still lives (another tab may have kept it, or begun another one). Ends it
 * here if not. */
export async function check(): Promise<void> {
  const before = state;
  try {
    const session = await call(api.GET('/session', { headers: BACKGROUND }));
    if (state.status !== 'ready' || state !== before) return;
    if (session.csrf_token !== state.session.csrf_token) return follow(session);
    endsIn = Math.max(Date.now() + 5000, Date.parse(session.idle_ends_at) - offset);
  } catch (cause) {
    const problem = asProblem(cause);
    if (problem.status !== 401) throw problem;
    if (state === before) refused();
  }
}

const Context = createContext<SessionState>({ status: 'loading' });

export function SessionProvider({ children }: { children: ComponentChildren }) {
  const [, redraw] = useState(0);
  useEffect(() => {
    const tell = () => redraw((n) => n + 1);
    watchers.add(tell);
    void load();
    return () => void watchers.delete(tell);
  }, []);
  return <Context.Provider value={state}>{children}</Context.Provider>;
}

/** The state, whatever it is. */
export function useSessionState(): SessionState {
  return useContext(Context);
}

/** The session; only below `<SignedIn>`, which guarantees that there is one. */
export function useSession(): Session {
  const found = useContext(Context);
  // While the sign-in page replaces this one, the last render may still ask: answer with what was there.
  const last = useMemo(() => ({ session: null as Session | null }), []);
  if (found.status === 'ready') last.session = found.session;
  if (!last.session) throw new Error('useSession outside of <SignedIn>');
  return last.session;
}
