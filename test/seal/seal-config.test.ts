import { readdir } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex, utf8 } from '../../src/base/bytes.ts';
import { sealTypeOf, sealTypes } from '../../src/seal/registry.ts';
import { decodeSealConfig, encodeSealConfig } from '../../src/seal/seal-config.ts';
import { unwrapRootKey, wrapRootKey } from '../../src/seal/wrapped-key.ts';
import configs from '../vectors/seal-config.json' with { type: 'json' };
import wrapped from '../vectors/wrapped-key.json' with { type: 'json' };

const hex = (text: string) => fromHex(text) ?? new Uint8Array(0);

/** A body with the format and the checksum that belong to it. */
function framed(body: unknown, format = 1): Uint8Array {
  const text = utf8(typeof body === 'string' ? body : JSON.stringify(body));
  const header = Buffer.alloc(5);
  header.writeUInt8(format);
  header.writeUInt32BE(crc32(text), 1);
  return concatBytes(header, text);
}

describe('the configuration of a seal', () => {
  it.each(configs)('has a frozen form: $comment', ({ config, encoded }) => {
    const decoded = { recovery: null, ...config, wrapped: hex(config.wrapped) };
    expect(toHex(encodeSealConfig(decoded))).toBe(encoded);
    expect(decodeSealConfig(hex(encoded))).toEqual(decoded);
  });

  it('is refused with any byte changed, or cut', () => {
    const encoded = hex(configs[1]?.encoded ?? '');
    for (let at = 0; at < encoded.length; at++) {
      const altered = encoded.map((byte, index) => (index === at ? byte ^ 1 : byte));
      expect(() => decodeSealConfig(altered)).toThrow(expect.objectContaining({ code: 'corrupt-record' }) as Error);
    }
    for (let length = 0; length < encoded.length; length++) {
      expect(() => decodeSealConfig(encoded.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'corrupt-record' }) as Error,
      );
    }
  });

  it('is refused where it is whole but says something else', () => {
    const shamir = { setId: '0011223344556677', shares: 5, threshold: 3 };
    const whole = { type: 'shamir', wrapped: 'AAAA', shamir };
    expect(decodeSealConfig(framed(whole))).toEqual({ ...whole, wrapped: new Uint8Array(3), recovery: null });
    const wrong = [
      'not JSON',
      '[]',
      { ...whole, extra: 1 },
      { ...whole, type: 1 },
      { ...whole, wrapped: '!' },
      { ...whole, wrapped: undefined },
      { ...whole, shamir: [] },
      { ...whole, shamir: { ...shamir, setId: 'x' } },
      { ...whole, shamir: { ...shamir, threshold: 6 } },
      { ...whole, shamir: { ...shamir, shares: 256 } },
      { ...whole, shamir: { ...shamir, threshold: 0 } },
      { ...whole, shamir: { ...shamir, threshold: 1.5 } },
      { ...whole, type: 'x'.repeat(70_000) },
    ];
    for (const body of wrong)
      expect(() => decodeSealConfig(framed(body))).toThrow(expect.objectContaining({ code: 'corrupt-record' }) as Error);
  });
});

describe('the recovery shares in the configuration of a seal', () => {
  const recovery = { setId: '0011223344556677', shares: 3, threshold: 2 };
  const whole = { recovery, shamir: null, type: 'static', wrapped: 'AAAA' };

  it('come back as they were, in a format that stores without them do not have', () => {
    const config = { type: 'static', wrapped: new Uint8Array(3), shamir: null, recovery };
    expect(encodeSealConfig(config)).toEqual(framed(whole, 2));
    expect(decodeSealConfig(framed(whole, 2))).toEqual(config);
    expect(encodeSealConfig({ ...config, recovery: null })[0]).toBe(1);
  });

  it('are refused where they are none', () => {
    const without = { type: 'static', wrapped: 'AAAA', shamir: null };
    for (const bytes of [
      framed(whole, 1),
      framed(whole, 3),
      framed(without, 2),
      framed({ ...whole, recovery: null }, 2),
      framed({ ...whole, recovery: { ...recovery, threshold: 4 } }, 2),
      framed({ ...whole, recovery: { ...recovery, extra: 1 } }, 2),
      framed({ ...whole, extra: 1 }, 2),
    ])
      expect(() => decodeSealConfig(bytes)).toThrow(expect.objectContaining({ code: 'corrupt-record' }) as Error);
  });
});

describe('a wrapped root key', () => {
  it.each(wrapped)('has a frozen form: $type', ({ type, storeId, key, rootKey, nonce, blob }) => {
    const place = { type, storeId };
    expect(toHex(wrapRootKey(place, hex(key), hex(rootKey), { bytes: () => hex(nonce) }))).toBe(blob);
    expect(toHex(unwrapRootKey(place, hex(key), hex(blob)) ?? new Uint8Array(0))).toBe(rootKey);
    expect(unwrapRootKey({ type: 'other', storeId }, hex(key), hex(blob))).toBeNull();
    expect(unwrapRootKey({ type, storeId: 'other' }, hex(key), hex(blob))).toBeNull();
  });
});

describe('the registry of seals', () => {
  it('names every type once, and each has its file', async () => {
    const types = sealTypes.map(({ type }) => type);
    expect(types).toEqual(types.toSorted());
    expect(new Set(types).size).toBe(types.length);
    const files = await readdir(new URL('../../src/seal/', import.meta.url));
    for (const type of types) expect(files).toContain(`${type}.ts`);
  });

  it('says of an unknown type which ones there are', () => {
    expect(() => sealTypeOf('gcpkms')).toThrow(
      expect.objectContaining({ code: 'settings', hint: expect.stringContaining('static') as string }) as Error,
    );
    expect(sealTypeOf('static').type).toBe('static');
  });
});
