import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { refusal, runs } from '../token/asking.ts';
import type { World } from '../world.ts';
import { type People, people } from './asking.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let at: People;
let w: World;
beforeEach(async () => {
  at = await people();
  ({ w } = at);
});

async function group(name: string, body: JsonObject = {}): Promise<string> {
  return (await at.make('group', { name, ...body }))['id'] as string;
}

async function entity(name: string): Promise<string> {
  return (await at.make('entity', { name }))['id'] as string;
}

describe('a group', () => {
  test('is made, read by id and name, changed in part and deleted', async () => {
    const anna = await entity('anna');
    const made = await at.make('group', { name: 'team', metadata: { a: 'b' }, policies: ['p'], member_entity_ids: [anna, anna] });
    expect(made).toEqual({ id: expect.stringMatching(uuid) as string, name: 'team' });
    const id = made['id'] as string;
    const shown = {
      id,
      name: 'team',
      type: 'internal',
      metadata: { a: 'b' },
      policies: ['p'],
      member_entity_ids: [anna],
      member_group_ids: null,
      parent_group_ids: null,
      alias: {},
      namespace_id: 'root',
      modify_index: 1,
      creation_time: '2026-01-01T00:00:00Z',
      last_update_time: '2026-01-01T00:00:00Z',
    };
    expect(await at.read(`group/id/${id}`)).toEqual(shown);
    expect((await w.write('identity/group', { id, name: 'crew' })).status).toBe(204);
    expect(await at.read('group/name/crew')).toEqual({ ...shown, name: 'crew', modify_index: 2 });
    expect((await w.write('identity/group', { name: 'crew', policies: [] })).status).toBe(204);
    expect(await at.read('group/name/crew')).toMatchObject({ policies: [], member_entity_ids: [anna] });
    await w.delete('identity/group/name/crew');
    expect(await w.status('read', `identity/group/id/${id}`)).toBe(404);
    expect(await at.read(`entity/id/${anna}`)).toMatchObject({ group_ids: [] });
  });

  test('knows its members both ways', async () => {
    const anna = await entity('anna');
    const inner = await group('inner', { member_entity_ids: [anna] });
    const outer = await group('outer', { member_group_ids: [inner] });
    expect(await at.read(`group/id/${inner}`)).toMatchObject({ parent_group_ids: [outer] });
    expect(await at.read(`group/id/${outer}`)).toMatchObject({ member_group_ids: [inner] });
    expect(await at.read(`entity/id/${anna}`)).toMatchObject({
      direct_group_ids: [inner],
      inherited_group_ids: [outer],
      group_ids: [inner, outer],
    });
    await w.delete(`identity/group/id/${inner}`);
    expect(await at.read(`group/id/${outer}`)).toMatchObject({ member_group_ids: null });
    await w.delete(`identity/group/id/${outer}`);
    expect(await w.status('list', 'identity/group/id')).toBe(404);
  });

  test('is listed', async () => {
    const anna = await entity('anna');
    const id = await group('b', { member_entity_ids: [anna] });
    await group('a', { member_group_ids: [id] });
    expect((await w.list('identity/group/name/')).data).toMatchObject({
      keys: ['a', 'b'],
      key_info: { [id]: { name: 'b', num_member_entities: 1, num_parent_groups: 1 } },
    });
    expect((await w.list('identity/group/id', { limit: 1 })).data?.['keys']).toHaveLength(1);
  });

  test.each<[JsonObject, string]>([
    [{ id: '' }, 'empty group ID'],
    [{ id: 'none' }, 'invalid group ID'],
    [{ name: '' }, 'empty group name'],
    [{ type: 'strange' }, 'invalid group type "strange"'],
    [{ policies: ['root'] }, 'policies cannot contain root'],
    [{ member_entity_ids: ['none'] }, 'invalid entity ID "none"'],
    [{ member_group_ids: ['none'] }, 'invalid member group ID "none"'],
    [{ type: 'external', member_entity_ids: [] }, "member entities can't be set manually for external groups"],
    [{ type: 'external', member_group_ids: [] }, "member groups can't be set for external groups"],
    [
      { member_entity_ids: Array.from({ length: 10_001 }, (_, index) => `e${index}`) },
      'member_entity_ids holds more than 10000 ids',
    ],
  ])('is not made of %j', async (body, message) => {
    expect(await refusal(w.write('identity/group', body))).toEqual([400, message]);
    expect(await w.status('list', 'identity/group/id')).toBe(404);
  });

  test('does not change its type or take the name of another', async () => {
    const id = await group('a');
    await group('b');
    expect(await refusal(w.write('identity/group', { id, type: 'external' }))).toEqual([400, 'group type cannot be changed']);
    expect(await refusal(w.write('identity/group', { id, name: 'b' }))).toEqual([400, 'group name is already in use']);
  });

  test('is no member of itself, over any number of steps', async () => {
    const a = await group('a');
    const b = await group('b', { member_group_ids: [a] });
    const c = await group('c', { member_group_ids: [b] });
    expect(await refusal(w.write('identity/group', { id: a, member_group_ids: [a] }))).toEqual([
      400,
      `member group ID "${a}" is same as the ID of the group`,
    ]);
    for (const id of [b, c]) {
      expect(await refusal(w.write('identity/group', { id: a, member_group_ids: [id] }))).toEqual([
        400,
        `cyclic relationship detected for member group ID "${id}"`,
      ]);
    }
    await w.write('identity/group', { id: b, member_group_ids: [] });
    await w.write('identity/group', { id: a, member_group_ids: [c] });
    expect(await at.read(`group/id/${c}`)).toMatchObject({ parent_group_ids: [a] });
  });

  test('moves the config revision, for its policies are configuration; a login does not', async () => {
    const revision = async () => (await w.write('sys/managed/snapshot', { project: 'p', reads: [] })).data?.['revision'];
    await at.login('ci');
    const before = await revision();
    await w.write('auth/approle/role/ci/secret-id', {});
    const { data } = await w.write('auth/approle/role/ci/secret-id');
    await w.write('auth/approle/login', { role_id: 'ci', secret_id: data?.['secret_id'] ?? '' }, null);
    expect(await revision()).toBe(before);
    await group('a');
    expect(await revision()).not.toBe(before);
  });
});

