import { describe, expect, it } from 'vitest';
import { world, type World } from '../world.ts';

async function login(at: World, mount = 'approle'): Promise<string> {
  const { role_id } = (await at.read(`auth/${mount}/role/r/role-id`)).data!;
  const remote = { address: '10.0.0.1', port: 1 };
  return (await at.send('write', `auth/${mount}/login`, { role_id: role_id! }, null, remote)).auth!.client_token;
}

async function withLogins(): Promise<World> {
  const at = await world();
  await at.write('sys/auth/approle', { type: 'approle' });
  const role = { bind_secret_id: false, secret_id_bound_cidrs: '10.0.0.0/8', token_ttl: '1h', token_policies: 'default' };
  await at.write('auth/approle/role/r', role);
  return at;
}

const works = async (at: World, token: string): Promise<boolean> =>
  (await at.status('read', 'auth/token/lookup-self', {}, token)) === 200;
const keys = async (at: World, folder: string): Promise<readonly string[]> =>
  (await at.list(`sys/leases/lookup/${folder}`)).data?.keys as string[];

describe('the leases of tokens', () => {
  it('are listed below the paths that gave them, folder by folder', async () => {
    const at = await withLogins();
    expect(await at.status('list', 'sys/leases/lookup')).toBe(404);
    await login(at);
    await login(at);
    await at.write('auth/token/create', { ttl: '1h' });
    await at.write('auth/token/roles/ci', {});
    await at.write('auth/token/create/ci', { ttl: '1h' });
    expect((await at.list('sys/leases/lookup')).data).toEqual({ keys: ['auth/'] });
    expect(await keys(at, 'auth/')).toEqual(['approle/', 'token/']);
    expect(await keys(at, 'auth/approle/')).toEqual(['login/']);
    const ids = await keys(at, 'auth/approle/login');
    expect(ids.length).toBe(2);
    expect(ids.every((id) => /^h[0-9a-f]{64}$/.test(id))).toBe(true);
    expect(await keys(at, 'auth/token/')).toEqual(['create/']);
    expect((await keys(at, 'auth/token/create/'))[0]).toBe('ci/');
    expect((await at.list('sys/leases/lookup/auth/approle/login', { limit: 1 })).data?.keys).toEqual([ids[0]]);
    expect((await at.list('sys/leases/lookup/auth/approle/login', { after: ids[0]! })).data?.keys).toEqual([ids[1]]);
    expect(await at.status('list', 'sys/leases/lookup/none')).toBe(404);
  });

  it('need sudo to be listed, since ids are handles', async () => {
    const at = await withLogins();
    await login(at);
    await at.write('sys/policies/acl/p', { policy: 'path "sys/leases/*" { capabilities = ["list", "update", "read"] }' });
    const token = (await at.write('auth/token/create', { policies: ['p'] })).auth!.client_token;
    expect(await at.status('list', 'sys/leases/lookup/auth', {}, token)).toBe(403);
    expect(await at.status('write', 'sys/leases/revoke-prefix/auth', {}, token)).toBe(403);
    expect(await at.status('write', 'sys/leases/revoke-force/auth', {}, token)).toBe(403);
  });

  it('are looked up, not renewed, and revoked: the token then works no more', async () => {
    const at = await withLogins();
    const token = await login(at);
    const [name] = await keys(at, 'auth/approle/login');
    const lease_id = `auth/approle/login/${name!}`;
    at.clock.time += 1000;
    expect((await at.write('sys/leases/lookup', { lease_id })).data).toEqual({
      id: lease_id,
      path: 'auth/approle/login',
      issue_time: '2026-01-01T00:00:00Z',
      expire_time: '2026-01-01T01:00:00Z',
      last_renewal: null,
      renewable: true,
      ttl: 3599,
    });
    for (const path of ['sys/leases/renew', 'sys/renew']) {
      await expect(at.write(path, { lease_id })).rejects.toMatchObject({
        status: 400,
        message: 'tokens cannot be renewed through this endpoint',
      });
    }
    expect(await at.status('write', `sys/leases/revoke/${lease_id}`)).toBe(204);
    expect(await works(at, token)).toBe(false);
    await expect(at.write('sys/leases/lookup', { lease_id })).rejects.toMatchObject({ status: 400, message: 'invalid lease' });
  });

  it.each([
    ['sys/leases/lookup', {}, 'lease_id must be specified'],
    ['sys/leases/lookup', { lease_id: 'none' }, 'invalid lease'],
    ['sys/leases/lookup', { lease_id: 'auth//x' }, 'invalid lease'],
    ['sys/leases/renew', {}, 'lease_id must be specified'],
    ['sys/leases/renew', { lease_id: 'none/' }, 'lease not found'],
    ['sys/leases/renew/none', {}, 'lease not found'],
    ['sys/renew/none', {}, 'lease not found'],
    ['sys/leases/revoke', {}, 'lease_id must be specified'],
  ])('are refused in the words of the Vault API: %s %j', async (path, body, message) => {
    const at = await world();
    await expect(at.write(path, body)).rejects.toMatchObject({ status: 400, message });
  });

  it.each(['sys/leases/revoke', 'sys/revoke'])('that do not exist are revoked without complaint at %s', async (path) => {
    const at = await world();
    expect(await at.status('write', path, { lease_id: 'none', sync: true })).toBe(204);
    expect(await at.status('write', `${path}/none`)).toBe(204);
    expect(await at.status('write', `${path}-prefix/none`)).toBe(204);
    expect(await at.status('write', `${path}-force/none`)).toBe(204);
  });

  it('are revoked below a path, those of later logins are not', async () => {
    const at = await withLogins();
    const [a, b] = [await login(at), await login(at)];
    const other = (await at.write('auth/token/create', { ttl: '1h', policies: ['default'] })).auth!.client_token;
    expect(await at.status('write', 'sys/leases/revoke-prefix/auth/approle')).toBe(204);
    expect([await works(at, a), await works(at, b), await works(at, other)]).toEqual([false, false, true]);
    at.clock.time += 1;
    const later = await login(at);
    expect(await works(at, later)).toBe(true);
    await at.write('sys/revoke-prefix/auth/token/create-orphan');
    expect(await works(at, other)).toBe(true);
    await at.write('sys/leases/revoke-prefix/auth/token/create');
    expect([await works(at, other), await works(at, later)]).toEqual([false, true]);
    expect(await at.status('read', 'sys/mounts')).toBe(200);
  });

  it('are revoked below a path in pieces where there are many, and all of them end', async () => {
    const at = await withLogins();
    const tokens: string[] = [];
    for (let n = 0; n < 620; n++) tokens.push(await login(at));
    expect(await at.status('write', 'sys/leases/revoke-prefix/auth/approle/login', { sync: true })).toBe(204);
    at.clock.time += 1;
    const later = await login(at);
    expect(await at.system.tidy(at.clock.time + 10_000)).toBe(true);
    for (const token of [tokens[0]!, tokens[400]!, tokens[619]!]) expect(await works(at, token)).toBe(false);
    expect(await works(at, later)).toBe(true);
    expect(await keys(at, 'auth/approle/login')).toHaveLength(1);
  });

  it.each([
    ['auth/approle/login', { sync: true }],
    ['auth/approle', {}],
    ['auth', {}],
  ])('below %s (%j) work no more from the answer on, however many there are', async (prefix, body) => {
    const at = await withLogins();
    await at.write('sys/policies/acl/making', { policy: 'path "auth/token/create" { capabilities = ["update"] }' });
    await at.write('auth/approle/role/r', { token_policies: 'default,making' });
    const tokens: string[] = [];
    for (let n = 0; n < 620; n++) tokens.push(await login(at));
    const made = (
      await at.send('write', 'auth/token/create', { policies: ['default'] }, tokens[300], { address: '10.0.0.1', port: 1 })
    ).auth!.client_token;
    const batch = (await at.write('auth/token/create', { type: 'batch', ttl: '1h', policies: ['default'] })).auth!.client_token;
    const working = async (): Promise<number> => {
      let count = 0;
      for (const token of tokens) if (await works(at, token)) count++;
      return count;
    };
    expect(await working()).toBe(620);
    expect(await works(at, made)).toBe(true);
    expect(await at.status('write', `sys/leases/revoke-prefix/${prefix}`, body)).toBe(204);
    expect(await working()).toBe(0);
    expect(await works(at, made)).toBe(false);
    for (const token of tokens.slice(0, 20)) {
      await expect(at.write('auth/token/lookup', { token })).rejects.toMatchObject({ status: 403 });
    }
    expect(await at.status('read', 'sys/mounts')).toBe(200);
    at.clock.time += 1;
    const later = await login(at);
    expect(await works(at, later)).toBe(true);
    expect(await at.system.tidy(at.clock.time + 10_000)).toBe(true);
    expect([await working(), await works(at, later), await works(at, batch)]).toEqual([0, true, true]);
  });

  it('are revoked below many paths at once, piece by piece, and those below none of them are not', async () => {
    const at = await withLogins();
    await at.write('sys/auth/other', { type: 'approle' });
    await at.write('auth/other/role/r', {
      bind_secret_id: false,
      secret_id_bound_cidrs: '10.0.0.0/8',
      token_policies: 'default',
    });
    const [one, other]: [string[], string[]] = [[], []];
    for (let n = 0; n < 560; n++) one.push(await login(at));
    for (let n = 0; n < 4; n++) other.push(await login(at, 'other'));
    const kept = (await at.write('auth/token/create', { ttl: '1h', policies: ['default'] })).auth!.client_token;
    for (let n = 0; n < 3; n++) await at.write('sys/leases/revoke-prefix/auth/token/create-orphan');
    await at.write('sys/leases/revoke-prefix/auth/approle');
    await at.write('sys/leases/revoke-prefix/auth/other/login');
    for (const token of [one[0]!, one[559]!, ...other]) expect(await works(at, token)).toBe(false);
    expect(await works(at, kept)).toBe(true);
    expect(await at.system.tidy(at.clock.time + 10_000)).toBe(true);
    expect([...at.medium.entries.keys()].filter((key) => key.startsWith('core/token/revoking'))).toEqual([]);
    expect(await works(at, kept)).toBe(true);
  });

  it('of a mount that has moved end with it, whatever path they show', async () => {
    const at = await withLogins();
    const token = await login(at);
    await at.write('sys/remount', { from: 'auth/approle', to: 'auth/moved' });
    expect(await works(at, token)).toBe(true);
    await at.write('sys/leases/revoke-prefix/auth/moved');
    expect(await works(at, token)).toBe(false);
  });

  it('of a mount that has moved end with a path inside it, too', async () => {
    const at = await withLogins();
    const token = await login(at);
    await at.write('sys/remount', { from: 'auth/approle', to: 'auth/moved' });
    const later = await login(at, 'moved');
    await at.write('sys/leases/revoke-prefix/auth/moved/log');
    await at.write('sys/leases/revoke-prefix/auth/moved/login/other');
    expect([await works(at, token), await works(at, later)]).toEqual([true, true]);
    await at.write('sys/leases/revoke-prefix/auth/moved/login');
    expect([await works(at, token), await works(at, later)]).toEqual([false, false]);
  });

  it('leave nothing in the store when they are gone', async () => {
    const at = await withLogins();
    const count = (): number => [...at.medium.entries.keys()].filter((key) => /^core\/(token|lease)\//.test(key)).length;
    const before = count();
    await login(at);
    await at.write('auth/token/create', { ttl: '1h' });
    await at.write('sys/leases/revoke-prefix/auth');
    expect(await at.system.tidy(at.clock.time + 10_000)).toBe(true);
    expect(count()).toBe(before);
  });

  it('answer what there is to tidy, to count and to list', async () => {
    const at = await world();
    expect(await at.status('write', 'sys/leases/tidy')).toBe(202);
    expect((await at.read('sys/leases/count', { type: 'irrevocable' })).data).toEqual({ counts: {}, lease_count: 0 });
    expect((await at.read('sys/leases', { type: 'irrevocable', limit: 'none' })).data).toEqual({ lease_count: 0, leases: [] });
    expect(await at.status('read', 'sys/leases')).toBe(404);
    expect(await at.status('read', 'sys/leases', { type: 'irrevocable', limit: 'x' })).toBe(400);
  });
});
