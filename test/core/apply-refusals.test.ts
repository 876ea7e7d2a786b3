import { describe, expect, test } from 'vitest';
import { SinkFailure } from '../../src/audit/sink.ts';
import { Fault } from '../../src/base/error.ts';
import type { Json, JsonObject } from '../../src/base/json.ts';
import { sealValue } from '../../src/crypto/sealed-value.ts';
import type { ApplyChange, ApplyRequest } from '../../src/protocol/managed.ts';
import { seenDigest } from '../../src/protocol/seen-digest.ts';
import { world, type World } from '../world.ts';
import { apply, creation, policyCreation, project, revision } from './changes.ts';

// Bodies as no plan of ours makes them: whoever holds a token may send any.

async function withKv(): Promise<World> {
  const at = await world();
  await at.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } });
  await at.write('sys/mounts/kv1', { type: 'kv' });
  return at;
}

async function token(at: World, rules: string): Promise<string> {
  await at.write('sys/policies/acl/some', {
    policy: `path "sys/apply" { capabilities = ["update"] } path "sys/managed/record/*" { capabilities = ["create", "update", "delete"] } ${rules}`,
  });
  return (await at.write('auth/token/create', { policies: ['some'] })).auth?.client_token ?? '';
}

/** A change of the secret `app` that sends one request. */
function change(request: Partial<ApplyRequest>, more: Partial<ApplyChange> = {}): ApplyChange {
  return {
    address: { kind: 'StaticSecret', mount: 'kv', name: 'app' },
    action: 'create',
    reads: [],
    seen: seenDigest([]),
    requests: [{ operation: 'write', path: 'kv/data/app', data: {}, ...request }],
    record: { spec: {}, labels: {}, protect: false },
    ...more,
  };
}

