import { atPointer, type JsonObject } from '../base/json.ts';
import type { AuditEntry } from '../core/ports.ts';
import type { SinkHistory } from './sink.ts';
import { readLine } from './stored-line.ts';

export interface EntryQuery {
  readonly type: AuditEntry['type'];
  /** Only lines after this one are looked at: the head that was durable before the entry can have been written. */
  readonly after: number;
  /** Is it this one? `entry` is the line's JSON. */
  matches(entry: JsonObject): boolean;
}

export interface FoundEntry {
  /** The line's JSON; null: not among the lines that were looked at. */
  readonly entry: JsonObject | null;
  /**
   * The number of the earliest line that was looked at (null: none). Where nothing was found and this is greater
   * than `after` + 1, the earlier lines are no longer in the file (it was rotated).
   */
  readonly searchedTo: number | null;
}

// JCS puts these three members last, so a line's number and type are known from its end without parsing it.
const lineEnd = /"seq":(\d{1,16}),"time":"[^"]{1,40}","type":"([^"]{1,40})"\}$/;
const lineEndBytes = 160;

/** Walks back from the last line to the one after `after`. Throws what reading the sink throws. */
export async function findEntry(history: SinkHistory, query: EntryQuery): Promise<FoundEntry> {
  let searchedTo: number | null = null;
  for await (const line of history.backwards()) {
    const end = lineEnd.exec(Buffer.from(line.subarray(-lineEndBytes)).toString('latin1'));
    if (end === null) break;
    const seq = Number(end[1]);
    if (seq <= query.after) break;
    searchedTo = seq;
    if (end[2] !== query.type) continue;
    const read = readLine(line);
    if (!('problem' in read) && query.matches(read.value)) return { entry: read.value, searchedTo };
  }
  return { entry: null, searchedTo };
}

/**
 * Does the log say that this apply was committed? `find` is the log's, `after` the number of its last line before the
 * apply began.
 */
export async function hasApplyCommit(
  log: { find(query: EntryQuery): Promise<FoundEntry> },
  applyId: string,
  after: number,
): Promise<boolean> {
  const matches = (entry: JsonObject) => atPointer(entry, '/request/facts/apply') === applyId;
  return (await log.find({ type: 'apply-commit', after, matches })).entry !== null;
}
