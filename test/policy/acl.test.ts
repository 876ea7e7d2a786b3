import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import type { Acl, AclQuestion } from '../../src/core/caller.ts';
import { compileAcl, rootAcl } from '../../src/policy/acl.ts';
import { parsePolicy } from '../../src/policy/hcl.ts';

/** The ACL of texts; the policies are called p0, p1 … */
function acl(...texts: readonly string[]): Acl {
  return compileAcl(texts.map((text, index) => ({ name: `p${index}`, rules: parsePolicy(text) })));
}

/** Which of the bodies may be sent to `x`. */
const sendsEach = (subject: Acl, bodies: readonly JsonObject[]): readonly boolean[] => bodies.map((data) => sends(subject, data));

function allows(subject: Acl, verb: AclQuestion['verb'], path: string, more: Partial<AclQuestion> = {}): boolean {
  return subject.allows({ verb, path, data: {}, wrapTtl: null, sudo: false, ...more }).allowed;
}

const sends = (subject: Acl, data: JsonObject): boolean => allows(subject, 'update', 'x', { data });

describe('which rule decides', () => {
  it('nothing is allowed that no rule allows', () => {
    const none = acl();
    expect(allows(none, 'read', 'any/path')).toBe(false);
    expect(none.capabilities('any/path')).toEqual(['deny']);
    expect(none.allows({ verb: 'read', path: 'x', data: {}, wrapTtl: null, sudo: false }).granting).toEqual([]);
  });

  it('a rule for exactly the path goes before any pattern, also when it gives less', () => {
    const subject = acl(
      'path "a/*" { capabilities = ["read"] } path "a/b" { capabilities = ["update"] } path "a/+" { capabilities = ["list"] }',
    );
    expect(subject.capabilities('a/b')).toEqual(['update']);
    expect(subject.capabilities('a/c')).toEqual(['list']);
    expect(subject.capabilities('a/c/d')).toEqual(['read']);
  });

  // In each case the second rule is the more specific one.
  it.each([
    ['a later first wildcard', '+/*', 'foo/+/*', 'foo/bar/bar/baz'],
    ['a later first wildcard, though it is lexicographically smaller', 'foo/+/(ar/baz', 'foo/(ar/+/baz', 'foo/(ar/(ar/baz'],
    ['a longer prefix', 'foo/*', 'foo/bar/*', 'foo/bar/baz'],
    ['a prefix beside wildcards of the same position', 'foo/b*', 'foo/ba*', 'foo/bar'],
    ['no + where both begin with a wildcard', '+/*', '*', 'foo/bar/bar/baz'],
    ['an ending without *', 'foo/bar/+/baz*', 'foo/bar/+/baz', 'foo/bar/bar/baz'],
    ['an ending without * over fewer +', 'foo/+/*', 'foo/+/+', 'foo/bar/baz'],
    ['fewer +', 'foo/+/+/*', 'foo/+/bar/*', 'foo/bar/bar/baz'],
    ['fewer + without *', 'foo/+/+/baz', 'foo/+/bar/baz', 'foo/bar/bar/baz'],
    ['greater length', 'foo/bar/+/b*', 'foo/bar/+/ba*', 'foo/bar/bar/baz'],
    ['the lexicographically greater of equals', 'a/+/+/c', 'a/+/b/+', 'a/b/b/c'],
  ])('%s goes first: %s, %s', (_, less, more, path) => {
    for (const order of [
      `path "${less}" {capabilities=["read"]} path "${more}" {capabilities=["update"]}`,
      `path "${more}" {capabilities=["update"]} path "${less}" {capabilities=["read"]}`,
    ]) {
      expect(acl(order).capabilities(path)).toEqual(['update']);
    }
  });

  it('+ stands for one whole segment, * for any rest', () => {
    const subject = acl(`
      path "test/+/segment" { capabilities = ["read"] }
      path "test/segment/at/front" { capabilities = ["read"] }
      path "test/segment/at/end/+" { capabilities = ["read"] }
      path "test/segment/at/end/v2/+/" { capabilities = ["read"] }
      path "test/+/wildcard/+/*" { capabilities = ["read"] }
      path "test/+/wildcardglob/+/end*" { capabilities = ["read"] }
      path "1/2/*" { capabilities = ["create"] }
      path "1/2/+" { capabilities = ["read"] }
      path "1/2/+/+" { capabilities = ["update"] }`);
    const read = (path: string): boolean => allows(subject, 'read', path);
    expect(read('test/foo/bar/segment')).toBe(false);
    expect(read('test/foo/segment')).toBe(true);
    expect(read('test/segment/at/frond')).toBe(false);
    expect(read('test/segment/at/front')).toBe(true);
    expect(read('test/segment/at/end/foo')).toBe(true);
    expect(read('test/segment/at/end/foo/')).toBe(false);
    expect(read('test/segment/at/end/v2/foo/')).toBe(true);
    expect(read('test/segment/wildcard/at/foo/')).toBe(true);
    expect(read('test/segment/wildcard/at/end')).toBe(true);
    expect(read('test/segment/wildcard/at')).toBe(false);
    expect(read('test/a/wildcardglob/b/ending/and/more')).toBe(true);
    expect(read('1/2/3')).toBe(true);
    expect(read('1/2/3/4')).toBe(false);
    expect(allows(subject, 'update', '1/2/3/4')).toBe(true);
    expect(allows(subject, 'create', '1/2/3/4/5')).toBe(true);
  });

  it('takes a + that is only part of a segment for itself', () => {
    const subject = acl('path "a/+b" { capabilities = ["read"] } path "c+/d" { capabilities = ["read"] }');
    expect(subject.capabilities('a/+b')).toEqual(['read']);
    expect(subject.capabilities('a/xb')).toEqual(['deny']);
    expect(subject.capabilities('c+/d')).toEqual(['read']);
    expect(subject.capabilities('cx/d')).toEqual(['deny']);
  });

  it('case counts in paths', () => {
    const subject = acl(
      'path "auth/approle/role/*" { capabilities = ["read"] } path "auth/approle/role/admin" { capabilities = ["deny"] }',
    );
    expect(allows(subject, 'read', 'auth/approle/role/admin')).toBe(false);
    expect(allows(subject, 'read', 'auth/approle/role/other')).toBe(true);
  });
});

