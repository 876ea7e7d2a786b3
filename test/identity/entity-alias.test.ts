import { beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { refusal } from '../token/asking.ts';
import type { World } from '../world.ts';
import { type People, people } from './asking.ts';

let at: People;
let w: World;
beforeEach(async () => {
  at = await people();
  ({ w } = at);
  await w.write('sys/auth/second', { type: 'approle' });
});

async function entity(name: string): Promise<string> {
  return (await at.make('entity', { name, policies: [`of-${name}`] }))['id'] as string;
}

async function alias(canonical_id: string, name: string, mount_accessor = at.accessor): Promise<string> {
  return (await at.make('entity-alias', { name, canonical_id, mount_accessor }))['id'] as string;
}

async function secondAccessor(): Promise<string> {
  return ((await w.read('sys/auth')).data as { readonly 'second/': { readonly accessor: string } })['second/'].accessor;
}

describe('an alias', () => {
  test('is made, read, listed, changed and deleted', async () => {
    const anna = await entity('anna');
    const id = await alias(anna, 'a@example.org');
    const shown = {
      id,
      canonical_id: anna,
      name: 'a@example.org',
      mount_accessor: at.accessor,
      mount_type: 'approle',
      mount_path: 'auth/approle/',
      metadata: null,
      custom_metadata: {},
      merged_from_canonical_ids: null,
      local: false,
      namespace_id: 'root',
      creation_time: '2026-01-01T00:00:00Z',
      last_update_time: '2026-01-01T00:00:00Z',
    };
    expect(await at.read(`entity-alias/id/${id}`)).toEqual(shown);
    expect(await at.make(`entity-alias/id/${id}`, { custom_metadata: { a: 'b' } })).toEqual({ id, canonical_id: anna });
    expect(await at.read(`entity-alias/id/${id}`)).toEqual({ ...shown, custom_metadata: { a: 'b' } });
    expect((await w.write(`identity/entity-alias/id/${id}`, { name: 'a@example.org' })).status).toBe(204);
    expect((await w.list('identity/entity-alias/id')).data).toMatchObject({
      keys: [id],
      key_info: { [id]: { name: 'a@example.org', canonical_id: anna, mount_accessor: at.accessor, custom_metadata: { a: 'b' } } },
    });
    expect((await w.delete(`identity/entity-alias/id/${id}`)).status).toBe(204);
    expect(await w.status('read', `identity/entity-alias/id/${id}`)).toBe(404);
    expect(await at.read(`entity/id/${anna}`)).toMatchObject({ aliases: [] });
  });

  test('without an entity makes one', async () => {
    const { id, canonical_id } = await at.make('entity-alias', { name: 'x', mount_accessor: at.accessor });
    expect(await at.read(`entity/id/${canonical_id as string}`)).toMatchObject({ aliases: [{ id, name: 'x' }] });
  });

  test('moves to another entity, and the next login with it', async () => {
    const [anna, bob] = [await entity('anna'), await entity('bob')];
    const id = await alias(anna, 'ci');
    expect((await at.login('ci')).entity_id).toBe(anna);
    expect(await at.make(`entity-alias/id/${id}`, { canonical_id: bob })).toEqual({ id, canonical_id: bob });
    expect((await at.login('ci')).entity_id).toBe(bob);
    expect(await at.read(`entity/id/${anna}`)).toMatchObject({ aliases: [] });
    // By its name it is the same alias.
    expect(await at.make('entity-alias', { name: 'ci', mount_accessor: at.accessor, entity_id: anna })).toEqual({
      id,
      canonical_id: anna,
    });
    expect((await at.login('ci')).entity_id).toBe(anna);
  });

  test('is never renamed to what somebody else is called, and merges nobody', async () => {
    const [attacker, victim] = [await entity('attacker'), await entity('victim')];
    const own = await alias(attacker, 'attacker');
    await alias(victim, 'victim');
    for (const body of [
      { name: 'victim' },
      { name: 'victim', canonical_id: attacker },
      { name: 'victim', canonical_id: victim },
    ] as readonly JsonObject[]) {
      expect(await refusal(w.write(`identity/entity-alias/id/${own}`, body))).toEqual([
        400,
        'alias with combination of mount accessor and name already exists',
      ]);
    }
    expect(await at.login('victim')).toMatchObject({ entity_id: victim, identity_policies: ['of-victim'] });
    expect(await at.login('attacker')).toMatchObject({ entity_id: attacker, identity_policies: ['of-attacker'] });
    expect((await w.list('identity/entity/name')).data?.['keys']).toEqual(['attacker', 'victim']);
  });

  test('is renamed to what is free, and the old name is somebody new', async () => {
    const anna = await entity('anna');
    const id = await alias(anna, 'old');
    await at.make(`entity-alias/id/${id}`, { name: 'new' });
    expect((await at.login('new')).entity_id).toBe(anna);
    expect((await at.login('old')).entity_id).not.toBe(anna);
  });

  test('is one for each auth method', async () => {
    const [anna, bob] = [await entity('anna'), await entity('bob')];
    const first = await alias(anna, 'x');
    const second = await alias(anna, 'y', await secondAccessor());
    const other = await alias(bob, 'z');
    const refused = async (path: string, body: Record<string, string>) => (await refusal(w.write(`identity/${path}`, body)))[1];
    expect(await refused('entity-alias', { name: 'w', canonical_id: anna, mount_accessor: at.accessor })).toBe(
      'Alias already exists for requested entity and mount accessor',
    );
    expect(await refused(`entity-alias/id/${second}`, { mount_accessor: at.accessor })).toContain(
      'already has an alias for the given',
    );
    expect(await refused(`entity-alias/id/${other}`, { canonical_id: anna })).toContain('already has an alias for this mount');
    expect(await at.read(`entity/id/${anna}`)).toMatchObject({ aliases: [{ id: first }, { id: second }] });
  });

  test.each([
    [{}, "'id' or 'mount_accessor' and 'name' must be provided"],
    [{ name: 'x' }, "'id' or 'mount_accessor' and 'name' must be provided"],
    [{ id: 'none' }, 'invalid alias ID provided'],
    [{ name: 'x', mount_accessor: 'none' }, 'invalid mount accessor "none"'],
    [{ name: 'x', mount_accessor: '../x' }, 'invalid mount accessor "../x"'],
    [{ name: 'a\nb', mount_accessor: 'own' }, 'an alias name is a text of 1 to 4096 characters without control characters'],
    [{ name: 'x', mount_accessor: 'own', canonical_id: 'none' }, 'invalid canonical ID'],
    [
      { name: 'x', mount_accessor: 'own', custom_metadata: { a: '' } },
      'custom_metadata validation failed: length of value for key "a" is 0 but must be 0 < len(value) <= 512',
    ],
  ])('is not made of %j', async (body: Record<string, unknown>, message) => {
    const sent = body['mount_accessor'] === 'own' ? { ...body, mount_accessor: at.accessor } : body;
    expect(await refusal(w.write('identity/entity-alias', sent as Record<string, string>))).toEqual([400, message]);
  });
});

describe('a merge', () => {
  test('moves aliases, memberships and tokens to the one that stays, but no policies', async () => {
    const [to, from] = [await entity('to'), await entity('from')];
    await alias(to, 'to');
    const moved = await alias(from, 'elsewhere', await secondAccessor());
    const { id: group } = await at.make('group', { name: 'g', policies: ['of-group'], member_entity_ids: [from] });
    await w.write('auth/token/roles/people', { allowed_entity_aliases: ['*'] });
    await w.write('identity/entity/merge', { to_entity_id: to, from_entity_ids: [from] });
    expect(await w.status('read', `identity/entity/id/${from}`)).toBe(404);
    expect(await at.read(`entity/id/${to}`)).toMatchObject({
      policies: ['of-to'],
      merged_entity_ids: [from],
      direct_group_ids: [group],
      aliases: [{ name: 'to' }, { id: moved, canonical_id: to, merged_from_canonical_ids: [from] }],
    });
    expect(await at.read('group/name/g')).toMatchObject({ member_entity_ids: [to] });
  });

  test('lets tokens of those that ended act as the one that stays', async () => {
    const { client_token: token, entity_id: from } = await at.login('from');
    const to = await entity('to');
    await w.write('identity/entity/merge', { to_entity_id: to, from_entity_ids: [from] });
    await at.policy('of-to', 'path "kv/a" { capabilities = ["read"] }');
    await w.write('kv/a', { v: '1' });
    expect(await w.status('read', 'kv/a', {}, token)).toBe(200);
    expect((await at.login('from')).entity_id).toBe(to);
    await w.write(`identity/entity/id/${to}`, { disabled: true });
    expect(await w.status('read', 'kv/a', {}, token)).toBe(403);
    await w.delete(`identity/entity/id/${to}`);
    expect(await w.status('read', 'kv/a', {}, token)).toBe(403);
  });

  test('of a disabled one into one that is not is refused: its tokens would work again', async () => {
    const { client_token: token, entity_id: from } = await at.login('from');
    const to = await entity('to');
    await w.write(`identity/entity/id/${from}`, { disabled: true });
    const merge = () => w.write('identity/entity/merge', { to_entity_id: to, from_entity_ids: [from] });
    expect(await refusal(merge())).toEqual([
      400,
      expect.stringMatching(/^the entity entity_\w+ is disabled.*: enable the first/),
    ]);
    expect(await w.status('read', `identity/entity/id/${from}`)).toBe(200);
    expect(await w.status('read', 'auth/token/lookup-self', {}, token)).toBe(403);
    await w.write(`identity/entity/id/${to}`, { disabled: true });
    await merge();
    expect(await w.status('read', 'auth/token/lookup-self', {}, token)).toBe(403);
    await w.write(`identity/entity/id/${to}`, { disabled: false });
    expect(await w.status('read', 'auth/token/lookup-self', {}, token)).toBe(200);
  });

  test('of what was merged before keeps the tokens of all', async () => {
    const { client_token: token, entity_id: first } = await at.login('first');
    const [second, third] = [await entity('second'), await entity('third')];
    await w.write('identity/entity/merge', { to_entity_id: second, from_entity_ids: [first] });
    await w.write('identity/entity/merge', { to_entity_id: third, from_entity_ids: [second] });
    expect(await at.read(`entity/id/${third}`)).toMatchObject({ merged_entity_ids: [first, second] });
    expect((await w.read('auth/token/lookup-self', {}, token)).data).toMatchObject({ identity_policies: ['of-third'] });
  });

  test('wants to be told which alias to keep where two are at one auth method', async () => {
    const [to, from] = [await entity('to'), await entity('from')];
    const [kept, dropped] = [await alias(from, 'from'), await alias(to, 'to')];
    const body = { to_entity_id: to, from_entity_ids: [from] };
    expect((await refusal(w.write('identity/entity/merge', body)))[1]).toContain('conflicting_alias_ids_to_keep');
    expect(await w.status('read', `identity/entity/id/${from}`)).toBe(200);
    await w.write('identity/entity/merge', { ...body, conflicting_alias_ids_to_keep: [kept] });
    expect(await at.read(`entity/id/${to}`)).toMatchObject({ aliases: [{ id: kept }] });
    expect(await w.status('read', `identity/entity-alias/id/${dropped}`)).toBe(404);
    expect((await at.login('from')).entity_id).toBe(to);
    expect((await at.login('to')).entity_id).not.toBe(to);
  });

  test('is refused where it makes no sense', async () => {
    const to = await entity('to');
    const message = async (body: Record<string, string | string[]>) => (await refusal(w.write('identity/entity/merge', body)))[1];
    expect(await message({})).toBe('missing entity id to merge to');
    expect(await message({ to_entity_id: to })).toBe('missing entity ids to merge from');
    expect(await message({ to_entity_id: 'none', from_entity_ids: [to] })).toBe('entity id to merge to is invalid');
    expect(await message({ to_entity_id: to, from_entity_ids: ['none'] })).toBe('entity id to merge from is invalid');
    expect(await message({ to_entity_id: to, from_entity_ids: [to] })).toBe(
      'to_entity_id should not be present in from_entity_ids',
    );
    expect(await message({ to_entity_id: to, from_entity_ids: ['a', 'b'], conflicting_alias_ids_to_keep: ['c'] })).toContain(
      'one entity at a time',
    );
  });
});
