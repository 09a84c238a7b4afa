/** One conversation on the screen: its messages, older ones on request, new ones by themselves, and what was seen. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { asProblem, type Problem } from '../http.ts';
import type { Conversation, Message } from '../types.ts';
import { useAct, type Act } from '../ui/index.ts';
import type { Talk } from './mailbox.ts';
import { mailMoved } from './news.ts';
import { startPolling, type Poll } from './poll.ts';

const QUICK = 4_000;
const SLOW = 30_000;

export interface Open {
  /** The newest state, with every message that was loaded, oldest first. */
  data: Conversation | null;
  problem: Problem | null;
  /** The last message that came by itself, to be said aloud. */
  arrived: Message | null;
  reload: () => Promise<void>;
  older: Act<[], void>;
  /** Looks for news at once. */
  wake: () => void;
}

function merged(known: Message[], found: Message[]): Message[] {
  const all = new Map(known.map((one) => [one.number, one]));
  for (const one of found) all.set(one.number, one);
  return [...all.values()].sort((one, other) => one.number - other.number);
}

/** From where to ask for news: above everything known, or lower, where one's own messages are not read yet. */
function since(messages: Message[]): number {
  const unread = messages.slice(-100).find((one) => one.mine && one.read === false);
  return unread ? unread.number - 1 : messages.at(-1)?.number ?? 0;
}

export function useConversation(talk: Talk, name: string): Open {
  const [data, setData] = useState<Conversation | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [arrived, setArrived] = useState<Message | null>(null);
  const now = useRef<Conversation | null>(null);
  const poll = useRef<Poll | null>(null);
  const seen = useRef(0);
  const put = (next: Conversation) => {
    now.current = next;
    setData(next);
    setProblem(null);
  };

  const reload = async () => {
    try {
      const found = await talk.read({});
      if (found) put({ ...found, messages: merged([], found.messages) });
      poll.current?.wake();
    } catch (cause) {
      setProblem(asProblem(cause));
    }
  };

  const look = async (): Promise<boolean> => {
    const before = now.current;
    if (!before) return false;
    try {
      const found = await talk.read({ after: since(before.messages) }, before.etag);
      if (!found || now.current !== before) return false;
      const last = before.messages.at(-1)?.number ?? 0;
      const fresh = found.messages.filter((one) => one.number > last);
      put({ ...found, messages: merged(before.messages, found.messages), next_cursor: before.next_cursor });
      const theirs = fresh.filter((one) => !one.mine).at(-1);
      if (theirs) setArrived(theirs);
      if (fresh.length) mailMoved();
      return true;
    } catch (cause) {
      const failed = asProblem(cause);
      if (failed.status === 404) setProblem(failed); // unassigned meanwhile: what is not theirs any more goes from the screen
      if (failed.status === 404) setData((now.current = null));
      return false;
    }
  };

  useEffect(() => {
    now.current = null;
    seen.current = 0;
    setData(null);
    setProblem(null);
    setArrived(null);
    void reload();
    poll.current = startPolling(look, { quick: QUICK, slow: SLOW });
    return () => poll.current?.stop();
  }, [name]);

  // What is on the screen has been seen.
  const last = data?.messages.at(-1)?.number ?? 0;
  useEffect(() => {
    const tell = () => {
      if (!last || seen.current >= last || document.visibilityState !== 'visible') return;
      seen.current = last;
      void talk.seen(last).then(mailMoved, () => { seen.current = 0; });
    };
    tell();
    document.addEventListener('visibilitychange', tell);
    return () => document.removeEventListener('visibilitychange', tell);
  }, [name, last]);

  const older = useAct(async () => {
    const cursor = now.current?.next_cursor;
    if (!cursor) return;
    const found = await talk.read({ cursor });
    if (found && now.current) put({ ...now.current, messages: merged(now.current.messages, found.messages), next_cursor: found.next_cursor });
  });
  return { data, problem, arrived, reload, older, wake: () => poll.current?.wake() };
}