describe('lists', () => {
  it('are asked of the folder with its slash, then without', () => {
    expect(allows(acl('path "a/b/" { capabilities = ["list"] }'), 'list', 'a/b')).toBe(true);
    expect(allows(acl('path "a/b" { capabilities = ["list"] }'), 'list', 'a/b/')).toBe(true);
    expect(allows(acl('path "a/+" { capabilities = ["list"] }'), 'list', 'a/b/')).toBe(true);
    expect(allows(acl('path "a/b" { capabilities = ["list"] }'), 'list', 'a/b/c/')).toBe(false);
    expect(allows(acl('path "a/b/" { capabilities = ["read"] }'), 'read', 'a/b')).toBe(false);
  });

  it('do not slip past a narrower deny by their slash (CVE-2026-63131)', () => {
    const subject = acl(
      'path "kv/metadata/*" { capabilities = ["list"] } path "kv/metadata/private/*" { capabilities = ["deny"] }',
    );
    expect(allows(subject, 'list', 'kv/metadata/private/')).toBe(false);
    expect(allows(subject, 'list', 'kv/metadata/private')).toBe(false);
    expect(allows(subject, 'list', 'kv/metadata/public/')).toBe(true);
    expect(allows(subject, 'list', 'kv/metadata/')).toBe(true);
  });

  it('an exact rule without slash goes before a pattern that matches with slash', () => {
    const subject = acl('path "a/*" { capabilities = ["list"] } path "a/b" { capabilities = ["deny"] }');
    expect(allows(subject, 'list', 'a/b/')).toBe(false);
  });
});

