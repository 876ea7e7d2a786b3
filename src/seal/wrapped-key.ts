import { concatBytes, utf8 } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import { keyBytes, open, seal } from '../crypto/aead.ts';

/**
 * A root key under a key that a seal holds (format 1, frozen by test/vectors/wrapped-key.json): the format byte, then
 * XChaCha20-Poly1305 (nonce, ciphertext, tag) bound to "secretctl root key", a zero byte, the seal's type, a zero byte
 * and the store id.
 */
export function wrapRootKey(place: WrapPlace, key: Uint8Array, rootKey: Uint8Array, random: Random): Uint8Array {
  return concatBytes(Uint8Array.of(format), seal(key, rootKey, associatedData(place), random));
}

/** The root key, or null where the blob was not made under this key, for this seal and store. */
export function unwrapRootKey(place: WrapPlace, key: Uint8Array, blob: Uint8Array): Uint8Array | null {
  if (blob[0] !== format) return null;
  const rootKey = open(key, blob.subarray(1), associatedData(place));
  return rootKey?.byteLength === keyBytes ? rootKey : null;
}

export interface WrapPlace {
  /** The seal's type. */
  readonly type: string;
  readonly storeId: string;
}

const format = 1;

function associatedData({ type, storeId }: WrapPlace): Uint8Array {
  return utf8(`secretctl root key\0${type}\0${storeId}`);
}
