import { type Backoff, delayAfter } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { BoundedSink } from './bounded-sink.ts';
import type { Head } from './chain.ts';
import type { SinkTail } from './sink.ts';

/** An enabled sink that is not written to now. */
export interface AsideSink {
  readonly sink: BoundedSink;
  /** It was enabled, and never written to since. */
  readonly fresh: boolean;
  /** Why it is not written to. */
  reason: string;
  /** The last line that it is known to have; null: nobody knows, or none. */
  at: Head | null;
  /** Times it was tried, or failed, in a row. */
  tries: number;
  /** Milliseconds since the epoch. */
  dueAt: number;
  /** It is open, and waits to be let in. */
  opened: SinkTail | null;
}

const backoff: Backoff = { first: 1000, most: 60_000 };
// A sink that fails sooner than that after it came back goes on with the delays that it had.
const calm = 60_000;

/**
 * The sinks that were set aside, and when each is tried again: at once, then after 1 s, and each time after twice as
 * long, a minute at most.
 */
export class AsideSinks {
  readonly #clock: Clock;
  readonly #sinks = new Map<string, AsideSink>();
  readonly #joined = new Map<string, { readonly at: number; readonly tries: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get empty(): boolean {
    return this.#sinks.size === 0;
  }

  /** When the first of them is due; null: there is none. */
  get retryAt(): number | null {
    const times = [...this.#sinks.values()].map(({ dueAt }) => dueAt);
    return times.length === 0 ? null : Math.min(...times);
  }

  has(name: string): boolean {
    return this.#sinks.has(name);
  }

  get(name: string): AsideSink | null {
    return this.#sinks.get(name) ?? null;
  }

  enable(sink: BoundedSink): void {
    const dueAt = this.#clock.now();
    this.#sinks.set(sink.name, { sink, fresh: true, reason: 'it is being opened', at: null, tries: 0, dueAt, opened: null });
  }

  /** A sink failed that stands at `at`. */
  add(sink: BoundedSink, reason: string, at: Head | null): void {
    const now = this.#clock.now();
    const joined = this.#joined.get(sink.name);
    const tries = joined !== undefined && Math.abs(now - joined.at) < calm ? joined.tries : 0;
    this.#sinks.set(sink.name, { sink, fresh: false, reason, at, tries, dueAt: now + waitAfter(tries), opened: null });
  }

  remove(name: string): AsideSink | null {
    const aside = this.get(name);
    this.#sinks.delete(name);
    return aside;
  }

  /** It is written to again. */
  join(name: string): void {
    const aside = this.remove(name);
    if (aside !== null) this.#joined.set(name, { at: this.#clock.now(), tries: aside.tries + 1 });
  }

  failedAgain(aside: AsideSink, reason: string): void {
    aside.reason = reason;
    aside.opened = null;
    aside.tries++;
    aside.dueAt = this.#clock.now() + waitAfter(aside.tries);
  }

  /** Those whose time has come; `all`: every one. */
  due(all: boolean): readonly AsideSink[] {
    const now = this.#clock.now();
    // A clock that was put back must not keep them waiting.
    return [...this.#sinks.values()].filter(
      ({ opened, dueAt }) => opened === null && (all || dueAt <= now || dueAt - now > backoff.most),
    );
  }

  /** Those that are open and wait to be let in. */
  opened(): readonly AsideSink[] {
    return [...this.#sinks.values()].filter(({ opened }) => opened !== null);
  }
}

function waitAfter(tries: number): number {
  return tries === 0 ? 0 : delayAfter(tries, backoff);
}