describe('several policies', () => {
  const first = 'path "x" { capabilities = ["read"] } path "s/*" { capabilities = ["read", "list"] }';

  it('add up for the same pattern, and deny beats all', () => {
    expect(acl(first, 'path "x" { capabilities = ["update", "sudo"] }').capabilities('x')).toEqual(['read', 'sudo', 'update']);
    expect(acl(first, 'path "x" { capabilities = ["deny"] }').capabilities('x')).toEqual(['deny']);
    expect(acl('path "x" { capabilities = ["deny"] }', first).capabilities('x')).toEqual(['deny']);
  });

  it('do not add up for different patterns: the more specific one alone counts, also over a deny', () => {
    expect(acl(first, 'path "s/a" { capabilities = ["update"] }').capabilities('s/a')).toEqual(['update']);
    expect(acl('path "s/*" { capabilities = ["deny"] }', 'path "s/a" { capabilities = ["read"] }').capabilities('s/a')).toEqual([
      'read',
    ]);
  });

  it('are named where they granted', () => {
    const subject = acl(first, 'path "x" { capabilities = ["update"] }', 'path "x" { capabilities = ["read"] }');
    const granting = (verb: AclQuestion['verb']) =>
      subject.allows({ verb, path: 'x', data: {}, wrapTtl: null, sudo: false }).granting;
    expect(granting('read')).toEqual([
      { name: 'p0', type: 'acl' },
      { name: 'p2', type: 'acl' },
    ]);
    expect(granting('update')).toEqual([{ name: 'p1', type: 'acl' }]);
    expect(granting('delete')).toEqual([]);
  });

  it('with root, everything is allowed', () => {
    expect(rootAcl.capabilities('any')).toEqual(['root']);
    expect(rootAcl.allows({ verb: 'delete', path: 'any', data: {}, wrapTtl: null, sudo: true })).toEqual({
      allowed: true,
      granting: [{ name: 'root', type: 'acl' }],
    });
  });
});

describe('sudo', () => {
  it('is needed besides the verb', () => {
    expect(allows(acl('path "x" { capabilities = ["update"] }'), 'update', 'x', { sudo: true })).toBe(false);
    expect(allows(acl('path "x" { capabilities = ["sudo"] }'), 'update', 'x', { sudo: true })).toBe(false);
    expect(allows(acl('path "x" { capabilities = ["update", "sudo"] }'), 'update', 'x', { sudo: true })).toBe(true);
  });
});

describe('templated paths', () => {
  it('grant nothing and deny nothing, and the rest of the policy counts', () => {
    const subject = acl('path "s/{{identity.entity.id}}/*" { capabilities = ["read"] } path "t" { capabilities = ["read"] }');
    expect(subject.capabilities('s/{{identity.entity.id}}/a')).toEqual(['deny']);
    expect(subject.capabilities('t')).toEqual(['read']);
  });
});

describe('the reach of policies', () => {
  it('is a mount in which they allow anything at all', () => {
    const reach = (path: string, capability = 'read'): boolean =>
      acl(`path "${path}" { capabilities = ["${capability}"] }`).reaches('kv/');
    for (const path of ['kv/data/a', 'kv/*', 'kv/+/a', 'k*', '*', '+/data', 'kv', 'kv/'])
      expect([path, reach(path)]).toEqual([path, true]);
    for (const path of ['kv2/data/a', 'kvx*', 'k', 'sys/*', 'other/+']) expect([path, reach(path)]).toEqual([path, false]);
    expect(reach('kv/*', 'deny')).toBe(false);
    expect(acl('path "kv/*" {}').reaches('kv/')).toBe(false);
    expect(rootAcl.reaches('kv/')).toBe(true);
  });
});

