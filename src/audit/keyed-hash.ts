import { hash } from 'node:crypto';
import { canonicalJson, type Json } from '../base/json.ts';
import { wipe } from '../base/bytes.ts';

const blockBytes = 64;
const shortBytes = 4096;
const rememberedHandles = 1024;

/**
 * The keyed hashes that stand for values in audit lines: `hmac-sha256:<hex>` of HMAC-SHA-256 (RFC 2104) with the
 * store's audit key over a type byte (`s` string, `n` number, `b` boolean, `o` object, `a` array) and the value's
 * JCS form. Equal values of one store have equal hashes, so that a line can be searched for a known value; without
 * the key a hash tells nothing, not even of a value that is easy to guess.
 */
export class KeyedHash {
  // The key's inner and outer pad, hashed in one call each: for short values half the time of a Hmac object. Behind the
  // pads there is room for a short message and for the inner hash.
  readonly #inner = Buffer.alloc(blockBytes + shortBytes).fill(0x36, 0, blockBytes);
  readonly #outer = Buffer.alloc(blockBytes + 32).fill(0x5c, 0, blockBytes);
  readonly #handles = new Map<string, string>();

  /** The key is 16 to 64 bytes; the caller may wipe its copy afterwards. */
  constructor(key: Uint8Array) {
    if (key.byteLength < 16 || key.byteLength > blockBytes) throw new RangeError('an audit key has 16 to 64 bytes');
    for (const [at, byte] of key.entries()) {
      this.#inner[at] = 0x36 ^ byte;
      this.#outer[at] = 0x5c ^ byte;
    }
  }

  /** The hash of a value. Throws a RangeError for one that is nested too deeply to be written. */
  of(value: Exclude<Json, null>): string {
    return this.#hmac(typeByte(value) + wireForm(value));
  }

  /** The hash of a value, and how many bytes its JSON has. Throws as `of`. */
  measured(value: Exclude<Json, null>): { readonly bytes: number; readonly hash: string } {
    const form = wireForm(value);
    return { bytes: Buffer.byteLength(form), hash: this.#hmac(typeByte(value) + form) };
  }

  /** The hash of a handle that many lines carry and that opens nothing (an accessor): remembered, within bounds. */
  ofHandle(handle: string): string {
    const known = this.#handles.get(handle);
    if (known !== undefined) return known;
    const made = this.of(handle);
    if (this.#handles.size >= rememberedHandles) {
      for (const oldest of this.#handles.keys()) {
        this.#handles.delete(oldest);
        break;
      }
    }
    this.#handles.set(handle, made);
    return made;
  }

  /** Overwrites the key. No hash can be made afterwards that means anything. */
  wipe(): void {
    wipe(this.#inner, this.#outer);
    this.#handles.clear();
  }

  #hmac(message: string): string {
    const short = message.length * 3 <= shortBytes;
    const padded = short ? this.#inner : Buffer.allocUnsafeSlow(blockBytes + Buffer.byteLength(message));
    if (!short) padded.set(this.#inner.subarray(0, blockBytes));
    const end = blockBytes + padded.write(message, blockBytes, 'utf8');
    this.#outer.write(hash('sha256', padded.subarray(0, end), 'hex'), blockBytes, 'hex');
    padded.fill(0, blockBytes, end);
    return `hmac-sha256:${hash('sha256', this.#outer, 'hex')}`;
  }
}

function typeByte(value: Exclude<Json, null>): string {
  switch (typeof value) {
    case 'string':
      return 's';
    case 'number':
      return 'n';
    case 'boolean':
      return 'b';
    default:
      return Array.isArray(value) ? 'a' : 'o';
  }
}

/** JCS; where text has a lone surrogate, which JCS refuses, its escaped form, so that it has a hash nevertheless. */
function wireForm(value: Json): string {
  try {
    return canonicalJson(value);
  } catch (error) {
    if (error instanceof TypeError) return JSON.stringify(value);
    throw error;
  }
}
