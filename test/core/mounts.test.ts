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

  test.each(['sys', 'SYS', 'auth/x', 'cubbyhole', 'Identity', 'kv with space', '-kv', 'x'.repeat(200)])(
    'are not made at %j',
    async (path) => {
      const at = await world();
      expect(await at.status('write', `sys/mounts/${path}`, { type: 'kv' })).toBe(400);
    },
  );

  test('of an unknown type are refused with the types there are', async () => {
    const at = await world();
    await expect(at.write('sys/mounts/x', { type: 'kw' })).rejects.toThrow(/no secret engine of type "kw"; known: kv/);
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
});
