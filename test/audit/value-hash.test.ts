import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json } from '../../src/base/json.ts';
import { ValueHash } from '../../src/audit/value-hash.ts';
import { auditKey } from './entries.ts';
import { runs } from './property.ts';

function hmac(key: Uint8Array, message: string): string {
  return `hmac-sha256:${createHmac('sha256', key).update(message, 'utf8').digest('hex')}`;
}

describe('keyed hashes', () => {
  it('are HMAC-SHA-256 over the type byte and the canonical form of the value', () => {
    const typeBytes = { string: 's', number: 'n', boolean: 'b', object: 'o' } as Record<string, string>;
    const scalar = fc.oneof(fc.string({ unit: 'grapheme' }), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean());
    const key = fc.uint8Array({ minLength: 16, maxLength: 64 });
    fc.assert(
      fc.property(key, scalar, (bytes, value) => {
        expect(new ValueHash(bytes).of(value)).toBe(hmac(bytes, `${typeBytes[typeof value]}${canonicalJson(value)}`));
      }),
      runs(200, 5000),
    );
  });

  it('are the same for short texts and long ones, one after the other', () => {
    const hashes = new ValueHash(auditKey);
    for (const character of ['x', 'é', '€', '\u{10000}']) {
      for (const length of [0, 1, 1300, 1361, 1362, 1363, 1364, 2000, 5000, 1, 0]) {
        const value = character.repeat(length);
        expect(hashes.of(value)).toBe(hmac(auditKey, `s${JSON.stringify(value)}`));
        const { bytes, hash } = hashes.measured(value);
        expect([bytes, hash]).toEqual([Buffer.byteLength(JSON.stringify(value)), hashes.of(value)]);
      }
    }
  });

  it('tell a number, a boolean and their spelling as text apart', () => {
    const hashes = new ValueHash(auditKey);
    const values: Exclude<Json, null>[] = [1, '1', true, 'true', [1], { a: 1 }, ''];
    expect(new Set(values.map((value) => hashes.of(value))).size).toBe(values.length);
  });

  it('depend on the key, and are not the bare hash of the value', () => {
    const other = new ValueHash(new Uint8Array(32).fill(9));
    expect(new ValueHash(auditKey).of('x')).not.toBe(other.of('x'));
  });

  it('remember handles within bounds and give the same hash for them', () => {
    const hashes = new ValueHash(auditKey);
    const fresh = new ValueHash(auditKey);
    for (let number = 0; number < 3000; number++) {
      expect(hashes.ofHandle(`accessor-${number % 1500}`)).toBe(fresh.of(`accessor-${number % 1500}`));
    }
  });

  it('exist for text with a lone surrogate, and differ from those of its escaped spelling', () => {
    const hashes = new ValueHash(auditKey);
    expect(hashes.of('\ud800')).toBe(hmac(auditKey, 's"\\ud800"'));
    expect(hashes.of('\ud800')).not.toBe(hashes.of('\\ud800'));
    expect(hashes.of('\ud800')).not.toBe(hashes.of('\ufffd'));
  });

  it('are refused for keys that are too short or longer than a block', () => {
    expect(() => new ValueHash(new Uint8Array(15))).toThrow(RangeError);
    expect(() => new ValueHash(new Uint8Array(65))).toThrow(RangeError);
  });
});
