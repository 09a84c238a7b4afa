/** The files that go with a message: each is sent, checked, and then ready; the others say why they are not. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { asProblem } from '../http.ts';
import { messages } from '../strings/messages.ts';
import type { Upload } from '../types.ts';
import { refusal, sendFile, unfit, type Way } from '../upload.ts';

const words = messages.files;
const LOOK_AGAIN = 5000;

export interface Attached {
  /** Names it on the page; nothing else. */
  id: number;
  name: string;
  size: number | null;
  state: 'sending' | 'checking' | 'ready' | 'refused' | 'failed';
  /** 0 to 1, of what is sent. */
  part: number;
  upload_id: string | null;
  why: string | null;
  file: File | null;
}

/** What is kept of a file that is ready: enough to show and to send it. */
export interface Ready { upload_id: string; name: string; size: number | null }

export interface Attaching {
  items: Attached[];
  ready: Ready[];
  busy: boolean;
  fault: string | null;
  add: (files: File[], most: number) => void;
  again: (id: number) => void;
  remove: (id: number) => void;
  /** Puts these in place of all (a draft that was read). They are looked at again: a file is kept for a while only. */
  restore: (ready: Ready[]) => void;
}

let next = 1;
const clean = (name: string) => name.replace(/[\p{Cc}\p{Cf}]/gu, '');

export function useAttaching(way: Way): Attaching {
  const [items, setItems] = useState<Attached[]>([]);
  const [fault, setFault] = useState<string | null>(null);
  const flights = useRef(new Map<number, AbortController>());
  const alive = useRef(true);
  useEffect(() => () => {
    alive.current = false;
    for (const flight of flights.current.values()) flight.abort();
  }, []);

  const patch = (id: number, change: Partial<Attached>) => setItems((now) => now.map((one) => (one.id === id ? { ...one, ...change } : one)));

  const settle = async (id: number, first: Upload) => {
    let found = first;
    while (found.status === 'checking' && flights.current.has(id) && alive.current) {
      await new Promise((done) => setTimeout(done, LOOK_AGAIN));
      found = await way.read(found.upload_id);
    }
    if (found.status === 'clean') patch(id, { state: 'ready', upload_id: found.upload_id, file: null });
    else patch(id, { state: 'refused', why: found.status === 'refused' ? refusal(found) : words.gone, file: null });
  };

  const start = async (id: number, file: File) => {
    const flight = new AbortController();
    flights.current.set(id, flight);
    patch(id, { state: 'sending', part: 0, why: null });
    try {
      const found = await sendFile(file, way, (part) => patch(id, part < 1 ? { part } : { part, state: 'checking' }), flight.signal);
      if (flights.current.has(id)) await settle(id, found);
    } catch (cause) {
      if (!flight.signal.aborted) patch(id, { state: 'failed', why: asProblem(cause).title });
    } finally {
      flights.current.delete(id);
    }
  };

  const add = (files: File[], most: number) => {
    const room = Math.max(0, most - items.length);
    setFault(files.length > room ? words.tooMany(most) : null);
    const fresh = files.slice(0, room).map((file): Attached => {
      const wrong = unfit(file);
      return { id: next++, name: clean(file.name) || 'file', size: file.size, state: wrong ? 'refused' : 'sending', part: 0, upload_id: null, why: wrong, file };
    });
    setItems((now) => [...now, ...fresh]);
    for (const one of fresh) if (one.state === 'sending') void start(one.id, one.file!);
  };

  const remove = (id: number) => {
    flights.current.get(id)?.abort();
    flights.current.delete(id);
    setFault(null);
    setItems((now) => now.filter((one) => one.id !== id));
  };

  const restore = (ready: Ready[]) => {
    for (const flight of flights.current.values()) flight.abort();
    flights.current.clear();
    const kept = ready.map((one): Attached => ({ id: next++, name: one.name, size: one.size, state: 'ready', part: 1, upload_id: one.upload_id, why: null, file: null }));
    setFault(null);
    setItems(kept);
    for (const one of kept) {
      void way.read(one.upload_id!).then((found) => {
        if (found.status !== 'clean') patch(one.id, { state: 'refused', why: refusal(found) ?? words.gone });
      }, (cause) => { if (asProblem(cause).status === 404) patch(one.id, { state: 'refused', why: words.gone }); });
    }
  };

  return {
    items, fault, add, remove, restore,
    ready: items.filter((one) => one.state === 'ready').map((one) => ({ upload_id: one.upload_id!, name: one.name, size: one.size })),
    busy: items.some((one) => one.state === 'sending' || one.state === 'checking'),
    again: (id) => {
      const one = items.find((each) => each.id === id);
      if (one?.file) void start(id, one.file);
    },
  };
}

/** What is wrong with the files for sending now, or null. */
export function unready(files: Attaching): string | null {
  if (files.busy) return messages.composer.wait;
  return files.items.some((one) => one.state !== 'ready') ? messages.composer.refusedFile : null;
}

/** In a word, with how much is sent. */
export function stateOf(one: Attached): string {
  if (one.state === 'sending') return words.sending(Math.round(one.part * 100));
  return words[one.state];
}
