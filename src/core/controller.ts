import type { Backoff } from '../base/backoff.ts';

/**
 * A background task, in the form that every one of them has: it looks at what is, compares it with what should be, and
 * takes one step. What it works on are keys; what it knows is in the store, so that losing an event, or the process,
 * loses nothing. Nouns and plug-ins offer controllers, the reconciler runs them.
 */
export interface Controller {
  /** An identifier: its name in `sys/reconciler`, in metrics and in logs. */
  readonly name: string;
  /** For people. */
  readonly description: string;
  /** On how many keys it may work at once; 1 unless told. */
  readonly concurrency?: number;
  /** Its share of the work where controllers compete; 1 unless told. Each gets its turn, however small its share. */
  readonly weight?: number;
  /** How long a key that failed waits. */
  readonly retry?: Backoff;

  /**
   * One page of the keys that need attention at `now`, read from an index of the store. It changes nothing. Throws what
   * the store throws; it is then asked again after a while.
   */
  due(now: number, page: DuePage): Promise<Due>;

  /**
   * One step towards what should be, for one key; idempotent, because a crash may have taken the last one before it was
   * noted. Never called twice at once for one key, and called again for a key that came up meanwhile. A key that needs
   * nothing (any more) is no error. Throws where the step failed: it is then tried again, later each time. A
   * controller whose keys can fail by the thousand notes the time of the next attempt in its index as well.
   * `signal` aborts when the process ends or the step takes too long; what was begun outside ends orderly.
   */
  reconcile(key: string, signal: AbortSignal): Promise<Step>;

  /** What a key is, for a person who reads of its trouble (`leases of database/`); null, or absent: the key says it. */
  describe?(key: string): Promise<string | null>;
}

export interface DuePage {
  /** Where the page before ended (its `after`); null: the first page. */
  readonly after: string | null;
  /** At most about so many keys. */
  readonly limit: number;
}

export interface Due {
  readonly keys: readonly string[];
  /** Hand it in for the next page; null: this was the last. */
  readonly after: string | null;
  /** When the next key of this page will be due, in milliseconds since the epoch; null: nobody knows. */
  readonly next: number | null;
}

export interface Step {
  /** When this key wants to be called again, in milliseconds since the epoch (the past: at once); null: it is done. */
  readonly again: number | null;
  /** True: the step made other keys due, so the controller looks at its index at once. */
  readonly look?: boolean;
  /** What of it failed and stands in the index to be tried later: it is shown as a failure. Holds no secret. */
  readonly problem?: string;
  /** True: what failed of this key before is yet to be tried again, so it is not said that it works. */
  readonly unresolved?: boolean;
}

export const done: Step = { again: null };

/** What `sys/reconciler`, metrics and `secretctl status` show of a controller. Times in milliseconds since the epoch. */
export interface ControllerStatus {
  readonly name: string;
  readonly description: string;
  /** Keys that wait for their turn now. */
  readonly depth: number;
  readonly running: number;
  /** Keys whose work fails. */
  readonly failing: number;
  /** The first of these, those that have failed for longest first. */
  readonly troubles: readonly Trouble[];
  /** Since when the oldest waiting key waits; null: none waits. */
  readonly oldestSince: number | null;
  readonly successes: number;
  readonly failures: number;
  readonly lastSuccess: number | null;
  readonly lastFailure: number | null;
  /** Holds no secret. */
  readonly lastError: string | null;
  /** When it next looks or works, unless something wakes it before; null: it does not run. */
  readonly nextRun: number | null;
}

/** Work of a controller that fails. */
export interface Trouble {
  /** What fails, in the words of `Controller.describe`. */
  readonly of: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** What was wrong last. Holds no secret. */
  readonly error: string;
}

/** A step that was asked for has been taken. */
export interface Attempted {
  /** Why it failed; null: it did not. Holds no secret. */
  readonly problem: string | null;
}

/** What the rest of the system may ask of the reconciler. */
export interface ReconcilerPort {
  /** `stopped` by a fault: for good, this process does not own the store any more. */
  readonly state: 'idle' | 'running' | 'stopped';
  /** Why it was stopped by a fault; null: it was not. */
  readonly reason: string | null;
  status(): readonly ControllerStatus[];
  /**
   * A hint, after a commit or from a person, that a controller has something to do: it looks at once, and with a key it
   * tries that key at once. False: there is no such controller, or it does not run.
   */
  wake(name: string, key?: string): boolean;
  /** From a person: as `wake`, and all that fails is tried at once. */
  retry(name: string): boolean;
  /**
   * Something will be due for a controller at a time (milliseconds since the epoch), perhaps sooner than all that it found
   * in its index: it looks no later than then.
   */
  expect(name: string, at: number): void;
  /**
   * Has a controller try a key at once, and resolves when it has, or when `signal` aborts. Null: that did not happen,
   * because it does not run or there was no time.
   */
  attempt(name: string, key: string, signal: AbortSignal): Promise<Attempted | null>;
}
