import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import type { LensContext, LensMount, ResourceName, SpecSchema } from '../../src/kinds/kind.ts';
import { compileSchema } from '../../src/kinds/validate.ts';
import { passwordPolicyKind } from '../../src/policy/password-policy-kind.ts';
import { policyKind } from '../../src/policy/policy-kind.ts';
import { ruleToSpec } from '../../src/policy/spec-rule.ts';
import { arbitraryRules } from './arbitrary.ts';
import { runs } from './property.ts';

const mount = (type: string, version?: string): LensMount => ({ type, options: version === undefined ? {} : { version } });
const context: LensContext = {
  engines: new Map([
    ['kv', mount('kv', '2')],
    ['old', mount('kv', '1')],
    ['plain', mount('kv')],
    ['team/kv', mount('kv', '2')],
    ['db/main', mount('database')],
  ]),
  methods: new Map(),
};
const resource: ResourceName = { kind: 'Policy', mount: null, name: 'payments-read' };

const normal = (...rules: readonly JsonObject[]): JsonObject => policyKind.normalize({ rules }, resource, context);
const problems = (...rules: readonly JsonObject[]) => policyKind.check?.({ rules }, resource, context) ?? [];

/** What the live object looks like after the spec was written. */
function written(spec: JsonObject): JsonObject | undefined {
  const [request] = policyKind.write({ before: null, after: spec, lastApplied: null, changed: [] }, resource, context);
  return policyKind.read([{ name: resource.name, ...request?.data }], resource, context)?.spec;
}

