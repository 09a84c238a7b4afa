/** Pages in files of their own, loaded when they are first wanted. */
import type { ComponentType } from 'preact';
import { lazy } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { keep, recall } from './keep.ts';
import { Bones } from './ui/parts.tsx';

/** A page in its own file. When the file is gone (a new version was put in place), the page loads again, once. */
export function page(get: () => Promise<{ default: ComponentType }>): ComponentType {
  return lazy(() => once(get)) as unknown as ComponentType;
}

async function once<T>(get: () => Promise<T>): Promise<T> {
  try {
    const found = await get();
    keep('reloaded', null);
    return found;
  } catch (cause) {
    if (navigator.onLine && !recall<boolean>('reloaded')) {
      keep('reloaded', true);
      location.reload();
      return new Promise<never>(() => {});
    }
    throw cause;
  }
}

/** A part of a page in a file of its own. While it comes, the page around it stays. */
export function part<P extends object>(get: () => Promise<ComponentType<P>>): ComponentType<P> {
  return function Later(props: P) {
    const [Found, setFound] = useState<ComponentType<P> | null>(null);
    const [failed, setFailed] = useState<unknown>(null);
    useEffect(() => void once(get).then((found) => setFound(() => found), setFailed), []);
    if (failed) throw failed; // the boundary around the page offers to load it again
    return Found ? <Found {...props} /> : <Bones rows={3} />;
  };
}
