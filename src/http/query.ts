import type { JsonObject } from '../base/json.ts';
import { badRequest } from '../protocol/request-error.ts';
import { percentDecode } from './target.ts';

/** The parameters of a query or of a form (`application/x-www-form-urlencoded`), in the order in which they came. */
export type Parameters = ReadonlyMap<string, readonly string[]>;

/** Throws RequestError 400 for what is no percent-encoded UTF-8, holds a `;`, or has more than `limit` parameters. */
export function parseParameters(text: string, limit: number): Parameters {
  const parameters = new Map<string, string[]>();
  if (text === '') return parameters;
  const pairs = text.split('&', limit + 2);
  if (pairs.at(-1) === '') pairs.pop();
  if (pairs.length > limit) throw badRequest(`more than ${limit} parameters`);
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    const values = parameters.get(name);
    if (values === undefined) parameters.set(name, [value]);
    else values.push(value);
  }
  return parameters;
}

function decode(text: string): string {
  if (text.includes(';')) throw badRequest('a parameter holds a ";" that is not encoded');
  const decoded = percentDecode(text.replaceAll('+', '%20'));
  if (decoded === null) throw badRequest('the parameters are not percent-encoded UTF-8');
  return decoded;
}

/** The parameters as the data of a request: a string each, or the list of those that came more than once. */
export function queryData(parameters: Parameters): JsonObject {
  const members: [string, string | readonly string[]][] = [];
  for (const [name, values] of parameters) members.push([name, values.length === 1 ? (values[0] ?? '') : values]);
  return Object.fromEntries(members);
}

/**
 * The fields of a form as the data of a request: a string each, those that came more than once joined by commas. People
 * type forms, so spaces and letters need not be percent-encoded. Throws RequestError 400 as parseParameters does.
 */
export function formData(bytes: Buffer, limit: number): JsonObject {
  const encoded = bytes.toString('latin1').replace(/[^!-~]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return Object.fromEntries([...parseParameters(encoded, limit)].map(([name, values]) => [name, values.join(',')]));
}

/** A boolean parameter, with the words that the Vault API takes; null: absent. Throws RequestError 400 for others. */
export function booleanParameter(parameters: Parameters, name: string): boolean | null {
  const value = parameters.get(name)?.[0] ?? '';
  if (value === '') return null;
  if (/^(?:1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw badRequest(`the parameter "${name}" must be true or false`);
}
