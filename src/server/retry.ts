import { type Backoff, delayAfter } from '../base/backoff.ts';
import type { Timer } from '../base/timer.ts';

const backoff: Backoff = { first: 1000, most: 60_000 };

/** Tries something again later, each time twice as late as before. */
export class Retry {
  readonly #timer: Timer;
  #failures = 0;
  #cancel: () => void = () => undefined;

  constructor(timer: Timer) {
    this.#timer = timer;
  }

  later(work: () => void): void {
    this.#cancel();
    this.#failures++;
    this.#cancel = this.#timer.after(delayAfter(this.#failures, backoff), work);
  }

  /** It is being tried, by whomever: the try that waits is not needed. */
  cancel(): void {
    this.#cancel();
  }

  /** It went well: the next failure is a first one. */
  succeeded(): void {
    this.#cancel();
    this.#failures = 0;
  }
}
