import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import type { AuditEntry, AuditPort } from '../core/ports.ts';
import { chainHash, genesis, type Head } from './chain.ts';
import { findEntry, type EntryQuery, type FoundEntry } from './find-entry.ts';
import { KeyedHash } from './keyed-hash.ts';
import { LineBuffer } from './line-buffer.ts';
import { formatLine, Redactor, type RedactedEntry } from './line.ts';
import { openSinks } from './opening.ts';
import type { AuditSink } from './sink.ts';
import { type SinkHealth, SinkSet } from './sink-set.ts';

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
  /** What its opening found and its first entries say: a loss that was accepted, a sink that failed. */
  readonly notes: readonly JsonObject[];
  /** Every sink that is enabled or still written to. */
  health(): readonly SinkHealth[];
  /**
   * Makes the sinks that are written to those that are enabled now, and tries again those that failed. To be called
   * after each commit that may have changed the enabled set; costs nothing where nothing differs. A sink that is no
   * longer enabled is written to until another one works. Throws Fault `audit-unavailable` where the log has to say
   * something of that and no sink takes it.
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

/**
 * Opens the log: finds its end in the enabled sinks, proves it against the anchor, repairs a torn last line, and says
 * in a `system` entry what it had to do. Throws Fault `audit-truncated`, `audit-fork` or `audit-corrupt` where the
 * log is not the one this store wrote, `audit-unavailable` where no enabled sink can be written.
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const declared = new Map(options.sinks.map((sink) => [sink.name, sink]));
  const enabled = options.enabled.flatMap((name) => declared.get(name) ?? []);
  const standing = await openSinks(enabled, options.anchor ?? genesis(options.storeId), options.acceptLoss ?? false);
  const sinks = new SinkSet(declared, options.enabled, standing);
  const failures = sinks.problems.map(({ name }) => ({ event: 'sink-failed', sink: name }));
  const log = new ChainedLog(options, sinks, standing.head, [...standing.notes, ...failures]);
  try {
    sinks.requireOne();
    await log.append(log.notes.map(noteEntry));
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
  readonly #sinks: SinkSet;
  readonly #hashes: KeyedHash;
  readonly #redactor: Redactor;
  readonly #buffer = new LineBuffer();
  readonly notes: readonly JsonObject[];
  #head: Head;
  /** Why no entry can be taken any more. */
  #stopped: Fault | null = null;
  readonly #waiting: Waiting[] = [];
  #flushIsDue = false;
  /** Work on the sinks is done one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: AuditLogOptions, sinks: SinkSet, head: Head, notes: readonly JsonObject[]) {
    this.notes = notes;
    this.#options = options;
    this.#sinks = sinks;
    this.#head = head;
    this.#hashes = new KeyedHash(options.key);
    this.#redactor = new Redactor(this.#hashes);
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
    return this.#sinks.health();
  }

  async follow(enabled: readonly string[]): Promise<void> {
    await this.#exclusively(async () => {
      const notes = await this.#sinks.join(enabled, this.#head);
      const leaving = this.#sinks.leaving();
      await this.#note([...notes, ...leaving.map(({ name }) => ({ event: 'sink-disabled', sink: name }))]);
      await this.#sinks.leave(leaving);
    });
  }

  async reopen(saveAnchor: (head: Head) => Promise<void>): Promise<void> {
    await this.#exclusively(async () => {
      await saveAnchor(this.#head);
      // One batch for all of them: each new file then joins on to the anchor.
      await this.#note(await this.#sinks.reopen(this.#head));
      const reasons = this.#sinks.problems.map(({ name, reason }) => `${name}: ${reason}`);
      if (reasons.length > 0) {
        throw new Fault('audit-unavailable', `audit sinks could not be opened anew (${reasons.join('; ')})`);
      }
    });
  }

  async find(query: EntryQuery): Promise<FoundEntry> {
    const history = this.#sinks.history;
    return history === null ? { entry: null, searchedTo: null } : findEntry(history, query);
  }

  async close(): Promise<void> {
    await this.#exclusively(async () => {
      while (this.#waiting.length > 0) await this.#flush();
      this.#stopped ??= new Fault('audit-unavailable', 'the audit log is closed');
      await this.#sinks.close();
      this.#hashes.wipe();
    });
  }

  #flushSoon(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    void this.#exclusively(() => this.#flush());
  }

  /** Writes one batch of what waits. Never throws: each call learns its own outcome. */
  async #flush(): Promise<void> {
    this.#flushIsDue = false;
    let count = 0;
    let characters = 0;
    while (count < this.#waiting.length && characters < batchCharacters) {
      for (const { entry } of this.#waiting[count]?.entries ?? []) characters += sizeOf(entry);
      count++;
    }
    const calls = this.#waiting.splice(0, count);
    if (this.#waiting.length > 0) this.#flushSoon();
    try {
      await this.#store(calls.flatMap((call) => call.entries));
    } catch (error) {
      for (const call of calls) call.reject(error);
      return;
    }
    for (const call of calls) call.resolve();
  }

  /** Chains the entries and writes them to every sink; the head moves when one of them has them durable. */
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
    const outcome = await this.#sinks.write(this.#buffer.lines);
    if (!outcome.stored) {
      // Lines that may be on disk must not be followed by others with their numbers: only a new start can tell.
      if (!outcome.certain) this.#stopped = outcome.fault;
      throw outcome.fault;
    }
    this.#head = { seq, hash };
    for (const sink of outcome.behind) this.append([noteEntry({ event: 'sink-failed', sink })]).catch(() => undefined);
  }

  async #note(facts: readonly JsonObject[]): Promise<void> {
    const time = this.#options.clock.now();
    await this.#store(facts.map((fact) => ({ entry: this.#redactor.redact(noteEntry(fact)), time })));
  }

  #exclusively(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

function noteEntry(facts: JsonObject): AuditEntry {
  return { type: 'system', request: null, verb: null, mount: null, auth: null, reply: null, error: null, facts };
}

function sizeOf(entry: RedactedEntry): number {
  return entry.auth.length + entry.request.length + entry.response.length + entry.error.length + 256;
}