describe('a Policy', () => {
  it('is read, written and deleted at its API path', () => {
    const path = 'sys/policies/acl/payments-read';
    const after = normal({ path: 'db/main/creds/x', capabilities: ['read'] });
    expect(policyKind.reads(resource, context)).toEqual([{ operation: 'read', path }]);
    expect(policyKind.write({ before: null, after, lastApplied: null, changed: [] }, resource, context)).toEqual([
      { operation: 'write', path, data: { policy: 'path "db/main/creds/x" {\n  capabilities = ["read"]\n}\n' } },
    ]);
    expect(policyKind.remove(resource, context, null)).toEqual([{ operation: 'delete', path, data: {} }]);
    expect(policyKind.read([null], resource, context)).toBeNull();
  });

  it('says each rule about a secret in the paths of its engine', () => {
    expect(normal({ secret: 'kv/payments/*', capabilities: ['read', 'list'] })).toEqual({
      rules: [
        { path: 'kv/data/payments/*', capabilities: ['read'] },
        { path: 'kv/metadata/payments/*', capabilities: ['list'] },
        { path: 'kv/subkeys/payments/*', capabilities: ['read'] },
      ],
    });
    expect(normal({ secret: 'team/kv/a', capabilities: ['create', 'update', 'patch', 'delete'] })).toEqual({
      rules: [
        { path: 'team/kv/data/a', capabilities: ['create', 'update', 'patch', 'delete'] },
        { path: 'team/kv/delete/a', capabilities: ['update'] },
      ],
    });
    const denied = normal({ secret: 'kv/+/root', capabilities: ['deny'] });
    expect(denied).toEqual({
      rules: ['data', 'delete', 'destroy', 'metadata', 'subkeys', 'undelete'].map((folder) => ({
        path: `kv/${folder}/+/root`,
        capabilities: ['deny'],
      })),
    });
    for (const engine of ['old', 'plain']) {
      const rule = { capabilities: ['read', 'delete'], requiredParameters: ['a'], minWrappingTtl: '1h' };
      expect(normal({ secret: `${engine}/x/*`, ...rule })).toEqual({ rules: [{ path: `${engine}/x/*`, ...rule }] });
    }
  });

  it('asks for wrapping on every path of a secret', () => {
    expect(normal({ secret: 'kv/a', capabilities: ['read'], minWrappingTtl: '60s' })).toEqual({
      rules: ['data', 'subkeys'].map((folder) => ({ path: `kv/${folder}/a`, capabilities: ['read'], minWrappingTtl: '1m' })),
    });
  });

  it('has one normal form for one meaning', () => {
    const one = normal(
      { path: 'b', capabilities: ['list', 'read'] },
      { path: 'a', capabilities: ['read'], allowedParameters: { B: ['y', 'x', 'x'], a: [] } },
    );
    const other = normal(
      {
        path: 'a',
        capabilities: ['read'],
        allowedParameters: { a: [], b: ['x', 'y'] },
        deniedParameters: {},
        requiredParameters: [],
      },
      { path: 'b', capabilities: ['read'] },
      { path: 'b', capabilities: ['list'] },
    );
    expect(one).toEqual(other);
    expect(normal({ path: 'a', capabilities: ['read'] }, { path: 'a', capabilities: ['deny'] })).toEqual({
      rules: [{ path: 'a', capabilities: ['deny'] }],
    });
  });

  it('reads back what it wrote, for any rules', () => {
    fc.assert(
      fc.property(arbitraryRules, (rules) => {
        const spec = policyKind.normalize({ rules: rules.map(ruleToSpec) }, resource, context);
        fc.pre((policyKind.check?.(spec, resource, context) ?? []).length === 0);
        expect(written(spec)).toEqual(spec);
        expect(policyKind.normalize(spec, resource, context)).toEqual(spec);
      }),
      runs(300, 10_000),
    );
  });

  it('takes and shows templated paths as they are', () => {
    const own = { path: 'cubbyhole/{{identity.entity.id}}/+/*', capabilities: ['read'] };
    const team = { secret: 'kv/{{ identity.groups.names.devs.metadata.cost }}/*', capabilities: ['list'] };
    expect(problems(own, team)).toEqual([]);
    const spec = normal(own, team);
    expect(written(spec)).toEqual(spec);
    expect(JSON.stringify(spec)).toContain('{{ identity.groups.names.devs.metadata.cost }}');
  });

  it('shows what was changed by hand at the path where it was changed', () => {
    const live = (policy: string) => policyKind.read([{ name: 'payments-read', policy }], resource, context)?.spec;
    const spec = normal({ secret: 'kv/a', capabilities: ['read', 'list'] });
    const text = String(
      policyKind.write({ before: null, after: spec, lastApplied: null, changed: [] }, resource, context)[0]?.data['policy'],
    );
    expect(live(text.replaceAll('  capabilities', '\n# by hand\n capabilities'))).toEqual(spec);
    expect(live(text.replace('["read"]', '["read", "delete"]'))).toEqual({
      rules: [
        { path: 'kv/data/a', capabilities: ['read', 'delete'] },
        { path: 'kv/metadata/a', capabilities: ['list'] },
        { path: 'kv/subkeys/a', capabilities: ['read'] },
      ],
    });
  });

  it('shows a live text that it cannot read as such', () => {
    const live = policyKind.read([{ policy: 'path "x" {\n  control_group = {}\n}' }], resource, context);
    expect(live?.spec).toEqual({
      rules: [],
      unparsable: expect.stringMatching(/^line 2, column 3: a path block has no "control_group"/) as string,
    });
    expect(policyKind.read([{}], resource, context)?.spec).toEqual({ rules: [] });
  });

  it('never drops a rule whose engine is unknown', () => {
    const rule = { secret: 'nowhere/x', capabilities: ['deny'] };
    expect(normal(rule)).toEqual({ rules: [rule] });
    expect(() => written({ rules: [rule] })).toThrow(TypeError);
  });

  it.each<[JsonObject, string, string]>([
    [{ path: 'a//b', capabilities: ['read'] }, '/rules/0/path', 'not canonical'],
    [{ path: '/a', capabilities: ['read'] }, '/rules/0/path', 'not canonical'],
    [{ path: 'a/../b', capabilities: ['deny'] }, '/rules/0/path', 'not canonical'],
    [{ path: 'a/*/b', capabilities: ['read'] }, '/rules/0/path', '"*" may only stand at the end'],
    [{ path: 'a/+*', capabilities: ['read'] }, '/rules/0/path', '"+*" is forbidden'],
    [{ secret: 'kv/../x', capabilities: ['read'] }, '/rules/0/secret', 'not canonical'],
    [
      { secret: 'nowhere/x', capabilities: ['read'] },
      '/rules/0/secret',
      'no secret engine is mounted at the start of "nowhere/x"',
    ],
    [{ secret: 'kv', capabilities: ['read'] }, '/rules/0/secret', 'no secret engine is mounted'],
    [{ secret: '+/x', capabilities: ['read'] }, '/rules/0/secret', 'no secret engine is mounted'],
    [{ secret: 'db/main/creds/x', capabilities: ['read'] }, '/rules/0/secret', 'db/main is a database engine'],
    [{ path: 'kv/{{identity.entity.nme}}', capabilities: ['read'] }, '/rules/0/path', '{{identity.entity.nme}} names nothing'],
    [{ secret: 'kv/{{identity.entity}}/*', capabilities: ['read'] }, '/rules/0/secret', '{{identity.entity}} names nothing'],
    [{ secret: `kv/${'x'.repeat(509)}`, capabilities: ['read'] }, '/rules/0/secret', 'more than 512 bytes'],
    [{ secret: 'kv/x', capabilities: ['read', 'sudo'] }, '/rules/0/capabilities', 'sudo means nothing on a secret'],
    [{ secret: 'kv/x', capabilities: ['update'], allowedParameters: { a: [] } }, '/rules/0', 'one parameter, `data`'],
    [{ path: 'x', capabilities: ['deny', 'read'] }, '/rules/0/capabilities', 'deny stands alone'],
    [{ path: 'x', capabilities: ['deny'], minWrappingTtl: '1h' }, '/rules/0/minWrappingTtl', 'no further limits'],
    [
      { path: 'x', capabilities: ['read'], allowedParameters: { a: [], A: [] } },
      '/rules/0/allowedParameters',
      'differ only in case',
    ],
    [{ path: 'x', capabilities: ['read'], deniedParameters: { a: [2 ** 60] } }, '/rules/0/deniedParameters', 'too large'],
    [
      { path: 'x', capabilities: ['read'], deniedParameters: { a: [[[[[[1]]]]]] } },
      '/rules/0/deniedParameters',
      'nested too deep',
    ],
    [{ path: 'x', capabilities: ['read'], minWrappingTtl: '500ms' }, '/rules/0/minWrappingTtl', 'whole seconds'],
    [
      { path: 'x', capabilities: ['read'], minWrappingTtl: '2h', maxWrappingTtl: '1h' },
      '/rules/0/maxWrappingTtl',
      'less than minWrappingTtl',
    ],
  ])('refuses %j', (rule, at, message) => {
    const [problem, ...others] = problems(rule);
    expect(problem).toMatchObject({ at, message: expect.stringContaining(message) as string });
    expect(others).toEqual([]);
  });

  it('finds what only the rules together show', () => {
    const exclusive = problems(
      { path: 'x', capabilities: ['read'], minWrappingTtl: '2h' },
      { path: 'x', capabilities: ['read'], maxWrappingTtl: '1h' },
    );
    expect(exclusive).toEqual([{ at: '/rules', message: 'the wrapping limits of the rules for x exclude each other' }]);
    const large = problems(
      ...Array.from({ length: 900 }, (_, index) => ({ path: `${'x'.repeat(400)}${index}`, capabilities: ['read'] })),
    );
    expect(large).toMatchObject([{ at: '/rules', message: expect.stringContaining('more than 262144') as string }]);
  });

  it('has a schema that takes either path or secret', () => {
    const fits = compileSchema(policyKind.spec);
    const rule = { capabilities: ['read'] };
    expect(fits({ rules: [{ ...rule, path: 'x' }] })).toBe(true);
    expect(fits({ rules: [{ ...rule, secret: 'x' }] })).toBe(true);
    expect(fits({ rules: [rule] })).toBe(false);
    expect(fits({ rules: [{ ...rule, path: 'x', secret: 'x' }] })).toBe(false);
    expect(fits({ rules: [{ path: 'x', capabilities: [] }] })).toBe(false);
    expect(fits({ rules: [{ path: 'x', capabilities: ['write'] }] })).toBe(false);
    expect(fits({ rules: [{ ...rule, path: 'x', allowedParameters: { a: [null] } }] })).toBe(false);
    expect(fits({ rules: [] })).toBe(false);
  });

  it('reserves the built-in names', () => {
    expect(policyKind.reservedNames).toEqual(['root', 'response-wrapping', 'default']);
  });
});

