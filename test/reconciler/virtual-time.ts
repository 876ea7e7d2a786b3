import type { Clock } from '../../src/base/clock.ts';
import type { Timer } from '../../src/base/timer.ts';

/** A clock and timers that stand still until a test moves them: a year passes as fast as its timers fire. */
export class VirtualTime implements Clock, Timer {
  time: number;
  readonly #timers = new Set<{ readonly at: number; readonly action: () => void }>();

  constructor(time = Date.UTC(2026, 0, 1)) {
    this.time = time;
  }

  /** How many timers have neither fired nor been cancelled. */
  get waiting(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.time;
  }

  after(milliseconds: number, action: () => void): () => void {
    const timer = { at: this.time + milliseconds, action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets `milliseconds` pass; what is due on the way fires in order, and what that begins has its turn. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    for (;;) {
      await quiet();
      let next: { readonly at: number; readonly action: () => void } | null = null;
      for (const timer of this.#timers) if (timer.at <= end && (next === null || timer.at < next.at)) next = timer;
      if (next === null) break;
      this.#timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.action();
    }
    this.time = end;
  }
}

/** Until no promise that waits for nothing outside of the process is left. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
