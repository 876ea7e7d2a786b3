import { isUtf8 } from 'node:buffer';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { JsonScan } from './json-scan.ts';

/**
 * The object that a body holds; an empty body and `null` count as the empty object. Throws RequestError 400 for what is
 * no JSON, and for JSON that would not be kept as it was sent: a member that comes twice, half a surrogate pair, a number
 * that a double does not hold. `scan` has seen the whole body.
 */
export function parseJsonBody(bytes: Buffer, scan: JsonScan): JsonObject {
  if (bytes.length === 0) return {};
  if (!isUtf8(bytes)) throw undecodable('it is not UTF-8');
  const text = bytes.toString('utf8');
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    if (text.trim() === '') return {};
    // The message of the parser quotes the body.
    const { message } = error as Error;
    const position = /at position (\d+)/.exec(message)?.[1];
    if (message.startsWith('Unexpected end')) throw undecodable('unexpected end of JSON input');
    throw undecodable(position === undefined ? 'unexpected character' : `unexpected character at position ${position}`);
  }
  if (value === null) return {};
  if (!isJsonObject(value)) throw undecodable('it is not an object');
  if (countMembers(value, scan.escapes) !== scan.members) throw undecodable('a member comes twice');
  if (scan.longNumbers) checkWholeNumbers(text);
  return value;
}

/** Recursion is bounded by the depth that the scan allowed. */
function countMembers(value: Json, escapes: boolean): number {
  if (typeof value === 'string') {
    if (escapes) checkText(value);
    return 0;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw undecodable('a number is too large');
    return 0;
  }
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) count += countMembers(item, escapes);
    return count;
  }
  const object = value as JsonObject;
  for (const name of Object.keys(object)) {
    if (escapes) checkText(name);
    count += 1 + countMembers(object[name] as Json, escapes);
  }
  return count;
}

function checkText(text: string): void {
  if (!text.isWellFormed()) throw undecodable('a string holds half a surrogate pair');
}

/** `text` is JSON. */
function checkWholeNumbers(text: string): void {
  const number = /-?\d[\d.eE+-]*/y;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '"') {
      do index = text.indexOf('"', index + 1);
      while (isEscaped(text, index));
      continue;
    }
    number.lastIndex = index;
    const token = number.exec(text)?.[0];
    if (token === undefined) continue;
    index += token.length - 1;
    if (/[.eE]/.test(token) || BigInt(Number(token)) === BigInt(token) || String(Number(token)) === token) continue;
    throw undecodable('a whole number has too many digits to be kept exactly: send it as a string');
  }
}

function isEscaped(text: string, index: number): boolean {
  let start = index;
  while (text[start - 1] === '\\') start--;
  return (index - start) % 2 === 1;
}

function undecodable(why: string): Error {
  return badRequest(`failed to decode JSON input: ${why}`);
}
