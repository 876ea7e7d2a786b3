import { createReadStream } from 'node:fs';
import { Fault } from '../base/error.ts';
import { ioReason } from '../base/io-reason.ts';
import { chainHash, genesis, type Head } from './chain.ts';
import { maxLineBytes } from './line.ts';
import { readPlace } from './stored-line.ts';

export type VerifyOutcome = 'ok' | 'corrupt' | 'fork' | 'truncated' | 'unparsable';

/** The exit status of `audit verify` for each outcome. */
export const verifyExitCodes: Readonly<Record<VerifyOutcome, number>> = {
  ok: 0,
  corrupt: 2,
  fork: 3,
  truncated: 4,
  unparsable: 6,
};

export interface VerifyResult {
  readonly outcome: VerifyOutcome;
  /** The line of the file (1 for the first) that is wrong; null: none, or the file as a whole. */
  readonly line: number | null;
  /** A sentence: what was found, or what is wrong and where. */
  readonly message: string;
  /** What an `ok` does not prove. */
  readonly notes: readonly string[];
  /** The numbers of the first and last line that were found right, and the head at the last. Null: none. */
  readonly first: number | null;
  readonly head: Head | null;
}

export interface VerifyExpectation {
  /** The store whose log it should be; null: unknown, then the beginning of the chain is taken as it is. */
  readonly storeId: string | null;
  /** A head that the log must contain (the store's anchor, a checkpoint); null: none is known. */
  readonly anchor: Head | null;
}

/** Verifies a file. Throws Fault `file` where it cannot be read: that is never an outcome. */
export async function verifyLogFile(path: string, expected: VerifyExpectation): Promise<VerifyResult> {
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 });
  try {
    return await verifyLog(stream, expected);
  } catch (error) {
    throw new Fault('file', `the audit log ${path} cannot be read: ${ioReason(error)}`, { cause: error });
  } finally {
    stream.destroy();
  }
}

/**
 * Verifies a log that arrives in chunks, in constant memory: each line is the canonical form of an entry, its number
 * is the next one, and its `prev` is the hash of all before it; the anchor is among them. The first line may have any
 * number (a sink that was enabled later, a rotated file), and the notes say so.
 */
export async function verifyLog(chunks: AsyncIterable<Uint8Array>, expected: VerifyExpectation): Promise<VerifyResult> {
  const walk = new Walk(expected);
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes =
      rest.byteLength === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      const problem = walk.take(bytes.subarray(start, end));
      if (problem !== null) return problem;
      start = end + 1;
    }
    rest = Buffer.from(bytes.subarray(start));
    if (rest.byteLength > maxLineBytes) return walk.tooLong();
  }
  return rest.byteLength > 0 ? walk.torn(rest.byteLength) : walk.finish();
}

class Walk {
  readonly #expected: VerifyExpectation;
  #line = 0;
  #first: number | null = null;
  #head: Head | null = null;
  #anchored = false;

  constructor(expected: VerifyExpectation) {
    this.#expected = expected;
  }

  /** Null: the line is in its place. */
  take(bytes: Uint8Array): VerifyResult | null {
    this.#line++;
    const read = readPlace(bytes);
    if ('problem' in read) return this.#wrong(read.problem, read.text);
    const problem = this.#head === null ? this.#begins(read) : this.#follows(read, this.#head);
    if (problem !== null) return problem;
    this.#first ??= read.seq;
    this.#head = { seq: read.seq, hash: chainHash(read.prev, bytes) };
    return this.#meetsAnchor(this.#head);
  }

  tooLong(): VerifyResult {
    this.#line++;
    return this.#wrong('unparsable', `is longer than any line of an audit log (${maxLineBytes} bytes)`);
  }

