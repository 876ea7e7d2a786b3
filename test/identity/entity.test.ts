import { beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { refusal, seconds } from '../token/asking.ts';
import type { World } from '../world.ts';
import { type People, people } from './asking.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let at: People;
let w: World;
beforeEach(async () => {
  at = await people();
  ({ w } = at);
});

describe('an entity', () => {
  test('is made, read by id and name, changed in part and deleted', async () => {
    const made = await at.make('entity', { name: 'anna', metadata: { team: 'a' }, policies: 'p2,p1,p1' });
    expect(made).toEqual({ id: expect.stringMatching(uuid) as string, name: 'anna', aliases: null });
    const id = made['id'] as string;
    const shown = {
      id,
      name: 'anna',
      metadata: { team: 'a' },
      policies: ['p1', 'p2'],
      disabled: false,
      aliases: [],
      direct_group_ids: [],
      inherited_group_ids: [],
      group_ids: [],
      merged_entity_ids: null,
      namespace_id: 'root',
      creation_time: '2026-01-01T00:00:00Z',
      last_update_time: '2026-01-01T00:00:00Z',
    };
    expect(await at.read(`entity/id/${id}`)).toEqual(shown);
    expect(await at.read('entity/name/anna')).toEqual(shown);
    seconds(w, 1);
    expect((await w.write(`identity/entity/id/${id}`, { name: 'anne', disabled: 'true' })).status).toBe(204);
    const changed = { ...shown, name: 'anne', disabled: true, last_update_time: '2026-01-01T00:00:01Z' };
    expect(await at.read('entity/name/anne')).toEqual(changed);
    expect(await w.status('read', 'identity/entity/name/anna')).toBe(404);
    expect((await w.delete('identity/entity/name/anne')).status).toBe(204);
    expect(await w.status('read', `identity/entity/id/${id}`)).toBe(404);
    expect((await w.delete(`identity/entity/id/${id}`)).status).toBe(204);
  });

  test('is made or changed by its name in the path or the body', async () => {
    const { id } = await at.make('entity/name/anna', { policies: ['a'] });
    expect((await w.write('identity/entity', { name: 'anna', policies: ['b'] })).status).toBe(204);
    expect((await w.write('identity/entity', { id: id as string, policies: ['c'] })).status).toBe(204);
    expect(await at.read('entity/name/anna')).toMatchObject({ id, policies: ['c'] });
  });

  test('gets a name where it has none', async () => {
    expect((await at.make('entity', {}))['name']).toMatch(/^entity_[0-9a-f]{8}$/);
  });

  test('takes metadata as command lines send it', async () => {
    await at.make('entity', { name: 'one', metadata: 'team=a' });
    await at.make('entity', { name: 'more', metadata: ['team=a', 'cost=1=2'] });
    expect(await at.read('entity/name/one')).toMatchObject({ metadata: { team: 'a' } });
    expect(await at.read('entity/name/more')).toMatchObject({ metadata: { team: 'a', cost: '1=2' } });
  });

  test.each<[JsonObject, string]>([
    [{ id: 'none' }, 'entity not found from id'],
    [{ name: 'x', policies: ['root'] }, 'policies cannot contain root'],
    [{ name: 'x', policies: ['a', 'response-wrapping'] }, 'cannot assign policy "response-wrapping"'],
    [{ name: 'x', policies: ['../root'] }, 'invalid policy name "../root"'],
    [{ name: 'x', policies: ['Root'] }, 'invalid policy name "Root"'],
    [
      { name: 'x', metadata: { 'a b': '1' } },
      'failed to load metadata pair with the key "a b": a key has 1 to 128 letters, digits, "=", "/", "+", "_" or "-"',
    ],
    [
      { name: 'x', metadata: { 'vault-a': '1' } },
      'failed to load metadata pair with the key "vault-a": key prefix "vault-" is reserved for internal use',
    ],
    [
      { name: 'x', metadata: { a: 'v'.repeat(513) } },
      'failed to load metadata pair with the key "a": value is too long (limit: 512 characters)',
    ],
  ])('is not made of %j', async (body, message) => {
    expect(await refusal(w.write('identity/entity', body))).toEqual([400, message]);
  });

  test.each(['root', 'Root', 'ROOT', 'default', 'a b', 'a/b', '.a', 'ä', 'x'.repeat(129), 'a*', '+'])(
    'is not called %j',
    async (name) => {
      expect((await refusal(w.write('identity/entity', { name })))[0]).toBe(400);
      expect((await refusal(w.write('identity/group', { name })))[0]).toBe(400);
    },
  );

  test('does not take the name of another', async () => {
    await at.make('entity', { name: 'anna' });
    const { id } = await at.make('entity', { name: 'bob' });
    expect(await refusal(w.write(`identity/entity/id/${id as string}`, { name: 'anna' }))).toEqual([
      400,
      'entity name is already in use',
    ]);
    await at.make('entity', { name: 'Anna' });
    expect((await at.read('entity/name/Anna'))['id']).not.toBe((await at.read('entity/name/anna'))['id']);
  });

  test('is found by what is known of it', async () => {
    const { id } = await at.make('entity', { name: 'anna' });
    const { id: alias } = await at.make('entity-alias', { name: 'a@b', canonical_id: id as string, mount_accessor: at.accessor });
    for (const known of [
      { id },
      { name: 'anna' },
      { alias_id: alias },
      { alias_name: 'a@b', alias_mount_accessor: at.accessor },
    ] as JsonObject[]) {
      expect((await w.write('identity/lookup/entity', known)).data).toMatchObject({ id, name: 'anna' });
    }
    expect((await w.write('identity/lookup/entity', { name: 'none' })).status).toBe(204);
    expect((await w.write('identity/lookup/entity', { id: '../x' })).status).toBe(204);
    expect(await refusal(w.write('identity/lookup/entity', {}))).toEqual([400, 'query parameter not supplied']);
    expect((await refusal(w.write('identity/lookup/entity', { name: 'a', id: 'b' })))[1]).toContain('query parameter conflict');
    expect((await refusal(w.write('identity/lookup/entity', { alias_name: 'a' })))[1]).toContain("'alias_name'");
  });

  test('is listed with its aliases, page by page', async () => {
    expect(await w.status('list', 'identity/entity/id')).toBe(404);
    for (const name of ['c', 'a', 'b']) await at.make('entity', { name });
    const { id } = await at.read('entity/name/a');
    const { id: alias } = await at.make('entity-alias', { name: 'x', canonical_id: id as string, mount_accessor: at.accessor });
    const { data } = await w.list('identity/entity/name/');
    expect(data).toMatchObject({
      keys: ['a', 'b', 'c'],
      key_info: {
        [id as string]: {
          name: 'a',
          aliases: [{ id: alias, name: 'x', mount_accessor: at.accessor, mount_type: 'approle', mount_path: 'auth/approle/' }],
        },
      },
    });
    expect((await w.list('identity/entity/name', { after: 'a', limit: 1 })).data?.['keys']).toEqual(['b']);
    expect((await w.list('identity/entity/id')).data?.['keys']).toHaveLength(3);
  });

  test('is deleted with many others', async () => {
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) ids.push((await at.make('entity', { name }))['id'] as string);
    expect((await w.write('identity/entity/batch-delete', { entity_ids: [ids[0] ?? '', ids[2] ?? '', 'none'] })).status).toBe(
      204,
    );
    expect((await w.list('identity/entity/name')).data?.['keys']).toEqual(['b']);
    expect(await refusal(w.write('identity/entity/batch-delete', {}))).toEqual([400, 'missing entity ids to delete']);
  });

  test('leaves its groups and its names when it goes', async () => {
    const { id } = await at.make('entity', { name: 'anna' });
    await at.make('entity-alias', { name: 'x', canonical_id: id as string, mount_accessor: at.accessor });
    await at.make('group', { name: 'g', member_entity_ids: [id as string] });
    await w.delete('identity/entity/name/anna');
    expect(await at.read('group/name/g')).toMatchObject({ member_entity_ids: [] });
    expect(await w.status('list', 'identity/entity-alias/id')).toBe(404);
    const { id: next } = await at.make('entity', { name: 'anna' });
    expect(next).not.toBe(id);
    await at.make('entity-alias', { name: 'x', canonical_id: next as string, mount_accessor: at.accessor });
  });
});

