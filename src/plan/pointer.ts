import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';

/**
 * The value with `replacement` at the place that the tokens of a JSON pointer lead to; objects on the way are made
 * where there are none. `undefined` removes the member. Shares what does not change. An index outside of an array
 * changes nothing.
 */
export function withValueAt(value: JsonObject, tokens: readonly string[], replacement: Json | undefined): JsonObject {
  return (put(value, tokens, 0, replacement) ?? {}) as JsonObject;
}

function put(value: Json | undefined, tokens: readonly string[], depth: number, replacement: Json | undefined): Json | undefined {
  const token = tokens[depth];
  if (token === undefined) return replacement;
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    const index = /^\d+$/.test(token) ? Number(token) : items.length;
    if (index >= items.length) return items;
    const item = put(items[index], tokens, depth + 1, replacement);
    return item === undefined ? items.toSpliced(index, 1) : items.with(index, item);
  }
  const object = isJsonObject(value) ? value : {};
  const own = Object.hasOwn(object, token) ? object[token] : undefined;
  const member = put(own, tokens, depth + 1, replacement);
  // Built from entries: an assignment to the name `__proto__` would not make a member.
  const others = Object.entries(object).filter(([name]) => name !== token);
  if (member === undefined) return own === undefined && isJsonObject(value) ? value : Object.fromEntries(others);
  if (own !== undefined) {
    return Object.fromEntries(Object.entries(object).map(([name, kept]) => [name, name === token ? member : kept]));
  }
  return Object.fromEntries([...others, [token, member]]);
}
