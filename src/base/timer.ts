import { clearTimeout, setTimeout } from 'node:timers';

/** Calls somebody back later. Handed in by the composition root, so that tests own the time. */
export interface Timer {
  /** Calls `action` once, after about so many milliseconds. The result cancels it. Keeps no process alive. */
  after(milliseconds: number, action: () => void): () => void;
}

// Node takes a longer one for 1 ms.
const longest = 2 ** 31 - 1;

export const systemTimer: Timer = {
  after(milliseconds, action) {
    const handle = setTimeout(action, Math.min(Math.max(0, milliseconds), longest));
    handle.unref();
    return () => clearTimeout(handle);
  },
};