describe('an alias of a group', () => {
  test('is made for an external group, moved and deleted', async () => {
    const id = await group('devs', { type: 'external', policies: ['p'] });
    const { id: alias, canonical_id } = await at.make('group-alias', {
      name: 'devs@ldap',
      canonical_id: id,
      mount_accessor: at.accessor,
    });
    expect(canonical_id).toBe(id);
    expect(await at.read(`group/id/${id}`)).toMatchObject({ alias: { id: alias, name: 'devs@ldap', mount_type: 'approle' } });
    expect(await at.read(`group-alias/id/${alias as string}`)).toMatchObject({ canonical_id: id, namespace_id: 'root' });
    expect((await w.list('identity/group-alias/id')).data).toMatchObject({
      keys: [alias],
      key_info: { [alias as string]: { name: 'devs@ldap' } },
    });
    expect(
      (await w.write('identity/lookup/group', { alias_name: 'devs@ldap', alias_mount_accessor: at.accessor })).data,
    ).toMatchObject({ id });
    const other = await group('ops', { type: 'external' });
    expect(await at.read(`group/id/${other}`)).toMatchObject({ member_entity_ids: null });
    await at.make(`group-alias/id/${alias as string}`, { name: 'devs@ldap', mount_accessor: at.accessor, canonical_id: other });
    expect(await at.read(`group/id/${id}`)).toMatchObject({ alias: {} });
    expect(await at.read(`group/id/${other}`)).toMatchObject({ alias: { id: alias } });
    await w.delete(`identity/group-alias/id/${alias as string}`);
    expect(await at.read(`group/id/${other}`)).toMatchObject({ alias: {} });
    expect(await w.status('list', 'identity/group-alias/id')).toBe(404);
  });

  test('without a group makes one', async () => {
    const { canonical_id } = await at.make('group-alias', { name: 'x', mount_accessor: at.accessor });
    expect(await at.read(`group/id/${canonical_id as string}`)).toMatchObject({ type: 'external', alias: { name: 'x' } });
  });

  test('is refused where it makes no sense', async () => {
    const internal = await group('a');
    await at.make('group-alias', { name: 'taken', mount_accessor: at.accessor });
    const message = async (body: JsonObject) => (await refusal(w.write('identity/group-alias', body)))[1];
    expect(await message({})).toBe('missing alias name');
    expect(await message({ name: 'x' })).toBe('missing mount_accessor');
    expect(await message({ id: 'none', name: 'x' })).toBe('invalid group alias ID');
    expect(await message({ name: 'x', mount_accessor: 'none' })).toBe('invalid mount accessor "none"');
    expect(await message({ name: 'x', mount_accessor: at.accessor, canonical_id: 'none' })).toContain('invalid group ID');
    expect(await message({ name: 'x', mount_accessor: at.accessor, canonical_id: internal })).toBe(
      "alias can't be set on an internal group",
    );
    expect(await message({ name: 'taken', mount_accessor: at.accessor })).toBe(
      'combination of mount and group alias name is already in use',
    );
  });
});

