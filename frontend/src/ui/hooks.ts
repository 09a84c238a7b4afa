/** Loading, acting and drafting: the three things every page does. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { asProblem, type Problem } from '../http.ts';
import { keep, recall } from '../keep.ts';

/** For a strip of tabs that is wider than the screen: the current one is in sight. `current`: changes with it. */
export function useTabInSight<T extends HTMLElement>(current: unknown): { current: T | null } {
  const ref = useRef<T>(null);
  useLayoutEffect(() => {
    const strip = ref.current;
    const tab = strip?.querySelector<HTMLElement>('[aria-current]');
    if (!strip || !tab) return;
    const at = tab.offsetLeft - strip.offsetLeft;
    if (at < strip.scrollLeft || at + tab.offsetWidth > strip.scrollLeft + strip.clientWidth) strip.scrollLeft = at - 16;
  }, [current]);
  return ref;
}

export interface Loaded<T> {
  data: T | null;
  problem: Problem | null;
  /** True while a request is under way; with `data` present it is a refresh. */
  loading: boolean;
  /** Loads again; keeps what is shown until the answer is there. */
  reload: () => Promise<void>;
  /** Puts a value in place without asking the server (after a change whose answer holds the new state). Nothing happens
   * once `deps` have changed: the answer is about what was looked at before. */
  put: (data: T) => void;
  /** Asks for something that rests on what is shown, without a sign of it: how it stands by now, or more of it. The
   * answer is put in place and returned; null, and nothing changed, if something newer came meanwhile: another page's
   * data, a reload, or the state after a change. Throws what `ask` throws. */
  refresh: (ask: () => Promise<T>) => Promise<T | null>;
}

/** Loads when mounted and whenever `deps` change. A late answer of an earlier request is dropped. */
export function useLoad<T>(load: () => Promise<T>, deps: readonly unknown[]): Loaded<T> {
  const [data, setData] = useState<T | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [loading, setLoading] = useState(true);
  const turn = useRef(0);
  const moves = useRef(0); // of the data; a turn may have none (it failed), a change moves without a turn
  const latest = useRef(load);
  latest.current = load;
  const looked = useRef(0); // at how many others before
  const at = looked.current;
  const place = useCallback((next: T) => {
    moves.current += 1;
    setData(next);
  }, []);
  const put = (next: T) => {
    if (at === looked.current) place(next);
  };
  const refresh = useCallback(async (ask: () => Promise<T>) => {
    const [turned, moved] = [turn.current, moves.current];
    const found = await ask();
    if (turned !== turn.current || moved !== moves.current) return null;
    place(found);
    return found;
  }, []);
  const reload = useCallback(async () => {
    const mine = ++turn.current;
    setLoading(true);
    try {
      const found = await latest.current();
      if (mine !== turn.current) return;
      place(found);
      setProblem(null);
    } catch (cause) {
      if (mine === turn.current) setProblem(asProblem(cause));
    } finally {
      if (mine === turn.current) setLoading(false);
    }
  }, []);
  useEffect(() => {
    setData(null);
    setProblem(null);
    void reload();
    return () => {
      turn.current += 1;
      looked.current += 1;
    };
  }, deps);
  return { data, problem, loading, reload, put, refresh };
}

export interface Act<A extends unknown[], R> {
  run: (...args: A) => Promise<R | undefined>;
  busy: boolean;
  problem: Problem | null;
  clear: () => void;
}

/** One act at a time: a second press while busy does nothing; a failure is kept in `problem` until the next try. */
export function useAct<A extends unknown[], R>(act: (...args: A) => Promise<R>): Act<A, R> {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const running = useRef(false);
  const alive = useRef(true);
  useEffect(() => () => void (alive.current = false), []);
  const latest = useRef(act);
  latest.current = act;
  const run = useCallback(async (...args: A) => {
    if (running.current) return undefined;
    running.current = true;
    setBusy(true);
    setProblem(null);
    try {
      return await latest.current(...args);
    } catch (cause) {
      if (alive.current) setProblem(asProblem(cause));
      return undefined;
    } finally {
      running.current = false;
      if (alive.current) setBusy(false);
    }
  }, []);
  return { run, busy, problem, clear: () => setProblem(null) };
}

/** State that survives a reload and a time-out in this tab (never another tab, never a sign-out).
 *
 * `name` must be unique on the page; `person` is the id of the signed-in person, or "-" before there is one. */
export function useDraft<T>(person: string, name: string, initial: T): [T, (next: T) => void, () => void] {
  const key = `draft:${person}:${name}`;
  const [value, setValue] = useState<T>(() => recall<T>(key) ?? initial);
  const change = useCallback((next: T) => {
    keep(key, next);
    setValue(next);
  }, [key]);
  const drop = useCallback(() => keep(key, null), [key]);
  return [value, change, drop];
}

