import type { Json, JsonObject } from '../base/json.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';

/**
 * How deep objects and lists may lie in each other: whatever walks the data of a request may recurse. The 64 levels that
 * a secret or a spec may have, and those of the request around it.
 */
const maxDepth = 80;
/** How many values and member names one request may hold: as many as the door of a server lets through at most. */
const maxValues = 4_000_000;
/** Characters of all texts and names together. */
const maxText = 32 * 1024 * 1024;

/**
 * What is wrong with the size or the depth of the data of a request; null: nothing. A listener refuses such a body before
 * it is parsed; this holds for those who come without one, too.
 */
export function dataProblem(data: JsonObject): RequestError | null {
  let level: Json[] = [data];
  let values = 0;
  let text = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) return badRequest(`objects and lists nest deeper than ${maxDepth} levels`);
    const next: Json[] = [];
    for (const value of level) {
      const members = Object.values(value as object) as readonly Json[];
      values += members.length;
      for (const member of members) {
        if (typeof member === 'string') text += member.length;
        else if (typeof member === 'object' && member !== null) next.push(member);
      }
      if (Array.isArray(value)) continue;
      const names = Object.keys(value as object);
      values += names.length;
      for (const name of names) text += name.length;
    }
    if (values > maxValues) return new RequestError(413, `the request holds more than ${maxValues} values`);
    if (text > maxText) return new RequestError(413, `the request holds more than ${maxText} characters`);
    level = next;
  }
  return null;
}
