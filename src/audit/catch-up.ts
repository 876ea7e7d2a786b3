import { Fault } from '../base/error.ts';
import type { JsonObject } from '../base/json.ts';
import { chainHash, type Head } from './chain.ts';
import type { AuditSink, SinkHistory } from './sink.ts';
import { readPlace } from './stored-line.ts';

/** Where lines can be read from: a sink that can be read back, or what the log holds in memory. */
export type LineSource = Pick<SinkHistory, 'locate' | 'bytesFrom'>;

/**
 * Copies to a sink that stands at `from` the lines which it lacks, from the first source that has them. Returns where it
 * stands then (while lines are appended to the source that may be behind its end), or null: no source has them. Throws
 * Fault `audit-fork` where `from` is not a place of this log, and what reading and appending throw.
 */
export async function catchUp(
  sink: Pick<AuditSink, 'name' | 'append'>,
  from: Head,
  sources: readonly LineSource[],
): Promise<Head | null> {
  for (const source of sources) {
    const located = await source.locate(from.seq);
    if (located === null) continue;
    if (located.head.hash !== from.hash) throw forked(sink.name, from.seq);
    let head = from;
    for await (const lines of wholeLines(source.bytesFrom(located.offset))) {
      await sink.append(lines);
      head = headAtEnd(lines) ?? head;
    }
    return head;
  }
  return null;
}

/** How far the log is. */
export interface LogEnds {
  /** The last line that is durable in a sink. */
  readonly durable: Head;
  /** The last line that has a number: behind `durable` after a batch with an unknown outcome. */
  readonly end: Head;
}

interface Surroundings extends LogEnds {
  readonly sources: readonly LineSource[];
  /** Makes a head durable in the store: a file that begins behind it joins on to it. */
  readonly saveAnchor: (head: Head) => Promise<void>;
}

/**
 * Brings a sink, opened just now, to the end of a running log. `at`: where it stands; null: it holds nothing, so it
 * begins behind the last line that is known to be stored. Where nobody has the lines any more that it lacks, what it
 * holds is put aside. Returns what the log has to say of that; null: it lacked nothing. Throws as `catchUp`.
 */
export async function bringIn(
  sink: AuditSink,
  at: Head | null,
  { durable, end, sources, saveAnchor }: Surroundings,
): Promise<JsonObject | null> {
  const { name } = sink;
  if (at !== null) {
    if (same(at, end)) return null;
    if (at.seq >= end.seq) throw forked(name, at.seq);
    if ((await catchUp(sink, at, sources)) !== null) return { event: 'sink-caught-up', sink: name, after: at.seq };
  }
  if (sink.history !== null) await saveAnchor(durable);
  let note: JsonObject | null = durable.seq === 0 ? null : { event: 'sink-started', sink: name, after: durable.seq };
  if (at !== null) {
    const setAside = sink.history === null ? null : await sink.startAnew();
    note = { event: 'sink-lacks', sink: name, from: at.seq + 1, to: durable.seq, set_aside: setAside };
  }
  if (!same(durable, end)) await catchUp(sink, durable, sources);
  return note;
}

function same(a: Head, b: Head): boolean {
  return a.seq === b.seq && a.hash === b.hash;
}

/** The head at the last of some lines, each of which ends in a newline. Null: they are no lines of a log. */
function headAtEnd(lines: Uint8Array): Head | null {
  const end = lines.byteLength - 1;
  const last = lines.subarray(lines.subarray(0, end).lastIndexOf(0x0a) + 1, end);
  const place = readPlace(last);
  return 'problem' in place ? null : { seq: place.seq, hash: chainHash(place.prev, last) };
}

/** Regroups chunks so that each ends in a newline. */
async function* wholeLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array(0);
  for await (const chunk of chunks) {
    const joined = new Uint8Array(rest.byteLength + chunk.byteLength);
    joined.set(rest);
    joined.set(chunk, rest.byteLength);
    const end = joined.lastIndexOf(0x0a) + 1;
    if (end > 0) yield joined.subarray(0, end);
    rest = joined.slice(end);
  }
}

export function forked(sink: string, seq: number): Fault {
  return loss('audit-fork', `the audit sink ${sink} ends in a line ${seq} that is not in this store's log`);
}

export function loss(code: 'audit-truncated' | 'audit-fork', message: string): Fault {
  return new Fault(code, message, {
    hint:
      'Put the original file back (if it was rotated while the store was not running, move it back). If it is lost, accept the ' +
      'loss with -accept-audit-loss: what is there is put aside, and the log goes on with an entry that records the loss.',
  });
}
