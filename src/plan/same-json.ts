import { isJsonObject, type Json } from '../base/json.ts';

/** Equality of two JSON values; the order of members does not matter, undefined equals only undefined. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    const [first, second] = [a as readonly Json[], b as readonly Json[]];
    return Array.isArray(b) && first.length === second.length && first.every((item, index) => sameJson(item, second[index]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]));
}
