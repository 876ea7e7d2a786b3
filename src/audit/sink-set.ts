import type { Clock } from '../base/clock.ts';
import type { Fault } from '../base/error.ts';
import { ioReason } from '../base/io-reason.ts';
import type { JsonObject } from '../base/json.ts';
import { AsideSinks, type AsideSink } from './aside-sinks.ts';
import type { BoundedSink } from './bounded-sink.ts';
import { bringIn, catchUp, type LogEnds } from './catch-up.ts';
import type { Head } from './chain.ts';
import { HeldLines } from './held-lines.ts';
import { type SinkProblem, type Standing, unavailable } from './opening.ts';
import { SinkFailure, type SinkHistory, type SinkTail } from './sink.ts';

/** The state of one sink. */
export interface SinkHealth {
  readonly name: string;
  readonly type: string;
  /** Null: lines reach it. Otherwise a sentence that says why not. */
  readonly problem: string | null;
  /** When it is tried again, in milliseconds since the epoch. Null: it works, or nobody will try. */
  readonly retryAt: number | null;
}

/** What became of a batch. */
export type WriteOutcome =
  /** Durable in one sink at least. `failed`: those that lack it, which were set aside. */
  | { readonly stored: true; readonly failed: readonly JsonObject[] }
  /**
   * In no sink. `certain`: nothing of it is in any, so its numbers are free. Otherwise the lines may be somewhere: they
   * keep their numbers, and the next sink that comes in gets them before any other line.
   */
  | { readonly stored: false; readonly certain: boolean; readonly fault: Fault };

export interface SinkSetOptions {
  readonly declared: ReadonlyMap<string, BoundedSink>;
  readonly enabled: readonly string[];
  readonly standing: Standing<BoundedSink>;
  readonly clock: Clock;
  /** Makes a head durable in the store: a file that begins behind it joins on to it. */
  readonly saveAnchor: (head: Head) => Promise<void>;
  readonly report: (health: SinkHealth) => void;
}

// A sink that lacks more than this is brought up to here while the others go on.
const linesInTurn = 1000;

/**
 * The sinks of an open log: which are written to, which failed and why, and how they come and go. All but `open` runs
 * in the log's turn: nothing of it twice at once.
 */
export class SinkSet {
  readonly #options: SinkSetOptions;
  readonly #live: Set<BoundedSink>;
  readonly #aside: AsideSinks;
  /** Of those that are written to nevertheless. */
  readonly #complaints = new Map<string, string>();
  #enabled: ReadonlySet<string>;
  readonly #held = new HeldLines();
  #opening: Promise<void> | null = null;
  #closed = false;

  constructor(options: SinkSetOptions) {
    const { enabled, standing, clock } = options;
    this.#options = options;
    this.#live = new Set(standing.live);
    this.#enabled = new Set(enabled);
    this.#aside = new AsideSinks(clock);
    for (const { name, reason } of standing.failed) {
      const sink = options.declared.get(name);
      if (sink !== undefined) this.#aside.add(sink, reason, null);
    }
  }

