/** The count of unread conversations beside "Messages", kept fresh on every page that shows the navigation. */
import { useEffect, useState } from 'preact/hooks';
import { useSession } from '../session.tsx';
import { mailOf } from './mailbox.ts';
import { startPolling, type Poll } from './poll.ts';

const QUICK = 15_000;
const SLOW = 60_000;

interface News { unread: number; etag: string; turn: number }

let news: News = { unread: 0, etag: '', turn: 0 };
let whose = '';
let looked = 0;
let poll: Poll | null = null;
const watchers = new Set<(now: News) => void>();

function put(next: News): void {
  news = next;
  for (const tell of watchers) tell(news);
}

/** Something of one's own happened to a list: it is read again, and so is the count. */
export function mailMoved(): void {
  put({ ...news, turn: news.turn + 1 });
  poll?.wake();
}

/** What is unread, and a number that grows whenever a list may look different. Counting goes on while anyone looks. */
export function useNews(): News {
  const { kind, person } = useSession();
  const [now, setNow] = useState<News>(() => (whose === person.id ? news : { unread: 0, etag: '', turn: 0 }));
  useEffect(() => {
    if (whose !== person.id) {
      whose = person.id;
      looked = 0;
      news = { unread: 0, etag: '', turn: 0 };
    }
    const mail = mailOf(kind);
    watchers.add(setNow);
    poll ??= startPolling(async () => {
      looked = Date.now();
      const found = await mail.unread(news.etag);
      if (!found || whose !== person.id) return false;
      put({ ...found, turn: news.turn + 1 });
      return true;
    }, { quick: QUICK, slow: SLOW, first: Math.max(0, looked + QUICK - Date.now()) });
    return () => {
      watchers.delete(setNow);
      if (watchers.size > 0) return;
      poll?.stop();
      poll = null;
    };
  }, [kind, person.id]);
  return now;
}
