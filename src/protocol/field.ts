import { parseDuration } from '../base/duration.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { badRequest } from './request-error.ts';

/**
 * A field of a request body, with the lenient types of the Vault API: an integer may come as its digits, a boolean
 * as `"true"`, a duration as `"1h"` or seconds, a list of strings as one comma-separated string, a list of texts as one
 * text, which commas do not cut, a map of strings as `"k=v"` or a list of such texts.
 */
export interface Field {
  readonly type: 'string' | 'int' | 'bool' | 'duration' | 'strings' | 'texts' | 'ints' | 'map' | 'stringMap' | 'any';
  readonly description: string;
  readonly required?: boolean;
  readonly default?: Json;
}
export type Fields = Readonly<Record<string, Field>>;

type ValueOf<F extends Field> = F['type'] extends 'string'
  ? string
  : F['type'] extends 'int' | 'duration'
    ? number
    : F['type'] extends 'bool'
      ? boolean
      : F['type'] extends 'strings' | 'texts'
        ? readonly string[]
        : F['type'] extends 'ints'
          ? readonly number[]
          : F['type'] extends 'map'
            ? JsonObject
            : F['type'] extends 'stringMap'
              ? Readonly<Record<string, string>>
              : Json;
type Certain<F extends Field> = F extends { required: true } ? true : F extends { default: Json } ? true : false;

/** The typed body: a field is absent unless it was sent, is required or has a default. */
export type Body<F extends Fields> = {
  readonly [K in keyof F]: Certain<F[K]> extends true ? ValueOf<F[K]> : ValueOf<F[K]> | undefined;
};

/**
 * Reads the declared fields of a body; members that are not declared are ignored, as Vault ignores them.
 * Throws RequestError 400 naming the first field that is missing or of the wrong type.
 */
export function readFields<const F extends Fields>(fields: F, data: JsonObject): Body<F> {
  const body: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const sent = Object.hasOwn(data, name) ? data[name] : undefined;
    if (sent === undefined || sent === null) {
      if (field.required) throw badRequest(`missing ${name}`);
      if (field.default !== undefined) body[name] = field.default;
      continue;
    }
    // A parameter of a query without a value, `?version=`, asks for no number.
    if (sent === '' && field.type === 'int') {
      if (field.default !== undefined) body[name] = field.default;
      continue;
    }
    const value = coerce(field, sent);
    if (value === undefined) throw badRequest(`field "${name}" must be ${described[field.type]}`);
    body[name] = value;
  }
  return body as Body<F>;
}

const described: Readonly<Record<Field['type'], string>> = {
  string: 'a string',
  int: 'a whole number',
  bool: 'true or false',
  duration: 'a duration such as "1h" or a number of seconds',
  strings: 'a list of strings',
  texts: 'a list of strings',
  ints: 'a list of whole numbers',
  map: 'an object',
  stringMap: 'an object whose values are texts',
  any: 'a value',
};

function coerce(field: Field, sent: Json): unknown {
  switch (field.type) {
    case 'any':
      return sent;
    case 'string':
      return plainText(sent);
    case 'int':
      return wholeNumber(sent);
    case 'bool':
      if (typeof sent === 'boolean') return sent;
      if (sent === 'true' || sent === '1' || sent === 1) return true;
      return sent === 'false' || sent === '0' || sent === 0 ? false : undefined;
    case 'duration': {
      const seconds = parseDuration(sent);
      return seconds === null ? undefined : Math.trunc(seconds);
    }
    case 'strings':
      return strings(sent);
    case 'texts':
      return sent === '' ? [] : typeof sent === 'string' ? [sent] : strings(sent);
    case 'ints': {
      const list = typeof sent === 'number' ? [sent] : Array.isArray(sent) ? (sent as readonly Json[]) : strings(sent);
      const numbers = list?.map(wholeNumber);
      return numbers?.every((item) => item !== undefined) ? numbers : undefined;
    }
    case 'map':
      return isJsonObject(sent) ? sent : undefined;
    case 'stringMap':
      return stringMap(sent);
  }
}

function stringMap(sent: Json): Readonly<Record<string, string>> | undefined {
  const pairs = isJsonObject(sent) ? Object.entries(sent) : (typeof sent === 'string' ? [sent] : listOf(sent))?.map(pair);
  const known = pairs?.map(([name, value]) => [name, plainText(value)] as const);
  return known?.every(([, value]) => value !== undefined) ? (Object.fromEntries(known) as Record<string, string>) : undefined;
}

function listOf(sent: Json): readonly Json[] | undefined {
  return Array.isArray(sent) ? (sent as readonly Json[]) : undefined;
}

/** The name and value of `k=v`; no value where it is something else. */
function pair(text: Json): [name: string, value: Json] {
  const at = typeof text === 'string' ? text.indexOf('=') : 0;
  return typeof text === 'string' && at > 0 ? [text.slice(0, at), text.slice(at + 1)] : ['', null];
}

function plainText(value: Json): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function wholeNumber(sent: Json): number | undefined {
  if (typeof sent === 'number') return Number.isSafeInteger(sent) ? sent : undefined;
  return typeof sent === 'string' && /^-?\d{1,15}$/.test(sent.trim()) ? Number(sent) : undefined;
}

function strings(sent: Json): readonly string[] | undefined {
  if (typeof sent === 'string')
    return sent
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  return Array.isArray(sent) && sent.every((item) => typeof item === 'string') ? sent : undefined;
}
