import { concatBytes, constantTimeEqual, fromUtf8, utf8, wipe } from '../base/bytes.ts';
import { hkdfSha256, hmacSha256 } from '../crypto/keyed-hash.ts';

/**
 * The superblock says which store this is and how often it was renewed, so that an old copy of the data put back in
 * place shows when the generation is compared with one remembered elsewhere (the audit log's checkpoints).
 * Format 1, frozen by test/vectors/superblock.json:
 *
 *     byte    0      format, 1
 *     bytes   1-8    generation, big-endian
 *     2 bytes        length of the store id, then its UTF-8 bytes
 *     32 bytes       HMAC-SHA-256 of all before; its key is HKDF-SHA-256(root key, no salt, "secretctl superblock 1")
 */
export interface Superblock {
  readonly storeId: string;
  /** 1 for a new store. */
  readonly generation: number;
}

const format = 1;
const headerBytes = 11;
const macBytes = 32;

export function encodeSuperblock(superblock: Superblock, rootKey: Uint8Array): Uint8Array {
  const id = utf8(superblock.storeId);
  const header = new DataView(new ArrayBuffer(headerBytes));
  header.setUint8(0, format);
  header.setBigUint64(1, BigInt(superblock.generation));
  header.setUint16(9, id.byteLength);
  const body = concatBytes(new Uint8Array(header.buffer), id);
  return concatBytes(body, mac(body, rootKey));
}

/** What the bytes say, without a check of the MAC; null for bytes of no known format. */
export function decodeSuperblock(bytes: Uint8Array): Superblock | null {
  if (bytes.byteLength < headerBytes + macBytes) return null;
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const generation = Number(data.getBigUint64(1));
  const idEnd = headerBytes + data.getUint16(9);
  if (data.getUint8(0) !== format || !Number.isSafeInteger(generation) || bytes.byteLength !== idEnd + macBytes) return null;
  try {
    return { storeId: fromUtf8(bytes.subarray(headerBytes, idEnd)), generation };
  } catch {
    return null;
  }
}

/** True where the MAC was made with this root key. */
export function superblockIsAuthentic(bytes: Uint8Array, rootKey: Uint8Array): boolean {
  const end = bytes.byteLength - macBytes;
  return end >= headerBytes && constantTimeEqual(bytes.subarray(end), mac(bytes.subarray(0, end), rootKey));
}

function mac(body: Uint8Array, rootKey: Uint8Array): Uint8Array {
  const key = hkdfSha256(rootKey, new Uint8Array(0), utf8('secretctl superblock 1'), 32);
  const code = hmacSha256(key, body);
  wipe(key);
  return code;
}