describe('groups in groups', () => {
  /** What somebody does to a graph of four groups and two entities. */
  const step = fc.oneof(
    fc.record({ group: fc.nat(3), groups: fc.uniqueArray(fc.nat(3), { maxLength: 3 }) }),
    fc.record({ group: fc.nat(3), entities: fc.uniqueArray(fc.nat(1), { maxLength: 2 }) }),
    fc.record({ group: fc.nat(3), remove: fc.constant(true) }),
  );

  test('give policies to whom a plain walk over the memberships finds in them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const here = await people();
        const entities = [
          (await here.make('entity', { name: 'e0' }))['id'],
          (await here.make('entity', { name: 'e1' }))['id'],
        ] as string[];
        const ids = new Map<number, string>();
        const children = new Map<number, Set<number>>();
        const members = new Map<number, Set<number>>();
        const reaches = (from: number, to: number): boolean =>
          from === to || [...(children.get(from) ?? [])].some((child) => reaches(child, to));
        for (const each of steps) {
          const name = `g${each.group}`;
          if ('remove' in each) {
            await here.w.delete(`identity/group/name/${name}`);
            ids.delete(each.group);
            children.delete(each.group);
            members.delete(each.group);
            for (const set of children.values()) set.delete(each.group);
            continue;
          }
          if (!ids.has(each.group)) {
            ids.set(each.group, (await here.make('group', { name, policies: [`of-${name}`] }))['id'] as string);
          }
          if ('entities' in each) {
            await here.w.write(`identity/group/name/${name}`, {
              member_entity_ids: each.entities.map((index) => entities[index] ?? ''),
            });
            members.set(each.group, new Set(each.entities));
            continue;
          }
          const wanted = each.groups.filter((child) => ids.has(child));
          const body = { member_group_ids: wanted.map((child) => ids.get(child) ?? '') };
          const before = children.get(each.group) ?? new Set();
          // A member that is there already makes no new circle.
          const circle = wanted.some((child) => !before.has(child) && reaches(child, each.group));
          expect(await here.w.status('write', `identity/group/name/${name}`, body)).toBe(circle ? 400 : 204);
          if (!circle) children.set(each.group, new Set(wanted));
        }
        for (const [index, id] of entities.entries()) {
          const direct = [...members].filter(([, set]) => set.has(index)).map(([key]) => key);
          const all = [...ids.keys()].filter((key) => direct.some((own) => reaches(key, own)));
          const shown = await here.read(`entity/id/${id}`);
          const names = (field: string) =>
            (shown[field] as string[]).map((known) => [...ids].find(([, other]) => other === known)?.[0]).sort();
          expect(names('direct_group_ids')).toEqual(direct.sort());
          expect(names('group_ids')).toEqual(all.sort());
        }
      }),
      runs(15, 400),
    );
  });
});
