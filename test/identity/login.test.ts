import { beforeEach, describe, expect, test } from 'vitest';
import { newToken, refusal, works } from '../token/asking.ts';
import type { World } from '../world.ts';
import { type People, people } from './asking.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const reading = (path: string): string => `path "${path}" { capabilities = ["read"] }`;

let at: People;
let w: World;
beforeEach(async () => {
  at = await people();
  ({ w } = at);
  await w.write('kv/a', { v: '1' });
});

describe('a login', () => {
  test('makes an entity with the name that the auth method knows', async () => {
    const { entity_id: id, policies, token_policies, identity_policies } = await at.login('ci');
    expect(id).toMatch(uuid);
    expect({ policies, token_policies, identity_policies }).toEqual({
      policies: ['default'],
      token_policies: ['default'],
      identity_policies: [],
    });
    expect(await at.read(`entity/id/${id}`)).toMatchObject({
      id,
      name: expect.stringMatching(/^entity_[0-9a-f]{8}$/) as string,
      disabled: false,
      policies: [],
      metadata: null,
      aliases: [
        { name: 'ci', canonical_id: id, mount_accessor: at.accessor, mount_type: 'approle', mount_path: 'auth/approle/' },
      ],
    });
  });

  test('finds it again, and another name makes another one', async () => {
    const first = await at.login('ci');
    expect((await at.login('ci')).entity_id).toBe(first.entity_id);
    expect((await at.login('other')).entity_id).not.toBe(first.entity_id);
    expect((await w.list('identity/entity/id')).data?.['keys']).toHaveLength(2);
  });

  test('of one name makes one entity, however many at once', async () => {
    await at.login('warm');
    const { data } = await w.write('auth/approle/role/warm/secret-id', { num_uses: 0 });
    await w.delete(`identity/entity/id/${(await at.login('warm')).entity_id}`);
    const logins = await Promise.all(
      Array.from({ length: 20 }, () =>
        w.write('auth/approle/login', { role_id: 'warm', secret_id: data?.['secret_id'] ?? '' }, null),
      ),
    );
    expect(new Set(logins.map(({ auth }) => auth?.entity_id)).size).toBe(1);
    expect((await w.list('identity/entity/id')).data?.['keys']).toHaveLength(1);
  });

  test('gives the policies of an entity that was made before, and of its groups', async () => {
    const { id } = await at.make('entity', { name: 'robot', policies: ['of-entity'] });
    await at.make('entity-alias', { name: 'ci', canonical_id: id as string, mount_accessor: at.accessor });
    await at.make('group', { name: 'robots', policies: ['of-group'], member_entity_ids: [id as string] });
    expect(await at.login('ci')).toMatchObject({
      entity_id: id,
      token_policies: ['default'],
      identity_policies: ['of-entity', 'of-group'],
      policies: ['default', 'of-entity', 'of-group'],
    });
  });

  test('of a disabled entity is refused', async () => {
    const { entity_id: id } = await at.login('ci');
    await w.write(`identity/entity/id/${id}`, { disabled: true });
    expect(await refusal(at.login('ci'))).toEqual([403, 'permission denied']);
  });
});

