import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex, utf8 } from '../../src/base/bytes.ts';
import { Fault } from '../../src/base/error.ts';
import { decodeKeys, encodeKeys, KeySet } from '../../src/barrier/key-set.ts';
import { openRecord, recordOverhead, recordTerm, sealRecord } from '../../src/barrier/record.ts';
import { decodeSuperblock, encodeSuperblock, superblockIsAuthentic } from '../../src/barrier/superblock.ts';
import keySets from '../vectors/key-set.json' with { type: 'json' };
import records from '../vectors/record.json' with { type: 'json' };
import superblocks from '../vectors/superblock.json' with { type: 'json' };
import { seededRandom } from './fixture.ts';

const hex = (text: string) => fromHex(text) ?? new Uint8Array(0);
const random = seededRandom('record');
const key = random.bytes(32);
const keys = new KeySet([{ term: 3, installedAt: 0, key }]);
const place = { storeId: 'store', key: 'core/a' };

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return 'opened';
}

describe('the form of a record', () => {
  it.each(records)('is frozen: $comment', (vector) => {
    const where = { storeId: vector.storeId, key: vector.key };
    const nonce = hex(vector.nonce);
    const sealed = sealRecord(where, vector.term, hex(vector.dataKey), hex(vector.plaintext), { bytes: () => nonce });
    expect(toHex(sealed)).toBe(vector.record);
    const set = new KeySet([{ term: vector.term, installedAt: 0, key: hex(vector.dataKey) }]);
    expect(toHex(openRecord(where, set, hex(vector.record)))).toBe(vector.plaintext);
    expect(recordTerm(hex(vector.record))).toBe(vector.term);
  });
});

describe('a record', () => {
  const record = sealRecord(place, 3, key, utf8('secret'), random);

  it('with any bit changed does not open', () => {
    for (let at = 0; at < record.length; at++) {
      for (let bit = 1; bit < 256; bit <<= 1) {
        const altered = record.slice();
        altered[at] = (altered[at] ?? 0) ^ bit;
        expect([at, bit, codeOf(() => openRecord(place, keys, altered))]).toEqual([at, bit, 'corrupt-record']);
      }
    }
    expect(openRecord(place, keys, record)).toEqual(utf8('secret'));
  });

  it('that was cut or lengthened does not open', () => {
    for (let length = 0; length < record.length; length++) {
      expect(codeOf(() => openRecord(place, keys, record.subarray(0, length)))).toBe('corrupt-record');
    }
    expect(codeOf(() => openRecord(place, keys, concatBytes(record, Uint8Array.of(0))))).toBe('corrupt-record');
    expect(record.length).toBe(recordOverhead + 6);
  });

  it('opens nowhere but at its place in its store', () => {
    for (const elsewhere of [
      { ...place, key: 'core/b' },
      { ...place, key: 'mount/x/a' },
      { ...place, storeId: 'other' },
      // The same letters, split otherwise.
      { storeId: 'storecore', key: '/a' },
    ]) {
      expect(codeOf(() => openRecord(elsewhere, keys, record))).toBe('corrupt-record');
    }
  });

  it('does not open under another term, even where that term has the same key', () => {
    const twice = new KeySet([
      { term: 3, installedAt: 0, key },
      { term: 4, installedAt: 0, key },
    ]);
    const altered = record.slice();
    altered[4] = 4;
    expect(recordTerm(altered)).toBe(4);
    expect(codeOf(() => openRecord(place, twice, altered))).toBe('corrupt-record');
  });

  it('of a term that the store has no key of says so', () => {
    const unknown = sealRecord(place, 9, key, utf8('secret'), random);
    expect(() => openRecord(place, keys, unknown)).toThrow(/core\/a.*term 9/);
  });
});

describe('a set of keys', () => {
  it.each(keySets)('has a frozen form: $keys.length keys', ({ keys: entries, encoded }) => {
    expect(toHex(encodeKeys(entries.map((entry) => ({ ...entry, key: hex(entry.key) }))))).toBe(encoded);
    const set = decodeKeys(hex(encoded));
    expect(set?.size).toBe(entries.length);
    expect(toHex(set?.encode() ?? new Uint8Array(0))).toBe(encoded);
    for (const entry of entries) expect(toHex(set?.key(entry.term) ?? new Uint8Array(0))).toBe(entry.key);
    expect(set?.newest.installedAt).toBe(entries.at(-1)?.installedAt);
  });

  it('is refused where it is cut, empty, out of order or of another format', () => {
    const entry = (term: number) => ({ term, installedAt: 1, key });
    const encoded = encodeKeys([entry(1), entry(2)]);
    for (let length = 0; length < encoded.length; length++) expect(decodeKeys(encoded.subarray(0, length))).toBeNull();
    expect(decodeKeys(concatBytes(encoded, Uint8Array.of(0)))).toBeNull();
    for (const terms of [[], [2, 1], [1, 1], [0]]) expect(decodeKeys(encodeKeys(terms.map(entry)))).toBeNull();
    expect(decodeKeys(concatBytes(Uint8Array.of(2), encoded.subarray(1)))).toBeNull();
  });
});

describe('a superblock', () => {
  it.each(superblocks)('has a frozen form: generation $generation', ({ storeId, generation, rootKey, encoded }) => {
    expect(toHex(encodeSuperblock({ storeId, generation }, hex(rootKey)))).toBe(encoded);
    expect(decodeSuperblock(hex(encoded))).toEqual({ storeId, generation });
    expect(superblockIsAuthentic(hex(encoded), hex(rootKey))).toBe(true);
  });

  it('is not authentic with any byte changed or under another root key', () => {
    const encoded = encodeSuperblock({ storeId: 'store', generation: 5 }, key);
    for (let at = 0; at < encoded.length; at++) {
      const altered = encoded.slice();
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(superblockIsAuthentic(altered, key)).toBe(false);
    }
    expect(superblockIsAuthentic(encoded, random.bytes(32))).toBe(false);
    for (let length = 0; length < encoded.length; length++) expect(decodeSuperblock(encoded.subarray(0, length))).toBeNull();
  });
});
