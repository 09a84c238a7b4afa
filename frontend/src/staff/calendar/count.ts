/** How many requests wait, for the navigation: asked when a page is opened and once a minute, and told by who answers one. */
import { useEffect, useState } from 'preact/hooks';
import { api, BACKGROUND, call } from '../../http.ts';

const CHANGED = 'portal:requests';

/** Something was answered, or read anew: the number beside "Calendar" follows. */
export function requestsChanged(): void {
  window.dispatchEvent(new Event(CHANGED));
}

export function useRequestCount(path: string): number {
  const [total, setTotal] = useState(0);
  useEffect(() => {
    let over = false;
    const look = () => call(api.GET('/practice/requests/count', { headers: BACKGROUND })).then((found) => { if (!over) setTotal(found.total); }, () => {}); // the page itself says what is wrong
    const timer = setInterval(look, 60_000);
    window.addEventListener(CHANGED, look);
    void look();
    return () => { over = true; clearInterval(timer); window.removeEventListener(CHANGED, look); };
  }, [path]);
  return total;
}
