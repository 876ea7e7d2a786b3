import { describe, expect, it } from 'vitest';
import { world, type World } from '../world.ts';

const hour = 3_600_000;

async function withRoles(): Promise<World> {
  const at = await world();
  await at.write('sys/auth/approle', { type: 'approle' });
  for (const role of ['ci', 'web']) {
    const fields = { bind_secret_id: false, secret_id_bound_cidrs: '10.0.0.0/8', token_ttl: '1h', token_policies: 'default' };
    await at.write(`auth/approle/role/${role}`, fields);
  }
  return at;
}

/** The token of a login, or the status of its refusal. */
async function login(at: World, role: string, mount = 'approle'): Promise<string | number> {
  const { role_id } = (await at.read(`auth/${mount}/role/${role}/role-id`)).data!;
  const remote = { address: '10.0.0.1', port: 1 };
  return at
    .send('write', `auth/${mount}/login`, { role_id: role_id! }, null, remote)
    .then(({ auth }) => auth!.client_token)
    .catch((error: unknown) => (error as { readonly status: number }).status);
}

const logins = async (at: World, role: string, times: number): Promise<readonly (string | number)[]> => {
  const answers: (string | number)[] = [];
  for (let n = 0; n < times; n++) {
    const answer = await login(at, role);
    answers.push(typeof answer === 'number' ? answer : 200);
  }
  return answers;
};

const counter = async (at: World, name: string): Promise<unknown> =>
  (await at.read(`sys/quotas/lease-count/${name}`)).data?.['counter'];