describe('what is not served', () => {
  test.each(['oidc/config', 'oidc/key/x', 'oidc/.well-known/keys', 'mfa/method/totp', 'mfa/login-enforcement/x', 'none'])(
    'is %s',
    async (path) => {
      expect(await w.status('read', `identity/${path}`)).toBe(404);
      expect(await w.status('write', `identity/${path}`)).toBe(404);
    },
  );
});

describe('the identity store', () => {
  test('is there for whoever may, and for nobody else', async () => {
    expect((await w.read('sys/mounts')).data).toHaveProperty(['identity/', 'type'], 'identity');
    const { client_token: token } = await at.login('ci');
    expect(await w.status('write', 'identity/entity', { name: 'x' }, token)).toBe(403);
    expect(await w.status('write', 'identity/entity', { name: 'x' }, null)).toBe(403);
  });

  test('shows a token its own entity, by the default policy', async () => {
    const { client_token: token, entity_id: id } = await at.login('ci');
    const { entity_id: other } = await at.login('other');
    const { name } = await at.read(`entity/id/${id}`);
    expect((await w.read(`identity/entity/id/${id}`, {}, token)).data).toMatchObject({ id });
    expect((await w.read(`identity/entity/name/${name as string}`, {}, token)).data).toMatchObject({ id });
    expect(await w.status('read', `identity/entity/id/${other}`, {}, token)).toBe(403);
  });
});