describe('a PasswordPolicy', () => {
  const name: ResourceName = { kind: 'PasswordPolicy', mount: null, name: 'long' };
  const normalPassword = (spec: JsonObject): JsonObject => passwordPolicyKind.normalize(spec, name, context);

  it('is read, written and deleted at its API path', () => {
    const path = 'sys/policies/password/long';
    const after = normalPassword({ length: 20, rules: [{ charset: 'cab', minChars: 2 }, { charset: '0' }] });
    expect(after).toEqual({
      length: 20,
      rules: [
        { charset: '0', minChars: 0 },
        { charset: 'abc', minChars: 2 },
      ],
    });
    const [request] = passwordPolicyKind.write({ before: null, after, lastApplied: null, changed: [] }, name, context);
    expect(request).toMatchObject({ operation: 'write', path });
    expect(passwordPolicyKind.reads(name, context)).toEqual([{ operation: 'read', path }]);
    expect(passwordPolicyKind.read([request?.data ?? null], name, context)).toEqual({ spec: after, mark: null });
    expect(passwordPolicyKind.remove(name, context, null)).toEqual([{ operation: 'delete', path, data: {} }]);
    expect(passwordPolicyKind.read([null], name, context)).toBeNull();
  });

  it('fills in the built-in rules', () => {
    expect(normalPassword({ length: 20 })).toEqual(
      normalPassword({ length: 20, rules: passwordPolicyKind.spec.properties?.['rules']?.default ?? [] }),
    );
  });

  it('shows a live text that it cannot read as such', () => {
    const live = passwordPolicyKind.read([{ policy: 'length = 20\nrule "words" {}' }], name, context);
    expect(live?.spec).toEqual({
      length: 0,
      rules: [],
      unparsable: 'line 2, column 6: no type of rule "words": there is charset',
    });
  });

  it('refuses what cannot be', () => {
    const check = (spec: JsonObject) => passwordPolicyKind.check?.(spec, name, context);
    expect(check({ length: 20 })).toEqual([]);
    expect(check({ length: 4, rules: [{ charset: 'ab', minChars: 5 }] })).toMatchObject([{ at: '/length' }]);
    expect(check({ length: 20, rules: [{ charset: 'ab' }, { charset: 'a\tb' }] })).toMatchObject([{ at: '/rules/1/charset' }]);
    expect(check({ length: 20, rules: [{ charset: 'a' }] })).toMatchObject([{ at: '/rules' }]);
  });
});

describe('the schemas', () => {
  it.each([policyKind, passwordPolicyKind])('describe every field of $kind', ({ spec }) => {
    const undescribed: string[] = [];
    const visit = (schema: SpecSchema, at: string): void => {
      if (schema.description === undefined) undescribed.push(at);
      for (const [field, part] of Object.entries(schema.properties ?? {})) visit(part, `${at}/${field}`);
      if (schema.items !== undefined) visit(schema.items, `${at}/items`);
      if (typeof schema.additionalProperties === 'object') visit(schema.additionalProperties, `${at}/*`);
    };
    visit(spec, '');
    expect(undescribed).toEqual([]);
  });
});