describe('a value of an apply', () => {
  test.each<[string, string, JsonObject, string]>([
    ['the caller’s own cubbyhole', 'cubbyhole/loot', {}, ''],
    ['another secret', 'kv/data/loot', { data: {} }, '/data'],
    ['another secret of the same last name', 'kv/data/mine/app', { data: {} }, '/data'],
    ['the metadata of the secret', 'kv/metadata/app', { custom_metadata: {} }, '/custom_metadata'],
    ['a secret of this name in another mount', 'kv1/app', {}, ''],
    ['a policy', 'sys/policies/acl/app', {}, ''],
  ])('goes nowhere but into the secret that it was sealed for: not into %s', async (_, path, body, inside) => {
    const at = await withKv();
    const caller = await token(
      at,
      'path "+/*" { capabilities = ["create", "update"] } path "kv/*" { capabilities = ["create", "update"] }',
    );
    const value = {
      sealed: await sealValue([at.recipient], {
        v: 1,
        address: ['StaticSecret', 'kv', 'app'],
        field: 'data.key',
        value: 'canary',
      }),
    };
    const data = inside === '' ? { policy: value } : { [inside.slice(1)]: { policy: value } };
    const loot = change({ path, data: { ...body, ...data }, values: [{ at: `${inside}/policy`, field: 'data.key' }] });
    await expect(apply(at, [loot], {}, caller)).rejects.toThrow(/not where the values of this object are written/);
  });

  test('goes into no object of another kind that has the same path and name', async () => {
    const at = await withKv();
    await at.write('sys/auth/team', { type: 'userpass' });
    await at.write('sys/mounts/team', { type: 'kv', options: { version: '2' } });
    const caller = await token(at, 'path "team/data/*" { capabilities = ["create", "read", "update"] }');
    const sealed = await sealValue([at.recipient], {
      v: 1,
      address: ['AuthBinding', 'team', 'bob'],
      field: 'password',
      value: 'canary',
    });
    const loot = change(
      { path: 'team/data/bob', data: { data: { got: { sealed } } }, values: [{ at: '/data/got', field: 'password' }] },
      { address: { kind: 'AuthBinding', mount: 'team', name: 'bob' } },
    );
    await expect(apply(at, [loot], {}, caller)).rejects.toThrow(/not where the values of this object are written/);
    expect(await at.status('read', 'team/data/bob', {}, caller)).toBe(404);
  });

  test('goes into no part of its object that others see', async () => {
    const at = await withKv();
    await at.write('sys/auth/userpass', { type: 'userpass' });
    await at.write('auth/userpass/users/bob', { password: 'has one' });
    const address = { kind: 'AuthBinding', mount: 'userpass', name: 'bob' };
    const sealed = await sealValue([at.recipient], {
      v: 1,
      address: ['AuthBinding', 'userpass', 'bob'],
      field: 'password',
      value: 'canary',
    });
    const sent = (name: string) =>
      change(
        { path: 'auth/userpass/users/bob', data: { [name]: { sealed } }, values: [{ at: `/${name}`, field: 'password' }] },
        { address },
      );
    await expect(apply(at, [sent('token_policies')])).rejects.toThrow(/not where the values of this object are written/);
    await expect(apply(at, [sent('password')])).resolves.toMatchObject({ applied: 1 });
    const options = change({
      data: { data: { a: '1' }, options: { note: { literal: 'x' } } },
      values: [{ at: '/options/note', field: 'data.note' }],
    });
    await expect(apply(at, [options])).rejects.toThrow(/not where the values of this object are written/);
  });

  test('is asked what a policy asks of the parameters of a request', async () => {
    const at = await withKv();
    const rules = 'path "kv1/*" { capabilities = ["create", "update"] denied_parameters = { "owner" = ["root"] } }';
    const caller = await token(at, rules);
    expect(await at.status('write', 'kv1/app', { owner: 'root' }, caller)).toBe(403);
    const sent = (owner: string) =>
      change(
        { path: 'kv1/app', data: { owner: { literal: owner } }, values: [{ at: '/owner', field: 'data.owner' }] },
        { address: { kind: 'StaticSecret', mount: 'kv1', name: 'app' } },
      );
    await expect(apply(at, [sent('root')], {}, caller)).rejects.toMatchObject({ status: 403 });
    await expect(apply(at, [sent('me')], {}, caller)).resolves.toMatchObject({ applied: 1 });
  });

  test.each(['data', '', '/data/none', '/data/list/7', '/data/__proto__/x'])('has to stand where %j leads to', async (at) => {
    const made = await withKv();
    const sent = change({ data: { data: { list: ['1'] } }, values: [{ at, field: 'data.key' }] });
    await expect(apply(made, [sent])).rejects.toMatchObject({ status: 400 });
  });

  test('may be one of thousands in a secret', async () => {
    const at = await withKv();
    const names = Array.from({ length: 5000 }, (_, index) => `f${index}`);
    const data = Object.fromEntries(names.map((name) => [name, { literal: name }]));
    const values = names.map((name) => ({ at: `/data/${name}`, field: `data.${name}` }));
    const before = performance.now();
    await apply(at, [change({ data: { data }, values })]);
    // A copy of the body for each of them takes half a minute.
    expect(performance.now() - before).toBeLessThan(3000);
    expect((await at.read('kv/data/app')).data?.data).toEqual(Object.fromEntries(names.map((name) => [name, name])));
  });
});

describe('a change of an apply', () => {
  test('is refused where its request says that it did nothing', async () => {
    const at = await withKv();
    await expect(apply(at, [change({ path: 'kv/app', data: { a: '1' } })])).rejects.toThrow(/Invalid path for a versioned/);
    await at.write('kv/data/app', { data: { a: '1' } });
    await at.delete('kv/data/app');
    const patch = change({ operation: 'patch', data: { data: { b: '2' } } });
    await expect(apply(at, [patch])).rejects.toThrow(/patch kv\/data\/app: nothing there/);
    expect((await at.read('sys/managed')).data).toEqual({ records: [] });
  });

  test.each<[string, Partial<ApplyChange>]>([
    ['a forget that deletes', { action: 'forget', record: null }],
    ['a delete that keeps its record', { action: 'delete' }],
    ['an update that leaves none', { action: 'update', record: null }],
    ['a record that sends requests', { action: 'record' }],
  ])('means what its action says: no %s', async (_, more) => {
    const at = await world();
    await apply(at, [{ ...policyCreation('a'), record: { spec: {}, labels: {}, protect: true } }]);
    const requests: ApplyRequest[] = [{ operation: 'delete', path: 'sys/policies/acl/a', data: {} }];
    const forged = { ...policyCreation('a'), reads: [], seen: seenDigest([]), requests, ...more };
    await expect(apply(at, [forged])).rejects.toMatchObject({ status: 400 });
    expect(await at.status('read', 'sys/policies/acl/a')).toBe(200);
  });

  test.each<[string, object]>([
    ['a name with dots', { name: 'team/../other' }],
    ['a name with an empty segment', { name: 'team//a' }],
    ['a name that is a folder', { name: 'team/' }],
    ['a name with a control character', { name: 'a\u0000' }],
    ['a kind with a slash', { kind: 'Policy/kv' }],
    ['a mount that stands for none', { mount: '-' }],
    ['a mount with another name for a slash', { mount: 'db:main' }],
  ])('has a canonical address: not %s', async (_, part) => {
    const at = await world();
    const address = { kind: 'Policy', mount: null, name: 'a', ...part };
    await expect(apply(at, [{ ...policyCreation('a'), address }])).rejects.toMatchObject({ status: 400 });
  });

  test('does not say what was applied to an object that is managed: drift stays drift', async () => {
    const at = await withKv();
    await apply(at, [change({ data: { data: { a: '1' } } })]);
    const forged = change({}, { action: 'record', requests: [], mark: '2@2026-01-01T00:00:00.000Z' });
    await expect(apply(at, [forged])).rejects.toThrow(/is managed already/);
  });

  test.each([
    [70, 'nested more than 64 levels'],
    [20_000, 'nest deeper than 80 levels'],
  ])('is refused where its spec is nested over %i levels', async (levels, message) => {
    const at = await world();
    let spec: JsonObject = {};
    for (let depth = 0; depth < levels; depth += 1) spec = { a: spec };
    const deep = { ...policyCreation('a'), record: { spec, labels: {}, protect: false } };
    await expect(apply(at, [deep])).rejects.toMatchObject({ status: 400, message: expect.stringContaining(message) });
  });
});

