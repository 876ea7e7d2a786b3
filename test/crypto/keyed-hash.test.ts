import { createHmac, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts';
import { hkdfSha256, hmacSha256, KeyedHash } from '../../src/crypto/keyed-hash.ts';
import { properties } from '../storage/generators.ts';

const hex = (text: string) => fromHex(text) ?? new Uint8Array(0);

describe('a keyed hash', () => {
  // RFC 4231, test cases 1, 2, 3, 6 and 7.
  it.each([
    ['0b'.repeat(20), toHex(utf8('Hi There')), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      toHex(utf8('Jefe')),
      toHex(utf8('what do ya want for nothing?')),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    ['aa'.repeat(20), 'dd'.repeat(50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
    [
      'aa'.repeat(131),
      toHex(utf8('Test Using Larger Than Block-Size Key - Hash Key First')),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      'aa'.repeat(131),
      toHex(
        utf8(
          'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
        ),
      ),
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    ],
  ])('is HMAC-SHA-256 of RFC 4231: key %s', (key, message, code) => {
    expect(new KeyedHash(hex(key)).hex(hex(message))).toBe(code);
    expect(toHex(hmacSha256(hex(key), hex(message)))).toBe(code);
  });

  it('is what Node computes, for keys and messages of any length, again and again', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 140 }),
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }),
        (key, messages) => {
          const keyed = new KeyedHash(key);
          for (const message of messages)
            expect(keyed.hex(message)).toBe(createHmac('sha256', key).update(message).digest('hex'));
        },
      ),
      properties(100),
    );
  });

  it('hashes nothing once its key was wiped', () => {
    const keyed = new KeyedHash(utf8('key'));
    keyed.wipe();
    expect(() => keyed.digest(utf8('message'))).toThrow(TypeError);
  });
});

describe('HKDF-SHA-256', () => {
  // RFC 5869, test cases 1 and 3.
  it.each([
    [
      '0b'.repeat(22),
      '000102030405060708090a0b0c',
      'f0f1f2f3f4f5f6f7f8f9',
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    ],
    ['0b'.repeat(22), '', '', '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8'],
  ])('is that of RFC 5869', (secret, salt, info, output) => {
    expect(toHex(hkdfSha256(hex(secret), hex(salt), hex(info), output.length / 2))).toBe(output);
  });

  it('is what Node computes', () => {
    const part = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(part, part, part, fc.integer({ min: 1, max: 200 }), (secret, salt, info, length) => {
        expect(hkdfSha256(secret, salt, info, length)).toEqual(new Uint8Array(hkdfSync('sha256', secret, salt, info, length)));
      }),
      properties(50),
    );
  });

  it('refuses to give more than there is', () => {
    expect(() => hkdfSha256(utf8('s'), utf8(''), utf8(''), 8161)).toThrow(RangeError);
  });
});
