import { describe, expect, test } from 'vitest';
import { sealValue } from '../../src/crypto/sealed-value.ts';
import type { ApplyChange } from '../../src/protocol/managed.ts';
import { seenDigest } from '../../src/protocol/seen-digest.ts';
import { world, type World } from '../world.ts';
import { apply, creation, policyCreation, project, revision } from './changes.ts';

async function token(at: World, name: string, rules: string): Promise<string> {
  await at.write(`sys/policies/acl/${name}`, { policy: rules });
  return (await at.write('auth/token/create', { policies: [name] })).auth?.client_token ?? '';
}

describe('an apply', () => {
  test('commits all its changes at one new revision and keeps a record of each', async () => {
    const at = await world();
    const before = await revision(at);
    const outcome = await apply(at, [policyCreation('a'), policyCreation('b')]);
    expect(outcome).toMatchObject({ revision: before + 1, applied: 2, pending: 0 });
    expect((await at.read('sys/policies/acl/b')).data?.policy).toContain('kv/*');
    const { records } = (await at.read('sys/managed')).data as {
      records: { address: { name: string }; project: string; commit: string }[];
    };
    expect(records.map(({ address, project: owner, commit }) => [address.name, owner, commit])).toEqual([
      ['a', project, 'c0ffee'],
      ['b', project, 'c0ffee'],
    ]);
  });

  test('keeps nothing of any change when one is refused, and says which', async () => {
    const at = await world();
    const before = await revision(at);
    const broken = creation('Policy', 'broken', 'sys/policies/acl/broken', { policy: 'path {' });
    await expect(apply(at, [policyCreation('a'), broken])).rejects.toThrow(/create Policy\/broken/);
    expect(await at.status('read', 'sys/policies/acl/a')).toBe(404);
    expect(await revision(at)).toBe(before);
    expect((await at.read('sys/managed')).data).toEqual({ records: [] });
  });

  test('is refused at another revision than its plan was made at', async () => {
    const at = await world();
    const base = await revision(at);
    await at.write('sys/policies/acl/by-hand', { policy: 'path "x" { capabilities = ["read"] }' });
    await expect(apply(at, [policyCreation('a')], { base })).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('stale'),
    });
  });

  test('is not made stale by logins, tokens or data that nothing manages', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } });
    const base = await revision(at);
    await at.write('kv/data/free', { data: { a: '1' } });
    await at.write('auth/token/create', {});
    await at.write('cubbyhole/x', { a: '1' });
    await expect(apply(at, [policyCreation('a')], { base })).resolves.toMatchObject({ applied: 1 });
  });

  test('is refused when an object it writes is no more what the plan saw', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } });
    const change = creation(
      'StaticSecret',
      'app',
      'kv/data/app',
      { data: { a: '1' } },
      { reads: [{ operation: 'read', path: 'kv/metadata/app' }] },
    );
    const base = await revision(at);
    await at.write('kv/data/app', { data: { by: 'hand' } });
    await expect(apply(at, [change], { base })).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('StaticSecret/app was changed'),
    });
    expect((await at.read('kv/data/app')).data).toMatchObject({ data: { by: 'hand' } });
  });

  test('is refused on another store', async () => {
    const at = await world();
    await expect(apply(at, [policyCreation('a')], { storeId: 'other' })).rejects.toMatchObject({ status: 400 });
  });

  test('grants nothing: each request needs what it would need alone', async () => {
    const at = await world();
    const may = `
      path "sys/apply" { capabilities = ["update"] }
      path "sys/managed/record/*" { capabilities = ["create", "update", "delete"] }
      path "sys/policies/acl/a" { capabilities = ["read", "update"] }
      path "sys/policies/acl/b" { capabilities = ["read"] }`;
    const caller = await token(at, 'applier', may);
    await expect(apply(at, [policyCreation('a'), policyCreation('b')], {}, caller)).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('Policy/b'),
    });
    expect(await at.status('read', 'sys/policies/acl/a')).toBe(404);
    await expect(apply(at, [policyCreation('a')], {}, caller)).resolves.toMatchObject({ applied: 1 });
  });

  test('needs sudo inside where the request alone would', async () => {
    const at = await world();
    const may = `
      path "sys/apply" { capabilities = ["update"] }
      path "sys/managed/record/*" { capabilities = ["create", "update"] }
      path "sys/auth/ci" { capabilities = ["create", "read", "update"] }`;
    const change = creation('AuthMethod', 'ci', 'sys/auth/ci', { type: 'approle' });
    await expect(apply(at, [change], {}, await token(at, 'p', may))).rejects.toMatchObject({ status: 403 });
    const sudo = may
      .replace('"update"] }\n      path "sys/managed', '"update"] }\n      path "sys/managed')
      .replace('"create", "read", "update"', '"create", "read", "update", "sudo"');
    await expect(apply(at, [change], {}, await token(at, 'q', sudo))).resolves.toMatchObject({ applied: 1 });
  });

  test('writes the record of an address only where a policy allows that address', async () => {
    const at = await world();
    const may = `
      path "sys/apply" { capabilities = ["update"] }
      path "sys/managed/record/StaticSecret/*" { capabilities = ["create", "update"] }
      path "sys/policies/acl/*" { capabilities = ["create", "read", "update"] }`;
    await expect(apply(at, [policyCreation('a')], {}, await token(at, 'p', may))).rejects.toMatchObject({ status: 403 });
  });

  test('never touches what another project owns', async () => {
    const at = await world();
    await apply(at, [policyCreation('a')]);
    const seen = seenDigest([(await at.read('sys/policies/acl/a')).data ?? null]);
    const takeover: ApplyChange = { ...policyCreation('a'), action: 'update', seen };
    await expect(apply(at, [takeover], { project: 'rival' })).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('"acme"'),
    });
  });

  test('does not delete what is protected, though the document is gone', async () => {
    const at = await world();
    await apply(at, [{ ...policyCreation('a'), record: { spec: {}, labels: {}, protect: true } }]);
    const seen = seenDigest([(await at.read('sys/policies/acl/a')).data ?? null]);
    const deletion: ApplyChange = {
      ...policyCreation('a'),
      action: 'delete',
      seen,
      requests: [{ operation: 'delete', path: 'sys/policies/acl/a', data: {} }],
      record: null,
    };
    await expect(apply(at, [deletion])).rejects.toThrow(/protected/);
    expect(await at.status('read', 'sys/policies/acl/a')).toBe(200);
  });

  test('uses what an earlier change of it has made: a secret in a mount of the same plan', async () => {
    const at = await world();
    const mount = creation('SecretEngine', 'kv', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } });
    const secret = creation(
      'StaticSecret',
      'app',
      'kv/data/app',
      { data: { a: '1' } },
      { reads: [{ operation: 'read', path: 'kv/metadata/app' }] },
    );
    await apply(at, [mount, secret]);
    expect((await at.read('kv/data/app')).data).toMatchObject({ data: { a: '1' } });
  });
});

