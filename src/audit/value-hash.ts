import { canonicalJson, type Json } from '../base/json.ts';
import { KeyedHash } from '../crypto/keyed-hash.ts';

const rememberedHandles = 1024;
const rememberedNumbers = 100;

/**
 * The keyed hashes that stand for values in audit lines: `hmac-sha256:<hex>` of HMAC-SHA-256 (RFC 2104) with the
 * store's audit key over a type byte (`s` string, `n` number, `b` boolean, `o` object, `a` array) and the value's
 * JCS form. Equal values of one store have equal hashes, so that a line can be searched for a known value; without
 * the key a hash tells nothing, not even of a value that is easy to guess.
 */
export class ValueHash {
  readonly #keyed: KeyedHash;
  readonly #handles = new Map<string, string>();
  // Values that nearly every entry holds and that say nothing of anybody.
  readonly #constants = new Map<string | number | boolean, string>();

  /** The key is 16 to 64 bytes; the caller may wipe its copy afterwards. */
  constructor(key: Uint8Array) {
    if (key.byteLength < 16 || key.byteLength > 64) throw new RangeError('an audit key has 16 to 64 bytes');
    this.#keyed = new KeyedHash(key);
  }

  /** The hash of a value. Throws a RangeError for one that is nested too deeply to be written. */
  of(value: Exclude<Json, null>): string {
    if (!isConstant(value)) return this.#hmac(typeByte(value) + wireForm(value));
    let known = this.#constants.get(value);
    if (known === undefined) {
      known = this.#hmac(typeByte(value) + wireForm(value));
      this.#constants.set(value, known);
    }
    return known;
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

  /** Forgets the key: a TypeError is thrown for each new value from now on. */
  wipe(): void {
    this.#keyed.wipe();
    this.#handles.clear();
    this.#constants.clear();
  }

  #hmac(message: string): string {
    return `hmac-sha256:${this.#keyed.hexOfText(message)}`;
  }
}

function isConstant(value: Exclude<Json, null>): value is string | number | boolean {
  if (typeof value === 'number') return value >= 0 && value < rememberedNumbers && Number.isInteger(value);
  return value === '' || typeof value === 'boolean';
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
  if (typeof value === 'string') return JSON.stringify(value);
  try {
    return canonicalJson(value);
  } catch (error) {
    if (error instanceof TypeError) return JSON.stringify(value);
    throw error;
  }
}
