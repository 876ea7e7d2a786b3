import { isUtf8 } from 'node:buffer';
import { fromBase64, fromUtf8 } from '../../base/bytes.ts';
import { isJsonObject, type Json } from '../../base/json.ts';
import { badRequest } from '../../protocol/request-error.ts';

export type Metadata = Readonly<Record<string, string>>;

/**
 * Metadata in the forms that the Vault API takes: a JSON object of strings as text, `name=value,name=value`, or either
 * of them in base64. Throws RequestError 400.
 */
export function readMetadata(text: string): Metadata {
  if (text.trim() === '') return {};
  for (const form of [text, decoded(text.trim())]) {
    const metadata = form === null ? null : (ofJson(form) ?? ofPairs(form));
    if (metadata !== null) return metadata;
  }
  throw badRequest(
    'failed to parse metadata: it must be a JSON object whose values are strings, as text: "{\\"team\\": \\"payments\\"}"',
  );
}

function decoded(text: string): string | null {
  const bytes = fromBase64(text);
  return bytes === null || !isUtf8(bytes) ? null : fromUtf8(bytes);
}

function ofJson(text: string): Metadata | null {
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch {
    return null;
  }
  return isJsonObject(json) && Object.values(json).every((value) => typeof value === 'string') ? (json as Metadata) : null;
}

function ofPairs(text: string): Metadata | null {
  // A misspelt JSON object is no list of pairs.
  if (text.trim().startsWith('{')) return null;
  const pairs: (readonly [string, string])[] = [];
  for (const pair of text.split(',')) {
    const [name = '', value, ...more] = pair.split('=');
    if (name.trim() === '' || value === undefined || more.length > 0) return null;
    pairs.push([name.trim(), value.trim()]);
  }
  return Object.fromEntries(pairs);
}
