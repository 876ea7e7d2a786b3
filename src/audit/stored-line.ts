import { fromUtf8 } from '../base/bytes.ts';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { scanLine } from './canonical-scan.ts';
import { isChainHash } from './chain.ts';

/** The place that a line claims to have in the chain. */
export interface ClaimedPlace {
  readonly seq: number;
  /** The chain hash before this line, hex. */
  readonly prev: string;
}

/** A line as it was read back. */
export interface StoredLine extends ClaimedPlace {
  readonly value: JsonObject;
}

/** Why bytes are no line of an audit log: not one at all (`unparsable`), or one that was altered (`corrupt`). */
export interface LineProblem {
  readonly problem: 'unparsable' | 'corrupt';
  /** Completes "line 7 …". */
  readonly text: string;
}

/**
 * Reads a line (without its newline). A line is the JCS text of exactly ten members, so that each entry has one
 * possible line: duplicate names, white space and a carriage return are alterations.
 */
export function readLine(bytes: Uint8Array): StoredLine | LineProblem {
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    return { problem: 'unparsable', text: 'is not UTF-8 text' };
  }
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return { problem: 'unparsable', text: 'is not JSON' };
  }
  const foreign = foreignMember(value);
  if (foreign !== null) return { problem: 'unparsable', text: foreign };
  if (canonicalOf(value) !== text) {
    return {
      problem: 'corrupt',
      text: 'is not in canonical form (white space, a duplicate member or another order), so it was altered',
    };
  }
  const { seq, prev } = value as { seq: number; prev: string };
  return { seq, prev, value: value as JsonObject };
}

/** As `readLine`, for those who only want the line's place: a fast scan, and `readLine` where that does not suffice. */
export function readPlace(bytes: Uint8Array): ClaimedPlace | LineProblem {
  return scanLine(bytes) ?? readLine(bytes);
}

const isText = (value: Json | undefined) => typeof value === 'string';
const isObjectOrNull = (value: Json | undefined) => value === null || isJsonObject(value);
const isCount = (value: Json | undefined) => Number.isSafeInteger(value) && (value as number) >= 0;

const memberChecks: Readonly<Record<string, (value: Json | undefined) => boolean>> = {
  auth: isObjectOrNull,
  boot: isText,
  epoch: isCount,
  error: (value) => value === null || isText(value),
  prev: isChainHash,
  request: isObjectOrNull,
  response: isObjectOrNull,
  seq: (value) => isCount(value) && value !== 0,
  time: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(value),
  type: isText,
};
const memberNames = Object.keys(memberChecks);

function foreignMember(value: Json): string | null {
  if (!isJsonObject(value)) return 'is not an entry of an audit log';
  for (const name of memberNames) {
    if (!Object.hasOwn(value, name)) return `is not an entry of an audit log: it has no "${name}"`;
    if (!memberChecks[name]?.(value[name])) return `is not an entry of an audit log: its "${name}" is not of the right form`;
  }
  return Object.keys(value).length === memberNames.length
    ? null
    : 'is not an entry of an audit log: it has members that no entry has';
}

function canonicalOf(value: Json): string | null {
  try {
    return canonicalJson(value);
  } catch {
    return null;
  }
}
