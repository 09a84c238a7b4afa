/** Something being written: kept on this page at once, on the server a moment later, sent exactly once.
 *
 * The draft's key goes along as the Idempotency-Key. Whether a sending arrived may be unknown (a lost connection); the
 * same words are then sent with the same key, and stand once. Words that were changed meanwhile are told apart by the
 * server, and are never lost. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { asProblem, newKey, type Problem } from '../http.ts';
import { keep, recall } from '../keep.ts';
import type { SaveState } from '../forms/saver.ts';
import { messages } from '../strings/messages.ts';
import type { SentMessage } from '../types.ts';
import { useAttaching, type Attaching, type Ready } from './attaching.ts';
import type { Desk } from './mailbox.ts';

const words = messages.composer;
const QUIET = 800;
const PAUSES = [2000, 5000, 10_000, 30_000];

export interface Text { to: string | null; subject: string; body: string }
const BLANK: Text = { to: null, subject: '', body: '' };

/** What this tab remembers until the server has it. `tried`: what a sending of unknown outcome said. */
interface Kept { key: string; text: Text; files: Ready[]; tried: string | null }

export interface Writing {
  /** False until the draft is read. */
  loaded: boolean;
  text: Text;
  change: (next: Partial<Text>) => void;
  files: Attaching;
  save: SaveState;
  /** What happened to a draft besides: it was sent elsewhere, or had arrived. */
  told: string | null;
  sending: boolean;
  problem: Problem | null;
  send: (copy: boolean) => Promise<SentMessage | null>;
  discard: () => Promise<void>;
}

const tell = (text: Text, files: Ready[]) => JSON.stringify([text, files.map((one) => one.upload_id)]);

/** Whether it may have arrived all the same. Too many a day or an hour is an answer; what arrived before is answered as sent. */
export const isUnsure = (problem: Problem) => problem.passing && problem.status !== 429;

