import { setImmediate as turnOfTheLoop } from 'node:timers/promises';

/**
 * For long work that waits for nothing outside of the process, and so would keep all others from the event loop: each
 * `count`th call of the result resolves only after what waits for the loop had its turn, the others at once.
 */
export function givingWay(count: number): () => Promise<void> {
  let calls = 0;
  return async () => {
    calls = (calls + 1) % count;
    if (calls === 0) await turnOfTheLoop();
  };
}
