/** A value that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * JSON in the one canonical form of RFC 8785 (JCS): members sorted by UTF-16 code units, no white space.
 * Members whose value is `undefined` are left out. Throws a TypeError for NaN, an infinity or a lone surrogate.
 */
export function canonicalJson(value: Json | undefined): string {
  if (typeof value === 'string') return canonicalText(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('a number that is not finite has no JSON form');
    return String(value);
  }
  // Joined at each level: a long text that is made piece by piece costs twice the time, most of it to collect the pieces.
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) parts.push(canonicalJson(item));
    return `[${parts.join(',')}]`;
  }
  const object = value as { readonly [key: string]: Json | undefined };
  for (const key of sortedKeys(object)) {
    const member = object[key];
    if (member !== undefined) parts.push(`${canonicalText(key)}:${canonicalJson(member)}`);
  }
  return `{${parts.join(',')}}`;
}

/** The names of the members in the order of JCS; most objects that are written again and again have them so already. */
export function sortedKeys(object: object): string[] {
  const keys = Object.keys(object);
  for (let index = 1; index < keys.length; index++) {
    if ((keys[index - 1] as string) > (keys[index] as string)) return keys.sort();
  }
  return keys;
}

const obviousText = /^[ !#-[\]-~]*$/;

function canonicalText(text: string): string {
  // Nearly every text is short and has nothing to escape.
  if (text.length < 100 && obviousText.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new TypeError('a string with a lone surrogate has no canonical JSON form');
  return JSON.stringify(text);
}

/** Do objects and lists lie in each other over at most so many levels? Bounds the recursion of whoever walks the value. */
export function nestsAtMost(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((item: Json) => nestsAtMost(item, levels - 1));
}

/** The value at an RFC 6901 JSON pointer, or undefined where the pointer leads nowhere. */
export function atPointer(value: Json, pointer: string): Json | undefined {
  let current: Json | undefined = value;
  for (const token of pointerTokens(pointer)) {
    if (Array.isArray(current)) current = /^\d+$/.test(token) ? (current as readonly Json[])[Number(token)] : undefined;
    else if (isJsonObject(current) && Object.hasOwn(current, token)) current = current[token];
    else return undefined;
  }
  return current;
}

/** The tokens of an RFC 6901 JSON pointer; `''` is the whole document. Throws a TypeError where it starts without `/`. */
export function pointerTokens(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw new TypeError(`not a JSON pointer: ${pointer}`);
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The RFC 6901 JSON pointer that leads through `tokens`. */
export function toPointer(tokens: readonly (string | number)[]): string {
  return tokens.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
