import { describe, expect, it } from 'vitest';
import { world } from '../world.ts';

describe('the catalog of plug-ins', () => {
  it('lists the engines and auth methods of this build', async () => {
    const at = await world();
    const { auth, secret, database, detailed } = (await at.read('sys/plugins/catalog')).data as Record<string, unknown[]>;
    expect(auth).toContain('approle');
    expect(secret).toContain('kv');
    expect(secret).not.toContain('cubbyhole');
    expect(database).toEqual([]);
    expect(detailed).toContainEqual({
      builtin: true,
      deprecation_status: 'supported',
      name: 'kv',
      type: 'secret',
      version: expect.stringMatching(/\+builtin$/),
    });
    expect((await at.list('sys/plugins/catalog/auth')).data?.keys).toEqual(auth);
    expect((await at.read('sys/plugins/catalog/secret/kv')).data).toMatchObject({
      builtin: true,
      name: 'kv',
      args: null,
      sha256: '',
    });
    expect(await at.status('read', 'sys/plugins/catalog/secret/none')).toBe(404);
  });

  it('takes no other: no request brings code to the server', async () => {
    const at = await world();
    expect(await at.status('write', 'sys/plugins/catalog/secret/x', { sha256: 'aa', command: 'x' })).toBe(400);
    expect(await at.status('delete', 'sys/plugins/catalog/secret/x')).toBe(204);
    await at.write('sys/policies/acl/p', { policy: 'path "sys/plugins/*" { capabilities = ["create", "update", "read"] }' });
    const token = (await at.write('auth/token/create', { policies: ['p'] })).auth!.client_token;
    expect(await at.status('write', 'sys/plugins/catalog/secret/x', {}, token)).toBe(403);
  });

  it.each([
    [{}, 'plugin or mounts must be provided'],
    [{ plugin: 'kv', mounts: 'kv' }, 'plugin and mounts cannot be set at the same time'],
    [{ plugin: 'none' }, 'plugin not found in the catalog: "none"'],
    [{ mounts: 'none/' }, 'cannot fetch mount entry on "none/"'],
  ])('is reloaded by name: %j', async (body, message) => {
    const at = await world();
    await expect(at.write('sys/plugins/reload/backend', body)).rejects.toMatchObject({ status: 400, message });
    expect((await at.write('sys/plugins/reload/backend', { plugin: 'kv' })).data?.reload_id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await at.status('write', 'sys/plugins/reload/backend', { mounts: ['sys/'] })).toBe(200);
  });
});

describe('the headers of pages', () => {
  it('can not be set: there are no pages', async () => {
    const at = await world();
    expect(await at.status('list', 'sys/config/ui/headers')).toBe(404);
    expect(await at.status('read', 'sys/config/ui/headers/X-A')).toBe(404);
    expect(await at.status('write', 'sys/config/ui/headers/X-A', { values: ['a'] })).toBe(400);
    expect(await at.status('delete', 'sys/config/ui/headers/X-A')).toBe(204);
  });
});
