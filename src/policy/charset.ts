import type { Random } from '../base/random.ts';
import { badRequest } from '../protocol/request-error.ts';

const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const digits = '0123456789';

/** Charsets that have a name. Any other text means its own characters. */
const named: ReadonlyMap<string, string> = new Map([
  ['alphanumeric', upper + lower + digits],
  ['alphabetic', upper + lower],
  ['lowercase', lower],
  ['uppercase', upper],
  ['digits', digits],
  ['hex', `${digits}abcdef`],
  ['base64url', `${upper}${lower}${digits}-_`],
]);

/** A byte picks a character, so an alphabet has at most this many. */
export const maxAlphabet = 256;
const maxLength = 4096;

/**
 * Random text for `generate: {length, charset}`: `charset` is a name (`alphanumeric`, which is the default,
 * `alphabetic`, `lowercase`, `uppercase`, `digits`, `hex`, `base64url`) or else the characters themselves, 2 to 256
 * different ones. A repeated one is refused: it would come up more often, and it mostly tells of a misspelt name.
 * Throws RequestError 400.
 */
export function generateFromCharset(
  random: Random,
  { length, charset = 'alphanumeric' }: { readonly length: number; readonly charset?: string },
): string {
  if (!Number.isInteger(length) || length < 1 || length > maxLength) {
    throw badRequest(`the length of a generated value is a whole number from 1 to ${maxLength}`);
  }
  const alphabet = Array.from(named.get(charset) ?? charset);
  if (
    alphabet.length < 2 ||
    alphabet.length > maxAlphabet ||
    new Set(alphabet).size < alphabet.length ||
    !charset.isWellFormed()
  ) {
    throw badRequest(
      `a charset is one of ${[...named.keys()].join(', ')}, or 2 to ${maxAlphabet} characters of which none comes twice`,
    );
  }
  return drawCharacters(random, length, alphabet).join('');
}

/** Characters drawn uniformly; `alphabet` has 1 to 256. Bytes that would favour its first characters are thrown away. */
export function drawCharacters(random: Random, length: number, alphabet: readonly string[]): string[] {
  const limit = 256 - (256 % alphabet.length);
  const drawn: string[] = [];
  while (drawn.length < length) {
    for (const byte of random.bytes(length - drawn.length + 8)) {
      const character = byte < limit ? alphabet[byte % alphabet.length] : undefined;
      if (character !== undefined && drawn.length < length) drawn.push(character);
    }
  }
  return drawn;
}