/** What a form shows once `sent` was saved and became `saved`: part by part what was saved, or what was typed meanwhile. */
export function rebased<T extends object>(now: T, sent: T, saved: T): T {
  const part = (name: keyof T) => (now[name] === sent[name] ? saved[name] : now[name]);
  return Object.fromEntries(Object.keys(saved).map((name) => [name, part(name as keyof T)])) as T;
}

export interface Edits<S, T> {
  draft: T;
  change: (next: Partial<T>) => void;
  /** Something was changed and is not saved. */
  dirty: boolean;
  /** All that is shown was saved, and nothing was changed since. */
  saved: boolean;
  /** `next` is the answer to a save of `sent`, and is to be put in place after this. True: all is saved. False: something
   * was changed meanwhile; it stays, and is to be saved. Null: the answer is no news any more, and goes nowhere. */
  take: (sent: T, next: S) => boolean | null;
  /** Why a save failed: 412 makes this `stale`, until another state is there; all else is thrown. */
  refuse: (cause: unknown) => null;
  stale: boolean;
}

interface EditsOptions<T> {
  join?: (now: T, sent: T, saved: T) => T;
  /** Under this name the tab remembers what is not saved, over a reload and until the person signs out. */
  keptAs?: string;
  /** Called when the draft began anew. */
  onAnew?: () => void;
}

/** The draft of something that is saved whole, against its `etag`. It begins anew with each other state that is loaded. */
export function useEdits<S extends { etag: string }, T extends object>(of: S, begun: (of: S) => T, { join = rebased, keptAs, onAnew }: EditsOptions<T> = {}): Edits<S, T> {
  const [, show] = useState(0);
  const kept = useRef<{ etag: string; base: T; draft: T; dirty: boolean; saved: boolean; stale: boolean } | null>(null);
  const times = useRef(-1); // it began anew
  const alive = useRef(true);
  if (kept.current?.etag !== of.etag) {
    const base = begun(of);
    const found = kept.current || !keptAs ? null : recall<{ base?: T; draft?: T }>(keptAs);
    const draft = found?.draft && found.base ? rebased(found.draft, found.base, base) : base;
    kept.current = { etag: of.etag, base, draft, dirty: draft !== base, saved: false, stale: false };
    times.current += 1;
  }
  const remember = () => {
    const { base, draft, dirty } = kept.current!;
    if (keptAs) keep(keptAs, dirty ? { base, draft } : null);
  };
  useEffect(() => {
    if (!times.current) return;
    remember();
    onAnew?.();
  }, [times.current]);
  useLayoutEffect(() => () => void (alive.current = false), []); // at once: who signs out leaves nothing behind
  return {
    ...kept.current,
    change: (next) => {
      kept.current = { ...kept.current!, draft: { ...kept.current!.draft, ...next }, dirty: true, saved: false };
      remember();
      show((n) => n + 1);
    },
    take: (sent, next) => {
      const { etag, draft } = kept.current!;
      if (!alive.current || etag !== of.etag) {
        const left = keptAs ? recall<{ draft?: T }>(keptAs)?.draft : null;
        if (keptAs && JSON.stringify(left) === JSON.stringify(sent)) keep(keptAs, null); // the form was left, and is saved
        return null;
      }
      const same = JSON.stringify(draft) === JSON.stringify(sent);
      const base = begun(next);
      kept.current = { etag: next.etag, base, draft: join(same ? sent : draft, sent, base), dirty: !same, saved: same, stale: false };
      remember();
      return same;
    },
    refuse: (cause) => {
      if (asProblem(cause).status !== 412) throw cause;
      if (kept.current!.etag === of.etag) kept.current = { ...kept.current!, stale: true };
      show((n) => n + 1);
      return null;
    },
  };
}

/** True once a wait has lasted long enough to be worth showing (300 ms). */
export function useSlow(waiting: boolean, after = 300): boolean {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    if (!waiting) {
      setSlow(false);
      return;
    }
    const timer = setTimeout(() => setSlow(true), after);
    return () => clearTimeout(timer);
  }, [waiting, after]);
  return slow;
}

/** Whether the device says it has a connection. */
export function useOnline(): boolean {
  const [online, setOnline] = useState(() => navigator.onLine);
  useEffect(() => {
    const change = () => setOnline(navigator.onLine);
    addEventListener('online', change);
    addEventListener('offline', change);
    return () => {
      removeEventListener('online', change);
      removeEventListener('offline', change);
    };
  }, []);
  return online;
}

/** Calls `tick` every `ms` while `on`; stops when the page is hidden. What fails is tried again the next time. */
export function useEvery(ms: number, on: boolean, tick: () => unknown): void {
  const latest = useRef(tick);
  latest.current = tick;
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void Promise.resolve(latest.current()).catch(() => {});
    }, ms);
    return () => clearInterval(timer);
  }, [ms, on]);
}

/** Puts a class on `<body>` while mounted: the shells are drawn by it (portal.css). */
export function useBodyClass(name: string): void {
  useLayoutEffect(() => {
    document.body.className = name;
  }, [name]);
}
