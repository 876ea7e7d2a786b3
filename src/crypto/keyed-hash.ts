import { hash } from 'node:crypto';
import { concatBytes, utf8, wipe } from '../base/bytes.ts';

const blockBytes = 64;
const digestBytes = 32;

// A message of up to so many bytes is hashed without an allocation.
const shortBytes = 4096;

/**
 * HMAC-SHA-256 (RFC 2104) under one key, by two one-shot hashes over prepared pads: a third of the time of `createHmac`
 * for short messages, and no object that outlives the call holds the key.
 */
export class KeyedHash {
  // The inner pad with room for a short message behind it, the outer one with room for the inner hash.
  readonly #inner = Buffer.alloc(blockBytes + shortBytes);
  readonly #outer = Buffer.alloc(blockBytes + digestBytes);
  #wiped = false;

  constructor(key: Uint8Array) {
    const block = new Uint8Array(blockBytes);
    block.set(key.byteLength > blockBytes ? sha256(key) : key);
    this.#inner.set(block.map((byte) => byte ^ 0x36));
    this.#outer.set(block.map((byte) => byte ^ 0x5c));
    wipe(block);
  }

  /** The 32-byte code of a message. */
  digest(message: Uint8Array): Uint8Array {
    this.#absorb(message);
    return sha256(this.#outer);
  }

  /** The code in lower-case hex. */
  hex(message: Uint8Array): string {
    this.#absorb(message);
    return hash('sha256', this.#outer, 'hex');
  }

  /** The code of a text in UTF-8, in lower-case hex. */
  hexOfText(message: string): string {
    // No text is longer in UTF-8 than this.
    if (message.length * 3 > shortBytes) return this.hex(utf8(message));
    this.#requireKey();
    this.#closeInner(blockBytes + this.#inner.write(message, blockBytes, 'utf8'));
    return hash('sha256', this.#outer, 'hex');
  }

  /** Forgets the key: a TypeError is thrown for each message from now on. */
  wipe(): void {
    this.#wiped = true;
    wipe(this.#inner, this.#outer);
  }

  #absorb(message: Uint8Array): void {
    this.#requireKey();
    if (message.byteLength <= shortBytes) {
      this.#inner.set(message, blockBytes);
      this.#closeInner(blockBytes + message.byteLength);
    } else {
      this.#outer.set(sha256(concatBytes(this.#inner.subarray(0, blockBytes), message)), blockBytes);
    }
  }

  /** Hashes the inner pad and the message behind it, which is then no longer there. */
  #closeInner(end: number): void {
    // As Latin-1 text a hash is moved without an object for its bytes.
    this.#outer.write(hash('sha256', this.#inner.subarray(0, end), 'binary'), blockBytes, 'latin1');
    this.#inner.fill(0, blockBytes, end);
  }

  #requireKey(): void {
    if (this.#wiped) throw new TypeError('this key was wiped');
  }
}

export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const keyed = new KeyedHash(key);
  const code = keyed.digest(message);
  keyed.wipe();
  return code;
}

/** HKDF with SHA-256 (RFC 5869): `length` bytes of key, at most 8,160, for the purpose that `info` names. */
export function hkdfSha256(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  if (length > 255 * digestBytes) throw new RangeError('HKDF-SHA-256 gives at most 8,160 bytes');
  const pseudorandom = hmacSha256(salt, secret);
  const keyed = new KeyedHash(pseudorandom);
  const output = new Uint8Array(length);
  let block: Uint8Array = new Uint8Array(0);
  for (let offset = 0, counter = 1; offset < length; offset += digestBytes, counter++) {
    block = keyed.digest(concatBytes(block, info, Uint8Array.of(counter)));
    output.set(block.subarray(0, length - offset), offset);
  }
  wipe(pseudorandom, block);
  keyed.wipe();
  return output;
}

function sha256(bytes: Uint8Array): Uint8Array {
  const digest = hash('sha256', bytes, 'buffer');
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.byteLength);
}
