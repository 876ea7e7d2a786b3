import { isJsonObject, type Json, type JsonObject } from '../../../../base/json.ts';
import { badRequest } from '../../../../protocol/request-error.ts';

/** When a change counts as done, as commands take it. */
export interface WriteConcern {
  readonly w: number | string;
  /** Milliseconds. */
  readonly wtimeout: number;
  readonly j?: boolean;
}

const longestWait = 10_000;
export const defaultWriteConcern: WriteConcern = { w: 'majority', wtimeout: longestWait };

/**
 * Reads `write_concern`: a JSON object, as it is or in base64, with the members that the Vault API has for it: `w` (how
 * many servers) or `wmode` (`majority`, or a name of the replica set's own), `wtimeout` (milliseconds), `j` or `fsync`.
 * Throws RequestError 400.
 */
export function parseWriteConcern(text: string): WriteConcern {
  if (text === '') return defaultWriteConcern;
  let { w, wtimeout } = defaultWriteConcern;
  let j: boolean | undefined;
  for (const [name, value] of Object.entries(objectIn(text))) {
    const wrong = (wanted: string) => badRequest(`write_concern has ${name}, which takes ${wanted}`);
    switch (name.toLowerCase()) {
      case 'w':
        if (!isCount(value) || value > 50) throw wrong('a number from 1 to 50');
        if (value > 0) w = value;
        break;
      case 'wmode':
        if (typeof value !== 'string') throw wrong('a text');
        if (value !== '' && typeof w !== 'number') w = value;
        break;
      case 'wtimeout':
        if (!isCount(value)) throw wrong('milliseconds');
        if (value > 0) wtimeout = Math.min(value, longestWait);
        break;
      case 'j':
      case 'fsync':
        if (typeof value !== 'boolean') throw wrong('true or false');
        j = value || j === true;
        break;
      default:
        throw badRequest(`write_concern has "${name}"; there are w, wmode, wtimeout, j, fsync`);
    }
  }
  return { w, wtimeout, ...(j === undefined ? {} : { j }) };
}

const isCount = (value: Json | undefined): value is number => Number.isInteger(value) && (value as number) >= 0;

function objectIn(text: string): JsonObject {
  const inside = text.trim().startsWith('{') ? text : Buffer.from(text, 'base64').toString('utf8');
  try {
    const value = JSON.parse(inside) as Json;
    if (isJsonObject(value)) return value;
  } catch {
    // It is refused like any other that is none.
  }
  throw badRequest('write_concern is not a JSON object, nor one in base64');
}
