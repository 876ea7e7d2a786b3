import { createHash } from 'node:crypto';
import { concatBytes, constantTimeEqual, fromBase64, fromHex, toBase64, utf8, wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';

/**
 * One share of a secret that `threshold` of `shares` people can restore (Shamir's scheme over GF(2^8), polynomial
 * 0x11b, as Vault's). Printed as 64 characters of base64; its bytes (format 1, frozen by test/vectors/share.json):
 *
 *     byte    0      format, 1
 *     bytes   1-8    set id: the same for all shares of one secret, random
 *     byte    9      number of the share, from 1 (for people; no part of the arithmetic)
 *     byte   10      threshold
 *     bytes  11-42   y of each byte of the secret
 *     byte   43      x, not 0
 *     bytes  44-47   the first 4 bytes of SHA-256("secretctl share" ‖ bytes 0-43)
 */
export interface Share {
  /** 16 hex digits. */
  readonly setId: string;
  readonly number: number;
  readonly threshold: number;
  /** y bytes, then x: the form of the package and of Vault. */
  readonly point: Uint8Array;
}

const format = 1;
const secretBytes = 32;
const bodyBytes = 12 + secretBytes;
const checksumBytes = 4;
const shareBytes = bodyBytes + checksumBytes;

export interface SplitSecret {
  /** 16 hex digits. */
  readonly setId: string;
  /** One line each, for one person each. */
  readonly shares: readonly string[];
}

/**
 * Splits a 32-byte secret. A threshold of 1 is for a single share only, which then is the secret itself. Throws Fault
 * `usage` for numbers outside of 1 to 255 or a threshold that cannot be. (The package draws its own randomness.)
 */
export async function splitSecret(secret: Uint8Array, shares: number, threshold: number, random: Random): Promise<SplitSecret> {
  checkNumbers(shares, threshold);
  if (secret.byteLength !== secretBytes) throw new TypeError(`the secret has ${secretBytes} bytes`);
  const setId = random.bytes(8);
  const points = shares === 1 ? [concatBytes(secret, Uint8Array.of(1))] : await splitPoints(secret, shares, threshold);
  const lines = points.map((point, index) => {
    const body = concatBytes(Uint8Array.of(format), setId, Uint8Array.of(index + 1, threshold), point);
    const line = toBase64(concatBytes(body, checksum(body)));
    wipe(body, point);
    return line;
  });
  return { setId: Buffer.from(setId).toString('hex'), shares: lines };
}

/** Throws Fault `usage` where a secret cannot be split so. */
export function checkNumbers(shares: number, threshold: number): void {
  const hint = 'For example 5 shares of which 3 are needed, or 1 of 1 for a single operator.';
  if (!Number.isInteger(shares) || shares < 1 || shares > 255) throw new Fault('usage', 'there can be 1 to 255 shares', { hint });
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > shares) {
    throw new Fault('usage', `the threshold is between 1 and the number of shares (${shares})`, { hint });
  }
  if (threshold === 1 && shares > 1) {
    throw new Fault('usage', 'with a threshold of 1 every share is the whole secret, so there can only be one', { hint });
  }
}

/** The share in a line of base64 or hex; white space around it does not matter. Throws Fault `share-invalid`. */
export function parseShare(line: string): Share {
  const text = line.trim();
  const bytes = text.length === 2 * shareBytes ? fromHex(text) : text.length === (shareBytes * 4) / 3 ? fromBase64(text) : null;
  if (bytes === null) throw invalid('this is not a share: a share is a line of 64 characters');
  const body = bytes.subarray(0, bodyBytes);
  if (!constantTimeEqual(bytes.subarray(bodyBytes), checksum(body))) throw invalid('this share has a mistake in it');
  const [number = 0, threshold = 0] = body.subarray(9, 11);
  const point = body.slice(11);
  // A share at x = 0 would set the secret to whatever it says.
  if (body[0] !== format || number === 0 || threshold === 0 || point.at(-1) === 0) {
    throw invalid('this share is in a form that this version does not know');
  }
  return { setId: Buffer.from(body.subarray(1, 9)).toString('hex'), number, threshold, point };
}

/**
 * Throws where a share cannot stand beside others: Fault `share-mixed` (it is of another set), `share-duplicate` (it
 * was given before), `share-invalid` (its number or place contradicts another's).
 */
export function checkCompatible(share: Share, others: readonly Share[]): void {
  for (const other of others) {
    if (share.setId !== other.setId) throw mixedShare(share.setId, other.setId);
    if (constantTimeEqual(share.point, other.point)) {
      throw new Fault('share-duplicate', `share ${share.number} was already given`, {
        hint: 'Give the share of another person.',
      });
    }
    if (share.number === other.number || share.threshold !== other.threshold || share.point.at(-1) === other.point.at(-1)) {
      throw invalid(`share ${share.number} contradicts share ${other.number}`);
    }
  }
}

export function mixedShare(setId: string, expected: string): Fault {
  return new Fault('share-mixed', `this share is of the set ${setId}, not of ${expected}`, {
    hint: 'It was made for another store, or before the last rekey. Use the shares that were printed then.',
  });
}

/**
 * The secret again. With shares that are right by themselves but forged the result is garbage: who uses it must verify
 * it. Throws Fault `share-too-few`, and what `checkCompatible` throws.
 */
export async function combineShares(shares: readonly Share[]): Promise<Uint8Array> {
  shares.forEach((share, index) => {
    checkCompatible(share, shares.slice(0, index));
  });
  const threshold = shares[0]?.threshold ?? 1;
  if (shares.length < threshold) {
    const missing = threshold - shares.length;
    throw new Fault('share-too-few', `${shares.length} of ${threshold} shares were given`, {
      hint: `Give ${missing} more, each of another person.`,
    });
  }
  const points = shares.slice(0, threshold).map((share) => share.point);
  const [first] = points;
  if (first === undefined) throw new Fault('share-too-few', 'no share was given', { hint: 'Give the shares one by one.' });
  if (threshold === 1) return first.slice(0, secretBytes);
  const { combine } = await import('shamir-secret-sharing');
  return await combine(points);
}

async function splitPoints(secret: Uint8Array, shares: number, threshold: number): Promise<Uint8Array[]> {
  const { split } = await import('shamir-secret-sharing');
  // The package takes nothing but a plain Uint8Array.
  const plain = new Uint8Array(secret);
  const points = await split(plain, shares, threshold);
  wipe(plain);
  return points;
}

function checksum(body: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(utf8('secretctl share')).update(body).digest().subarray(0, checksumBytes));
}

function invalid(message: string): Fault {
  return new Fault('share-invalid', message, { hint: 'Copy it again, whole and on one line, from where it was kept.' });
}
