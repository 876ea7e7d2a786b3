import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { sealedDigest } from '../../src/base/sealed-digest.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { normalizeSource, redactSource, sameSource, valueSourceSchema } from '../../src/kinds/value-source.ts';
import { generateFromCharset } from '../../src/policy/charset.ts';

const block =
  '-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBhYmNk\nZWZnaA==\n-----END AGE ENCRYPTED FILE-----\n';
const valid = new Ajv({ strict: false }).compile(valueSourceSchema('The password.'));

describe('the schema of a value source', () => {
  it.each<[JsonObject]>([
    [{ sealed: block }],
    [{ generate: { length: 40 } }],
    [{ generate: { length: 40, charset: 'hex' } }],
    [{ generate: { length: 6, charset: '0123456789' } }],
    [{ generate: { policy: 'strong' } }],
    [{ fromEnv: 'API_KEY' }],
    [{ fromEnv: 'API_KEY', version: 2 }],
    [{ fromFile: 'secrets/key.pem', version: 1 }],
  ])('takes %j', (source) => {
    expect(valid(source)).toBe(true);
  });

  it.each<[unknown]>([
    ['a plain value'],
    [42],
    [null],
    [{}],
    [{ value: 'plain' }],
    [{ literal: 'plain' }],
    [{ sealed: block, version: 1 }],
    [{ sealed: block, fromEnv: 'A' }],
    [{ sealed: '' }],
    [{ generate: {} }],
    [{ generate: { length: 3 } }],
    [{ generate: { length: 1025 } }],
    [{ generate: { length: 8, charset: 'hex ' } }],
    [{ generate: { length: 8, charset: 'base64ur' } }],
    [{ generate: { length: 8, charset: 'alphanumerc' } }],
    [{ generate: { length: 8, charset: 'abcdefghijkä' } }],
    [{ generate: { length: 8, charset: '' } }],
    [{ generate: { length: 8, policy: 'strong' } }],
    [{ fromEnv: 'NOT A NAME' }],
    [{ fromEnv: 'A', version: 0 }],
    [{ fromFile: '' }],
  ])('refuses %j', (source) => {
    expect(valid(source)).toBe(false);
  });
});

it('every named set of characters is one that the store can draw from', () => {
  const names = ['alphanumeric', 'alphabetic', 'lowercase', 'uppercase', 'digits', 'hex', 'base64url'];
  const letters = names.map((charset) => {
    expect(valid({ generate: { length: 40, charset } })).toBe(true);
    return new Set(generateFromCharset(systemRandom, { length: 4096, charset })).size;
  });
  expect(letters).toEqual([62, 52, 26, 26, 10, 16, 64]);
});

describe('a redacted source', () => {
  it('names a sealed block by its digest, and holds none of it', () => {
    const redacted = redactSource({ sealed: block });
    expect(redacted).toEqual({ sealed: sealedDigest(block) });
    expect(JSON.stringify(redacted)).not.toContain('YWdl');
  });

  it('names the others by their parameters, the version filled in', () => {
    expect(redactSource({ generate: { length: 40 } })).toEqual({ generate: { length: 40, charset: 'alphanumeric' } });
    expect(redactSource({ generate: { policy: 'p' } })).toEqual({ generate: { policy: 'p' } });
    expect(redactSource({ fromEnv: 'A' })).toEqual({ fromEnv: 'A', version: 1 });
    expect(redactSource({ fromFile: 'a', version: 3 })).toEqual({ fromFile: 'a', version: 3 });
  });

  it.each<[JsonObject | string]>([['canary-value'], [{ literal: 'canary-value' }], [{ sealed: 1, x: 'canary-value' }]])(
    'is never made of what is no source, and the refusal quotes nothing (%#)',
    (source) => {
      expect(() => redactSource(source)).toThrow(/^not a value source/);
      expect(() => redactSource(source)).not.toThrow(/canary/);
    },
  );
});

describe('the same source', () => {
  it('is one whose block differs only in white space', () => {
    const indented = block.replaceAll('\n', '\r\n    ');
    expect(sameSource({ sealed: indented }, { ...redactSource({ sealed: block }) })).toBe(true);
    expect(sameSource({ sealed: block.replace('YWdl', 'YWdm') }, { ...redactSource({ sealed: block }) })).toBe(false);
  });

  it('is not one of another kind, other parameters or a field that was never applied', () => {
    expect(sameSource({ generate: { length: 40 } }, { generate: { length: 41, charset: 'alphanumeric' } })).toBe(false);
    expect(sameSource({ generate: { length: 40 } }, { generate: { length: 40, charset: 'alphanumeric' } })).toBe(true);
    expect(sameSource({ fromEnv: 'A' }, { fromFile: 'A', version: 1 })).toBe(false);
    expect(sameSource({ fromEnv: 'A', version: 2 }, { fromEnv: 'A', version: 1 })).toBe(false);
    expect(sameSource({ fromEnv: 'A' }, undefined)).toBe(false);
    expect(sameSource({ fromEnv: 'A' }, { fromEnv: 'A', version: 1 })).toBe(true);
  });

  it('is every source and its own record, whatever the order of their members', () => {
    const source = fc.oneof<fc.Arbitrary<JsonObject>[]>(
      fc.record({ sealed: fc.string() }),
      fc.record({ generate: fc.record({ length: fc.nat(), charset: fc.string() }, { requiredKeys: ['length'] }) }),
      fc.record({ version: fc.nat(), fromEnv: fc.string() }, { requiredKeys: ['fromEnv'] }),
    );
    fc.assert(
      fc.property(source, (any) => {
        const reversed = Object.fromEntries(Object.entries({ ...redactSource(any) }).toReversed());
        expect(sameSource(any, reversed)).toBe(true);
        expect(normalizeSource(normalizeSource(any))).toEqual(normalizeSource(any));
      }),
    );
  });
});