describe('the tokens of an entity', () => {
  test('have its policies and those of its groups, as they are at each request', async () => {
    await at.policy('reader', reading('kv/a'));
    const { client_token: token, entity_id: id } = await at.login('ci');
    const reads = () => w.status('read', 'kv/a', {}, token);
    expect(await reads()).toBe(403);
    await w.write(`identity/entity/id/${id}`, { policies: ['reader'] });
    expect(await reads()).toBe(200);
    await w.write(`identity/entity/id/${id}`, { policies: [] });
    expect(await reads()).toBe(403);
    const { id: group } = await at.make('group', { name: 'readers', policies: ['reader'], member_entity_ids: [id] });
    expect(await reads()).toBe(200);
    await w.write(`identity/group/id/${group as string}`, { policies: ['other'] });
    expect(await reads()).toBe(403);
    await w.write(`identity/group/id/${group as string}`, { policies: ['reader'] });
    expect(await reads()).toBe(200);
    await w.delete(`identity/group/id/${group as string}`);
    expect(await reads()).toBe(403);
  });

  test('lose what a group gave at the next request after they left it', async () => {
    await at.policy('reader', reading('kv/a'));
    const { client_token: token, entity_id: id } = await at.login('ci');
    await w.write('identity/group', { name: 'readers', policies: ['reader'], member_entity_ids: [id] });
    expect(await w.status('read', 'kv/a', {}, token)).toBe(200);
    await w.write('identity/group', { name: 'readers', member_entity_ids: [] });
    expect(await w.status('read', 'kv/a', {}, token)).toBe(403);
  });

  test('have the policies of groups above their groups, until one link is cut', async () => {
    await at.policy('reader', reading('kv/a'));
    const { client_token: token, entity_id: id } = await at.login('ci');
    const inner = (await at.make('group', { name: 'inner', member_entity_ids: [id] }))['id'] as string;
    const middle = (await at.make('group', { name: 'middle', member_group_ids: [inner] }))['id'] as string;
    await at.make('group', { name: 'outer', policies: ['reader'], member_group_ids: [middle] });
    expect(await w.status('read', 'kv/a', {}, token)).toBe(200);
    await w.write('identity/group/name/middle', { member_group_ids: [] });
    expect(await w.status('read', 'kv/a', {}, token)).toBe(403);
  });

  test('do not work while it is disabled, and not at all when it is gone', async () => {
    const { client_token: token, entity_id: id } = await at.login('ci');
    expect(await works(w, token)).toBe(true);
    await w.write(`identity/entity/id/${id}`, { disabled: true });
    expect(await works(w, token)).toBe(false);
    expect(await w.status('write', 'sys/capabilities', { token, paths: ['kv/a'] })).toBe(400);
    await w.write(`identity/entity/id/${id}`, { disabled: false });
    expect(await works(w, token)).toBe(true);
    await w.delete(`identity/entity/id/${id}`);
    expect(await works(w, token)).toBe(false);
    // A later login under the same name is somebody else.
    expect((await at.login('ci')).entity_id).not.toBe(id);
    expect(await works(w, token)).toBe(false);
  });

  test('show who is behind them', async () => {
    const { client_token: token, entity_id: id, accessor } = await at.login('ci');
    expect((await w.read('auth/token/lookup-self', {}, token)).data).toMatchObject({ entity_id: id, policies: ['default'] });
    expect((await w.read('auth/token/lookup-self', {}, token)).data).not.toHaveProperty('identity_policies');
    await w.write(`identity/entity/id/${id}`, { policies: ['more'] });
    expect((await w.write('auth/token/lookup-accessor', { accessor })).data).toMatchObject({
      entity_id: id,
      policies: ['default'],
      identity_policies: ['more'],
      external_namespace_policies: {},
    });
    expect((await w.write('auth/token/renew-self', {}, token)).auth).toMatchObject({
      entity_id: id,
      policies: ['default', 'more'],
      token_policies: ['default'],
      identity_policies: ['more'],
    });
  });

  test('give it to their children, but not to orphans and not its policies to the token itself', async () => {
    await at.policy('maker', 'path "auth/token/*" { capabilities = ["create", "update", "sudo"] }');
    const { client_token: token, entity_id: id } = await at.login('ci', { token_policies: ['default', 'maker'] });
    await w.write(`identity/entity/id/${id}`, { policies: ['more'] });
    expect(await newToken(w, { policies: ['default'] }, token)).toMatchObject({
      entity_id: id,
      token_policies: ['default'],
      identity_policies: ['more'],
    });
    expect(await newToken(w, { policies: ['default'], no_parent: true }, token)).toMatchObject({
      entity_id: '',
      identity_policies: [],
    });
  });

  test('may be batch tokens too', async () => {
    await at.policy('reader', reading('kv/a'));
    const { client_token: token, entity_id: id } = await at.login('ci', { token_type: 'batch' });
    expect(await w.status('read', 'kv/a', {}, token)).toBe(403);
    await w.write(`identity/entity/id/${id}`, { policies: ['reader'] });
    expect(await w.status('read', 'kv/a', {}, token)).toBe(200);
    await w.write(`identity/entity/id/${id}`, { disabled: true });
    expect(await w.status('read', 'kv/a', {}, token)).toBe(403);
  });

  test('are what capabilities are asked of', async () => {
    await at.policy('reader', reading('kv/a'));
    const { client_token: token, accessor, entity_id: id } = await at.login('ci');
    await w.write(`identity/entity/id/${id}`, { policies: ['reader'] });
    const body = { paths: ['kv/a'] };
    for (const [path, asked, by] of [
      ['capabilities-self', body, token],
      ['capabilities', { ...body, token }, w.rootToken],
      ['capabilities-accessor', { ...body, accessor }, w.rootToken],
    ] as const) {
      expect((await w.write(`sys/${path}`, asked, by)).data).toEqual({ 'kv/a': ['read'], capabilities: ['read'] });
    }
  });

  test('are told apart in the audit log', async () => {
    const { client_token: token, entity_id: id } = await at.login('ci');
    await w.write(`identity/entity/id/${id}`, { policies: ['more'] });
    await works(w, token);
    const line = JSON.parse(w.sink.lines.at(-1) ?? '') as { readonly auth: unknown };
    expect(line.auth).toMatchObject({
      entity_id: id,
      policies: ['default', 'more'],
      token_policies: ['default'],
      identity_policies: ['more'],
    });
  });
});

describe('a token role', () => {
  test('may name whose token it is', async () => {
    await w.write('auth/token/roles/for-people', { allowed_policies: ['default'], allowed_entity_aliases: ['anna', 'team-*'] });
    const make = (alias: string) => newToken(w, { entity_alias: alias }, w.rootToken, 'create/for-people');
    const { entity_id: id } = await make('anna');
    expect((await make('anna')).entity_id).toBe(id);
    expect((await make('team-a')).entity_id).not.toBe(id);
    expect(await at.read(`entity/id/${id}`)).toMatchObject({
      aliases: [{ name: 'anna', mount_type: 'token', mount_path: 'auth/token/' }],
    });
    expect(await refusal(make('bob'))).toEqual([400, "invalid 'entity_alias' value"]);
    expect(await refusal(newToken(w, { entity_alias: 'anna' }))).toEqual([
      400,
      "'entity_alias' is only allowed in combination with token role",
    ]);
    await w.write(`identity/entity/id/${id}`, { disabled: true });
    expect(await refusal(make('anna'))).toEqual([403, 'permission denied']);
  });
});

describe('the policies of an entity', () => {
  test('add nothing to a root token and take nothing from it', async () => {
    await w.write('auth/token/roles/roots', { allowed_entity_aliases: ['*'] });
    const auth = await newToken(w, { entity_alias: 'anna' }, w.rootToken, 'create/roots');
    await w.write(`identity/entity/id/${auth.entity_id}`, { policies: ['more'] });
    expect(auth.policies).toEqual(['root']);
    expect(await w.status('read', 'sys/mounts', {}, auth.client_token)).toBe(200);
  });
});