describe('a snapshot', () => {
  test('shows no secret, whoever asks: what its audit entry does not name is not read by it', async () => {
    const at = await withKv();
    await at.write('kv/data/app', { data: { a: 'canary' } });
    await at.write('kv1/app', { a: 'canary' });
    await at.write('cubbyhole/x', { a: 'canary' });
    for (const path of ['kv/data/app', 'kv1/app', 'cubbyhole/x', 'kv/subkeys/app', 'auth/token/lookup-self']) {
      const reads = [{ operation: 'read', path }];
      expect(await at.status('write', 'sys/managed/snapshot', { project, reads })).toBe(400);
      const condition = { ...policyCreation('a'), reads: [{ operation: 'read' as const, path }] };
      await expect(apply(at, [condition])).rejects.toThrow(/may hold a secret/);
    }
  });

  test('shows what kinds read', async () => {
    const at = await withKv();
    await at.write('kv/data/app', { data: { a: '1' } });
    const paths = ['kv/metadata/app', 'sys/managed/observe/kv/app', 'sys/mounts/kv', 'sys/policies/acl/default', 'sys/audit'];
    const reads = paths.map((path) => ({ operation: 'read', path }));
    const { replies } = (await at.write('sys/managed/snapshot', { reads })).data as { replies: readonly Json[] };
    expect(replies.map((reply) => reply !== null)).toEqual(paths.map(() => true));
  });
});

describe('a verdict about a sealed block', () => {
  test('is never a failure of the store', async () => {
    const at = await world();
    const block = { sealed: 'x', address: { kind: 'StaticSecret', mount: 'kv', name: 'app' }, field: 'data.key' };
    expect(await at.status('write', 'sys/managed/check-sealed', { blocks: [block] })).toBe(200);
    const entry = at.medium.entries.get('core/recipient');
    if (entry === undefined) throw new Error('there is no record of the recipient');
    const value = entry.value.with(-1, (entry.value.at(-1) ?? 0) ^ 1);
    at.medium.entries.set('core/recipient', { value, version: entry.version + 1 });
    expect(await at.status('write', 'sys/managed/check-sealed', { blocks: [block] })).toBe(500);
  });
});

