import { concatBytes } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import { open, seal, sealOverhead } from '../crypto/aead.ts';
import type { KeySet } from './key-set.ts';

/**
 * The format of every encrypted record (format 1; frozen by test/vectors/record.json):
 *
 *     byte    0      format, 1
 *     bytes   1-4    term of the key, unsigned, big-endian
 *     bytes   5-28   nonce, random
 *     bytes  29-     XChaCha20-Poly1305 ciphertext, then its 16-byte tag
 *
 * and of the associated data that the ciphertext is bound to:
 *
 *     byte    0      format, 1
 *     bytes   1-4    term
 *     2 bytes        length of the store id, then its UTF-8 bytes
 *     2 bytes        length of the key path, then its UTF-8 bytes
 */
const recordFormat = 1;
const headerBytes = 5;
export const recordOverhead = headerBytes + sealOverhead;

/** What a record is bound to, besides its key. */
export interface RecordPlace {
  readonly storeId: string;
  /** The backend's key at which it lies. */
  readonly key: string;
}

export function sealRecord(place: RecordPlace, term: number, key: Uint8Array, plaintext: Uint8Array, random: Random): Uint8Array {
  const header = new Uint8Array(headerBytes);
  header[0] = recordFormat;
  new DataView(header.buffer).setUint32(1, term);
  return concatBytes(header, seal(key, plaintext, associatedData(header, place), random));
}

/** The term in a record's header, or null for bytes that are no record of a known format. Nothing is verified. */
export function recordTerm(record: Uint8Array): number | null {
  if (record.byteLength < recordOverhead || record[0] !== recordFormat) return null;
  return new DataView(record.buffer, record.byteOffset).getUint32(1);
}

/** The plaintext of a record, or null where it was not sealed at this place under this key. */
export function openRecordWith(place: RecordPlace, key: Uint8Array, record: Uint8Array): Uint8Array | null {
  if (recordTerm(record) === null) return null;
  return open(key, record.subarray(headerBytes), associatedData(record.subarray(0, headerBytes), place));
}

/**
 * The plaintext of a record under the key that its header names. Throws Fault `corrupt-record` where that key is not
 * in the set, or the record was altered, moved or made for another store.
 */
export function openRecord(place: RecordPlace, keys: KeySet, record: Uint8Array): Uint8Array {
  const term = recordTerm(record);
  if (term === null) throw corruptRecord(place.key, 'it is not in a format that this version knows');
  const key = keys.key(term);
  if (key === null) throw corruptRecord(place.key, `it names term ${term}, and the store has no key of that term`);
  const plaintext = openRecordWith(place, key, record);
  if (plaintext === null)
    throw corruptRecord(place.key, 'it was altered, moved here from elsewhere, or belongs to another store');
  return plaintext;
}

export function corruptRecord(key: string, why: string): Fault {
  return new Fault('corrupt-record', `the record ${key} does not open: ${why}`, {
    hint: 'The data was changed behind the back of secretctl, or the medium is failing. Restore the store from a backup.',
  });
}

function associatedData(header: Uint8Array, { storeId, key }: RecordPlace): Uint8Array {
  const lengths = [Buffer.byteLength(storeId), Buffer.byteLength(key)] as const;
  if (Math.max(...lengths) > 0xffff) throw new RangeError('a part of the associated data is at most 65,535 bytes long');
  const bytes = Buffer.allocUnsafe(headerBytes + 2 + lengths[0] + 2 + lengths[1]);
  bytes.set(header);
  let at = bytes.writeUInt16BE(lengths[0], headerBytes);
  at += bytes.write(storeId, at, 'utf8');
  at = bytes.writeUInt16BE(lengths[1], at);
  bytes.write(key, at, 'utf8');
  return bytes;
}