describe('a value in an apply', () => {
  const secret = (source: object): ApplyChange => ({
    address: { kind: 'StaticSecret', mount: 'kv', name: 'app' },
    action: 'create',
    reads: [{ operation: 'read', path: 'kv/metadata/app' }],
    seen: seenDigest([null]),
    requests: [
      {
        operation: 'write',
        path: 'kv/data/app',
        data: { data: { key: source as never } },
        values: [{ at: '/data/key', field: 'data.key' }],
      },
    ],
    record: { spec: {}, labels: {}, protect: false },
  });
  const prepared = async (): Promise<World> => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } });
    return at;
  };
  const value = async (at: World) => ((await at.read('kv/data/app')).data as { data: { key: string } }).data.key;

  test('opens a sealed block at the address and field it was made for', async () => {
    const at = await prepared();
    const sealed = await sealValue([at.recipient], {
      v: 1,
      address: ['StaticSecret', 'kv', 'app'],
      field: 'data.key',
      value: 'päss\nword',
    });
    await apply(at, [secret({ sealed })]);
    expect(await value(at)).toBe('päss\nword');
  });

  test.each([
    ['another name', ['StaticSecret', 'kv', 'other'], 'data.key'],
    ['another mount', ['StaticSecret', 'kv2', 'app'], 'data.key'],
    ['another field', ['StaticSecret', 'kv', 'app'], 'data.other'],
  ] as const)('refuses a block that was made for %s, and says how to seal it again', async (_, address, field) => {
    const at = await prepared();
    const sealed = await sealValue([at.recipient], { v: 1, address, field, value: 'stolen-value' });
    await expect(apply(at, [secret({ sealed })])).rejects.toThrow(/opens only there; seal the value again: secretctl encrypt/);
    expect(await at.status('read', 'kv/data/app')).toBe(404);
    expect(at.sink.lines.join('\n')).not.toContain('stolen-value');
  });

  test('refuses a block for another store', async () => {
    const at = await prepared();
    const other = await world();
    const sealed = await sealValue([other.recipient], {
      v: 1,
      address: ['StaticSecret', 'kv', 'app'],
      field: 'data.key',
      value: 'x',
    });
    await expect(apply(at, [secret({ sealed })])).rejects.toMatchObject({ status: 400 });
  });

  test('is generated by length and charset', async () => {
    const at = await prepared();
    await apply(at, [secret({ generate: { length: 40, charset: 'hex' } })]);
    expect(await value(at)).toMatch(/^[0-9a-f]{40}$/);
  });

  test('is never read from the environment or a file of the store’s machine', async () => {
    const at = await prepared();
    await expect(apply(at, [secret({ fromEnv: 'HOME', version: 1 })])).rejects.toThrow(/command line of the person who applies/);
  });
});

describe('the audit log of an apply', () => {
  const types = (at: World) => at.sink.entries().map((entry) => entry.type);

  test('names the plan before the commit, and the changes and the commit after it', async () => {
    const at = await world();
    await revision(at);
    const start = types(at).length;
    await apply(at, [policyCreation('a')]);
    expect(types(at).slice(start + 2)).toEqual(['apply-begin', 'request', 'response', 'apply-commit']);
  });

  test('says that nothing was committed, and which request was refused', async () => {
    const at = await world();
    const caller = await token(
      at,
      'p',
      'path "sys/apply" { capabilities = ["update"] } path "sys/policies/acl/a" { capabilities = ["read"] }',
    );
    await expect(apply(at, [policyCreation('a')], {}, caller)).rejects.toMatchObject({ status: 403 });
    expect(types(at).slice(-3)).toEqual(['apply-begin', 'request', 'apply-abort']);
  });

  test('is completed from the store when a crash fell between the commit and its entries', async () => {
    const at = await world();
    await apply(at, [policyCreation('a')]);
    // What a process leaves that is killed right after the commit: the log ends with the beginning of the apply.
    const begin = types(at).lastIndexOf('apply-begin');
    at.sink.lines.length = begin + 1;
    await at.crash();
    const last = at.sink.entries().at(-1);
    expect(last?.type).toBe('apply-commit');
    expect(JSON.stringify(last)).toContain('create Policy/a');
    const length = at.sink.lines.length;
    await at.crash();
    expect(types(at).slice(length)).not.toContain('apply-commit');
  });
});
