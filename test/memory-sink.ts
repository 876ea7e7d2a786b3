import type { JsonObject } from '../src/base/json.ts';
import type { Head } from '../src/audit/chain.ts';
import { chainHash, genesis } from '../src/audit/chain.ts';
import type { AuditSink } from '../src/audit/sink.ts';

/** What tests look at in a line. */
export interface LogEntry {
  readonly type: string;
  readonly error: string | null;
  readonly request: { readonly path: string; readonly facts?: JsonObject } | null;
}

/** An audit sink that keeps its lines in memory: for worlds that restart on the same store a thousand times. */
export class MemorySink implements AuditSink {
  readonly name = 'memory';
  readonly type = 'memory';
  readonly options = {};
  readonly accepts = {};
  readonly timeout = 5000;
  readonly lines: string[] = [];
  readonly history = {
    locate: (seq: number) => Promise.resolve(this.#locate(seq)),
    bytesFrom: (offset: number) => this.#bytesFrom(offset),
    backwards: () => this.#backwards(),
  };
  #storeId: string;

  constructor(storeId: string) {
    this.#storeId = storeId;
  }

  check(): Promise<null> {
    return Promise.resolve(null);
  }

  open() {
    return Promise.resolve({ head: this.lines.length === 0 ? null : this.#headAt(this.lines.length), torn: 0 });
  }

  reopen() {
    return this.open();
  }

  append(lines: Uint8Array): Promise<void> {
    this.lines.push(...Buffer.from(lines).toString('utf8').split('\n').slice(0, -1));
    return Promise.resolve();
  }

  startAnew(): Promise<null> {
    this.lines.length = 0;
    return Promise.resolve(null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  abandon(): void {
    // Nothing is ever under way.
  }

  /** Every line as the JSON it is. */
  entries(): LogEntry[] {
    return this.lines.map((line) => JSON.parse(line) as LogEntry);
  }

  #headAt(count: number): Head {
    let head = genesis(this.#storeId);
    for (const line of this.lines.slice(0, count)) head = { seq: head.seq + 1, hash: chainHash(head.hash, Buffer.from(line)) };
    return head;
  }

  #locate(seq: number): { head: Head; offset: number } | null {
    if (seq > this.lines.length) return null;
    return { head: this.#headAt(seq), offset: seq };
  }

  async *#bytesFrom(offset: number): AsyncGenerator<Uint8Array> {
    for (const line of this.lines.slice(offset)) yield await Promise.resolve(Buffer.from(`${line}\n`));
  }

  async *#backwards(): AsyncGenerator<Uint8Array> {
    for (const line of this.lines.toReversed()) yield await Promise.resolve(Buffer.from(line));
  }
}
