import { Mutex } from '../base/mutex.ts';
import type { JsonObject } from '../base/json.ts';
import { Fault } from '../base/error.ts';
import type { AuditEntry } from '../core/ports.ts';
import { systemEntry } from '../core/system-entry.ts';
import type { BoundedSink } from './bounded-sink.ts';
import type { LogEnds } from './catch-up.ts';
import { chainHash, type Head } from './chain.ts';
import { findEntry, type EntryQuery, type FoundEntry } from './find-entry.ts';
import { LineBuffer } from './line-buffer.ts';
import { formatLine, Redactor, type RedactedEntry } from './line.ts';
import type { AuditLog, AuditLogOptions } from './log.ts';
import type { Standing } from './opening.ts';
import type { AuditedHeaders } from './request-headers.ts';
import { type SinkHealth, SinkSet, type WriteOutcome } from './sink-set.ts';
import { ValueHash } from './value-hash.ts';

interface ChainedLogParts extends AuditLogOptions {
  readonly anchor: Head;
  readonly declared: ReadonlyMap<string, BoundedSink>;
  readonly standing: Standing<BoundedSink>;
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

/** The log over its opened sinks: gives entries their place in the chain and writes what waits in batches. */
export class ChainedLog implements AuditLog {
  readonly notes: readonly JsonObject[];
  readonly #parts: ChainedLogParts;
  readonly #sinks: SinkSet;
  readonly #hashes: ValueHash;
  readonly #redactor: Redactor;
  readonly #buffer = new LineBuffer();
  /** The last line that a sink has, and the last one that has a number. */
  #ends: LogEnds;
  #anchored: number;
  #stopped: Fault | null = null;
  readonly #waiting: Waiting[] = [];
  #flushIsDue = false;
  /** Work on the sinks is done one after the other. */
  readonly #turns = new Mutex();