describe('a lease-count quota', () => {
  it('is written, read with what it counts, listed, replaced and deleted', async () => {
    const at = await world();
    expect(await at.status('list', 'sys/quotas/lease-count')).toBe(404);
    expect(await at.status('read', 'sys/quotas/lease-count/g')).toBe(404);
    await at.write('sys/quotas/lease-count/g', { max_leases: 3 });
    expect((await at.read('sys/quotas/lease-count/g')).data).toEqual({
      counter: 0,
      inheritable: true,
      max_leases: 3,
      name: 'g',
      path: '',
      role: '',
      type: 'lease-count',
    });
    await at.write('sys/quotas/lease-count/g', { max_leases: '5', path: 'auth/token/', inheritable: false });
    expect((await at.read('sys/quotas/lease-count/g')).data).toMatchObject({
      inheritable: false,
      max_leases: 5,
      path: 'auth/token/',
    });
    expect((await at.list('sys/quotas/lease-count')).data).toEqual({ keys: ['g'] });
    expect(await at.status('delete', 'sys/quotas/lease-count/g')).toBe(204);
    expect(await at.status('list', 'sys/quotas/lease-count')).toBe(404);
  });

  it.each([
    [{}, "'max_leases' is invalid"],
    [{ max_leases: -1 }, "'max_leases' is invalid"],
    [{ max_leases: 1, path: 'none' }, 'invalid mount path "none/"'],
    [{ max_leases: 1, path: 'auth/approle/a/*/b' }, 'only its end may be a "*"'],
    [{ max_leases: 1, path: 'auth/approle/login', role: 'ci' }, 'Quotas cannot contain both a path suffix and a role'],
    [{ max_leases: 1, role: 'ci' }, 'not a valid auth method'],
    [{ max_leases: 1, path: 'auth/approle' }, 'similar properties exists under the name "first"'],
  ])('is refused where it can’t be meant: %j', async (fields, message) => {
    const at = await withRoles();
    await at.write('sys/quotas/lease-count/first', { max_leases: 1, path: 'auth/approle' });
    await expect(at.write('sys/quotas/lease-count/second', fields)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining(message) as string,
    });
  });

  it('refuses what is one too many, says why, and lets in again what follows an end', async () => {
    const at = await withRoles();
    await at.write('sys/quotas/lease-count/q', { max_leases: 2, path: 'auth/approle' });
    const [first, second] = [await login(at, 'ci'), await login(at, 'web')];
    const { role_id } = (await at.read('auth/approle/role/ci/role-id')).data!;
    const remote = { address: '10.0.0.1', port: 1 };
    await expect(at.send('write', 'auth/approle/login', { role_id: role_id! }, null, remote)).rejects.toMatchObject({
      status: 429,
      message:
        'request path "auth/approle/login": lease count quota exceeded: the quota "q" allows 2 at a time; leases must end first, or its max_leases must be raised',
    });
    expect(await counter(at, 'q')).toBe(2);
    await at.write('auth/token/revoke', { token: first });
    expect(await counter(at, 'q')).toBe(1);
    expect(await logins(at, 'ci', 2)).toEqual([200, 429]);
    expect(second).toEqual(expect.any(String));
    await at.write('sys/quotas/lease-count/q', { max_leases: 3, path: 'auth/approle' });
    expect(await logins(at, 'ci', 2)).toEqual([200, 429]);
  });

  it('counts what was there before it, and forgets what is past its time when that is removed', async () => {
    const at = await withRoles();
    expect(await logins(at, 'ci', 4)).toEqual([200, 200, 200, 200]);
    await at.write('sys/quotas/lease-count/q', { max_leases: 3, path: 'auth/approle' });
    expect(await counter(at, 'q')).toBe(4);
    expect(await logins(at, 'ci', 1)).toEqual([429]);
    at.clock.time += hour;
    expect(await logins(at, 'ci', 1)).toEqual([429]);
    await at.system.tidy(at.clock.now() + 10_000);
    expect(await counter(at, 'q')).toBe(0);
    expect(await logins(at, 'ci', 4)).toEqual([200, 200, 200, 429]);
  });

  it('is exact among many that come at once', async () => {
    const at = await withRoles();
    await at.write('sys/quotas/lease-count/q', { max_leases: 7, path: 'auth/approle' });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => login(at, n % 2 === 0 ? 'ci' : 'web')));
    expect(answers.filter((answer) => answer === 429).length).toBe(13);
    const given = answers.filter((answer) => typeof answer === 'string');
    await Promise.all(given.map((token) => at.write('auth/token/revoke', { token })));
    expect(await counter(at, 'q')).toBe(0);
    expect([...at.medium.entries.keys()].filter((key) => key.startsWith('core/token/count/'))).toEqual([]);
  });

  it('is the most specific one alone: of the role, the path, the mount, all', async () => {
    const at = await withRoles();
    await at.write('sys/quotas/lease-count/all', { max_leases: 1 });
    await at.write('sys/quotas/lease-count/mount', { max_leases: 4, path: 'auth/approle' });
    await at.write('sys/quotas/lease-count/role', { max_leases: 2, path: 'auth/approle', role: 'ci' });
    expect(await logins(at, 'ci', 3)).toEqual([200, 200, 429]);
    expect(await logins(at, 'web', 3)).toEqual([200, 200, 429]);
    expect(await at.status('write', 'auth/token/create', { policies: ['default'] })).toBe(429);
    await at.write('sys/quotas/lease-count/path', { max_leases: 5, path: 'auth/approle/log*' });
    expect(await logins(at, 'web', 2)).toEqual([200, 429]);
    for (const [name, count] of [
      ['all', 5],
      ['mount', 5],
      ['role', 2],
      ['path', 5],
    ] as const)
      expect(await counter(at, name)).toBe(count);
  });

  it('counts no batch tokens, of which nothing is stored, and refuses no root token to whoever must make room', async () => {
    const at = await world();
    await at.write('sys/quotas/lease-count/all', { max_leases: 1 });
    await at.write('auth/token/create', { policies: ['default'] });
    expect(await at.status('write', 'auth/token/create', { policies: ['default'] })).toBe(429);
    expect(await at.status('write', 'auth/token/create', { policies: ['default'], type: 'batch' })).toBe(200);
    expect(await at.status('write', 'auth/token/create', {})).toBe(200);
    expect(await counter(at, 'all')).toBe(1);
  });

  it('holds after a crash, moves with its mount, and counts a new mount at its place from nothing', async () => {
    const at = await withRoles();
    await at.write('sys/quotas/lease-count/q', { max_leases: 2, path: 'auth/approle/' });
    expect(await logins(at, 'ci', 2)).toEqual([200, 200]);
    await at.crash();
    expect(await logins(at, 'ci', 1)).toEqual([429]);
    await at.write('sys/remount', { from: 'auth/approle', to: 'auth/moved' });
    expect((await at.read('sys/quotas/lease-count/q')).data).toMatchObject({ path: 'auth/moved/', counter: 2 });
    expect(await login(at, 'ci', 'moved')).toBe(429);
    await at.delete('sys/auth/moved');
    expect(await at.status('read', 'sys/quotas/lease-count/q')).toBe(404);
    await at.system.tidy(at.clock.now() + 10_000);
    expect([...at.medium.entries.keys()].filter((key) => key.startsWith('core/token/count/'))).toEqual([]);
  });
});
