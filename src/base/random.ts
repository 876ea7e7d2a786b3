import { randomFillSync } from 'node:crypto';

/** A source of uniformly random bytes. Handed in by the composition root, so that tests can repeat a run. */
export interface Random {
  /** `length` fresh random bytes; the caller owns the array. */
  bytes(length: number): Uint8Array;
  /**
   * 24 bytes for the nonce of a message, which everyone may see: they may have been drawn ahead, so no secret is ever
   * made of them. Absent: `bytes(24)` does as well.
   */
  nonce?(): Uint8Array;
}

const nonceBytes = 24;
const drawnAhead = new Uint8Array(nonceBytes * 170);
let drawn = drawnAhead.byteLength;

/** The operating system's, through OpenSSL. */
export const systemRandom: Random = {
  // Nothing secret waits in memory for its use: each draw is made when it is asked for.
  bytes: (length) => randomFillSync(new Uint8Array(length)),
  nonce() {
    // A tenth of the cost of a draw each.
    if (drawn === drawnAhead.byteLength) {
      randomFillSync(drawnAhead);
      drawn = 0;
    }
    const nonce = drawnAhead.slice(drawn, drawn + nonceBytes);
    drawn += nonceBytes;
    return nonce;
  },
};

/** A random (version 4) UUID as RFC 9562 writes it. */
export function randomUuid(random: Random): string {
  return uuidOf(random.bytes(16));
}

/** The same, for what is named by it and not guarded: a request. It may be made of bytes that were drawn ahead. */
export function publicUuid(random: Random): string {
  return uuidOf(random.nonce?.() ?? random.bytes(nonceBytes));
}

const hexOf: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Of the first 16 bytes. */
function uuidOf(bytes: Uint8Array): string {
  const hex = (index: number): string => hexOf[bytes[index] ?? 0] ?? '';
  const version = hexOf[((bytes[6] ?? 0) & 0x0f) | 0x40] ?? '';
  const variant = hexOf[((bytes[8] ?? 0) & 0x3f) | 0x80] ?? '';
  const start = `${hex(0)}${hex(1)}${hex(2)}${hex(3)}-${hex(4)}${hex(5)}-${version}${hex(7)}-${variant}${hex(9)}`;
  return `${start}-${hex(10)}${hex(11)}${hex(12)}${hex(13)}${hex(14)}${hex(15)}`;
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
      text += alphabet.charAt(byte % alphabet.length);
      if (text.length === length) break;
    }
  }
  return text;
}
