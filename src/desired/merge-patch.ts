import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { unresolved } from '../kinds/validate.ts';

/**
 * `target` with a JSON merge patch (RFC 7396) applied: members of the patch replace those of the target, maps merge,
 * null removes, a list replaces as a whole. Neither argument is changed.
 */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map<string, Json>(Object.entries(target));
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) merged.delete(name);
    else if (isJsonObject(change) && change !== unresolved) {
      const before = merged.get(name);
      merged.set(name, mergePatch(isJsonObject(before) ? before : {}, change));
    } else merged.set(name, change);
  }
  // Not by assignment: a member may be called __proto__.
  return Object.fromEntries(merged);
}

/** How far a patch writes on the way to a place: the whole way, only down to a parent of it, or not at all. */
export function patchReaches(patch: JsonObject, tokens: readonly string[]): 'writes' | 'merges' | 'no' {
  let current: Json = patch;
  for (const token of tokens) {
    if (!isJsonObject(current)) return 'writes';
    if (!Object.hasOwn(current, token)) return 'no';
    current = current[token] as Json;
  }
  return isJsonObject(current) ? 'merges' : 'writes';
}