export function useWriting(desk: Desk, person: string, onArrived: () => void): Writing {
  const name = `draft:${person}:message:${desk.name}`;
  const [text, setText] = useState<Text>(BLANK);
  const [loaded, setLoaded] = useState(false);
  const [save, setSave] = useState<SaveState>({ kind: 'idle' });
  const [told, setTold] = useState<string | null>(null);
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const files = useAttaching(desk.uploads);
  const now = useRef<Kept>({ key: newKey(), text: BLANK, files: [], tried: null });
  const saved = useRef(tell(BLANK, []));
  const work = useRef({ timer: 0, failures: 0, sending: false, alive: true, saving: null as Promise<void> | null });

  const remember = () => keep(name, tell(now.current.text, now.current.files) === saved.current && !now.current.tried ? null : now.current);
  const plan = (after: number) => {
    clearTimeout(work.current.timer);
    work.current.timer = setTimeout(() => void store(), after) as unknown as number;
  };

  /** A fresh page: another key, nothing written. */
  const clear = () => {
    now.current = { key: newKey(), text: BLANK, files: [], tried: null };
    saved.current = tell(BLANK, []);
    clearTimeout(work.current.timer);
    setText(BLANK);
    files.restore([]);
    keep(name, null);
    setSave({ kind: 'idle' });
  };

  /** The key was used: what was tried has arrived. What is in the box is either that, or newer and still to be sent. */
  const spent = () => {
    if (now.current.tried !== tell(now.current.text, now.current.files)) return unsent(words.elsewhere);
    setProblem(null);
    clear();
    setTold(words.arrivedAfterAll);
    onArrived();
  };

  /** The key was used for something else: what is in the box stays there, under another key. */
  const unsent = (why: string) => {
    now.current = { ...now.current, key: newKey(), tried: null };
    remember();
    setProblem(null);
    setTold(why);
    plan(QUIET);
    onArrived();
  };

  const store = async () => {
    const { key, text: own, files: with_, tried } = now.current;
    const what = tell(own, with_);
    if (what === saved.current || work.current.sending || !work.current.alive) return;
    setSave({ kind: 'saving' });
    try {
      const draft = await desk.save({ key, to: own.to, subject: own.subject, body: own.body, upload_ids: with_.map((one) => one.upload_id) });
      // Sent meanwhile; or tried, and whether it arrived is what the save that follows the try finds out.
      if (now.current.key !== key || now.current.tried !== tried) return;
      work.current.failures = 0;
      saved.current = what;
      remember();
      setSave({ kind: 'saved', at: draft.saved_at ?? new Date().toISOString() });
      if (tell(now.current.text, now.current.files) !== what) plan(QUIET);
    } catch (cause) {
      if (now.current.key !== key || work.current.sending) return;
      const failed = asProblem(cause);
      if (failed.code === 'draft_sent') return spent();
      if (failed.status === 401) return; // signed out: what waits stays kept
      setSave({ kind: failed.passing ? 'waiting' : 'refused' });
      if (failed.passing) plan(Math.max((failed.retryAfter ?? 0) * 1000, PAUSES[Math.min(work.current.failures++, PAUSES.length - 1)]!));
    }
  };

  const changed = () => {
    remember();
    plan(QUIET);
  };
  const change = (next: Partial<Text>) => {
    now.current = { ...now.current, text: { ...now.current.text, ...next } };
    setText(now.current.text);
    setTold(null);
    changed();
  };
  // Files that became ready, or were taken away, belong to the draft.
  const ids = files.ready.map((one) => one.upload_id).join();
  useEffect(() => {
    if (!loaded) return;
    now.current = { ...now.current, files: files.ready };
    if (tell(now.current.text, now.current.files) !== saved.current) changed();
  }, [ids, loaded]);

  useEffect(() => {
    const own = work.current;
    own.alive = true;
    const kept = recall<Kept>(name);
    if (kept) { // newer than what the server has
      now.current = kept;
      saved.current = '';
      setText(kept.text);
      files.restore(kept.files);
      setLoaded(true);
      plan(0);
    } else {
      desk.draft().then((draft) => {
        if (!own.alive) return;
        const typed = now.current.text; // somebody who types faster than the draft comes keeps what they typed
        const found = { to: draft.to ?? typed.to, subject: draft.subject || typed.subject, body: [draft.body, typed.body].filter(Boolean).join('\n') };
        const with_ = draft.upload_ids.map((upload_id, index) => ({ upload_id, name: messages.files.restored(index + 1), size: null }));
        saved.current = tell({ to: draft.to, subject: draft.subject, body: draft.body }, with_);
        now.current = { key: draft.key, text: found, files: with_, tried: null };
        setText(found);
        files.restore(with_);
        if (draft.saved_at) setSave({ kind: 'saved', at: draft.saved_at });
        setLoaded(true);
        if (tell(found, with_) !== saved.current) changed();
      }, () => { if (own.alive) setLoaded(true); }); // what is written is kept here and saved when it can be
    }
    const online = () => { if (tell(now.current.text, now.current.files) !== saved.current) plan(0); };
    addEventListener('online', online);
    return () => {
      removeEventListener('online', online);
      clearTimeout(own.timer);
      void store();
      own.alive = false;
    };
  }, [name]);

  const send = async (copy: boolean): Promise<SentMessage | null> => {
    if (work.current.sending) return null;
    work.current.sending = true;
    clearTimeout(work.current.timer);
    setSending(true);
    setProblem(null);
    setTold(null);
    const { key, text: own, files: with_ } = now.current;
    now.current = { ...now.current, tried: tell(own, with_) };
    keep(name, now.current);
    try {
      const sent = await desk.send({ ...own, upload_ids: with_.map((one) => one.upload_id), copy }, key);
      clear();
      return sent;
    } catch (cause) {
      const failed = asProblem(cause);
      if (failed.code === 'idempotency_key_reused') unsent(words.earlier); // the server knows other words under it
      else {
        if (!isUnsure(failed)) now.current = { ...now.current, tried: null };
        remember();
        setProblem(failed);
        saved.current = '';
        work.current.sending = false;
        if (failed.passing) plan(PAUSES[0]!);
      }
      return null;
    } finally {
      work.current.sending = false;
      setSending(false);
    }
  };

  const discard = async () => {
    clear();
    await desk.drop();
  };
  return { loaded, text, change, files, save, told, sending, problem, send, discard };
}
