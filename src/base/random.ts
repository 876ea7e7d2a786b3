import { randomFillSync } from 'node:crypto';

/** A source of uniformly random bytes. Handed in by the composition root, so that tests can repeat a run. */
export interface Random {
  /** `length` fresh random bytes; the caller owns the array. */
  bytes(length: number): Uint8Array;
}

export const systemRandom: Random = { bytes: (length) => randomFillSync(new Uint8Array(length)) };

/** A random (version 4) UUID as RFC 9562 writes it. */
export function randomUuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const base62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** `length` characters drawn uniformly from `alphabet` (letters and digits unless told; at most 256 characters). */
export function randomText(random: Random, length: number, alphabet: string = base62): string {
  // Rejection sampling: a plain modulo would favour the first characters of the alphabet.
  const limit = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    for (const byte of random.bytes(length - text.length + 8)) {
      if (byte >= limit) continue;
      text += alphabet[byte % alphabet.length];
      if (text.length === length) break;
    }
  }
  return text;
}
