import { concatBytes, utf8 } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import { keyBytes, open, seal, sealOverhead } from '../crypto/aead.ts';
import { parseKeyArn } from './awskms-settings.ts';

/**
 * A root key under a data key that AWS KMS made and keeps encrypted. Format 1, frozen by test/vectors/awskms-blob.json:
 *
 *     byte    0      format, 1
 *     2 bytes        length of the ARN, big-endian, then the ARN of the KMS key
 *     2 bytes        length of the encrypted data key, big-endian, then the data key as KMS encrypted it
 *     72 bytes       XChaCha20-Poly1305 of the root key under the data key (nonce, ciphertext, tag), bound to
 *                    "secretctl root key", a zero byte, "awskms", a zero byte, the store id, a zero byte and all before
 */
export interface AwsKmsBlob {
  readonly keyArn: string;
  readonly dataKey: Uint8Array;
  /** The root key under the data key, or null: not this data key, not this store, or altered. */
  open(dataKey: Uint8Array): Uint8Array | null;
}

const format = 1;
const sealedBytes = keyBytes + sealOverhead;

export function encodeAwsKmsBlob(
  storeId: string,
  wrapped: { readonly keyArn: string; readonly dataKey: Uint8Array },
  plainDataKey: Uint8Array,
  rootKey: Uint8Array,
  random: Random,
): Uint8Array {
  const header = concatBytes(Uint8Array.of(format), framed(utf8(wrapped.keyArn)), framed(wrapped.dataKey));
  return concatBytes(header, seal(plainDataKey, rootKey, associated(storeId, header), random));
}

/** Null for anything that `encodeAwsKmsBlob` does not make. */
export function decodeAwsKmsBlob(storeId: string, blob: Uint8Array): AwsKmsBlob | null {
  const header = blob.subarray(0, Math.max(0, blob.byteLength - sealedBytes));
  if (header[0] !== format) return null;
  const arn = unframed(header.subarray(1));
  const dataKey = arn && unframed(arn.rest);
  if (arn === null || dataKey?.rest.byteLength !== 0) return null;
  const keyArn = Buffer.from(arn.content).toString('latin1');
  if (parseKeyArn(keyArn) === null) return null;
  return {
    keyArn,
    dataKey: dataKey.content,
    open: (key) => open(key, blob.subarray(header.byteLength), associated(storeId, header)),
  };
}

function framed(content: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(content.byteLength >> 8, content.byteLength & 0xff), content);
}

function unframed(bytes: Uint8Array): { readonly content: Uint8Array; readonly rest: Uint8Array } | null {
  const [high, low] = bytes;
  if (high === undefined || low === undefined) return null;
  const end = 2 + ((high << 8) | low);
  return bytes.byteLength < end ? null : { content: bytes.subarray(2, end), rest: bytes.subarray(end) };
}

function associated(storeId: string, header: Uint8Array): Uint8Array {
  return concatBytes(utf8(`secretctl root key\0awskms\0${storeId}\0`), header);
}
