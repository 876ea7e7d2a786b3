import { describe, expect, it } from 'vitest';
import { ExemptPaths } from '../../src/quota/exempt-paths.ts';
import type { RateLimit } from '../../src/quota/record.ts';
import { Rules } from '../../src/quota/rules.ts';

const rule = (name: string, route: string, over: Partial<RateLimit> = {}) => ({
  route,
  limit: {
    name,
    mountId: route === '' ? null : route,
    route,
    suffix: '',
    role: '',
    rate: 1,
    interval: 1,
    blockInterval: 0,
    inheritable: true,
    ...over,
  } satisfies RateLimit,
});

describe('of the quotas for a request', () => {
  const rules = new Rules([
    rule('all', ''),
    rule('kv', 'team/kv'),
    rule('data', 'team/kv', { suffix: 'data/*' }),
    rule('app', 'team/kv', { suffix: 'data/app*' }),
    rule('one', 'team/kv', { suffix: 'data/app/one' }),
    rule('login', 'auth/approle', { suffix: 'login' }),
    rule('ci', 'auth/approle', { role: 'ci' }),
  ]);

  it.each([
    ['sys/mounts', null, 'all'],
    ['team', null, 'all'],
    ['team/kvx/data', null, 'all'],
    ['team/kv', null, 'kv'],
    ['team/kv/metadata/app', null, 'kv'],
    ['team/kv/data/other', null, 'data'],
    ['team/kv/data/apple', null, 'app'],
    ['team/kv/data/app/one', null, 'one'],
    ['team/kv/data/app/one/two', null, 'app'],
    ['auth/approle/login', null, 'login'],
    ['auth/approle/login', 'other', 'login'],
    ['auth/approle/login', 'ci', 'ci'],
    ['auth/approle/role', null, 'all'],
  ])('the most specific one alone counts: %s, role %s', (path, role, expected) => {
    expect(rules.find(path, role)?.name).toBe(expected);
  });

  it('only those of an auth method can depend on a role', () => {
    expect([rules.dependsOnRole('auth/approle/login'), rules.dependsOnRole('team/kv/data')]).toEqual([true, false]);
    expect([new Rules([]).isEmpty, new Rules([]).find('a', null), rules.isEmpty]).toEqual([true, null, false]);
  });
});

describe('exempt paths', () => {
  it.each([
    ['sys/health', true],
    ['sys/health/more', true],
    ['sys/healthy', false],
    ['sys', false],
    ['kv/data/a', true],
    ['kv/dat', false],
    ['kv/data/secret', false],
    ['kv/data/secret/a', false],
    ['kv/data/secrets', true],
  ])('stand for what lies below them, but not for what only begins alike: %s %s', (path, expected) => {
    expect(new ExemptPaths(['sys/health', 'kv/data*', '!kv/data/secret', '']).has(path)).toBe(expected);
  });

  it('may be all of them', () => {
    expect([new ExemptPaths(['*']).has('anything/at/all'), new ExemptPaths([]).has('sys/health')]).toEqual([true, false]);
  });
});