  /** The file ends without a newline. */
  torn(bytes: number): VerifyResult {
    const { anchor } = this.#expected;
    this.#line++;
    if (anchor !== null && !this.#anchored) {
      return this.#wrong(
        'truncated',
        `is cut off (${bytes} bytes without a newline), and the log should have lines up to ${anchor.seq} at least`,
      );
    }
    return this.#wrong(
      'corrupt',
      `is cut off: ${bytes} bytes without a newline. If the process was killed while it wrote them, they were never acknowledged, and the next start removes them`,
    );
  }

  finish(): VerifyResult {
    const { anchor, storeId } = this.#expected;
    if (anchor !== null && anchor.seq > 0 && !this.#anchored) {
      const last = this.#head?.seq ?? 0;
      return this.#result(
        'truncated',
        null,
        `the log ends at line ${last}, but it should have lines up to ${anchor.seq} at least: its end was cut off`,
      );
    }
    const notes: string[] = [];
    if (this.#first !== null && this.#first > 1)
      notes.push(`The file begins with line ${this.#first} of the log: earlier lines are not in it, and were not verified.`);
    if (this.#first === 1 && storeId === null) notes.push('No store was named: that the log belongs to it was not verified.');
    if (anchor === null)
      notes.push('No anchor was given: a cut at the end, a change of the last line or a log made anew would not be seen.');
    else if (this.#head !== null && this.#head.seq > anchor.seq) {
      notes.push(`The store remembers line ${anchor.seq}: a cut behind it, or a change of the last line, would not be seen.`);
    }
    const count = this.#head === null || this.#first === null ? 0 : this.#head.seq - this.#first + 1;
    const range =
      count === 0 ? 'the log is empty' : `${count} lines (${this.#first} to ${this.#head?.seq}) are whole and in order`;
    return this.#result('ok', null, range, notes);
  }

  #begins({ seq, prev }: { readonly seq: number; readonly prev: string }): VerifyResult | null {
    const { anchor, storeId } = this.#expected;
    if (seq === 1 && storeId !== null && prev !== genesis(storeId).hash) {
      return this.#wrong(
        'corrupt',
        `does not begin the log of the store ${storeId}: it was altered, or the log belongs to another store`,
      );
    }
    if (anchor === null || seq <= anchor.seq) return null;
    if (seq > anchor.seq + 1 && anchor.seq > 0) {
      return this.#wrong(
        'truncated',
        `has number ${seq}, but the log should have line ${anchor.seq}: the lines before are not in this file`,
      );
    }
    return this.#meetsAnchor({ seq: seq - 1, hash: prev });
  }

  #follows({ seq, prev }: { readonly seq: number; readonly prev: string }, head: Head): VerifyResult | null {
    if (seq !== head.seq + 1) {
      const missing = seq - head.seq - 1;
      const gap = missing === 1 ? 'a line was removed or moved' : `${missing} lines were removed or moved`;
      const what = seq <= head.seq ? 'a line was repeated or moved' : gap;
      return this.#wrong('corrupt', `has number ${seq} where ${head.seq + 1} must stand: ${what}`);
    }
    if (prev !== head.hash) {
      return this.#wrong(
        'corrupt',
        `does not follow from the line before it (number ${head.seq}): one of the two, or the order, was altered`,
      );
    }
    return null;
  }

  #meetsAnchor({ seq, hash }: Head): VerifyResult | null {
    const { anchor } = this.#expected;
    if (seq !== anchor?.seq) return null;
    this.#anchored = true;
    if (hash === anchor.hash) return null;
    return this.#wrong(
      'fork',
      `is number ${seq}, but not the one that the store remembers: the line was altered, or this is another history of the same log`,
    );
  }

  #wrong(outcome: Exclude<VerifyOutcome, 'ok'>, text: string): VerifyResult {
    return this.#result(outcome, this.#line, `line ${this.#line} ${text}`);
  }

  #result(outcome: VerifyOutcome, line: number | null, message: string, notes: readonly string[] = []): VerifyResult {
    return { outcome, line, message, notes, first: this.#first, head: this.#head };
  }
}
