import type { Timer } from '../base/timer.ts';

/** Requests that are being carried out, and who waits for their end. */
export class UnderWay {
  readonly #timer: Timer;
  #count = 0;
  #ended: (() => void) | null = null;

  constructor(timer: Timer) {
    this.#timer = timer;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#count++;
    try {
      return await work();
    } finally {
      this.#count--;
      if (this.#count === 0) this.#ended?.();
    }
  }

  /** Resolves when none is left, or after so many milliseconds. */
  drained(most: number): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#timer.after(most, resolve);
      this.#ended = () => {
        this.#ended = null;
        cancel();
        resolve();
      };
    });
  }
}
