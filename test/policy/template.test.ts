import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCanonicalPath } from '../../src/base/name.ts';
import type { Identity } from '../../src/core/ports.ts';
import { PolicySet } from '../../src/policy/acl.ts';
import { parsePolicy } from '../../src/policy/hcl.ts';
import { fillPath, templateProblem } from '../../src/policy/template.ts';
import { refusal } from '../token/asking.ts';
import { people } from '../identity/asking.ts';
import { runs } from './property.ts';

const somebody: Identity = {
  entity: {
    id: 'e-1',
    name: 'anna',
    metadata: { team: 'pay', 'a.b': 'dotted', path: 'x/y', star: '*', empty: '' },
    aliases: [
      {
        id: 'a-1',
        name: 'anna@example.org',
        mountAccessor: 'auth_approle_1',
        metadata: { sub: 's' },
        customMetadata: { zone: 'z' },
      },
      { id: 'a-2', name: 'repo:org/x', mountAccessor: 'auth_approle_12', metadata: {}, customMetadata: {} },
    ],
  },
  groups: [
    { id: 'g-1', name: 'devs', metadata: { cost: '7' } },
    { id: 'g-2', name: 'devs.ops', metadata: {} },
  ],
  policies: [],
  stamp: 's',
};

describe('a templated path', () => {
  test.each([
    ['kv/{{identity.entity.id}}/*', 'kv/e-1/*'],
    ['kv/{{ identity.entity.name }}', 'kv/anna'],
    ['kv/u-{{identity.entity.name}}-x/+/y', 'kv/u-anna-x/+/y'],
    ['kv/{{identity.entity.metadata.team}}/{{identity.entity.id}}', 'kv/pay/e-1'],
    ['kv/{{identity.entity.metadata.a.b}}', 'kv/dotted'],
    ['kv/{{identity.entity.aliases.auth_approle_1.id}}', 'kv/a-1'],
    ['kv/{{identity.entity.aliases.auth_approle_1.name}}', 'kv/anna@example.org'],
    ['kv/{{identity.entity.aliases.auth_approle_1.metadata.sub}}', 'kv/s'],
    ['kv/{{identity.entity.aliases.auth_approle_1.custom_metadata.zone}}', 'kv/z'],
    ['kv/{{identity.groups.ids.g-1.name}}', 'kv/devs'],
    ['kv/{{identity.groups.names.devs.id}}', 'kv/g-1'],
    ['kv/{{identity.groups.names.devs.ops.id}}', 'kv/g-2'],
    ['kv/{{identity.groups.names.devs.metadata.cost}}', 'kv/7'],
  ])('%s is %s', (path, filled) => {
    expect(fillPath(path, somebody)).toEqual({ path: filled });
    expect(templateProblem(path)).toBeNull();
  });

  test.each([
    'kv/{{identity.entity}}',
    'kv/{{identity.entity.policies}}',
    'kv/{{identity.entity.metadata}}',
    'kv/{{identity.entity.metadata.none}}',
    'kv/{{identity.entity.metadata.toString}}',
    'kv/{{identity.entity.metadata.__proto__}}',
    'kv/{{identity.entity.metadata.empty}}',
    'kv/{{identity.entity.custom_metadata.team}}',
    'kv/{{identity.entity.aliases.other.name}}',
    'kv/{{identity.entity.aliases.auth_approle_1}}',
    'kv/{{identity.groups.ids.none.name}}',
    'kv/{{identity.groups.names.ops.id}}',
    'kv/{{identity.groups.names.devs}}',
    'kv/{{time.now}}',
    'kv/{{name}}',
    'kv/{{}}',
  ])('%s says nothing', (path) => {
    expect(fillPath(path, somebody)).toBe('unknown');
  });

  test.each(['kv/{{name}}', 'kv/{{}}', 'kv/{{identity.entity}}', 'kv/{{identity.entity.aliases.a.metadata}}', 'kv/{{time.now}}'])(
    '%s could say nothing of anybody',
    (path) => {
      expect(templateProblem(path)).toContain('names nothing');
    },
  );

  test.each([
    'kv/{{identity.entity.metadata.path}}',
    'kv/{{identity.entity.metadata.star}}',
    'kv/a{{identity.entity.metadata.star}}',
    'kv/{{identity.entity.aliases.auth_approle_12.name}}/x',
  ])('%s is not filled in: the value is more than text in one segment', (path) => {
    expect(fillPath(path, somebody)).toBe('forbidden');
  });

  const named = (name: string): Identity => ({ ...somebody, entity: { ...somebody.entity, name } });

  test.each([
    'a/b',
    '/',
    '*',
    'a*',
    '+',
    'a+b',
    'a,b',
    '.',
    '..',
    '\\',
    'a\u0000',
    'e\u0301',
    '\ud800',
    '{{identity.entity.id}}',
    'x'.repeat(600),
  ])('is not filled in with %j', (name) => {
    expect(fillPath('kv/{{identity.entity.name}}/x', named(name))).toBe('forbidden');
  });

  test('filled in is a pattern whose only wildcards are its own, whatever the values', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('', '/*', '*', '/+/x', '-z'), (value, end) => {
        const filled = fillPath(`kv/{{identity.entity.name}}${end}`, named(value));
        if (typeof filled !== 'object') return;
        expect(filled.path).toBe(`kv/${value}${end}`);
        expect(value).not.toMatch(/[/*+,]/);
        expect(isCanonicalPath(filled.path.replaceAll('+', 'x').replaceAll('*', 'x'))).toBe(true);
      }),
      runs(300, 20_000),
    );
  });
});

describe('a set with templated rules', () => {
  const set = (...texts: string[]): PolicySet =>
    new PolicySet(texts.map((text, index) => ({ name: `p${index}`, rules: parsePolicy(text) })));
  const rule = (path: string, ...words: string[]): string => `path "${path}" { capabilities = ${JSON.stringify(words)} }`;

  test('says nothing of them for nobody', () => {
    const rules = set(rule('kv/{{identity.entity.name}}', 'read'), rule('kv/x', 'list'));
    expect(rules.acl(null).capabilities('kv/anna')).toEqual(['deny']);
    expect(rules.acl(somebody).capabilities('kv/anna')).toEqual(['read']);
    expect(rules.acl(somebody).capabilities('kv/x')).toEqual(['list']);
  });

  test('merges a filled rule with others of the same path, as if it had been written so', () => {
    const rules = set(
      rule('kv/{{identity.entity.name}}/*', 'read'),
      rule('kv/anna/*', 'list'),
      rule('kv/{{identity.entity.name}}/*', 'update'),
    );
    const acl = rules.acl(somebody);
    expect(acl.capabilities('kv/anna/x')).toEqual(['list', 'read', 'update']);
    const asked = { verb: 'list', path: 'kv/anna/x/', data: {}, wrapTtl: null, sudo: false } as const;
    expect(acl.allows(asked).granting).toEqual([{ name: 'p1', type: 'acl' }]);
    expect(rules.acl(null).capabilities('kv/anna/x')).toEqual(['list']);
  });

  test('lets the more specific pattern decide, filled in or not', () => {
    const acl = set(
      rule('kv/*', 'read', 'update'),
      rule('kv/{{identity.entity.name}}/*', 'deny'),
      rule('kv/anna/open/*', 'read'),
    ).acl(somebody);
    expect(acl.capabilities('kv/bob/x')).toEqual(['read', 'update']);
    expect(acl.capabilities('kv/anna/x')).toEqual(['deny']);
    expect(acl.capabilities('kv/anna/open/x')).toEqual(['read']);
  });

  test('skips what can’t be filled in, but grants nothing at all where that would deny', () => {
    const hostile = named('a/+');
    const open = rule('kv/x', 'read');
    expect(set(open, rule('kv/{{identity.entity.name}}/*', 'read')).acl(hostile).capabilities('kv/x')).toEqual(['read']);
    expect(set(open, rule('kv/{{identity.entity.name}}/*', 'deny')).acl(hostile).capabilities('kv/x')).toEqual(['deny']);
    expect(set(open, rule('kv/{{identity.entity.metadata.none}}/*', 'deny')).acl(somebody).capabilities('kv/x')).toEqual([
      'read',
    ]);
  });

  const named = (name: string): Identity => ({ ...somebody, entity: { ...somebody.entity, name } });

  test('decides as the same rules do with the values written in', () => {
    const segment = fc.constantFrom('a', 'b', 'anna', '+', '{{identity.entity.name}}', 'x-{{identity.entity.name}}');
    const path = fc
      .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '*', '/*'))
      .map(([parts, end]) => parts.join('/') + end);
    const words = fc.uniqueArray(fc.constantFrom('read', 'update', 'list', 'deny'), { minLength: 1, maxLength: 2 });
    const legal = fc.tuple(path, words).filter(([each]) => !each.includes('+*'));
    const asked = fc.array(fc.constantFrom('a', 'b', 'anna', 'x-anna', 'other'), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(legal, { maxLength: 8 }), asked, (rules, parts) => {
        const written = set(...rules.map(([each, list]) => rule(each.replaceAll('{{identity.entity.name}}', 'anna'), ...list)));
        const templated = set(...rules.map(([each, list]) => rule(each, ...list)));
        const where = parts.join('/');
        expect(templated.acl(somebody).capabilities(where)).toEqual(written.acl(null).capabilities(where));
        const question = { verb: 'read', path: where, data: {}, wrapTtl: null, sudo: false } as const;
        const [a, b] = [templated.acl(somebody).allows(question), written.acl(null).allows(question)];
        expect(a.allowed).toBe(b.allowed);
        expect(new Set(a.granting.map(({ name }) => name))).toEqual(new Set(b.granting.map(({ name }) => name)));
        expect(templated.acl(somebody).reaches(`${parts[0] ?? ''}/`)).toBe(written.acl(null).reaches(`${parts[0] ?? ''}/`));
      }),
      runs(300, 20_000),
    );
  });
});

describe('templated policies of a store', () => {
  test('follow the entity and its groups from request to request', async () => {
    const at = await people();
    const { w } = at;
    await at.policy(
      'own',
      `path "kv/{{identity.entity.metadata.team}}/*" { capabilities = ["create", "update", "read"] }
       path "kv/g/{{identity.groups.names.devs.metadata.cost}}" { capabilities = ["create", "update", "read"] }`,
    );
    const { client_token: token, entity_id: id } = await at.login('ci', { token_policies: ['own'] });
    const write = (path: string) => w.status('write', path, { v: '1' }, token);
    expect(await write('kv/a/x')).toBe(403);
    await w.write(`identity/entity/id/${id}`, { metadata: { team: 'a' } });
    expect([await write('kv/a/x'), await write('kv/b/x')]).toEqual([204, 403]);
    await w.write(`identity/entity/id/${id}`, { metadata: { team: 'b' } });
    expect([await write('kv/a/x'), await write('kv/b/x')]).toEqual([403, 204]);
    expect(await write('kv/g/7')).toBe(403);
    await w.write('identity/group', { name: 'devs', metadata: { cost: '7' }, member_entity_ids: [id] });
    expect(await write('kv/g/7')).toBe(204);
    await w.write('identity/group', { name: 'devs', metadata: { cost: '8' } });
    expect([await write('kv/g/7'), await write('kv/g/8')]).toEqual([403, 204]);
    await w.write('identity/group', { name: 'devs', member_entity_ids: [] });
    expect(await write('kv/g/8')).toBe(403);
    await at.policy('own', 'path "kv/{{identity.entity.metadata.team}}/*" { capabilities = ["read"] }');
    expect(await write('kv/b/x')).toBe(403);
  });

  test('give nobody more for a name that is a pattern', async () => {
    const at = await people();
    const { w } = at;
    await at.policy('own', `path "kv/{{identity.entity.aliases.${at.accessor}.name}}/*" { capabilities = ["read"] }`);
    await w.write('kv/victim/x', { v: '1' });
    for (const name of ['*', '+', 'victim/..', 'a,b']) {
      const { client_token: token, entity_id: id } = await at.login('ci', { token_policies: ['own'] });
      const entity = await at.read(`entity/id/${id}`);
      const [alias] = entity['aliases'] as { readonly id: string }[];
      await w.write(`identity/entity-alias/id/${alias?.id ?? ''}`, { name });
      expect(await refusal(w.read('kv/victim/x', {}, token))).toEqual([403, 'permission denied']);
    }
  });

  test('are taken apart between two who have them', async () => {
    const at = await people();
    const { w } = at;
    await at.policy('own', 'path "kv/{{identity.entity.id}}" { capabilities = ["create", "update"] }');
    const [anna, bob] = [await at.login('anna', { token_policies: ['own'] }), await at.login('bob', { token_policies: ['own'] })];
    for (const [who, whose, status] of [
      [anna, anna, 204],
      [bob, anna, 403],
      [bob, bob, 204],
      [anna, bob, 403],
    ] as const) {
      expect(await w.status('write', `kv/${whose.entity_id}`, { v: '1' }, who.client_token)).toBe(status);
    }
  });
});
