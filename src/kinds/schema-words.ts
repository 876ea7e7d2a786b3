import { isJsonObject, type Json } from '../base/json.ts';
import type { SpecSchema } from './kind.ts';

// How messages call types, formats and numbers of things.

const articles: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  integer: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  null: 'null',
};

export const formatNames: Readonly<Record<string, string>> = {
  duration: 'a duration such as 90s, 1h30m or 30d',
  date: 'a date such as 2027-01-31',
  cidr: 'an IP address or a CIDR block such as 10.0.0.0/8',
};

export function typeNames(types: readonly string[], { format }: SpecSchema): string {
  if (types.length === 1 && types[0] === 'string' && format !== undefined) return formatNames[format] ?? 'text';
  return types.map((type) => articles[type] ?? type).join(' or ');
}

export function typeName(value: Json): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (isJsonObject(value)) return 'a map';
  return typeof value === 'number' ? 'a number' : typeof value === 'boolean' ? 'true or false' : 'text';
}

export function typeHint(types: readonly string[], value: Json): string | null {
  if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean'))
    return 'put it in quotes to make it text';
  if (types.includes('array') && typeof value === 'string') return 'put it in brackets to make it a list';
  if (types.includes('boolean') && typeof value === 'string' && /^(y|yes|no?|on|off)$/i.test(value)) return 'write true or false';
  const plain = types.includes('number') || types.includes('integer') || types.includes('boolean');
  return plain && typeof value === 'string' && /^(true|false|-?\d+(\.\d+)?)$/.test(value) ? 'leave the quotes away' : null;
}

export function firstSentence(text: string): string {
  const end = text.search(/[.:;]\s/);
  return end < 0 ? text : text.slice(0, end + 1);
}

export function count(number: number, noun: string): string {
  return number === 1 ? `1 ${noun}` : `${number} ${noun === 'entry' ? 'entries' : `${noun}s`}`;
}