  health(): readonly SinkHealth[] {
    const names = new Set([...this.#enabled, ...[...this.#live].map((sink) => sink.name)]);
    return [...names].map((name) => this.#healthOf(name));
  }

  get problems(): readonly SinkProblem[] {
    return this.health().flatMap(({ name, problem }) => (problem === null ? [] : [{ name, reason: problem }]));
  }

  get anyLive(): boolean {
    return this.#live.size > 0;
  }

  /** Nothing is enabled or written to. */
  get none(): boolean {
    return this.#live.size === 0 && this.#enabled.size === 0;
  }

  /** A call to a sink is still under way though nobody waits for it: what it was lent must not be changed. */
  get lending(): boolean {
    for (const sink of this.#options.declared.values()) if (sink.overdue) return true;
    return false;
  }

  /** When a sink that was set aside is due to be tried again (milliseconds since the epoch); null: there is none. */
  get retryAt(): number | null {
    return this.#aside.retryAt;
  }

  /** The history of a sink that has all lines; null: none can be read back. */
  get history(): SinkHistory | null {
    for (const sink of this.#live) if (sink.history !== null) return sink.history;
    return null;
  }

  /** Throws Fault `audit-unavailable` where no sink can be written. */
  requireOne(): void {
    if (!this.anyLive) throw unavailable(this.problems);
  }

  /** Writes a batch that makes `end` of the head `before`. */
  async write(lines: Uint8Array, before: Head): Promise<WriteOutcome> {
    const failures = new Map<BoundedSink, SinkFailure>();
    const writeTo = async (sink: BoundedSink): Promise<void> => {
      try {
        await sink.append(lines);
        if (this.#complaints.delete(sink.name)) this.#report(sink.name);
      } catch (error) {
        failures.set(sink, error instanceof SinkFailure ? error : new SinkFailure('unknown', ioReason(error), { cause: error }));
      }
    };
    await Promise.all([...this.#live].map(writeTo));
    if (failures.size < this.#live.size) {
      for (const [sink, failure] of failures) this.#setAside(sink, failure.message, before);
      if (this.#aside.empty) this.#held.letGo();
      else this.#held.keep(lines, before);
      const failed = [...failures].map(([sink, { outcome }]) => ({
        event: 'sink-failed',
        sink: sink.name,
        after: before.seq,
        outcome,
      }));
      return { stored: true, failed };
    }
    const all = [...failures.values()];
    const certain = all.every((failure) => failure.outcome === 'unwritten');
    for (const [sink, failure] of failures) {
      // A file goes on where it stands; a connection has to be made anew.
      if (certain && sink.history !== null) this.#complain(sink.name, failure.message);
      else this.#setAside(sink, failure.message, before);
    }
    if (!certain) this.#held.keepInDoubt(lines, before);
    return { stored: false, certain, fault: unavailable(this.problems, all[0]) };
  }

  /** Sets which sinks are enabled. New ones are due to be opened. */
  enable(enabled: readonly string[]): void {
    const before = this.#enabled;
    this.#enabled = new Set(enabled);
    for (const name of before) if (!this.#enabled.has(name)) void this.#aside.remove(name)?.sink.close();
    for (const name of this.#enabled) {
      const sink = this.#options.declared.get(name);
      if (sink !== undefined && !this.#live.has(sink) && !this.#aside.has(name)) this.#aside.enable(sink);
    }
  }

  /**
   * Opens the sinks that are set aside and due (`all`: also those whose time has not come), and copies to them most of
   * what they lack. May run while lines are written; one call at a time, which all who ask meanwhile share. Never throws.
   */
  open(ends: () => LogEnds, all: boolean): Promise<void> {
    this.#opening ??= this.#open(ends, all).finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #open(ends: () => LogEnds, all: boolean): Promise<void> {
    const openOne = async (aside: AsideSink): Promise<void> => {
      const { sink } = aside;
      try {
        const tail = await sink.open();
        aside.at = tail.head ?? (sink.history === null ? aside.at : null);
        if (aside.at !== null && aside.at.seq + linesInTurn < ends().end.seq) {
          const live = [...this.#live].flatMap(({ history }) => history ?? []);
          aside.at = (await catchUp(sink, aside.at, live)) ?? aside.at;
        }
        if (this.#aside.get(sink.name) === aside && !this.#closed) aside.opened = tail;
        else await sink.close();
      } catch (error) {
        this.#aside.failedAgain(aside, ioReason(error));
        this.#report(sink.name);
      }
    };
    await Promise.all(this.#aside.due(all).map(openOne));
  }

  /** Lets the sinks in that were opened. Returns what the log has to say of that. */
  async admit(ends: LogEnds): Promise<readonly JsonObject[]> {
    const notes: JsonObject[] = [];
    for (const aside of this.#aside.opened()) {
      const { sink, opened, at, fresh } = aside;
      if (opened === null) continue;
      aside.opened = null;
      try {
        const note = await this.#bringIn(sink, at, ends);
        this.#live.add(sink);
        this.#aside.join(sink.name);
        notes.push(...tornNote(sink.name, opened));
        if (fresh) notes.push({ event: 'sink-enabled', sink: sink.name });
        if (note !== null) notes.push(note);
        else if (!fresh) notes.push({ event: 'sink-back', sink: sink.name });
      } catch (error) {
        this.#aside.failedAgain(aside, ioReason(error));
        await sink.close();
      }
      this.#report(sink.name);
    }
    if (this.#aside.empty) this.#held.letGo();
    return notes;
  }

  /** The sinks that are no longer enabled; none of them while no enabled one works. */
  leaving(): readonly BoundedSink[] {
    const live = [...this.#live];
    const works = live.some((sink) => this.#enabled.has(sink.name));
    return works ? live.filter((sink) => !this.#enabled.has(sink.name)) : [];
  }

  async leave(sinks: readonly BoundedSink[]): Promise<void> {
    for (const sink of sinks) {
      this.#live.delete(sink);
      this.#complaints.delete(sink.name);
      await sink.close();
    }
  }

  /** Opens the place of every sink that is written to anew; returns what the log has to say of that. */
  async reopen(ends: LogEnds): Promise<readonly JsonObject[]> {
    const notes: JsonObject[] = [];
    for (const sink of [...this.#live]) {
      try {
        const tail = await sink.reopen();
        this.#live.delete(sink);
        const note = await this.#bringIn(sink, tail.head ?? (sink.history === null ? ends.end : null), ends);
        this.#live.add(sink);
        notes.push(...tornNote(sink.name, tail));
        if (note !== null) notes.push(note);
        this.#complaints.delete(sink.name);
      } catch (error) {
        if (this.#live.has(sink) && !sink.overdue) this.#complain(sink.name, ioReason(error));
        else this.#setAside(sink, ioReason(error), ends.end);
      }
    }
    return notes;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening;
    this.#live.clear();
    this.#held.letGo();
    await Promise.all([...this.#options.declared.values()].map((sink) => sink.close()));
  }

  #bringIn(sink: BoundedSink, at: Head | null, ends: LogEnds): Promise<JsonObject | null> {
    const histories = [...this.#live].flatMap(({ history }) => history ?? []);
    return bringIn(sink, at, { ...ends, sources: [...histories, this.#held], saveAnchor: this.#options.saveAnchor });
  }

  #setAside(sink: BoundedSink, reason: string, at: Head): void {
    this.#live.delete(sink);
    this.#complaints.delete(sink.name);
    this.#aside.add(sink, reason, at);
    this.#held.beginAnew();
    this.#report(sink.name);
  }

  #complain(name: string, reason: string): void {
    const isNew = this.#complaints.get(name) !== reason;
    this.#complaints.set(name, reason);
    if (isNew) this.#report(name);
  }

  #healthOf(name: string): SinkHealth {
    const sink = this.#options.declared.get(name);
    if (sink === undefined) return { name, type: '', problem: undeclared, retryAt: null };
    const aside = this.#aside.get(name);
    const problem = aside === null ? (this.#complaints.get(name) ?? null) : aside.reason;
    return { name, type: sink.type, problem, retryAt: aside?.dueAt ?? null };
  }

  #report(name: string): void {
    this.#options.report(this.#healthOf(name));
  }
}

function tornNote(sink: string, { torn }: SinkTail): readonly JsonObject[] {
  return torn > 0 ? [{ event: 'torn-line-removed', sink, bytes: torn }] : [];
}

const undeclared = 'it is enabled, but the settings do not declare it';