  constructor(parts: ChainedLogParts) {
    const { declared, enabled, standing, clock, anchor, report } = parts;
    this.#parts = parts;
    this.#hashes = new ValueHash(parts.key);
    this.#redactor = new Redactor(this.#hashes, parts.headers);
    this.#ends = { durable: standing.head, end: standing.head };
    this.#anchored = anchor.seq;
    this.#sinks = new SinkSet({
      declared,
      enabled,
      standing,
      clock,
      saveAnchor: (head) => this.#saveAnchor(head),
      report: (health) => report?.(health),
    });
    const failures = this.#sinks.problems.map(({ name }) => ({ event: 'sink-failed', sink: name }));
    this.notes = [...standing.notes, ...failures];
  }

  /** Says what the opening found. To be called once, before anything else. */
  async begin(): Promise<void> {
    if (this.#goesNowhere()) return;
    this.#sinks.requireOne();
    await this.append(this.notes.map((facts) => systemEntry(facts)));
  }

  append(entries: readonly AuditEntry[]): Promise<void> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped);
    if (entries.length === 0 || this.#goesNowhere()) return Promise.resolve();
    const time = this.#parts.clock.now();
    const redacted = entries.map((entry) => ({ entry: this.#redactor.redact(entry), time }));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries: redacted, resolve, reject });
      this.#flushSoon();
    });
  }

  head(): Head {
    return this.#ends.durable;
  }

  position(): number {
    return this.#ends.durable.seq;
  }

  linesSinceAnchor(): number {
    return this.#ends.durable.seq - this.#anchored;
  }

  anchored(head: Head): void {
    this.#anchored = Math.max(this.#anchored, head.seq);
  }

  health(): readonly SinkHealth[] {
    return this.#sinks.health();
  }

  retryAt(): number | null {
    return this.#sinks.retryAt;
  }

  async follow(enabled: readonly string[], headers?: AuditedHeaders): Promise<void> {
    if (headers !== undefined) this.#redactor.headers = headers;
    await this.#turns.run(async () => this.#sinks.enable(enabled));
    if (this.#sinks.retryAt !== null) await this.#sinks.open(() => this.#ends, false);
    await this.#turns.run(async () => {
      await this.#admit();
      const leaving = this.#sinks.leaving();
      await this.#note(leaving.map(({ name }) => ({ event: 'sink-disabled', sink: name })));
      await this.#sinks.leave(leaving);
      if (leaving.length > 0) await this.#anchorUnread();
    });
  }

  async retry(): Promise<void> {
    if (this.#sinks.retryAt === null) return;
    await this.#sinks.open(() => this.#ends, false);
    await this.#turns.run(() => this.#admit());
  }

  async reopen(): Promise<void> {
    if (this.#sinks.retryAt !== null) await this.#sinks.open(() => this.#ends, true);
    await this.#turns.run(async () => {
      await this.#admit();
      await this.#saveAnchor(this.#ends.durable);
      // One batch for all of them: each new file then joins on to the anchor.
      await this.#note(await this.#sinks.reopen(this.#ends));
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
    await this.#turns.run(async () => {
      while (this.#waiting.length > 0) await this.#flush();
      this.#stopped ??= new Fault('audit-unavailable', 'the audit log is closed');
      await this.#sinks.close();
      this.#hashes.wipe();
    });
  }

  #goesNowhere(): boolean {
    return this.#parts.unaudited === true && this.#sinks.none;
  }

  #flushSoon(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    void this.#turns.run(() => this.#flush());
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

  /** Writes the entries. While no sink works, those are tried whose time has come. */
  async #store(entries: readonly TimedEntry[]): Promise<void> {
    if (entries.length === 0) return;
    if (this.#stopped !== null) throw this.#stopped;
    if (!this.#sinks.anyLive) await this.#letIn();
    let outcome = await this.#write(entries);
    if (!outcome.stored && !this.#sinks.anyLive) {
      // A receiver that closed the connection may take a new one.
      await this.#letIn();
      if (this.#sinks.anyLive) {
        // Whoever was let in got the lines in doubt first: these.
        if (!outcome.certain) return;
        outcome = await this.#write(entries);
      }
    }
    if (!outcome.stored) throw outcome.fault;
    if (outcome.failed.length > 0) this.#tellOf(outcome.failed);
  }

  /** Chains the entries and writes them to every sink that works. */
  async #write(entries: readonly TimedEntry[]): Promise<WriteOutcome> {
    const { boot, epoch } = this.#parts;
    const before = this.#ends.end;
    let { seq, hash } = before;
    this.#buffer.clear();
    for (const { entry, time } of entries) {
      seq++;
      hash = chainHash(hash, this.#buffer.add(formatLine(entry, { seq, prev: hash, time, boot, epoch })));
    }
    const outcome = await this.#sinks.write(this.#buffer.lines, before);
    if ((!outcome.stored || outcome.failed.length > 0) && this.#sinks.lending) this.#buffer.renew();
    const end = { seq, hash };
    if (outcome.stored) this.#ends = { durable: end, end };
    // Lines that may be somewhere must not be followed by others with their numbers.
    else if (!outcome.certain) this.#ends = { ...this.#ends, end };
    return outcome;
  }

  async #letIn(): Promise<void> {
    await this.#sinks.open(() => this.#ends, false);
    await this.#admit().catch(() => undefined);
  }

  async #admit(): Promise<void> {
    const notes = await this.#sinks.admit(this.#ends);
    // Whoever works has every line that has a number.
    if (this.#sinks.anyLive) this.#ends = { durable: this.#ends.end, end: this.#ends.end };
    await this.#note(notes);
  }

  /** Has the log say that sinks failed. */
  #tellOf(failed: readonly JsonObject[]): void {
    const told = this.append(failed.map((facts) => systemEntry(facts))).then(() => this.#anchorUnread());
    told.catch(() => undefined);
  }

  /** Where the log goes on in no sink that can be read back, the store must know how far it came in those that can. */
  async #anchorUnread(): Promise<void> {
    if (this.#sinks.history === null) await this.#saveAnchor(this.#ends.durable);
  }

  async #note(facts: readonly JsonObject[]): Promise<void> {
    if (facts.length === 0 || this.#goesNowhere()) return;
    const time = this.#parts.clock.now();
    const outcome = await this.#write(facts.map((fact) => ({ entry: this.#redactor.redact(systemEntry(fact)), time })));
    if (!outcome.stored) throw outcome.fault;
    if (outcome.failed.length > 0) this.#tellOf(outcome.failed);
  }

  async #saveAnchor(head: Head): Promise<void> {
    if (head.seq <= this.#anchored || this.#parts.saveAnchor === undefined) return;
    await this.#parts.saveAnchor(head);
    this.anchored(head);
  }
}

function sizeOf(entry: RedactedEntry): number {
  return entry.auth.length + entry.request.length + entry.response.length + entry.error.length + 256;
}
