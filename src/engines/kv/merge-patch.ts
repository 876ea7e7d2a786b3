import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';

/**
 * `target` with a JSON merge patch (RFC 7396) applied: members of the patch replace those of the target, objects merge,
 * null removes. The depth of the patch bounds the recursion.
 */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map<string, Json>(Object.entries(target));
  for (const [name, change] of Object.entries(patch)) {
    const before = merged.get(name);
    if (change === null) merged.delete(name);
    else merged.set(name, isJsonObject(change) ? mergePatch(isJsonObject(before) ? before : {}, change) : change);
  }
  // Not by assignment: a member may be called __proto__.
  return Object.fromEntries(merged);
}
