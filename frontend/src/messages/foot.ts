/** How tall the foot of the page is, told to the styles: what is written grows, and the last message stays in sight. */
import { useCallback, useRef } from 'preact/hooks';

/** A ref for what lies in the foot. */
export function useFootHeight(): (element: HTMLElement | null) => void {
  const watch = useRef<ResizeObserver | null>(null);
  return useCallback((element: HTMLElement | null) => {
    watch.current?.disconnect();
    watch.current = null;
    const root = document.documentElement.style;
    if (!element) {
      root.removeProperty('--foot');
      return;
    }
    watch.current = new ResizeObserver(([entry]) => root.setProperty('--foot', `${Math.ceil(entry!.contentRect.height)}px`));
    watch.current.observe(element);
  }, []);
}
