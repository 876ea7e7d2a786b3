import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import type { Parameters, PolicyRule } from './rule.ts';

/** Compiled parameter rules: says whether a body may be sent. */
export type ParameterCheck = (data: JsonObject) => boolean;

/**
 * The parameter rules of a rule, or null where it has none: first what is required, then what is denied, then what is
 * allowed. Only the top level of a body is looked at, and only what was sent: a default of the server is not seen.
 */
export function parameterCheck(rule: PolicyRule): ParameterCheck | null {
  const { requiredParameters: required = [], allowedParameters, deniedParameters } = rule;
  if (required.length === 0 && allowedParameters === undefined && deniedParameters === undefined) return null;
  const allowed = byName(allowedParameters);
  const denied = byName(deniedParameters);
  const others = allowed.size === 0 || allowed.has('*');
  return (data) => {
    if (!required.every((name) => Object.hasOwn(data, name))) return false;
    const sent = Object.entries(data);
    if (sent.length > 0 && denied.has('*')) return false;
    return sent.every(([key, value]) => {
      const name = key.toLowerCase();
      const refused = denied.get(name);
      if (refused !== undefined && isListed(value, refused)) return false;
      const accepted = allowed.get(name);
      return accepted === undefined ? others : isListed(value, accepted);
    });
  };
}

function byName(parameters: Parameters | undefined): ReadonlyMap<string, readonly Json[]> {
  return new Map(Object.entries(parameters ?? {}));
}

function isListed(value: Json, list: readonly Json[]): boolean {
  return list.length === 0 || list.some((item) => matches(item, value));
}

/** A text may have `*` at its start, its end or both (but a lone `*` is just that character). */
function matches(item: Json, value: Json): boolean {
  if (typeof item !== 'string' || typeof value !== 'string' || item.length < 2) return equal(item, value);
  const anyStart = item.startsWith('*');
  const anyEnd = item.endsWith('*');
  if (anyStart && anyEnd) return value.includes(item.slice(1, -1));
  if (anyStart) return value.endsWith(item.slice(1));
  return anyEnd ? value.startsWith(item.slice(0, -1)) : value === item;
}

function equal(a: Json, b: Json): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    const [left, right] = [a, b] as [readonly Json[], readonly Json[]];
    return left.length === right.length && left.every((item, index) => equal(item, right[index] ?? null));
  }
  if (isJsonObject(a) && isJsonObject(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key] ?? null, b[key] ?? null))
    );
  }
  return a === b;
}