describe('the audit log of an apply', () => {
  test('names every change of an apply that a crash cut short, however many', async () => {
    const at = await world();
    await apply(
      at,
      Array.from({ length: 2500 }, (_, index) => policyCreation(`a-policy-of-a-longer-name-${index}`)),
    );
    at.sink.lines.length = at.sink.entries().findLastIndex(({ type }) => type === 'apply-begin') + 1;
    const { length } = at.sink.lines;
    await at.crash();
    const entries = at.sink.entries().slice(length);
    expect(entries.at(-1)?.type).toBe('apply-commit');
    expect(new Set(entries.map(({ request }) => request?.facts?.apply)).size).toBe(1);
    expect(entries.flatMap(({ request }) => request?.facts?.committed)).toHaveLength(2500);
  });

  test.each(['project', 'commit', 'planDigest'])('has room for the %s of any plan, and for nothing longer', async (member) => {
    const at = await world();
    await expect(apply(at, [policyCreation('a')], { [member]: 'x'.repeat(257) })).rejects.toMatchObject({ status: 400 });
    await expect(apply(at, [policyCreation('a')], { [member]: 'x'.repeat(256) })).resolves.toMatchObject({ applied: 1 });
  });

  test('does not say that nothing was committed where nobody knows: the next start does', async () => {
    const at = await world();
    const base = await revision(at);
    const commit = at.store.transact.bind(at.store);
    at.store.transact = async (work) => {
      const result = await commit(work);
      if (at.sink.entries().at(-1)?.type === 'apply-begin') throw new Fault('store-io', 'the disk is failing');
      return result;
    };
    await expect(apply(at, [policyCreation('a')], { base })).rejects.toThrow('the disk is failing');
    expect(at.sink.entries().at(-1)).toMatchObject({ type: 'apply-abort', request: { facts: { outcome: 'unknown' } } });
    await at.crash();
    expect(at.sink.entries().at(-1)).toMatchObject({ type: 'apply-commit', request: { facts: { recovered: true } } });
  });

  test('says that a committed apply is committed where it cannot take its entries', async () => {
    const at = await world();
    const take = at.sink.append.bind(at.sink);
    at.sink.append = (lines) =>
      Buffer.from(lines).includes('"type":"apply-commit"')
        ? Promise.reject(new SinkFailure('unwritten', 'the disk is full'))
        : take(lines);
    await expect(apply(at, [policyCreation('a')])).rejects.toThrow(/the apply is committed, at config revision 1, but/);
    expect(await at.status('read', 'sys/policies/acl/a')).toBe(200);
  });
});

test('whose object it is, and that it is protected, is told to nobody who may not write its record', async () => {
  const at = await world();
  const made = policyCreation('a');
  await apply(at, [{ ...made, record: { ...made.record!, protect: true } }], { project: 'other' });
  await at.write('sys/policies/acl/poor', { policy: 'path "sys/apply" { capabilities = ["update"] }' });
  const { client_token: poor } = (await at.write('auth/token/create', { policies: ['poor'] })).auth!;
  const again = { ...made, action: 'update', reads: [], seen: seenDigest([]) } as const;
  for (const sender of [project, 'other']) {
    const refusal = await apply(at, [again], { project: sender }, poor).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      status: 403,
      message: 'update Policy/a: write sys/managed/record/Policy/-/a: permission denied',
    });
  }
  await expect(apply(at, [again])).rejects.toThrow('is managed by project "other"');
});

describe('an audit log that fails', () => {
  test.each(['apply-begin', 'apply-abort', 'apply-commit'])('at %s is named by its file to nobody far away', async (type) => {
    const at = await world();
    const changes = [policyCreation('a', type === 'apply-abort' ? 'nonsense' : undefined)];
    const body = { project, storeId: at.storeId, base: await revision(at), commit: 'c', planDigest: 'sha256:00' };
    const send = (remote: { address: string; port: number } | null) =>
      at.send('write', 'sys/apply', { ...body, changes: changes as unknown as Json }, at.rootToken, remote);
    const take = at.sink.append.bind(at.sink);
    at.sink.append = (lines) =>
      Buffer.from(lines).includes(`"type":"${type}"`)
        ? Promise.reject(new SinkFailure('unwritten', '/var/log/secret-place is full'))
        : take(lines);
    for (const remote of [null, { address: '10.0.0.1', port: 1 }]) {
      const refusal = await send(remote).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ status: 500, message: expect.stringContaining("the audit log can't be written") });
      expect((refusal as Error).message.includes('secret-place')).toBe(remote === null);
    }
  });
});

test('an object that is created twice in one apply keeps the record of the last', async () => {
  const at = await world();
  const twice = creation('Policy', 'a', 'sys/policies/acl/a', { policy: 'path "x" { capabilities = ["read"] }' });
  await expect(apply(at, [policyCreation('a'), twice])).resolves.toMatchObject({ applied: 2 });
  expect(((await at.read('sys/managed')).data as { records: readonly Json[] }).records).toHaveLength(1);
});
