import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json } from '../../src/base/json.ts';
import { properties } from '../storage/generators.ts';

/** RFC 8785 as plainly as it can be said: the members in order, and then what JSON.stringify makes of it. */
function reference(value: Json): string {
  const ordered = (part: Json): unknown => {
    if (typeof part !== 'object' || part === null) return part;
    if (Array.isArray(part)) return (part as readonly Json[]).map(ordered);
    const members = Object.entries(part as { readonly [key: string]: Json }).sort(([a], [b]) => (a < b ? -1 : 1));
    // A Map keeps the order also of names that look like numbers.
    return new Map(members.map(([key, member]) => [key, ordered(member)]));
  };
  const written = (part: unknown): string => {
    if (part instanceof Map)
      return `{${[...part].map(([key, member]) => `${JSON.stringify(key)}:${written(member)}`).join(',')}}`;
    return Array.isArray(part) ? `[${part.map(written).join(',')}]` : JSON.stringify(part);
  };
  return written(ordered(value));
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme', maxLength: 150 }),
  fc.constantFrom('"', '\\', '\u007f', '\n', '10', '9', '__proto__'),
);
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
}));

describe('canonical JSON', () => {
  it('is what RFC 8785 says, of any value', () => {
    fc.assert(
      fc.property(value, (any) => {
        expect(canonicalJson(any)).toBe(reference(any));
      }),
      properties(300),
    );
  });

  it('is the same whatever the order of the members', () => {
    expect(canonicalJson({ b: 1, a: { d: [], c: -0 } })).toBe('{"a":{"c":0,"d":[]},"b":1}');
    expect(canonicalJson({ a: { c: -0, d: [] }, b: 1 })).toBe('{"a":{"c":0,"d":[]},"b":1}');
  });

  it('leaves out what is undefined', () => {
    const members: Record<string, Json | undefined> = { a: undefined, b: 1, c: undefined };
    expect(canonicalJson(members as Json)).toBe('{"b":1}');
  });

  it('refuses what has no canonical form', () => {
    for (const none of [NaN, Infinity, '\ud800', { '\udc00': 1 }, [['x'.repeat(200) + '\ud800']], [undefined], undefined]) {
      expect(() => canonicalJson(none as Json)).toThrow(TypeError);
    }
  });
});
