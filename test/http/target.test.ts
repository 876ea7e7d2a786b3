import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCanonicalPath } from '../../src/base/name.ts';
import { parseTarget } from '../../src/http/target.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { runs } from './property.ts';

function statusOf(target: string): number {
  try {
    parseTarget(target);
    return 200;
  } catch (error) {
    return (error as RequestError).status;
  }
}

describe('the path of a request', () => {
  it.each([
    ['/v1/secret/data/a', 'secret/data/a'],
    ['/v1/secret/data/with%20space', 'secret/data/with space'],
    ['/v1/secret/data/%C3%A4%E6%BC%A2', 'secret/data/ä漢'],
    ['/v1/secret/data/a%40b:c@d', 'secret/data/a@b:c@d'],
    ['/v1/secret/data/%61', 'secret/data/a'],
    ['/v1/secret/data/a+b', 'secret/data/a+b'],
    ['/v1/secret/data/100%25', 'secret/data/100%'],
    ['/v1/secret/data/..a/.b/c..', 'secret/data/..a/.b/c..'],
    ['/v1/secret/metadata/', 'secret/metadata/'],
    ['/v1/secret/%3F%23', 'secret/?#'],
  ])('%s is %s', (target, path) => {
    expect(parseTarget(target).path).toBe(path);
  });

  it('is decoded once, never twice', () => {
    expect(parseTarget('/v1/secret/%252e%252e/%25252f').path).toBe('secret/%2e%2e/%252f');
  });

  it.each([
    '/v1/kv/metadata/team-a/../x',
    '/v1/kv/metadata/team-a/%2e%2e/x',
    '/v1/kv/metadata/team-a/%2E./x',
    '/v1/kv/metadata/team-a/./x',
    '/v1/kv/metadata/team-a%2fx',
    '/v1/kv/metadata/team-a%2Fx',
    '/v1/kv/metadata/team-a\\..\\x',
    '/v1/kv/metadata/team-a%5cx',
    '/v1/kv//x',
    '//v1/kv/x',
    '//evil/v1/sys',
    '/v1//',
    '/v1/kv/x//',
    '/v1/kv/%00',
    '/v1/kv/%0a',
    '/v1/kv/%7f',
    '/v1/kv/%c2%85',
    '/v1/kv/%',
    '/v1/kv/%4',
    '/v1/kv/%zz',
    '/v1/kv/%ff',
    '/v1/kv/%c0%ae%c0%ae/x',
    '/v1/kv/%ed%a0%80',
    '/v1/kv/a%cc%88',
    '/v1/kv/*',
    '/v1/kv/%2a',
    '/v1/kv/a#b',
    '/v1/kv/a b',
    '/v1/kv/ä',
    '/v1/../v1/kv/x',
    'http://localhost/v1/kv/x',
    'v1/kv/x',
    '*',
    '',
    `/v1/${'a'.repeat(513)}`,
    `/v1/${'%C3%A4'.repeat(257)}`,
  ])('refuses %s', (target) => {
    expect(statusOf(target)).toBe(400);
  });

  it.each(['/', '/v1', '/v1/', '/ui', '/v2/sys/health', '/robots.txt', '/v1?list=true'])('there is nothing at %s', (target) => {
    expect(statusOf(target)).toBe(404);
  });

  it('takes a path of 512 bytes', () => {
    expect(parseTarget(`/v1/${'a'.repeat(512)}`).path).toHaveLength(512);
    expect(parseTarget(`/v1/${'%C3%A4'.repeat(256)}`).path).toHaveLength(256);
  });

  it('leaves the query as it came', () => {
    expect(parseTarget('/v1/a?b=%2e%2e&c#')).toEqual({ path: 'a', query: 'b=%2e%2e&c#' });
    expect(parseTarget('/v1/a?')).toEqual({ path: 'a', query: '' });
  });

  it('every target is refused or gives a canonical path', () => {
    const piece = fc.constantFrom(
      '/',
      '//',
      '.',
      '..',
      '%2e',
      '%2f',
      '%252e',
      '\\',
      '%00',
      '%',
      'a',
      'B',
      '%C3%A4',
      '%FF',
      '*',
      '?',
      '#',
      'é',
      ' ',
    );
    const target = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => `/v1/${pieces.join('')}`),
      fc.string({ unit: 'binary-ascii' }),
      fc.string({ unit: 'binary-ascii' }).map((text) => `/v1/${text}`),
    );
    fc.assert(
      fc.property(target, (text) => {
        let parsed;
        try {
          parsed = parseTarget(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RequestError);
          return;
        }
        expect(isCanonicalPath(parsed.path)).toBe(true);
      }),
      runs(3000, 1_000_000),
    );
  });

  it('whatever is canonical arrives as it is, encoded by whichever client', () => {
    const segment = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .map((text) => text.normalize('NFC'))
      .filter((text) => isCanonicalPath(text) && !text.includes('/'));
    const encoders = [
      encodeURIComponent,
      (text: string) => encodeURIComponent(text).replace(/%(?:40|3A|2B|24|26|2C|3B|3D)/g, decodeURIComponent),
      (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    ];
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), fc.nat(2), (segments, index) => {
        const path = segments.join('/');
        fc.pre(isCanonicalPath(path));
        expect(parseTarget(`/v1/${segments.map((text) => encoders[index]?.(text)).join('/')}`).path).toBe(path);
      }),
      runs(1000, 100_000),
    );
  });
});
