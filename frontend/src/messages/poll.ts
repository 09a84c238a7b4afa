/** Looking again by itself: soon after something happened, ever more rarely while nothing does, never while the page is
 * hidden. */

export interface Poll {
  /** Looks at once, and at the quick pace from then on. */
  wake: () => void;
  stop: () => void;
}

/** Calls `look` after `first` milliseconds, then every `quick` ones; each look that brings nothing new (false) or fails
 * makes the pause longer, up to `slow`. A page that comes back into sight, or online, looks at once. */
export function startPolling(look: () => Promise<boolean>, { quick, slow, first = quick }: { quick: number; slow: number; first?: number }): Poll {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = quick;
  let state: 'idle' | 'looking' | 'again' | 'over' = 'idle';
  const run = async () => {
    clearTimeout(timer);
    if (state === 'over' || document.visibilityState !== 'visible') return;
    if (state !== 'idle') {
      state = 'again';
      return;
    }
    state = 'looking';
    const fresh = await look().catch(() => false);
    const now = state as 'looking' | 'again' | 'over'; // it may have changed meanwhile
    if (now === 'over') return;
    state = 'idle';
    pause = fresh || now === 'again' ? quick : Math.min(slow, pause * 1.5);
    timer = setTimeout(() => void run(), now === 'again' ? 0 : pause);
  };
  const wake = () => {
    pause = quick;
    void run();
  };
  const sight = () => {
    if (document.visibilityState === 'visible') wake();
    else clearTimeout(timer);
  };
  document.addEventListener('visibilitychange', sight);
  addEventListener('online', wake);
  timer = setTimeout(() => void run(), first);
  return {
    wake,
    stop: () => {
      state = 'over';
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', sight);
      removeEventListener('online', wake);
    },
  };
}
