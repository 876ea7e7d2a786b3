import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { booleanParameter, formData, parseParameters, queryData } from '../../src/http/query.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { runs } from './property.ts';

const data = (query: string): unknown => queryData(parseParameters(query, 100));

describe('the query of a request', () => {
  it('is a string for each parameter, and a list for one that comes again', () => {
    expect(data('version=2&after=a%2Fb&q=x+y&empty=&bare')).toEqual({
      version: '2',
      after: 'a/b',
      q: 'x y',
      empty: '',
      bare: '',
    });
    expect(data('versions=1&versions=2&versions=3')).toEqual({ versions: ['1', '2', '3'] });
    expect(data('a=b=c&&d=1&')).toEqual({ a: 'b=c', d: '1' });
    expect(data('')).toEqual({});
  });

  it('has no way to the prototype of an object', () => {
    const parsed = data('__proto__=a&__proto__=b&constructor=c') as Record<string, unknown>;
    expect(Object.keys(parsed)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['b']).toBeUndefined();
  });

  it.each(['a=%', 'a=%zz', '%ff=1', 'a=1;b=2', 'a=b#c', 'a=ä', 'a=b c', 'a=%ED%A0%80'])('refuses %s', (query) => {
    expect(() => data(query)).toThrow(RequestError);
  });

  it('has at most so many parameters, however they are written', () => {
    expect(() => parseParameters('a=1&'.repeat(100), 100)).not.toThrow();
    expect(() => parseParameters('a=1&'.repeat(101), 100)).toThrow('more than 100 parameters');
    expect(() => parseParameters('&'.repeat(1_000_000), 100)).toThrow('more than 100 parameters');
  });

  it('knows the words for true and false that Go knows', () => {
    const list = (value: string): boolean | null => booleanParameter(parseParameters(`list=${value}`, 10), 'list');
    expect(['1', 't', 'T', 'TRUE', 'true', 'True'].map(list)).toEqual(new Array(6).fill(true));
    expect(['0', 'f', 'F', 'FALSE', 'false', 'False'].map(list)).toEqual(new Array(6).fill(false));
    expect(list('')).toBeNull();
    for (const value of ['yes', '2', 'tRUE', 'true ']) expect(() => list(value.replace(' ', '+'))).toThrow(RequestError);
  });

  it('reads what URLSearchParams writes', () => {
    const pairs = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), { maxLength: 20 });
    fc.assert(
      fc.property(pairs, (list) => {
        const expected = new Map<string, string[]>();
        for (const [name, value] of list) expected.set(name, [...(expected.get(name) ?? []), value]);
        // It leaves "*" alone, as we do, and writes a pair of nothing as "=", which no client means.
        const parsed = parseParameters(new URLSearchParams(list).toString(), 100);
        expect(new Map(parsed)).toEqual(expected);
      }),
      runs(500, 50_000),
    );
  });
});

describe('the fields of a form', () => {
  it('are a string each, joined by commas where one comes again', () => {
    expect(formData(Buffer.from('a=1&b=x+y&a=2'), 100)).toEqual({ a: '1,2', b: 'x y' });
    expect(formData(Buffer.from('a=x y\tz&b=ä'), 100)).toEqual({ a: 'x y\tz', b: 'ä' });
    expect(() => formData(Buffer.from('a=\xe4', 'latin1'), 100)).toThrow('not percent-encoded UTF-8');
  });
});