describe('wrapping limits', () => {
  const rule = (limits: string): Acl => acl(`path "x" { capabilities = ["read", "list"] ${limits} }`);

  it('make wrapping mandatory', () => {
    expect(allows(rule('min_wrapping_ttl = "1m"'), 'read', 'x')).toBe(false);
    expect(allows(rule('max_wrapping_ttl = "1m"'), 'list', 'x')).toBe(false);
    expect(allows(rule('min_wrapping_ttl = 0'), 'read', 'x')).toBe(true);
  });

  it('bound the time from both sides, ends included', () => {
    const subject = rule('min_wrapping_ttl = 60 max_wrapping_ttl = 120');
    expect([59, 60, 120, 121].map((wrapTtl) => allows(subject, 'read', 'x', { wrapTtl }))).toEqual([false, true, true, false]);
  });

  it('of several policies, the lower of each counts; where they exclude each other, nothing fits', () => {
    const a = 'path "x" { capabilities = ["read"] min_wrapping_ttl = 100 max_wrapping_ttl = 300 }';
    const merged = acl(a, 'path "x" { capabilities = ["read"] min_wrapping_ttl = 50 max_wrapping_ttl = 200 }');
    expect([49, 50, 200, 201].map((wrapTtl) => allows(merged, 'read', 'x', { wrapTtl }))).toEqual([false, true, true, false]);
    const excluding = acl(
      'path "x" { capabilities = ["read"] min_wrapping_ttl = 100 }',
      'path "x" { capabilities = ["read"] max_wrapping_ttl = 50 }',
    );
    expect([null, 50, 75, 100].map((wrapTtl) => allows(excluding, 'read', 'x', { wrapTtl }))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('parameters', () => {
  const rule = (...parameters: readonly string[]): Acl =>
    acl(
      ...parameters.map((text) => `path "x" { capabilities = ["create", "read", "update", "patch", "delete", "list"] ${text} }`),
    );

  it('are looked at for read, create, update and patch only', () => {
    const subject = rule('denied_parameters = { "*" = [] }');
    const verbs: readonly AclQuestion['verb'][] = ['read', 'create', 'update', 'patch', 'list', 'delete'];
    expect(verbs.map((verb) => allows(subject, verb, 'x', { data: { a: 1 } }))).toEqual([false, false, false, false, true, true]);
  });

  it('required ones must be there, whatever their value', () => {
    const subject = rule('required_parameters = ["TTL"]');
    expect(sendsEach(subject, [{}, { other: 1 }, { ttl: null }, { ttl: '' }])).toEqual([false, false, true, true]);
    expect(sends(rule('required_parameters = ["toString"]'), {})).toBe(false);
  });

  it('only what is allowed may be sent, and no body at all may be sent always', () => {
    const subject = rule('allowed_parameters = { "Name" = ["good", "gl*"] "any" = [] }');
    const bodies: readonly JsonObject[] = [
      {},
      { name: 'good' },
      { NAME: 'glob' },
      { any: { deep: 1 } },
      { name: 'bad' },
      { name: 'good', other: 1 },
      { name: null },
    ];
    expect(sendsEach(subject, bodies)).toEqual([true, true, true, true, false, false, false]);
  });

  it('the allowed name * lets others pass, but not other values of a named one', () => {
    const subject = rule('allowed_parameters = { "*" = [] "bar" = [false] }');
    expect(sendsEach(subject, [{ x: 1 }, { bar: false }, { bar: true }, { bar: 'false' }])).toEqual([true, true, false, false]);
  });

  it('denied ones go before allowed ones', () => {
    const subject = rule('denied_parameters = { "deny" = ["bad*"] "never" = [] } allowed_parameters = { "*" = [] }');
    const bodies: readonly JsonObject[] = [
      { deny: 'good' },
      { deny: 'bad' },
      { DENY: 'bad one' },
      { deny: null },
      { never: 1 },
      { deny: ['bad'] },
    ];
    expect(sendsEach(subject, bodies)).toEqual([true, false, false, true, false, true]);
  });

  it('a text may have * at either end, and a lone * is just that character', () => {
    const fits = (item: string, value: string): boolean =>
      sends(rule(`allowed_parameters = { "a" = ["${item}"] }`), { a: value });
    expect(fits('*ing', 'ending')).toBe(true);
    expect(fits('*ing', 'endings')).toBe(false);
    expect(fits('mid*', 'amid')).toBe(false);
    expect(fits('*mid*', 'amidst')).toBe(true);
    expect(fits('**', 'anything')).toBe(true);
    expect(fits('*', 'anything')).toBe(false);
    expect(fits('*', '*')).toBe(true);
    expect(fits('a*b', 'axb')).toBe(false);
  });

  it('numbers, lists and objects are compared by value', () => {
    const subject = rule('allowed_parameters = { "n" = [1] "list" = [["a"]] "map" = [{ "a" = 1, "b" = [true] }] }');
    const bodies: readonly JsonObject[] = [
      { n: 1 },
      { n: 2 },
      { n: '1' },
      { list: ['a'] },
      { list: ['b'] },
      { map: { b: [true], a: 1 } },
      { map: { a: 1 } },
    ];
    expect(sendsEach(subject, bodies)).toEqual([true, false, false, true, false, true, false]);
  });

  it('of several policies add up, and any value beats a list', () => {
    const merged = rule('allowed_parameters = { "a" = ["1"] "b" = ["1"] }', 'allowed_parameters = { "a" = ["2"] "b" = [] }');
    expect(sendsEach(merged, [{ a: '1' }, { a: '2' }, { a: '3' }, { b: '3' }])).toEqual([true, true, false, true]);
    const denied = rule('denied_parameters = { "a" = ["1"] }', 'denied_parameters = { "a" = [] }');
    expect(sends(denied, { a: '2' })).toBe(false);
  });

  it('a policy without parameter rules does not widen those of another', () => {
    expect(sends(rule('allowed_parameters = { "a" = [] }', ''), { b: 1 })).toBe(false);
  });

  it('knows no names that every object has', () => {
    const subject = rule('allowed_parameters = { "a" = [] }');
    expect(sends(subject, JSON.parse('{"__proto__": 1}') as JsonObject)).toBe(false);
    expect(sends(subject, { constructor: 1 })).toBe(false);
    expect(sends(rule('denied_parameters = { "__proto__" = [] }'), JSON.parse('{"__proto__": 1}') as JsonObject)).toBe(false);
  });
});

describe('a large set of policies', () => {
  it('is looked up without looking at every rule', () => {
    const rules = (pattern: (index: number) => string): string =>
      Array.from({ length: 2_000 }, (_, index) => `path "${pattern(index)}" { capabilities = ["read"] }`).join('\n');
    const small = acl('path "a/1/*" { capabilities = ["read"] } path "b/+/1" { capabilities = ["read"] }');
    const large = acl(
      rules((index) => `a/${index}/*`),
      rules((index) => `b/+/${index}`),
      rules((index) => `c/${index}`),
    );
    expect(large.capabilities('a/1999/x')).toEqual(['read']);
    expect(large.capabilities('b/x/1999')).toEqual(['read']);
    expect(large.capabilities('b/x/2000')).toEqual(['deny']);
    const time = (subject: Acl): number => {
      const start = process.hrtime.bigint();
      for (let round = 0; round < 20_000; round++) {
        allows(subject, 'read', 'a/1/x');
        allows(subject, 'read', 'b/x/1');
      }
      return Number(process.hrtime.bigint() - start);
    };
    time(small);
    time(large);
    // 3,000 times as many rules: a scan would take hundreds of times as long.
    expect(time(large) / time(small)).toBeLessThan(20);
  });

  it('does not blow up on a path and patterns full of +', () => {
    const text = Array.from(
      { length: 60 },
      (_, index) =>
        `path "${Array.from({ length: 60 }, (__, at) => (at === index ? 'a' : '+')).join('/')}" { capabilities = ["read"] }`,
    );
    const subject = acl(text.join('\n'));
    expect(subject.capabilities(Array.from({ length: 60 }, () => 'a').join('/'))).toEqual(['read']);
    expect(subject.capabilities(Array.from({ length: 60 }, () => 'b').join('/'))).toEqual(['deny']);
  });
});
