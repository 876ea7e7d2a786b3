import { RequestError } from '../../protocol/request-error.ts';

/** Runs at most `atOnce` pieces of work at a time, in the order in which they came; at most `waiting` more wait. */
export class BoundedWork {
  readonly #atOnce: number;
  readonly #waiting: number;
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(atOnce: number, waiting: number) {
    this.#atOnce = atOnce;
    this.#waiting = waiting;
  }

  /** What `work` gives. Throws RequestError 429 where too many wait already; then `work` is not called. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnce) {
      if (this.#queue.length >= this.#waiting) {
        throw new RequestError(429, 'too many passwords wait to be checked; try again in a moment');
      }
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      // The next one takes the place of this one.
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
