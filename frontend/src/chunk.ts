/** Pages that are fetched when they are first shown. */
import type { ComponentType } from 'preact';
import { lazy } from 'preact-iso';
import { keep, recall } from './keep.ts';

/** A page in its own file. When the file is gone (a new version was put in place), the page loads again, once. */
export function page(get: () => Promise<{ default: ComponentType }>): ComponentType {
  return lazy(async () => {
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
  }) as unknown as ComponentType;
}
