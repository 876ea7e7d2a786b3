import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import { fromHex } from '../../src/base/bytes.ts';
import { chainHash, genesis } from '../../src/audit/chain.ts';
import { ValueHash } from '../../src/audit/value-hash.ts';
import { smallLog, storeId } from './entries.ts';

interface Vectors {
  readonly storeId: string;
  readonly key: string;
  readonly genesis: string;
  readonly hashes: readonly { readonly value: Exclude<Json, null>; readonly hash: string }[];
  readonly lines: readonly { readonly line: string; readonly hash: string }[];
}

const vectors = JSON.parse(readFileSync(new URL('../vectors/audit.json', import.meta.url), 'utf8')) as Vectors;

describe('the audit chain', () => {
  it('has the hashes of the frozen vectors', () => {
    let head = genesis(vectors.storeId);
    expect(head).toEqual({ seq: 0, hash: vectors.genesis });
    for (const { line, hash } of vectors.lines) {
      expect((JSON.parse(line) as { prev: string }).prev).toBe(head.hash);
      head = { seq: head.seq + 1, hash: chainHash(head.hash, Buffer.from(line)) };
      expect(head.hash).toBe(hash);
    }
  });

  it('is written with the lines of the frozen vectors', () => {
    expect(vectors.storeId).toBe(storeId);
    expect(smallLog().bytes.toString()).toBe(vectors.lines.map(({ line }) => `${line}\n`).join(''));
  });

  it('stands beside keyed hashes that are those of the frozen vectors', () => {
    const hashes = new ValueHash(fromHex(vectors.key) as Uint8Array);
    for (const { value, hash } of vectors.hashes) expect(hashes.of(value)).toBe(hash);
  });

  it('differs from store to store, and refuses what is no hash', () => {
    expect(genesis('another')).not.toEqual(genesis(storeId));
    expect(() => chainHash('AB'.repeat(32), new Uint8Array(1))).toThrow(RangeError);
    expect(() => chainHash('ab', new Uint8Array(1))).toThrow(RangeError);
  });
});
