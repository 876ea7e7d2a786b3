import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import type { AuditEntry, AuditPort } from '../core/ports.ts';
import { chainHash, genesis, type Head } from './chain.ts';
import { findEntry, type EntryQuery, type FoundEntry } from './find-entry.ts';
import { KeyedHash } from './keyed-hash.ts';
import { LineBuffer } from './line-buffer.ts';
import { formatLine, Redactor, type RedactedEntry } from './line.ts';
import { reasonOf } from './log-file.ts';
import { bringUp, openSinks, unavailable, type SinkProblem, type Standing } from './opening.ts';
import { SinkFailure, type AuditSink, type SinkTail } from './sink.ts';

export interface AuditLogOptions {
  readonly storeId: string;
  /** The store's audit key; the caller may wipe its copy afterwards. */
  readonly key: Uint8Array;
  /** Names this run of the process: a UUID. */
  readonly boot: string;
  /** The epoch under which it owns the store. */
  readonly epoch: number;
  readonly clock: Clock;
  /** Every sink that the settings declare. */
  readonly sinks: readonly AuditSink[];
  /** The names of those that are enabled. */
  readonly enabled: readonly string[];
  /** What the store remembers of the log (`readAnchor`); null: nothing. */
  readonly anchor: Head | null;
  /**
   * Accept that the log is lost, cut or altered: the files are put aside, the chain goes on from the anchor, and its
   * first entry says so. Without effect where the log is whole.
   */
  readonly acceptLoss?: boolean;
}

/** The audit log of an open store: one chain of lines, the same in every enabled sink. */
export interface AuditLog extends AuditPort {
  /** The last line that is durable in a sink at least. */
  head(): Head;
  /** The number of that line: what an apply remembers, to find its own entries after it. */
  position(): number;
  /** Every sink that is enabled or still written to. */
  health(): readonly SinkHealth[];
  /**
   * Makes the sinks that are written to those that are enabled now, and tries again those that failed. To be called
   * after each commit that may have changed the enabled set; costs nothing where nothing differs. A sink that is no
   * longer enabled is written to until another one works.
   */
  follow(enabled: readonly string[]): Promise<void>;
  /**
   * Log rotation: opens each sink's place anew. `saveAnchor` must make the head that it is given durable in the store
   * (`writeAnchor`), because the new file joins on to it; no line is written until it has resolved. Throws Fault
   * `audit-unavailable` where a sink could not be opened anew; it goes on in the file it has, where it has one.
   */
  reopen(saveAnchor: (head: Head) => Promise<void>): Promise<void>;
  /** Looks for an entry, from the last one back. */
  find(query: EntryQuery): Promise<FoundEntry>;
  /** Writes what waits, closes the sinks and wipes the key. Later entries are refused. */
  close(): Promise<void>;
}

export interface SinkHealth {
  readonly name: string;
  readonly type: string;
  /** Null: lines reach it. Otherwise a sentence that says why not. */
  readonly problem: string | null;
}

