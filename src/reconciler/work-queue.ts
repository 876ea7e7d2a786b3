import { TokenBucket } from '../base/token-bucket.ts';
import { Schedule } from './schedule.ts';

export interface WorkQueueOptions {
  /** At most so many keys wait for their turn, and at most so many for a time. */
  readonly capacity: number;
  /** How long a key waits after its `attempt`th failure in a row (from 1). Milliseconds. */
  retryDelay(attempt: number): number;
}

/** All retries of a queue together: ten a second, after a burst of a hundred. */
const retries = { capacity: 100, fillTime: 10_000 };

/** Whether a key came up again while it ran. `urged`: it shall run again at once even where it fails. */
type Renewed = 'no' | 'yes' | 'urged';

/**
 * The keys that one controller has to work on; pure, the time comes in. A key is in one place only (its turn, a time,
 * running), so it is never worked on twice at once, and asking for it again while it waits changes nothing. What does
 * not find room is dropped: the index in the store still has it, and the next look at that index finds it.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** In the order in which they came, with the time at which they did. */
  readonly #ready = new Map<string, number>();
  /** Keys that asked for a time. */
  readonly #asked = new Schedule();
  /** Keys that failed. */
  readonly #failed = new Schedule();
  readonly #running = new Map<string, Renewed>();
  /** How often each failing key has failed in a row. */
  readonly #attempts = new Map<string, number>();
  readonly #retries = new TokenBucket(retries, 0);

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** How many keys wait for their turn. */
  get depth(): number {
    return this.#ready.size;
  }

  get running(): number {
    return this.#running.size;
  }

  /** How many keys have failed and not succeeded since. */
  get failing(): number {
    return this.#attempts.size;
  }

  /** How many more keys may wait for their turn. */
  get room(): number {
    return this.#options.capacity - this.#ready.size;
  }

  /** Since when the oldest waiting key waits; null: none waits. */
  get oldestSince(): number | null {
    for (const since of this.#ready.values()) return since;
    return null;
  }

  /** A key needs attention. One that failed is not tried before its time. */
  add(key: string, now: number): void {
    if (this.#running.has(key)) {
      if (this.#running.get(key) === 'no') this.#running.set(key, 'yes');
    } else if (!this.#failed.has(key)) this.#makeReady(key, now);
  }

  /** A key shall be tried at once, whatever became of it the last time. */
  urge(key: string, now: number): void {
    if (this.#running.has(key)) this.#running.set(key, 'urged');
    else this.#makeReady(key, now);
  }

  /** When a key's turn comes next: `now` where one waits; null: none is expected. */
  nextTurn(now: number): number | null {
    if (this.#ready.size > 0) return now;
    const retry = this.#failed.earliest === null ? Infinity : Math.max(this.#failed.earliest, now + this.#retries.wait(now, 1));
    const next = Math.max(now, Math.min(retry, this.#asked.earliest ?? Infinity));
    return next === Infinity ? null : next;
  }

  /** The next key whose turn it is, which then runs; null: there is none now. */
  take(now: number): string | null {
    this.#releaseDue(now);
    for (const key of this.#ready.keys()) {
      this.#ready.delete(key);
      this.#running.set(key, 'no');
      return key;
    }
    return null;
  }

  /** A running key took its step; `again`: when it wants to be called again, null: it is done. */
  succeed(key: string, now: number, again: number | null): void {
    const renewed = this.#ended(key);
    this.#attempts.delete(key);
    if (renewed !== 'no' || (again !== null && again <= now)) this.#makeReady(key, now);
    else if (again !== null && this.#asked.size < this.#options.capacity) this.#asked.set(key, again);
  }

  /** A running key's step failed. */
  fail(key: string, now: number): void {
    const renewed = this.#ended(key);
    const attempt = (this.#attempts.get(key) ?? 0) + 1;
    if (this.#failed.size >= this.#options.capacity) {
      this.#attempts.delete(key);
      return;
    }
    this.#attempts.set(key, attempt);
    this.#failed.set(key, now + this.#options.retryDelay(attempt));
    if (renewed === 'urged') this.#makeReady(key, now);
  }

  #ended(key: string): Renewed {
    const renewed = this.#running.get(key);
    if (renewed === undefined) throw new TypeError('only a key that runs can end');
    this.#running.delete(key);
    return renewed;
  }

  #releaseDue(now: number): void {
    while (this.room > 0) {
      const asked = this.#asked.earliest ?? Infinity;
      const failed = this.#failed.earliest ?? Infinity;
      if (asked <= now) this.#makeReady(this.#asked.first ?? '', now);
      else if (failed <= now && this.#retries.take(now)) this.#makeReady(this.#failed.first ?? '', now);
      else return;
    }
  }

  #makeReady(key: string, now: number): void {
    if (this.#ready.has(key) || this.room <= 0) return;
    this.#asked.delete(key);
    this.#failed.delete(key);
    this.#ready.set(key, now);
  }
}
