import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import { parseJsonBody } from '../../src/http/json-body.ts';
import { JsonScan } from '../../src/http/json-scan.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { runs } from './property.ts';

/** In pieces of this many bytes. */
function parse(text: string | Buffer, { tokens = 10_000, depth = 64, piece = Infinity } = {}): unknown {
  const bytes = Buffer.from(text as string);
  const scan = new JsonScan({ tokens, depth });
  for (let at = 0; at < bytes.length; at += piece) scan.feed(bytes.subarray(at, Math.min(bytes.length, at + piece)));
  return parseJsonBody(bytes, scan);
}

function refusal(text: string | Buffer, limits = {}): string {
  try {
    parse(text, limits);
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    expect((error as RequestError).status).toBe(400);
    return (error as RequestError).message;
  }
  throw new Error('it was not refused');
}

const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('"', '\\', '{', '[1,2]', '":', '__proto__', '\u2028', '12345678901234567890'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('__proto__')), tie('value'), {
      maxKeys: 5,
      noNullPrototype: true,
    }),
  ),
}));
const object = fc.dictionary(fc.string({ unit: 'grapheme' }), value, { maxKeys: 5, noNullPrototype: true });

describe('a body of JSON', () => {
  it('is what JSON.parse makes of it, in whatever pieces it came', () => {
    fc.assert(
      fc.property(object, fc.integer({ min: 1, max: 40 }), fc.constantFrom(undefined, 2, '\t'), (body, piece, indent) => {
        const text = JSON.stringify(body, null, indent);
        expect(parse(text, { piece })).toEqual(JSON.parse(text));
      }),
      runs(1000, 100_000),
    );
  });

  it('never gives anything else for bytes that are not JSON', () => {
    const broken = fc.tuple(
      object,
      fc.nat(),
      fc.constantFrom('"', '{', '}', '[', ']', ',', ':', '\\', '\u0000', 'e', '-', '1', ' '),
    );
    fc.assert(
      fc.property(broken, ([body, at, character]) => {
        const text = JSON.stringify(body);
        const cut = at % (text.length + 1);
        const mutated = Buffer.from(text.slice(0, cut) + character + text.slice(cut + 1)).toString();
        let expected: unknown;
        try {
          expected = JSON.parse(mutated);
        } catch {
          if (mutated.trim() !== '') expect(refusal(mutated)).toMatch(/^failed to decode JSON input: /);
          return;
        }
        let parsed: unknown;
        try {
          parsed = parse(mutated);
        } catch (error) {
          // JSON that would not be kept as it was sent.
          expect((error as RequestError).message).toMatch(/twice|surrogate|digits|not an object|too large/);
          return;
        }
        expect(parsed).toEqual(expected ?? {});
      }),
      runs(1500, 200_000),
    );
  });

  it('counts as empty where there is nothing, or null', () => {
    expect(['', ' \r\n\t', 'null', ' null '].map((text) => parse(text))).toEqual([{}, {}, {}, {}]);
  });

  it.each(['[]', '[{"a":1}]', '"a"', '1', 'true'])('must be an object: %s is not', (text) => {
    expect(refusal(text)).toBe('failed to decode JSON input: it is not an object');
  });

  it('is refused where a member comes twice, on any level', () => {
    for (const text of ['{"a":1,"a":1}', '{"b":{"a":1,"\\u0061":2}}', '{"c":[{"__proto__":1,"__proto__":2}]}', '{"":1,"":2}']) {
      expect(refusal(text)).toBe('failed to decode JSON input: a member comes twice');
    }
    expect(parse('{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}')).toEqual({ a: { a: { a: 1 } }, b: [{ a: 1 }, { a: 2 }] });
  });

  it('keeps a member called __proto__ as a member', () => {
    const body = parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}') as Record<string, unknown>;
    expect(Object.keys(body)).toEqual(['__proto__', 'constructor']);
    expect(body['admin']).toBeUndefined();
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  it('is refused where a number would not be kept exactly', () => {
    for (const number of ['9007199254740993', '-9007199254740993', '12345678901234567890', `1${'0'.repeat(22)}1`]) {
      expect(refusal(`{"a":[${number}]}`)).toMatch(/too many digits/);
      expect(refusal(`{"a":${number}}`, { piece: 3 })).not.toContain(number);
    }
    for (const number of ['1e999', '-1e999', '1'.repeat(400)]) expect(refusal(`{"a":${number}}`)).toMatch(/too large/);
    expect(
      parse('{"a":9007199254740991,"b":9007199254740992,"c":0.1234567890123456789,"d":1e22,"e":-0,"f":100000000000000000000}'),
    ).toEqual({
      a: 9007199254740991,
      b: 9007199254740992,
      c: 0.12345678901234568,
      d: 1e22,
      e: -0,
      f: 1e20,
    });
    expect(parse('{"a":"12345678901234567891","b\\"":"\\\\","12345678901234567893":11111111111111110}')).toEqual({
      a: '12345678901234567891',
      'b"': '\\',
      '12345678901234567893': 11111111111111110,
    });
  });

  it('is refused where a string holds half a character', () => {
    for (const text of ['{"a":"\\ud800"}', '{"\\uDC00":1}', '{"a":["\\uDE00\\uD83D"]}'])
      expect(refusal(text)).toMatch(/surrogate/);
    expect(parse('{"a":"\\ud83d\\ude00"}')).toEqual({ a: '😀' });
  });

  it('is refused where the bytes are not UTF-8, or begin with a byte order mark', () => {
    expect(refusal(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toMatch(/not UTF-8/);
    expect(refusal('\ufeff{"a":1}')).toMatch(/^failed to decode/);
  });

  it('is never quoted in a refusal', () => {
    for (const text of ['{"password":"hunter2"', '{"password":hunter2}', '{"password":"hunter2"}x', 'hunter2']) {
      expect(refusal(text)).not.toContain('unter2');
    }
  });

  it('nests so deep and no deeper', () => {
    const nested = (levels: number): string => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels);
    const lists = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    expect(parse(nested(64))).toBeDefined();
    expect(parse(lists(64))).toBeDefined();
    expect(refusal(nested(65))).toMatch(/nest deeper than 64/);
    expect(refusal(lists(65))).toMatch(/nest deeper than 64/);
    expect(refusal('['.repeat(200_000))).toMatch(/nest deeper than 64/);
    expect(parse(`{"a":"${'['.repeat(1000)}"}`)).toBeDefined();
  });

  it('holds so many values and names, and no more', () => {
    const members = (count: number): string =>
      `{${Array.from({ length: count }, (_, index) => `"m${index}":${index}`).join(',')}}`;
    expect(parse(members(49), { tokens: 99 })).toBeDefined();
    expect(refusal(members(49), { tokens: 98 })).toMatch(/more than 98 values/);
    const one = ['1', 'true', 'null', '""', '[]', '{}', '-1.5e3'];
    for (const item of one) {
      expect(parse(`{"a":[${Array.from({ length: 50 }, () => item).join(' ,\n')}]}`, { tokens: 53 })).toBeDefined();
      expect(refusal(`{"a":[${Array.from({ length: 51 }, () => item).join(',')}]}`, { tokens: 53 })).toMatch(/more than 53/);
    }
  });
});
