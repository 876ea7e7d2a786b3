import { describe, expect, test } from 'vitest';
import { seenDigest } from '../../src/protocol/seen-digest.ts';
import { world, type World } from '../world.ts';
import { apply } from './changes.ts';

async function prepared(version: '1' | '2'): Promise<World> {
  const at = await world();
  await at.write('sys/mounts/kv', { type: 'kv', options: { version } });
  return at;
}

async function tokenWith(at: World, rules: string): Promise<string> {
  await at.write('sys/policies/acl/some', { policy: rules });
  return (await at.write('auth/token/create', { policies: ['some'] })).auth?.client_token ?? '';
}

describe('renaming a secret', () => {
  test('keeps every version, its time and its state', async () => {
    const at = await prepared('2');
    for (const value of ['1', '2', '3']) {
      at.clock.time += 1000;
      await at.write('kv/data/old', { data: { value } });
    }
    await at.write('kv/destroy/old', { versions: [1] });
    await at.write('kv/delete/old', { versions: [2] });
    await at.write('kv/metadata/old', { custom_metadata: { owner: 'us' } });
    const before = (await at.read('kv/metadata/old')).data;
    await at.write('sys/managed/rename', { from: 'kv/old', to: 'kv/deep/new' });
    expect((await at.read('kv/metadata/deep/new')).data).toEqual(before);
    expect((await at.read('kv/data/deep/new')).data).toMatchObject({ data: { value: '3' } });
    await at.write('kv/undelete/deep/new', { versions: [2] });
    expect((await at.read('kv/data/deep/new', { version: 2 })).data).toMatchObject({ data: { value: '2' } });
    expect(await at.status('read', 'kv/metadata/old')).toBe(404);
  });

  test('shows in the audit log from where to where, alone and in an apply, and also where it is refused', async () => {
    const at = await prepared('2');
    await at.write('kv/data/old', { data: { value: '1' } });
    await at.write('sys/managed/rename', { from: 'kv/old', to: 'kv/new' });
    const caller = await tokenWith(at, 'path "sys/managed/rename" { capabilities = ["read"] }');
    expect(await at.status('write', 'sys/managed/rename', { from: 'kv/new', to: 'kv/loot' }, caller)).toBe(403);
    const address = { kind: 'StaticSecret', mount: 'kv', name: 'new' };
    await apply(at, [
      {
        address: { ...address, name: 'newer' },
        action: 'create',
        reads: [],
        seen: seenDigest([]),
        requests: [{ operation: 'write', path: 'sys/managed/rename', data: { from: 'kv/new', to: 'kv/newer' } }],
        record: { spec: {}, labels: {}, protect: false },
      },
    ]);
    const lines = at.sink.lines.filter((line) => line.includes('"path":"sys/managed/rename"'));
    const shown = lines.map((line) => (JSON.parse(line) as { request: { data: unknown } }).request.data);
    expect(shown).toEqual([
      { from: 'kv/old', to: 'kv/new' },
      { from: 'kv/old', to: 'kv/new' },
      { from: 'kv/new', to: 'kv/loot' },
      { from: 'kv/new', to: 'kv/newer' },
      { from: 'kv/new', to: 'kv/newer' },
    ]);
  });

  test('works on version 1 too', async () => {
    const at = await prepared('1');
    await at.write('kv/old', { value: '1' });
    const { data } = await at.read('sys/managed/observe/kv/old');
    await at.write('sys/managed/rename', { from: 'kv/old', to: 'kv/new' });
    expect((await at.read('kv/new')).data).toEqual({ value: '1' });
    expect((await at.read('sys/managed/observe/kv/new')).data).toEqual(data);
    expect(await at.status('read', 'kv/old')).toBe(404);
  });

  test.each(['1', '2'] as const)(
    'on version %s never takes the place of another, and says when there is nothing',
    async (version) => {
      const at = await prepared(version);
      const path = (name: string) => (version === '2' ? `kv/data/${name}` : `kv/${name}`);
      await at.write(path('a'), version === '2' ? { data: { value: 'a' } } : { value: 'a' });
      await at.write(path('b'), version === '2' ? { data: { value: 'b' } } : { value: 'b' });
      expect(await at.status('write', 'sys/managed/rename', { from: 'kv/a', to: 'kv/b' })).toBe(400);
      expect(await at.status('write', 'sys/managed/rename', { from: 'kv/none', to: 'kv/c' })).toBe(404);
      expect(await at.status('read', path('a'))).toBe(200);
    },
  );

  test('shows nobody what they may not read: a rename needs the right to read here and to write there', async () => {
    const at = await prepared('2');
    await at.write('kv/data/secret/a', { data: { value: 'a' } });
    const full = `path "sys/managed/rename" { capabilities = ["update"] }
      path "kv/data/secret/*" { capabilities = ["read"] }
      path "kv/metadata/secret/*" { capabilities = ["delete"] }
      path "kv/data/mine/*" { capabilities = ["create"] }
      path "kv/metadata/mine/*" { capabilities = ["create", "update"] }`;
    const lines = full.split('\n');
    for (const [index] of lines.entries()) {
      const token = await tokenWith(at, lines.filter((_, other) => other !== index).join('\n'));
      expect(await at.status('write', 'sys/managed/rename', { from: 'kv/secret/a', to: 'kv/mine/a' }, token)).toBe(403);
    }
    const token = await tokenWith(at, full);
    expect(await at.status('write', 'sys/managed/rename', { from: 'kv/secret/a', to: 'kv/mine/a' }, token)).toBe(204);
  });

  test.each([
    ['kv/a', 'other/a'],
    ['kv/a', 'kv'],
    ['kv/a', 'kv/../sys'],
    ['sys/policies/acl/default', 'sys/policies/acl/other'],
    ['cubbyhole/a', 'cubbyhole/b'],
    ['kv/a', 'kv/a'],
  ])('from %s to %s is refused', async (from, to) => {
    const at = await prepared('2');
    await at.write('kv/data/a', { data: { value: 'a' } });
    await at.write('cubbyhole/a', { value: 'a' });
    expect(await at.status('write', 'sys/managed/rename', { from, to })).toBe(400);
  });
});

describe('renaming an AppRole', () => {
  test('keeps its role id and secret ids', async () => {
    const at = await world();
    await at.write('sys/auth/approle', { type: 'approle' });
    await at.write('auth/approle/role/old', { token_policies: ['default'] });
    const role_id = (await at.read('auth/approle/role/old/role-id')).data?.role_id ?? '';
    const secret_id = (await at.write('auth/approle/role/old/secret-id')).data?.secret_id ?? '';
    await at.write('sys/managed/rename', { from: 'auth/approle/role/old', to: 'auth/approle/role/new' });
    expect((await at.write('auth/approle/login', { role_id, secret_id }, null)).auth?.token_policies).toEqual(['default']);
    expect(await at.status('read', 'auth/approle/role/old')).toBe(404);
    expect((await at.read('auth/approle/role/new/role-id')).data).toEqual({ role_id });
  });
});
