import { Fault } from '../base/error.ts';
import { chainHash, type Head } from './chain.ts';
import { maxLineBytes } from './line.ts';
import { type ClaimedPlace, readPlace } from './stored-line.ts';

/** A log that can be read at any place. */
export interface Readable {
  /** For messages: the file's path. */
  readonly label: string;
  /** Reads into `target`; returns how many bytes, 0 at the end. */
  read(target: Uint8Array, position: number): Promise<number>;
}

const blockBytes = 64 * 1024;
const newline = 0x0a;

/**
 * The lines of `[0, end)` from the last to the first, each without its newline and with the offset of its first byte.
 * The byte before `end` is the newline of the last line. A line is only lent until the next one is asked for. Throws
 * Fault `audit-corrupt` for a line that no log has for its length.
 */
export async function* linesBackwards(
  log: Readable,
  end: number,
): AsyncGenerator<{ readonly line: Uint8Array; readonly offset: number }> {
  // Bytes [start, start + held.byteLength) of the log; the newline of the line that is looked for is the last of them.
  let held = new Uint8Array(0);
  let start = end;
  for (let lineEnd = end - 1; lineEnd >= 0;) {
    let before = held.subarray(0, Math.max(0, lineEnd - start)).lastIndexOf(newline);
    while (before === -1 && start > 0) {
      if (lineEnd - start > maxLineBytes)
        throw corrupt(log, `holds a line of more than ${maxLineBytes} bytes before byte ${lineEnd}`);
      const from = Math.max(0, start - Math.max(blockBytes, lineEnd - start));
      const more = await readExactly(log, from, start - from);
      before = more.subarray(0, Math.min(more.byteLength, lineEnd - from)).lastIndexOf(newline);
      const kept = held.subarray(0, Math.max(0, lineEnd - start));
      held = new Uint8Array(more.byteLength + kept.byteLength);
      held.set(more);
      held.set(kept, more.byteLength);
      start = from;
    }
    const offset = start + before + 1;
    yield { line: held.subarray(offset - start, lineEnd - start), offset };
    lineEnd = offset - 1;
  }
}

/** The offset behind the last newline of `[0, size)`: what follows is a torn line. */
export async function endOfLastLine(log: Readable, size: number): Promise<number> {
  for (let end = size; end > 0;) {
    const from = Math.max(0, end - blockBytes);
    const at = (await readExactly(log, from, end - from)).lastIndexOf(newline);
    if (at !== -1) return from + at + 1;
    if (size - from > maxLineBytes)
      throw corrupt(log, `ends in ${size - from} bytes or more without a newline, so it is not an audit log`);
    end = from;
  }
  return 0;
}

/** A line met on the way back, found to be in its place. */
export interface PlacedLine extends ClaimedPlace {
  readonly hash: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * The lines from the last to the first, each checked against the one after it. Throws Fault `audit-corrupt` where a
 * line was altered, removed or put in.
 */
export async function* chainBackwards(log: Readable, end: number): AsyncGenerator<PlacedLine> {
  let after: ClaimedPlace | null = null;
  for await (const { line, offset } of linesBackwards(log, end)) {
    const read = readPlace(line);
    if ('problem' in read) throw corrupt(log, `holds at byte ${offset} a line that ${read.text}`);
    const hash = chainHash(read.prev, line);
    if (after !== null && (after.seq !== read.seq + 1 || after.prev !== hash)) {
      throw corrupt(log, `breaks off at byte ${offset}: line ${after.seq} does not follow from the line before it (${read.seq})`);
    }
    yield { seq: read.seq, prev: read.prev, hash, offset, bytes: line };
    after = read;
  }
}

/** Where the lines after `seq` begin, and the head there; see SinkHistory.locate. */
export async function locate(
  log: Readable,
  end: number,
  seq: number,
): Promise<{ readonly head: Head; readonly offset: number } | null> {
  let first: PlacedLine | null = null;
  for await (const line of chainBackwards(log, end)) {
    if (line.seq <= seq) {
      return line.seq === seq ? { head: { seq, hash: line.hash }, offset: line.offset + line.bytes.byteLength + 1 } : null;
    }
    first = line;
  }
  return first !== null && first.seq === seq + 1 ? { head: { seq, hash: first.prev }, offset: 0 } : null;
}

async function readExactly(log: Readable, position: number, length: number): Promise<Uint8Array> {
  const target = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await log.read(target.subarray(filled), position + filled);
    if (count === 0) throw corrupt(log, `became shorter while it was read (at byte ${position + filled})`);
    filled += count;
  }
  return target;
}

export function corrupt(log: { readonly label: string }, what: string): Fault {
  return new Fault('audit-corrupt', `the audit log ${log.label} ${what}`, { hint: corruptHint });
}

const corruptHint =
  'Nothing was changed. Run "secretctl audit verify" to see where, keep a copy as evidence and restore the file from a backup; ' +
  'or accept the loss with -accept-audit-loss, which puts the file aside and records that in the new one.';
