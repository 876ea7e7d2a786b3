import type { Fault } from '../base/error.ts';
import { ioReason } from '../base/io-reason.ts';
import type { JsonObject } from '../base/json.ts';
import type { Head } from './chain.ts';
import { bringUp, type SinkProblem, type Standing, unavailable } from './opening.ts';
import { type AuditSink, SinkFailure, type SinkHistory, type SinkTail } from './sink.ts';

/** The state of one sink. */
export interface SinkHealth {
  readonly name: string;
  readonly type: string;
  /** Null: lines reach it. Otherwise a sentence that says why not. */
  readonly problem: string | null;
}

/** What became of a batch. */
export type WriteOutcome =
  /** Durable in one sink at least. `behind`: sinks that lack it and get nothing more until they were brought up. */
  | { readonly stored: true; readonly behind: readonly string[] }
  /** In no sink. `certain`: nothing of it is in any; otherwise only a new start can tell. */
  | { readonly stored: false; readonly certain: boolean; readonly fault: Fault };

/**
 * The sinks of an open log: which are written to, which failed and why, and how they come and go. Nothing here runs
 * twice at once: the log does one thing after the other.
 */
export class SinkSet {
  readonly #declared: ReadonlyMap<string, AuditSink>;
  readonly #live: Set<AuditSink>;
  readonly #failed = new Map<string, string>();
  #enabled: ReadonlySet<string>;

  constructor(declared: ReadonlyMap<string, AuditSink>, enabled: readonly string[], standing: Standing) {
    this.#declared = declared;
    this.#live = new Set(standing.live);
    this.#enabled = new Set(enabled);
    for (const { name, reason } of standing.failed) this.#failed.set(name, reason);
    for (const name of enabled) if (!declared.has(name)) this.#failed.set(name, undeclared);
  }

  health(): readonly SinkHealth[] {
    const names = new Set([...this.#enabled, ...[...this.#live].map((sink) => sink.name)]);
    return [...names].map((name) => ({
      name,
      type: this.#declared.get(name)?.type ?? '',
      problem: this.#failed.get(name) ?? null,
    }));
  }

  get problems(): readonly SinkProblem[] {
    return [...this.#failed].map(([name, reason]) => ({ name, reason }));
  }

  /** Throws Fault `audit-unavailable` where no sink can be written. */
  requireOne(): void {
    if (this.#live.size === 0) throw unavailable(this.problems);
  }

  /** The history of a sink that has all lines; null: none can be read back. */
  get history(): SinkHistory | null {
    for (const sink of this.#live) if (sink.history !== null) return sink.history;
    return null;
  }

  async write(lines: Uint8Array): Promise<WriteOutcome> {
    const failures = new Map<AuditSink, SinkFailure>();
    const writeTo = async (sink: AuditSink): Promise<void> => {
      try {
        await sink.append(lines);
        this.#failed.delete(sink.name);
      } catch (error) {
        const failure = error instanceof SinkFailure ? error : new SinkFailure('unknown', ioReason(error), { cause: error });
        failures.set(sink, failure);
        this.#failed.set(sink.name, failure.message);
      }
    };
    await Promise.all([...this.#live].map(writeTo));
    if (failures.size === this.#live.size) {
      const all = [...failures.values()];
      const certain = all.every((failure) => failure.outcome === 'unwritten');
      return { stored: false, certain, fault: unavailable(this.problems, all[0]) };
    }
    for (const sink of failures.keys()) this.#live.delete(sink);
    return { stored: true, behind: [...failures.keys()].map((sink) => sink.name) };
  }

  /** Opens the enabled sinks that are not written to; returns what the log has to say of that. */
  async join(enabled: readonly string[], head: Head): Promise<readonly JsonObject[]> {
    this.#enabled = new Set(enabled);
    for (const name of this.#failed.keys()) if (!this.#enabled.has(name)) this.#failed.delete(name);
    const notes: JsonObject[] = [];
    for (const name of this.#enabled) {
      const sink = this.#declared.get(name);
      if (sink === undefined) this.#failed.set(name, undeclared);
      else if (!this.#live.has(sink)) notes.push(...(await this.#bringIn(sink, () => sink.open(), head)));
    }
    return notes;
  }

  /** The sinks that are no longer enabled; none of them while no enabled one works. */
  leaving(): readonly AuditSink[] {
    const live = [...this.#live];
    const works = live.some((sink) => this.#enabled.has(sink.name));
    return works ? live.filter((sink) => !this.#enabled.has(sink.name)) : [];
  }

  async leave(sinks: readonly AuditSink[]): Promise<void> {
    for (const sink of sinks) {
      this.#live.delete(sink);
      await sink.close();
    }
  }

  /** Opens the place of every enabled sink anew; returns what the log has to say of that. */
  async reopen(head: Head): Promise<readonly JsonObject[]> {
    const notes: JsonObject[] = [];
    for (const name of this.#enabled) {
      const sink = this.#declared.get(name);
      if (sink !== undefined) notes.push(...(await this.#bringIn(sink, () => sink.reopen(), head)));
    }
    return notes;
  }

  async close(): Promise<void> {
    this.#live.clear();
    await Promise.all([...this.#declared.values()].map((sink) => sink.close()));
  }

  /** A sink that fails is left out (one that is written to and cannot be opened goes on as before); health tells why. */
  async #bringIn(sink: AuditSink, open: () => Promise<SinkTail>, head: Head): Promise<readonly JsonObject[]> {
    const isNew = !this.#live.has(sink);
    try {
      const tail = await open();
      this.#live.delete(sink);
      const note = await bringUp(sink, tail, head, [...this.#live]);
      this.#live.add(sink);
      this.#failed.delete(sink.name);
      const notes: JsonObject[] = tail.torn > 0 ? [{ event: 'torn-line-removed', sink: sink.name, bytes: tail.torn }] : [];
      if (isNew) notes.push({ event: 'sink-enabled', sink: sink.name });
      if (note !== null) notes.push(note);
      return notes;
    } catch (error) {
      this.#failed.set(sink.name, ioReason(error));
      if (!this.#live.has(sink)) await sink.close();
      return [];
    }
  }
}

const undeclared = 'it is enabled, but the settings do not declare it';
