/** A draft on its way to the server: kept a moment after the last change, one save after the other, each against the
 * version that was last seen. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, call, type Problem } from '../../http.ts';
import type { DraftBody, FormDefinition, FormDraft } from '../../types.ts';

const PAUSE = 900; // ms without a change

export type DraftState = 'saved' | 'dirty' | 'saving' | 'failed';

export interface Drafting {
  draft: FormDraft;
  /** What is on the page, which may be ahead of the server. */
  text: FormDefinition;
  state: DraftState;
  problem: Problem | null;
  /** Somebody else's draft that stands in the way; null: none, or it is gone. */
  theirs: FormDraft | null;
  change: (text: FormDefinition) => void;
  /** Saves what is not saved; true when all is. */
  flush: () => Promise<boolean>;
  /** Puts a draft of the server's in place of what is on the page. */
  take: (draft: FormDraft) => void;
  /** Saves what is on the page over somebody else's. */
  insist: () => Promise<boolean>;
}

const bodyOf = (text: FormDefinition): DraftBody =>
  ({ title: text.title, minutes: text.minutes ?? 5, intro: text.intro ?? [], sections: text.sections.map((section) => ({ ...section, why: section.why ?? '' })) }) as DraftBody;

async function patch(form_id: string, etag: string, text: FormDefinition): Promise<FormDraft> {
  const params = { path: { form_id }, header: { 'If-Match': etag } };
  return (await call(api.PATCH('/practice/forms/{form_id}/draft', { params, body: bodyOf(text) }))) as unknown as FormDraft;
}

export function useDrafting(first: FormDraft): Drafting {
  const [draft, setDraft] = useState(first);
  const [text, setText] = useState(first.definition);
  const [state, setState] = useState<DraftState>('saved');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [theirs, setTheirs] = useState<FormDraft | null>(null);
  const now = useRef({ text: first.definition, etag: first.etag, dirty: false });
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const queue = useRef<Promise<boolean>>(Promise.resolve(true));

  const send = useCallback(async (): Promise<boolean> => {
    if (!now.current.dirty) return true;
    const sent = now.current.text;
    now.current.dirty = false;
    setState('saving');
    try {
      const kept = await patch(first.form_id, now.current.etag, sent);
      now.current.etag = kept.etag;
      setDraft(kept);
      setProblem(null);
      setState(now.current.dirty ? 'dirty' : 'saved');
      return !now.current.dirty;
    } catch (cause) {
      const failed = asProblem(cause);
      now.current.dirty = true;
      if (failed.status === 412) setTheirs(await look(first.form_id));
      setProblem(failed);
      setState('failed');
      return false;
    }
  }, []);

  const flush = useCallback(() => {
    clearTimeout(timer.current);
    queue.current = queue.current.then(send);
    return queue.current;
  }, []);

  const change = useCallback((next: FormDefinition) => {
    now.current.text = next;
    now.current.dirty = true;
    setText(next);
    setState((was) => (was === 'saving' ? was : 'dirty'));
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void flush(), PAUSE);
  }, []);

  const take = useCallback((next: FormDraft) => {
    clearTimeout(timer.current);
    now.current = { text: next.definition, etag: next.etag, dirty: false };
    setDraft(next);
    setText(next.definition);
    setProblem(null);
    setTheirs(null);
    setState('saved');
  }, []);

  const insist = useCallback(async () => {
    if (theirs) now.current.etag = theirs.etag;
    now.current.dirty = true;
    setTheirs(null);
    return flush();
  }, [theirs]);

  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => { if (now.current.dirty) event.preventDefault(); };
    const back = () => { if (now.current.dirty) void flush(); };
    addEventListener('beforeunload', warn);
    addEventListener('online', back);
    return () => {
      removeEventListener('beforeunload', warn);
      removeEventListener('online', back);
      if (now.current.dirty) void flush();
      clearTimeout(timer.current);
    };
  }, []);

  return { draft, text, state, problem, theirs, change, flush, take, insist };
}

async function look(form_id: string): Promise<FormDraft | null> {
  try {
    return (await call(api.GET('/practice/forms/{form_id}/draft', { params: { path: { form_id } } }))) as unknown as FormDraft;
  } catch {
    return null;
  }
}
