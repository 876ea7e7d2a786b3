import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { describe, expect, it } from 'vitest';
import { randomText, systemRandom } from '../../src/base/random.ts';

describe('the random bytes of the system', () => {
  it('are as many as asked for, the caller’s own, and never the same twice', () => {
    const seen = new Set<string>();
    for (let round = 0; round < 3000; round++) {
      const length = 12 + (round % 40);
      const bytes = systemRandom.bytes(length);
      expect(bytes.byteLength).toBe(length);
      seen.add(Buffer.from(bytes.subarray(0, 12)).toString('hex'));
      bytes.fill(0);
    }
    expect(seen.size).toBe(3000);
  });

  it('hold each byte about equally often, whatever the lengths in which they are drawn', () => {
    const counts = new Uint32Array(256);
    const draws = 20_000;
    let total = 0;
    for (let round = 0; round < draws; round++) {
      for (const byte of systemRandom.bytes(1 + (round % 31))) counts[byte] = (counts[byte] ?? 0) + 1;
      total += 1 + (round % 31);
    }
    const expected = total / 256;
    let statistic = 0;
    for (const count of counts) statistic += (count - expected) ** 2 / expected;
    // Chi-squared with 255 degrees of freedom: greater than 400 once in 100 million times.
    expect(statistic).toBeLessThan(400);
  });

  it('for a secret are drawn when it is made, whatever its length: only nonces are drawn ahead', () => {
    const draws: number[] = [];
    const original = crypto.randomFillSync;
    crypto.randomFillSync = ((bytes: Uint8Array) => {
      draws.push(bytes.byteLength);
      return original(bytes);
    }) as typeof original;
    syncBuiltinESMExports();
    try {
      for (let length = 1; length <= 64; length++) systemRandom.bytes(length);
    } finally {
      crypto.randomFillSync = original;
      syncBuiltinESMExports();
    }
    expect(draws).toEqual(Array.from({ length: 64 }, (_, at) => at + 1));
  });

  it('for nonces are 24, the caller’s own, and never the same twice', () => {
    const seen = new Set<string>();
    for (let round = 0; round < 3000; round++) {
      const nonce = systemRandom.nonce?.() ?? new Uint8Array(0);
      expect(nonce.byteLength).toBe(24);
      seen.add(Buffer.from(nonce).toString('hex'));
      nonce.fill(0);
    }
    expect(seen.size).toBe(3000);
  });

  it('make text of the alphabet only', () => {
    expect(randomText(systemRandom, 500, 'ab')).toMatch(/^[ab]{500}$/);
    expect(randomText(systemRandom, 0)).toBe('');
  });
});
