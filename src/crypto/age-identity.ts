/**
 * The age identity of a 32-byte X25519 secret: `AGE-SECRET-KEY-1…`, Bech32 (BIP 173) in capitals, as the age
 * specification (C2SP age, "X25519 recipient stanza") writes it.
 */
export function ageIdentity(secret: Uint8Array): string {
  if (secret.byteLength !== 32) throw new TypeError('an X25519 secret has 32 bytes');
  return bech32('age-secret-key-', secret).toUpperCase();
}

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

function bech32(prefix: string, bytes: Uint8Array): string {
  const data = fiveBitGroups(bytes);
  const expanded = [...prefix].map((character) => character.charCodeAt(0));
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
