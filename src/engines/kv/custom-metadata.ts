import type { Json, JsonObject } from '../../base/json.ts';
import { RequestError } from '../../protocol/request-error.ts';

/** The limits of the Vault API. Lengths are bytes of UTF-8. */
export const maxCustomMetadataEntries = 64;
const maxCustomMetadataKeyBytes = 128;
const maxCustomMetadataValueBytes = 512;

type CustomMetadata = Readonly<Record<string, string>>;

const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

/** What is wrong with custom metadata, one sentence for each problem; it quotes keys, no values. Empty: nothing. */
export function customMetadataProblems(metadata: CustomMetadata): readonly string[] {
  const entries = Object.entries(metadata);
  if (entries.length > maxCustomMetadataEntries) {
    return [`payload must contain at most ${maxCustomMetadataEntries} keys, provided ${entries.length}`];
  }
  return entries.flatMap(([key, value]) => {
    const name = JSON.stringify(key);
    const keyBytes = Buffer.byteLength(key);
    const valueBytes = Buffer.byteLength(value);
    const problems: string[] = [];
    if (keyBytes === 0 || keyBytes > maxCustomMetadataKeyBytes) {
      problems.push(`length of key ${name} is ${keyBytes} but must be 0 < len(key) <= ${maxCustomMetadataKeyBytes}`);
    }
    if (valueBytes === 0 || valueBytes > maxCustomMetadataValueBytes) {
      problems.push(
        `length of value for key ${name} is ${valueBytes} but must be 0 < len(value) <= ${maxCustomMetadataValueBytes}`,
      );
    }
    if (unprintable.test(key)) problems.push(`key ${name} contains unprintable characters`);
    if (unprintable.test(value)) problems.push(`value for key ${name} contains unprintable characters`);
    return problems;
  });
}

/** The custom metadata of a body that replaces all there was; null for none. Throws RequestError 400 listing all problems. */
export function readCustomMetadata(sent: JsonObject): CustomMetadata | null {
  return checked(Object.fromEntries(Object.entries(sent).map(([key, value]) => [key, text(key, value)])));
}

/** `current` with the entries of a patch: text replaces, null removes. Throws RequestError 400 listing all problems. */
export function patchCustomMetadata(current: CustomMetadata | null, patch: JsonObject): CustomMetadata | null {
  const merged = new Map(Object.entries(current ?? {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, text(key, value));
  }
  return checked(Object.fromEntries(merged));
}

function checked(metadata: CustomMetadata): CustomMetadata | null {
  const problems = customMetadataProblems(metadata);
  if (problems.length > 0) throw invalid(problems);
  return Object.keys(metadata).length === 0 ? null : metadata;
}

// The Vault API takes scalars for text, and true for "1".
function text(key: string, value: Json): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return String(value);
    case 'boolean':
      return value ? '1' : '0';
    default:
      if (value === null) return '';
      throw invalid([`value for key ${JSON.stringify(key)} must be a string`]);
  }
}

function invalid(problems: readonly string[]): RequestError {
  return new RequestError(
    400,
    problems.map((problem) => `custom_metadata validation failed: ${problem}`),
  );
}