/**
 * Opens the log: finds its end in the enabled sinks, proves it against the anchor, repairs a torn last line, and says
 * in a `system` entry what it had to do. Throws Fault `audit-truncated`, `audit-fork` or `audit-corrupt` where the
 * log is not the one this store wrote, `audit-unavailable` where no enabled sink can be written.
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const declared = new Map(options.sinks.map((sink) => [sink.name, sink]));
  const enabled = options.enabled.flatMap((name) => declared.get(name) ?? []);
  const standing = await openSinks(enabled, options.anchor ?? genesis(options.storeId), options.acceptLoss ?? false);
  const log = new ChainedLog(options, declared, standing);
  try {
    await log.begin(standing.notes);
    return log;
  } catch (error) {
    await log.close();
    throw error;
  }
}

interface Waiting {
  readonly entries: readonly TimedEntry[];
  resolve(): void;
  reject(error: unknown): void;
}

interface TimedEntry {
  readonly entry: RedactedEntry;
  readonly time: number;
}

// One batch holds the entries of all calls that wait, up to about this many characters: bounds its memory.
const batchCharacters = 8 * 1024 * 1024;

class ChainedLog implements AuditLog {
  readonly #options: AuditLogOptions;
  readonly #declared: ReadonlyMap<string, AuditSink>;
  readonly #hashes: KeyedHash;
  readonly #redactor: Redactor;
  readonly #buffer = new LineBuffer();
  readonly #live: Set<AuditSink>;
  readonly #failed = new Map<string, string>();
  #enabled: ReadonlySet<string>;
  #head: Head;
  /** Why no entry can be taken any more. */
  #stopped: Fault | null = null;
  #waiting: Waiting[] = [];
  #flushIsDue = false;
  /** Work on the sinks is done one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: AuditLogOptions, declared: ReadonlyMap<string, AuditSink>, standing: Standing) {
    this.#options = options;
    this.#declared = declared;
    this.#hashes = new KeyedHash(options.key);
    this.#redactor = new Redactor(this.#hashes);
    this.#enabled = new Set(options.enabled);
    this.#head = standing.head;
    this.#live = new Set(standing.live);
    for (const { name, reason } of standing.failed) this.#failed.set(name, reason);
    for (const name of options.enabled) if (!declared.has(name)) this.#failed.set(name, undeclared);
  }

  /** Writes what the log has to say of its own opening. */
  async begin(notes: readonly JsonObject[]): Promise<void> {
    if (this.#live.size === 0) throw this.#unavailable();
    const failures = [...this.#failed.keys()].map((name): JsonObject => ({ event: 'sink-failed', sink: name }));
    await this.append([...notes, ...failures].map(noteEntry));
  }

  append(entries: readonly AuditEntry[]): Promise<void> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped);
    if (entries.length === 0) return Promise.resolve();
    const time = this.#options.clock.now();
    const redacted = entries.map((entry) => ({ entry: this.#redactor.redact(entry), time }));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries: redacted, resolve, reject });
      this.#flushSoon();
    });
  }

  head(): Head {
    return this.#head;
  }

  position(): number {
    return this.#head.seq;
  }

  health(): readonly SinkHealth[] {
    const names = new Set([...this.#enabled, ...[...this.#live].map((sink) => sink.name)]);
    return [...names].map((name) => ({
      name,
      type: this.#declared.get(name)?.type ?? '',
      problem: this.#failed.get(name) ?? null,
    }));
  }

  async follow(enabled: readonly string[]): Promise<void> {
    await this.#exclusively(async () => {
      this.#enabled = new Set(enabled);
      for (const name of this.#failed.keys()) if (!this.#enabled.has(name)) this.#failed.delete(name);
      const notes: JsonObject[] = [];
      for (const name of this.#enabled) {
        const sink = this.#declared.get(name);
        if (sink === undefined) this.#failed.set(name, undeclared);
        else if (!this.#live.has(sink)) notes.push(...(await this.#join(sink, () => sink.open())));
      }
      const working = [...this.#live].some((sink) => this.#enabled.has(sink.name));
      const leaving = working ? [...this.#live].filter((sink) => !this.#enabled.has(sink.name)) : [];
      await this.#note(...notes, ...leaving.map((sink) => ({ event: 'sink-disabled', sink: sink.name })));
      for (const sink of leaving) {
        this.#live.delete(sink);
        await sink.close();
      }
    });
  }

  async reopen(saveAnchor: (head: Head) => Promise<void>): Promise<void> {
    await this.#exclusively(async () => {
      await saveAnchor(this.#head);
      const sinks = [...this.#enabled].flatMap((name) => this.#declared.get(name) ?? []);
      const notes: JsonObject[] = [];
      for (const sink of sinks) notes.push(...(await this.#join(sink, () => sink.reopen())));
      // One batch for all of them: each new file then joins on to the anchor.
      await this.#note(...notes);
      const problems = sinks.flatMap(({ name }) =>
        this.#failed.has(name) ? { name, reason: this.#failed.get(name) ?? '' } : [],
      );
      if (problems.length > 0) throw notReopened(problems);
    });
  }

  async find(query: EntryQuery): Promise<FoundEntry> {
    for (const sink of this.#live) if (sink.history !== null) return findEntry(sink.history, query);
    return { entry: null, searchedTo: null };
  }

  async close(): Promise<void> {
    await this.#exclusively(async () => {
      while (this.#waiting.length > 0) await this.#flush();
      this.#stopped ??= new Fault('audit-unavailable', 'the audit log is closed');
      for (const sink of this.#declared.values()) await sink.close();
      this.#hashes.wipe();
    });
  }

  /**
   * Opens a sink and brings it to the head; returns what the log has to say of that. A sink that fails is left out
   * (one that is live and fails to open goes on as before), and health tells why.
   */
  async #join(sink: AuditSink, open: () => Promise<SinkTail>): Promise<readonly JsonObject[]> {
    const wasLive = this.#live.has(sink);
    try {
      const tail = await open();
      this.#live.delete(sink);
      const note = await bringUp(sink, tail, this.#head, [...this.#live]);
      this.#live.add(sink);
      this.#failed.delete(sink.name);
      const notes: JsonObject[] = tail.torn > 0 ? [{ event: 'torn-line-removed', sink: sink.name, bytes: tail.torn }] : [];
      if (!wasLive) notes.push({ event: 'sink-enabled', sink: sink.name });
      if (note !== null) notes.push(note);
      return notes;
    } catch (error) {
      this.#failed.set(sink.name, reasonOf(error));
      if (!this.#live.has(sink)) await sink.close();
      return [];
    }
  }

  #flushSoon(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    void this.#exclusively(() => this.#flush());
  }

  /** Writes one batch of what waits. Never throws: each call learns its own outcome. */
  async #flush(): Promise<void> {
    this.#flushIsDue = false;
    const calls: Waiting[] = [];
    let characters = 0;
    while (this.#waiting.length > 0 && characters < batchCharacters) {
      const call = this.#waiting.shift() as Waiting;
      calls.push(call);
      for (const { entry } of call.entries) characters += sizeOf(entry);
    }
    if (this.#waiting.length > 0) this.#flushSoon();
    try {
      await this.#store(calls.flatMap((call) => call.entries));
    } catch (error) {
      for (const call of calls) call.reject(error);
      return;
    }
    for (const call of calls) call.resolve();
  }

  /** Chains the entries and writes them to every live sink; the head moves when one of them has them durable. */
  async #store(entries: readonly TimedEntry[]): Promise<void> {
    if (entries.length === 0) return;
    if (this.#stopped !== null) throw this.#stopped;
    const { boot, epoch } = this.#options;
    let { seq, hash } = this.#head;
    this.#buffer.clear();
    for (const { entry, time } of entries) {
      seq++;
      hash = chainHash(hash, this.#buffer.add(formatLine(entry, { seq, prev: hash, time, boot, epoch })));
    }
    const failures = await this.#writeEverywhere(this.#buffer.lines);
    if (failures.size < this.#live.size) {
      this.#head = { seq, hash };
      this.#dropBehind(failures);
      return;
    }
    for (const [sink, failure] of failures) this.#failed.set(sink.name, failure.message);
    const fault = this.#unavailable([...failures.values()][0]);
    // Lines that may be on disk must not be followed by others with their numbers: only a new start can tell.
    if ([...failures.values()].some((failure) => failure.outcome === 'unknown')) this.#stopped = fault;
    throw fault;
  }

  async #writeEverywhere(lines: Uint8Array): Promise<Map<AuditSink, SinkFailure>> {
    const failures = new Map<AuditSink, SinkFailure>();
    const write = async (sink: AuditSink) => {
      try {
        await sink.append(lines);
        this.#failed.delete(sink.name);
      } catch (error) {
        failures.set(sink, error instanceof SinkFailure ? error : new SinkFailure('unknown', reasonOf(error), { cause: error }));
      }
    };
    await Promise.all([...this.#live].map(write));
    return failures;
  }

  /** A sink that lacks lines which others have gets no more of them until it was brought up (`follow`, `reopen`). */
  #dropBehind(failures: ReadonlyMap<AuditSink, SinkFailure>): void {
    for (const [sink, failure] of failures) {
      this.#live.delete(sink);
      this.#failed.set(sink.name, failure.message);
      this.append([noteEntry({ event: 'sink-failed', sink: sink.name })]).catch(() => undefined);
    }
  }

  async #note(...facts: JsonObject[]): Promise<void> {
    const time = this.#options.clock.now();
    await this.#store(facts.map((fact) => ({ entry: this.#redactor.redact(noteEntry(fact)), time })));
  }

  #unavailable(cause?: unknown): Fault {
    const problems = [...this.#failed].map(([name, reason]) => ({ name, reason }));
    return unavailable(problems, cause);
  }

  #exclusively(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

const undeclared = 'it is enabled, but the settings do not declare it';

function notReopened(problems: readonly SinkProblem[]): Fault {
  const reasons = problems.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  return new Fault('audit-unavailable', `audit sinks could not be opened anew (${reasons})`);
}

function noteEntry(facts: JsonObject): AuditEntry {
  return { type: 'system', request: null, verb: null, mount: null, auth: null, reply: null, error: null, facts };
}

function sizeOf(entry: RedactedEntry): number {
  return entry.auth.length + entry.request.length + entry.response.length + entry.error.length + 256;
}
