import type { Timer } from '../base/timer.ts';

/** How long the first and the last wait between two tries are, in milliseconds. */
const first = 1000;
const last = 60_000;

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
    this.#cancel = this.#timer.after(Math.min(last, first * 2 ** Math.min(this.#failures, 16)), work);
    this.#failures++;
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
