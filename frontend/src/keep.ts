/** What this tab remembers until it is closed: drafts not yet on the server, and where to return after sign-in.
 *
 * Everything here lives in `sessionStorage` (this tab only) and is wiped on an explicit sign-out, or when somebody
 * else signs in in this tab. Nothing personal is ever put into `localStorage`: all this device remembers for longer is
 * the address of the organization's sign-in page, which is public. */

const PREFIX = 'portal:';

function store(): Storage | null {
  try {
    return window.sessionStorage;
  } catch {
    return null; // blocked by the browser: memory of the page is all there is
  }
}

/** Reads what was kept under this name; null when there is nothing, or nothing readable. */
export function recall<T>(name: string): T | null {
  try {
    const text = store()?.getItem(PREFIX + name);
    return text ? (JSON.parse(text) as T) : null;
  } catch {
    return null;
  }
}

/** Keeps a value; null forgets it. A full store is not an error: the page still holds what was typed. */
export function keep(name: string, value: unknown): void {
  try {
    if (value === null || value === undefined) store()?.removeItem(PREFIX + name);
    else store()?.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    /* full or blocked */
  }
}

const ORGANIZATION = `${PREFIX}organization`;

/** Remembers the organization of whoever signed in: in this tab, and on this device for links that open a new one. */
export function rememberOrganization(slug: string): void {
  keep('slug', slug);
  try {
    window.localStorage.setItem(ORGANIZATION, slug);
  } catch {
    /* full or blocked: this tab still knows it */
  }
}

/** The organization whose sign-in page to go to: this tab's, else the last one on this device; null when not known. */
export function organization(): string | null {
  const own = recall<string>('slug');
  if (own) return own;
  try {
    const slug = window.localStorage.getItem(ORGANIZATION) ?? '';
    return /^[a-z0-9][a-z0-9-]*$/.test(slug) ? slug : null;
  } catch {
    return null;
  }
}

const memories = new Set<() => void>();
let whose = '';

/** What one person chose on a page, for the way back to it: in memory only, because a name may be in no store and no
 * address. It is as it began for whoever signs in next. */
export function memory<T>(first: T): { current: T } {
  const held = { current: first };
  memories.add(() => { held.current = first; });
  return held;
}

/** Forgets every draft of every person in this tab, and the way back. The slug stays: it is the public sign-in page. */
export function forgetAll(): void {
  for (const forget of memories) forget();
  const found = store();
  if (!found) return;
  for (const key of Object.keys(found)) if (key.startsWith(PREFIX) && key !== `${PREFIX}slug`) found.removeItem(key);
}

/** Forgets the drafts and the choices of everybody but this person. */
export function forgetOthers(person: string): void {
  if (whose !== person) for (const forget of memories) forget();
  whose = person;
  const found = store();
  if (!found) return;
  for (const key of Object.keys(found)) {
    if (key.startsWith(`${PREFIX}draft:`) && !key.startsWith(`${PREFIX}draft:${person}:`)) found.removeItem(key);
  }
}
