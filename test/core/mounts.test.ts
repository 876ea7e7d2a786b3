import { describe, expect, test } from 'vitest';
import { world } from '../world.ts';

describe('mounts', () => {
  test('are enabled, listed, tuned and disabled as in the Vault API', async () => {
    const at = await world();
    expect(await at.status('write', 'sys/mounts/team/kv', { type: 'kv', options: { version: '2' }, description: 'ours' })).toBe(
      204,
    );
    const listed = (await at.read('sys/mounts')).data as Record<string, unknown>;
    expect(listed['team/kv/']).toMatchObject({ type: 'kv', description: 'ours', options: { version: '2' } });
    expect(Object.keys(listed)).toEqual(expect.arrayContaining(['sys/', 'cubbyhole/']));
    await at.write('sys/mounts/team/kv/tune', { default_lease_ttl: '1h', description: 'theirs' });
    expect((await at.read('sys/mounts/team/kv/tune')).data).toMatchObject({
      default_lease_ttl: 3600,
      max_lease_ttl: 2_764_800,
      description: 'theirs',
    });
    expect(await at.status('delete', 'sys/mounts/team/kv')).toBe(204);
    await expect(at.read('sys/mounts/team/kv')).rejects.toMatchObject({
      status: 400,
      message: 'No secret engine mount at team/kv/',
    });
  });

  test.each([
    ['kv', 'kv', 'path is already in use at kv/'],
    ['kv', 'kv/inner', 'path is already in use at kv/'],
    ['a/b', 'a', 'path is already in use at a/b/'],
  ])('at %s leave no room for %s', async (first, second, message) => {
    const at = await world();
    await at.write(`sys/mounts/${first}`, { type: 'kv' });
    await expect(at.write(`sys/mounts/${second}`, { type: 'kv' })).rejects.toMatchObject({ status: 400, message });
  });

  test.each(['team/-42', 'team/_staging/kv'])('are made at %s and hold what is written there', async (path) => {
    const at = await world();
    await at.write(`sys/mounts/${path}`, { type: 'kv' });
    await at.write(`${path}/app`, { user: 'anna' });
    expect((await at.read(`${path}/app`)).data).toEqual({ user: 'anna' });
    expect((await at.read(`sys/internal/ui/mounts/${path}/app`)).data).toMatchObject({ path: `${path}/` });
  });

  test.each(['sys', 'SYS', 'auth/x', 'cubbyhole', 'Identity', 'kv with space', '-kv', '_kv', 'kv/.x', 'kv/@x', 'x'.repeat(200)])(
    'are not made at %j',
    async (path) => {
      const at = await world();
      expect(await at.status('write', `sys/mounts/${path}`, { type: 'kv' })).toBe(400);
    },
  );

  test('of an unknown type are refused with the types there are', async () => {
    const at = await world();
    await expect(at.write('sys/mounts/x', { type: 'kw' })).rejects.toMatchObject({
      status: 400,
      message: 'plugin not found in the catalog: kw; the secret engines are: database, kv',
    });
  });

  test('destroy what they hold when they are disabled: a new one at the same path starts empty', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv' });
    await at.write('kv/a', { x: '1' });
    await at.delete('sys/mounts/kv');
    await at.write('sys/mounts/kv', { type: 'kv' });
    expect(await at.status('read', 'kv/a')).toBe(404);
    await at.system.tidy(at.clock.now() + 1000);
    expect(await at.status('read', 'kv/a')).toBe(404);
  });

  test('move with all they hold', async () => {
    const at = await world();
    await at.write('sys/mounts/old', { type: 'kv' });
    await at.write('old/a', { x: '1' });
    await at.write('sys/remount', { from: 'old', to: 'new/place' });
    expect((await at.read('new/place/a')).data).toMatchObject({ x: '1' });
    expect(await at.status('read', 'old/a')).toBe(404);
  });

  test('are shown to whoever may do something in them, and to nobody else', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } });
    await at.write('sys/policies/acl/p', { policy: 'path "kv/data/app" { capabilities = ["read"] }' });
    const token = (await at.write('auth/token/create', { policies: ['p'] })).auth?.client_token;
    const blind = (await at.write('auth/token/create', { policies: ['default'] })).auth?.client_token;
    expect((await at.read('sys/internal/ui/mounts/kv/app', {}, token)).data).toMatchObject({
      path: 'kv/',
      type: 'kv',
      options: { version: '2' },
    });
    expect(await at.status('read', 'sys/internal/ui/mounts/kv/app', {}, blind)).toBe(403);
    expect(await at.status('read', 'sys/internal/ui/mounts/none/app', {}, token)).toBe(403);
  });

  test.each([
    ['generic', '1'],
    ['kv-v1', '1'],
    ['kv-v2', '2'],
  ])('of kv are made under older names: %s', async (type, version) => {
    const at = await world();
    await at.write('sys/mounts/kv', { type });
    expect((await at.read('sys/mounts/kv')).data).toMatchObject({ type: 'kv', options: { version } });
  });

  test('may be named with the slash that listings show, where they are read or disabled', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv' });
    expect((await at.read('sys/mounts/kv/')).data).toEqual((await at.read('sys/mounts/kv')).data);
    expect((await at.read('sys/internal/ui/mounts/kv/')).data).toMatchObject({ path: 'kv/' });
    await at.write('sys/policies/acl/p', {
      policy: 'path "sys/mounts/kv" { capabilities = ["deny"] } path "sys/mounts/*" { capabilities = ["read"] }',
    });
    const token = (await at.write('auth/token/create', { policies: ['p'] })).auth?.client_token;
    expect(await at.status('read', 'sys/mounts/kv/', {}, token)).toBe(403);
    expect(await at.status('write', 'sys/mounts/other/', { type: 'kv' })).toBe(400);
    expect(await at.status('read', 'kv/a/')).toBe(400);
    expect(await at.status('delete', 'sys/mounts/kv/')).toBe(204);
    expect(await at.status('read', 'sys/mounts/kv')).toBe(400);
  });

  test('show the fields of the Vault API, with what they were given', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', {
      type: 'kv-v2',
      description: 'd',
      local: true,
      seal_wrap: 'true',
      external_entropy_access: true,
      config: {
        default_lease_ttl: '1h',
        max_lease_ttl: '7200',
        force_no_cache: true,
        listing_visibility: 'unauth',
        audit_non_hmac_request_keys: 'a,b',
        passthrough_request_headers: ['X-A'],
        token_type: 'batch',
      },
    });
    const { accessor, uuid, running_plugin_version: running, ...rest } = (await at.read('sys/mounts/kv')).data!;
    expect(accessor).toMatch(/^kv_[0-9a-f]{8}$/);
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(running).toMatch(/^v\d+\.\d+\.\d+.*\+builtin$/);
    expect(rest).toEqual({
      config: {
        default_lease_ttl: 3600,
        max_lease_ttl: 7200,
        force_no_cache: true,
        listing_visibility: 'unauth',
        audit_non_hmac_request_keys: ['a', 'b'],
        passthrough_request_headers: ['X-A'],
      },
      deprecation_status: 'supported',
      description: 'd',
      external_entropy_access: true,
      local: true,
      options: { version: '2' },
      plugin_version: '',
      running_sha256: '',
      seal_wrap: true,
      type: 'kv',
    });
    const system = (await at.read('sys/mounts')).data as Record<string, Record<string, unknown>>;
    expect(system['sys/']).toMatchObject({ options: null, type: 'system', config: { passthrough_request_headers: ['Accept'] } });
    expect(system['sys/']).not.toHaveProperty('deprecation_status');
    const { 'token/': token } = (await at.read('sys/auth')).data as Record<string, Record<string, unknown>>;
    expect(token).toMatchObject({
      config: { token_type: 'default-service' },
      accessor: expect.stringMatching(/^auth_token_[0-9a-f]{8}$/),
    });
    expect(new Set([system['sys/'], system['cubbyhole/'], token].map((mount) => mount?.uuid)).size).toBe(3);
    expect((await at.read('sys/mounts/auth/token')).data).toEqual(token);
  });

  test.each<[path: string, body: Record<string, string | Record<string, string>>, message: string]>([
    ['sys/mounts/x', {}, 'backend type must be specified as a string'],
    ['sys/mounts/sys', { type: 'kv' }, 'cannot mount "sys/"'],
    ['sys/mounts/auth/x', { type: 'kv' }, 'cannot mount "auth/x/"'],
    ['sys/mounts/x', { type: 'cubbyhole' }, 'mount type of "cubbyhole" is not mountable'],
    [
      'sys/mounts/x',
      { type: 'kv', config: { default_lease_ttl: '2h', max_lease_ttl: '1h' } },
      'given default lease TTL greater than given max lease TTL',
    ],
    [
      'sys/mounts/x',
      { type: 'kv', config: { default_lease_ttl: 'xx' } },
      'unable to parse default TTL: a duration is wanted, such as "1h"',
    ],
    ['sys/mounts/x', { type: 'kv', config: { listing_visibility: 'xx' } }, 'invalid listing_visibility xx'],
    ['sys/mounts/x', { type: 'kv', config: { plugin_version: 'v9.0.0' } }, 'plugin not found in the catalog: kv, version=v9.0.0'],
    ['sys/auth/token', { type: 'token' }, 'token credential backend cannot be instantiated'],
    ['sys/auth/x', { type: 'token' }, 'token credential backend cannot be instantiated'],
    ['sys/auth/x', { type: 'approle', config: { token_type: 'bad' } }, "invalid value for 'token_type'"],
    ['sys/mounts/none/tune', { description: 'd' }, 'tune of path "none/" failed: no mount entry found'],
    ['sys/auth/none/tune', { description: 'd' }, 'tune of path "auth/none/" failed: no mount entry found'],
    ['sys/mounts/sys/tune', { default_lease_ttl: '1h' }, 'cannot tune parameter default_lease_ttl of sys/'],
    ['sys/mounts/cubbyhole/tune', { default_lease_ttl: '1h' }, 'cannot tune parameter default_lease_ttl of cubbyhole/'],
    ['sys/mounts/kv/tune', { token_type: 'batch' }, "'token_type' can only be modified on auth mounts"],
    [
      'sys/mounts/kv/tune',
      { default_lease_ttl: '3h', max_lease_ttl: '1h' },
      'backend max lease TTL of 3600 would be less than backend default lease TTL of 10800',
    ],
    ['sys/auth/token/tune', { token_type: 'batch' }, "'token_type' cannot be set for 'token' or 'ns_token' auth mounts"],
    ['sys/remount', {}, "both 'from' and 'to' path must be specified as a string"],
    ['sys/remount', { from: 'none', to: 'y' }, 'no matching mount at "none/"'],
    ['sys/remount', { from: 'sys', to: 'y' }, 'cannot remount "sys/"'],
    ['sys/remount', { from: 'kv', to: 'sys/y' }, 'cannot remount to destination sys/y/'],
    ['sys/remount', { from: 'kv', to: 'auth/y' }, 'cannot remount to destination auth/y/'],
    ['sys/remount', { from: 'kv', to: 'team/b' }, 'path already in use at "team/b/"'],
    ['sys/remount', { from: 'kv', to: 'kv' }, 'path already in use at "kv/"'],
    ['sys/remount', { from: 'team/b', to: 'team' }, 'path already in use at "team/c/"'],
  ])('refuse in the words of the Vault API: %s %j', async (path, body, message) => {
    const at = await world();
    for (const mount of ['kv', 'team/b', 'team/c']) await at.write(`sys/mounts/${mount}`, { type: 'kv' });
    await expect(at.write(path, body)).rejects.toMatchObject({ status: 400, message });
  });

  test.each([
    ['sys/mounts/sys', 'cannot unmount "sys/"'],
    ['sys/mounts/cubbyhole', 'cannot unmount "cubbyhole/"'],
    ['sys/auth/token', 'token credential backend cannot be disabled'],
  ])('of the system stay: %s', async (path, message) => {
    const at = await world();
    await expect(at.delete(path)).rejects.toMatchObject({ status: 400, message });
    expect(await at.status('delete', `${path}x`)).toBe(204);
  });

  test('keep an auth method where a secret engine is disabled', async () => {
    const at = await world();
    await at.write('sys/auth/a', { type: 'approle' });
    expect(await at.status('delete', 'sys/mounts/auth/a')).toBe(204);
    expect(await at.status('read', 'sys/auth/a')).toBe(200);
  });

  test('of tokens are tuned, and new tokens live as long as that says', async () => {
    const at = await world();
    await at.write('sys/auth/token/tune', { default_lease_ttl: '1h', max_lease_ttl: '2h', description: 'short' });
    expect((await at.write('auth/token/create', { policies: ['default'] })).auth?.lease_duration).toBe(3600);
    expect((await at.write('auth/token/create', { policies: ['default'], ttl: '5h' })).auth?.lease_duration).toBe(7200);
    await at.crash();
    expect((await at.read('sys/auth/token/tune')).data).toMatchObject({ max_lease_ttl: 7200, description: 'short' });
    await at.write('sys/mounts/auth/token/tune', { default_lease_ttl: 'system', max_lease_ttl: 0 });
    expect((await at.read('sys/auth/token/tune')).data).toMatchObject({ default_lease_ttl: 2_764_800, max_lease_ttl: 2_764_800 });
  });

  test('may be told where they are to be moved to while they hold their own path', async () => {
    const at = await world();
    await at.write('sys/mounts/a', { type: 'kv' });
    await at.write('a/x', { v: '1' });
    const { migration_id: id } = (await at.write('sys/remount', { from: 'a/', to: 'a/b/' })).data!;
    expect((await at.read('a/b/x')).data).toEqual({ v: '1' });
    expect((await at.read(`sys/remount/status/${String(id)}`)).data).toEqual({
      migration_id: id,
      migration_info: { source_mount: 'a/', target_mount: 'a/b/', status: 'success' },
    });
    expect(await at.status('read', 'sys/remount/status/none')).toBe(404);
  });

  test('are listed to everybody as far as they want to be, and to a token as far as its policies reach', async () => {
    const at = await world();
    await at.write('sys/auth/approle', { type: 'approle', config: { listing_visibility: 'unauth' }, description: 'log in' });
    await at.write('sys/mounts/kv', { type: 'kv' });
    expect((await at.read('sys/internal/ui/mounts', {}, null)).data).toEqual({
      auth: { 'approle/': { description: 'log in', options: null, type: 'approle' } },
      secret: {},
    });
    expect(await at.status('read', 'sys/internal/ui/mounts', {}, 'hvs.bad')).toBe(403);
    await at.write('sys/policies/acl/p', { policy: 'path "kv/app" { capabilities = ["read"] }' });
    const token = (await at.write('auth/token/create', { policies: ['p'], no_default_policy: true })).auth?.client_token;
    const { auth, secret } = (await at.read('sys/internal/ui/mounts', {}, token)).data as Record<string, object>;
    expect([Object.keys(auth!), Object.keys(secret!)]).toEqual([['approle/'], ['kv/']]);
    expect(secret).toMatchObject({ 'kv/': { accessor: expect.stringMatching(/^kv_/) } });
    const all = (await at.read('sys/internal/ui/mounts')).data as Record<string, object>;
    expect(Object.keys(all.secret!)).toEqual(['cubbyhole/', 'identity/', 'kv/', 'sys/']);
  });
});
