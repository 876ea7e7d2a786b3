import { webcrypto } from 'node:crypto';
import { concatBytes, wipe } from '../base/bytes.ts';

/**
 * The age identity of a 32-byte X25519 secret: `AGE-SECRET-KEY-1…`, Bech32 (BIP 173) in capitals, as the age
 * specification (C2SP age, "X25519 recipient stanza") writes it.
 */
export function ageIdentity(secret: Uint8Array): string {
  if (secret.byteLength !== 32) throw new TypeError('an X25519 secret has 32 bytes');
  return bech32('age-secret-key-', secret).toUpperCase();
}

// PKCS #8 (RFC 8410) of an X25519 private key, but for the 32 bytes of the key.
const pkcs8Prefix = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);

/**
 * The private key of an identity, which can be used and not be read. Throws a TypeError for anything else than what
 * `ageIdentity` makes.
 */
export async function agePrivateKey(identity: string): Promise<webcrypto.CryptoKey> {
  const secret = secretOf(identity);
  const encoded = concatBytes(pkcs8Prefix, secret);
  try {
    return await webcrypto.subtle.importKey('pkcs8', encoded, { name: 'X25519' }, false, ['deriveBits']);
  } finally {
    wipe(secret, encoded);
  }
}

function secretOf(identity: string): Uint8Array {
  const secret = new Uint8Array(32);
  const groups = identity.slice(identity.lastIndexOf('1') + 1).toLowerCase();
  let buffer = 0;
  let bits = 0;
  let length = 0;
  for (const group of groups) {
    buffer = ((buffer << 5) | alphabet.indexOf(group)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    if (length < secret.byteLength) secret[length++] = buffer >> bits;
  }
  // Prefix, length and checksum are right where encoding gives the same text.
  if (ageIdentity(secret) !== identity) throw new TypeError('not an age identity');
  return secret;
}

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

function bech32(prefix: string, bytes: Uint8Array): string {
  const data = fiveBitGroups(bytes);
  const expanded = [...Buffer.from(prefix, 'ascii')];
  const checked = [...expanded.map((code) => code >> 5), 0, ...expanded.map((code) => code & 31), ...data, 0, 0, 0, 0, 0, 0];
  const remainder = checksum(checked) ^ 1;
  const tail = [25, 20, 15, 10, 5, 0].map((shift) => (remainder >> shift) & 31);
  return `${prefix}1${[...data, ...tail].map((group) => alphabet.charAt(group)).join('')}`;
}

function fiveBitGroups(bytes: Uint8Array): number[] {
  const groups: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) groups.push((buffer >> (bits - 5)) & 31);
  }
  if (bits > 0) groups.push((buffer << (5 - bits)) & 31);
  return groups;
}

function checksum(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    generator.forEach((term, index) => {
      if ((top >> index) & 1) sum ^= term;
    });
  }
  return sum;
}
