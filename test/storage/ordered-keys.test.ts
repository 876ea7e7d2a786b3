import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareKeys } from '../../src/storage/key.ts';
import { OrderedKeys } from '../../src/storage/ordered-keys.ts';
import { properties, storedKey } from './generators.ts';

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe('the order of keys', () => {
  test('is the order of their UTF-8 bytes', () => {
    fc.assert(
      fc.property(storedKey, storedKey, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(byBytes(a, b));
      }),
      properties(1000),
    );
  });

  test('puts U+FFFD before U+10000, unlike JavaScript', () => {
    expect(compareKeys('\u{fffd}', '\u{10000}')).toBeLessThan(0);
    expect('\u{fffd}' < '\u{10000}').toBe(false);
  });
});

describe('a set of ordered keys', () => {
  test('holds what a sorted array holds, whatever is added and deleted', () => {
    const step = fc.tuple(fc.boolean(), storedKey);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), storedKey, fc.option(storedKey, { nil: null }), (steps, other, after) => {
        const keys = new OrderedKeys();
        const model = new Set<string>();
        for (const [add, key] of steps) {
          if (add) model.add(key);
          else model.delete(key);
          if (add) keys.add(key);
          else keys.delete(key);
        }
        const sorted = [...model].sort(byBytes);
        expect([...keys.below('', null)]).toEqual(sorted);
        const prefix = String.fromCodePoint(other.codePointAt(0) ?? 0);
        const expected = sorted.filter((key) => key.startsWith(prefix) && (after === null || byBytes(key, after) > 0));
        expect([...keys.below(prefix, after)]).toEqual(expected);
      }),
      properties(200),
    );
  });

  test.each([
    ['ascending', (index: number) => index],
    ['descending', (index: number) => 9999 - index],
    ['scattered', (index: number) => (index * 7919) % 10_000],
  ])('keeps 10,000 keys in order that arrive %s', (_order, place) => {
    const keys = new OrderedKeys();
    const name = (number: number) => `key/${String(number).padStart(5, '0')}`;
    for (let index = 0; index < 10_000; index++) keys.add(name(place(index)));
    expect([...keys.below('key/', null)]).toEqual(Array.from({ length: 10_000 }, (_, index) => name(index)));
    for (let index = 0; index < 10_000; index += 2) keys.delete(name(place(index)));
    const kept = Array.from({ length: 5000 }, (_, index) => name(place(index * 2 + 1))).sort();
    expect([...keys.below('', null)]).toEqual(kept);
    expect([...keys.below('key/', name(5000))]).toEqual(kept.filter((key) => key > name(5000)));
  });
});
