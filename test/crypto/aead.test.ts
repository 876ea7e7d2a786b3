import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, utf8 } from '../../src/base/bytes.ts';
import type { Random } from '../../src/base/random.ts';
import { nonceBytes, open, seal, sealOverhead } from '../../src/crypto/aead.ts';
import { properties } from '../storage/generators.ts';
import vectors from '../vectors/xchacha20-poly1305.json' with { type: 'json' };

const hex = (text: string) => fromHex(text) ?? new Uint8Array(0);
const always = (nonce: Uint8Array): Random => ({ bytes: () => nonce.slice() });

describe('XChaCha20-Poly1305', () => {
  it.each(vectors.valid)('agrees with $source: $comment', (vector) => {
    const sealed = concatBytes(hex(vector.nonce), hex(vector.ciphertext), hex(vector.tag));
    expect(seal(hex(vector.key), hex(vector.message), hex(vector.associated), always(hex(vector.nonce)))).toEqual(sealed);
    expect(open(hex(vector.key), sealed, hex(vector.associated))).toEqual(hex(vector.message));
  });

  it('gives the bytes of another implementation, whatever the lengths', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const message = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 4000, maxLength: 70_000 }));
    fc.assert(
      fc.property(bytes(32), bytes(24), message, fc.uint8Array({ maxLength: 100 }), (key, nonce, plain, associated) => {
        const theirs = xchacha20poly1305(key, nonce, associated).encrypt(plain);
        const ours = seal(key, plain, associated, always(nonce));
        expect(ours).toEqual(concatBytes(nonce, theirs));
        expect(open(key, ours, associated)).toEqual(plain);
      }),
      properties(40),
    );
  });

  it('opens nothing that was changed, by a bit of any byte, in key, bytes or associated data', () => {
    const key = new Uint8Array(32).fill(1);
    const associated = utf8('place');
    const sealed = seal(key, utf8('message'), associated, always(new Uint8Array(nonceBytes).fill(2)));
    for (const bit of [0x01, 0x80]) {
      for (let at = 0; at < sealed.length; at++) expect(open(key, flip(sealed, at, bit), associated)).toBeNull();
      for (let at = 0; at < key.length; at++) expect(open(flip(key, at, bit), sealed, associated)).toBeNull();
      for (let at = 0; at < associated.length; at++) expect(open(key, sealed, flip(associated, at, bit))).toBeNull();
    }
    expect(open(key, sealed, associated)).toEqual(utf8('message'));
  });

  it('opens nothing that was cut or lengthened', () => {
    const key = new Uint8Array(32).fill(1);
    const sealed = seal(key, utf8('message'), utf8('place'), always(new Uint8Array(nonceBytes).fill(2)));
    for (let length = 0; length < sealed.length; length++)
      expect(open(key, sealed.subarray(0, length), utf8('place'))).toBeNull();
    expect(open(key, concatBytes(sealed, Uint8Array.of(0)), utf8('place'))).toBeNull();
  });

  it('draws a nonce for every message and leaves the caller his bytes', () => {
    const message = utf8('message');
    const key = new Uint8Array(32).fill(1);
    let counter = 0;
    const counting: Random = { bytes: (length) => new Uint8Array(length).fill(++counter) };
    const first = seal(key, message, message, counting);
    const second = seal(key, message, message, counting);
    expect(first.subarray(0, nonceBytes)).not.toEqual(second.subarray(0, nonceBytes));
    expect(first.byteLength).toBe(message.byteLength + sealOverhead);
    expect([message, key]).toEqual([utf8('message'), new Uint8Array(32).fill(1)]);
  });

  it('refuses a key of another length', () => {
    expect(() => seal(new Uint8Array(16), utf8('m'), utf8('a'), always(new Uint8Array(24)))).toThrow(TypeError);
    expect(() => open(new Uint8Array(33), new Uint8Array(60), utf8('a'))).toThrow(TypeError);
  });
});

function flip(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ bit;
  return copy;
}
