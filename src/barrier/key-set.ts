import { wipe } from '../base/bytes.ts';
import { keyBytes } from '../crypto/aead.ts';

export interface TermKey {
  /** 1 and up; a newer key has a greater term. */
  readonly term: number;
  /** Milliseconds since the epoch. */
  readonly installedAt: number;
  readonly key: Uint8Array;
}

/**
 * Keys by term, oldest first: the keyring, or the generations of one mount's data key (whose terms are those of the
 * keyring at which they were made). It owns its keys and can be wiped.
 */
export class KeySet {
  readonly #keys: readonly TermKey[];

  /** Takes the keys over: oldest first, at least one. */
  constructor(keys: readonly TermKey[]) {
    this.#keys = keys;
  }

  get newest(): TermKey {
    const newest = this.#keys.at(-1);
    if (newest === undefined) throw new TypeError('a set without keys');
    return newest;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** The key of a term, or null. */
  key(term: number): Uint8Array | null {
    return this.#keys.findLast((entry) => entry.term === term)?.key ?? null;
  }

  /** The encoding of this set with one key more; of a term that is greater than all others. */
  encodeWith(added: TermKey): Uint8Array {
    return encodeKeys([...this.#keys, added]);
  }

  /** The encoding of this set with nothing but its newest key. */
  encodeNewest(): Uint8Array {
    return encodeKeys([this.newest]);
  }

  encode(): Uint8Array {
    return encodeKeys(this.#keys);
  }

  wipe(): void {
    wipe(...this.#keys.map((entry) => entry.key));
  }
}

const format = 1;
const headerBytes = 5;
const entryBytes = 12 + keyBytes;

/**
 * The plaintext of the keyring and of a mount's key record (format 1; frozen by test/vectors/key-set.json):
 *
 *     byte    0      format, 1
 *     bytes   1-4    number of keys, big-endian like all that follows
 *     then for each, oldest first:
 *     4 bytes        term
 *     8 bytes        time of installation, milliseconds since the epoch
 *     32 bytes       key
 */
export function encodeKeys(keys: readonly TermKey[]): Uint8Array {
  const bytes = new Uint8Array(headerBytes + keys.length * entryBytes);
  const data = new DataView(bytes.buffer);
  data.setUint8(0, format);
  data.setUint32(1, keys.length);
  keys.forEach((entry, index) => {
    const at = headerBytes + index * entryBytes;
    data.setUint32(at, entry.term);
    data.setBigUint64(at + 4, BigInt(entry.installedAt));
    bytes.set(entry.key, at + 12);
  });
  return bytes;
}

/** The set in a record's plaintext, or null for anything that `encodeKeys` does not make. */
export function decodeKeys(bytes: Uint8Array): KeySet | null {
  if (bytes.byteLength < headerBytes + entryBytes) return null;
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = data.getUint32(1);
  if (data.getUint8(0) !== format || bytes.byteLength !== headerBytes + count * entryBytes) return null;
  const keys: TermKey[] = [];
  for (let at = headerBytes; at < bytes.byteLength; at += entryBytes) {
    const term = data.getUint32(at);
    const installedAt = Number(data.getBigUint64(at + 4));
    if (term <= (keys.at(-1)?.term ?? 0) || !Number.isSafeInteger(installedAt)) return null;
    keys.push({ term, installedAt, key: bytes.slice(at + 12, at + entryBytes) });
  }
  return new KeySet(keys);
}
