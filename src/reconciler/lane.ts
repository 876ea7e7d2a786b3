import { type Backoff, spreadDelayAfter } from '../base/backoff.ts';
import type { Random } from '../base/random.ts';
import type { Controller, ControllerStatus, Step, Trouble } from '../core/controller.ts';
import { Troubles } from './troubles.ts';
import { WorkQueue } from './work-queue.ts';

/** How many keys of one controller wait at most, and how many a look at its index brings. */
const capacity = 1024;
export const pageLimit = 256;

/** A controller looks at its index at least this often, whatever it was told of the next time. Milliseconds. */
const longestPause = 300_000;
/** And not more often than this, unless something wakes it. */
const shortestPause = 1_000;

/** So many troubles are shown. */
const shownTroubles = 10;
/** The look at an index is no key. */
const index = '';
export const lookOf = 'the look for what is due';

const defaultRetry: Backoff = { first: 1_000, most: 300_000 };
/** For a look at the index that failed. */
const lookRetry: Backoff = { first: 1_000, most: 60_000 };

/** One controller as it runs: its queue, when it looks at its index next, and what became of its steps. Pure. */
export class Lane {
  readonly controller: Controller;
  readonly weight: number;
  readonly queue: WorkQueue;
  readonly #troubles = new Troubles();
  /** Where the look at the index goes on; null: at the beginning. */
  after: string | null = null;
  looking = false;
  readonly #random: Random;
  #lookAt = 0;
  #lookFailures = 0;
  /** Something woke it while it looked. */
  #woken = false;
  /** By when it must look again: the next key of the pages so far, or what was expected since the first of them. */
  #expected = Infinity;
  /** When all keys in trouble were tried, whatever they wait for. */
  #triedAt = 0;
  #successes = 0;
  #failures = 0;
  #lastSuccess: number | null = null;
  #lastFailure: number | null = null;
  #lastError: string | null = null;

  constructor(controller: Controller, random: Random) {
    this.controller = controller;
    this.weight = controller.weight ?? 1;
    this.#random = random;
    const retry = controller.retry ?? defaultRetry;
    this.queue = new WorkQueue({ capacity, retryDelay: (attempt) => spreadDelayAfter(attempt, retry, random) });
  }

  /** May it look at its index now? Only where what it finds has room. */
  mayLook(now: number): boolean {
    return !this.looking && this.#lookAt <= now && this.queue.room >= pageLimit;
  }

  mayStep(now: number): boolean {
    return this.queue.running < (this.controller.concurrency ?? 1) && this.queue.nextTurn(now) === now;
  }

  /** When it may look or take a step, if nothing else happens; null: that depends on what it is doing. */
  nextRun(now: number): number | null {
    const look = this.looking || this.queue.room < pageLimit ? Infinity : Math.max(now, this.#lookAt);
    const step = this.queue.running < (this.controller.concurrency ?? 1) ? (this.queue.nextTurn(now) ?? Infinity) : Infinity;
    const next = Math.min(look, step);
    return next === Infinity ? null : next;
  }

  /** Is there nothing that it knows of and could do now? */
  isIdle(now: number): boolean {
    return !this.looking && this.queue.running === 0 && this.#lookAt > now && (this.queue.nextTurn(now) ?? Infinity) > now;
  }

  wake(now: number): void {
    this.#lookAt = now;
    if (this.looking) this.#woken = true;
  }

  /** Something will be due at a time, which its last look may not have found. True: it looks sooner than it would have. */
  expect(at: number): boolean {
    this.#expected = Math.min(this.#expected, at);
    if (this.looking || at >= this.#lookAt) return false;
    this.#lookAt = at;
    return true;
  }

  beginLook(): void {
    this.looking = true;
    this.#woken = false;
    if (this.after === null) this.#expected = Infinity;
  }

  /** A page of the index came; `after` null: it was the last. `next` is when the next key of the page will be due. */
  looked(now: number, after: string | null, next: number | null): Trouble | null {
    this.looking = false;
    this.#lookFailures = 0;
    this.after = after;
    this.#expected = Math.min(this.#expected, next ?? Infinity);
    if (after !== null || this.#woken) this.#lookAt = now;
    else this.#lookAt = Math.min(now + longestPause, Math.max(now + shortestPause, this.#expected));
    if (after === null) this.#tryTroubles(now);
    return this.#troubles.end(index);
  }

  /** What is not in the index any more asks for no step, and only a step can tell that nothing is left of its trouble. */
  #tryTroubles(now: number): void {
    if (now - this.#triedAt < longestPause) return;
    this.#triedAt = now;
    for (const key of this.#troubles.keys()) if (key !== index) this.queue.add(key, now);
  }

  /** All that fails is tried at once. */
  urgeTroubles(now: number): void {
    for (const key of this.#troubles.keys()) if (key !== index) this.queue.urge(key, now);
  }

  /** True: that is news. */
  lookFailed(now: number, error: string): boolean {
    this.looking = false;
    this.after = null;
    this.#lookFailures++;
    this.#lookAt = now + spreadDelayAfter(this.#lookFailures, lookRetry, this.#random);
    this.#noteFailure(now, error);
    return this.#troubles.note(index, { of: lookOf, error, now });
  }

  /** A step went well, or as well as it says. What had failed and works again; null: that is no news. */
  succeeded(key: string, now: number, { again, look, unresolved }: Step): Trouble | null {
    this.queue.succeed(key, now, again);
    if (look === true) this.wake(now);
    this.#successes++;
    this.#lastSuccess = now;
    return unresolved === true ? null : this.#troubles.end(key);
  }

  /** A step failed; `step` null: all of it, so its key waits. True: that is news. */
  failed(key: string, now: number, error: string, step: Step | null, of: string): boolean {
    if (step === null) this.queue.fail(key, now);
    else {
      this.queue.succeed(key, now, step.again);
      if (step.look === true) this.wake(now);
    }
    this.#noteFailure(now, error);
    return this.#troubles.note(key, { of, error, now });
  }

  isInTrouble(key: string): boolean {
    return this.#troubles.has(key);
  }

  /** `now`: null where the reconciler does not run. */
  status(now: number | null): ControllerStatus {
    return {
      name: this.controller.name,
      description: this.controller.description,
      depth: this.queue.depth,
      running: this.queue.running,
      failing: this.#troubles.size,
      troubles: this.#troubles.first(shownTroubles),
      oldestSince: this.queue.oldestSince,
      successes: this.#successes,
      failures: this.#failures,
      lastSuccess: this.#lastSuccess,
      lastFailure: this.#lastFailure,
      lastError: this.#lastError,
      nextRun: now === null ? null : this.nextRun(now),
    };
  }

  #noteFailure(now: number, error: string): void {
    this.#failures++;
    this.#lastFailure = now;
    this.#lastError = error;
  }
}
