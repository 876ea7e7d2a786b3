import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import type { Operation } from '../../src/protocol/request.ts';
import { world, type World } from '../world.ts';

type Answer = readonly [status: number, headers: Readonly<Record<string, string>>, message: string];

/** What the door of a server says of a request from an address. */
async function knock(at: World, path: string, address = '10.0.0.1', operation: Operation = 'read'): Promise<Answer> {
  try {
    const headers = await at.system.admit({ operation, path, remote: { address, port: 1 }, token: null });
    return [200, headers, ''];
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return [error.status, error.headers, error.message];
  }
}

const statuses = async (at: World, count: number, path: string, address?: string): Promise<number[]> => {
  const all: number[] = [];
  for (let n = 0; n < count; n++) all.push((await knock(at, path, address))[0]);
  return all;
};

describe('rate-limit quotas', () => {
  it('are made, listed, read, changed and deleted as in the Vault API', async () => {
    const at = await world();
    expect(await at.status('list', 'sys/quotas/rate-limit')).toBe(404);
    expect(await at.status('write', 'sys/quotas/rate-limit/g', { rate: 5.5 })).toBe(204);
    expect((await at.read('sys/quotas/rate-limit/g')).data).toEqual({
      block_interval: 0,
      inheritable: true,
      interval: 1,
      name: 'g',
      path: '',
      rate: 5.5,
      role: '',
      type: 'rate-limit',
    });
    await at.write('sys/mounts/kv', { type: 'kv' });
    const body = { rate: '2', path: 'kv/', interval: '60s', block_interval: 120 };
    await at.write('sys/quotas/rate-limit/k', body);
    expect((await at.read('sys/quotas/rate-limit/k')).data).toMatchObject({
      path: 'kv/',
      rate: 2,
      interval: 60,
      block_interval: 120,
      inheritable: false,
    });
    await at.write('sys/quotas/rate-limit/p', { rate: 1, path: 'kv/app/*' });
    expect((await at.read('sys/quotas/rate-limit/p')).data).toMatchObject({ path: 'kv/app/*' });
    expect((await at.list('sys/quotas/rate-limit')).data).toEqual({ keys: ['g', 'k', 'p'] });
    expect(await at.status('delete', 'sys/quotas/rate-limit/g')).toBe(204);
    expect(await at.status('delete', 'sys/quotas/rate-limit/g')).toBe(204);
    expect(await at.status('read', 'sys/quotas/rate-limit/g')).toBe(404);
  });

  it.each<[JsonObject, string]>([
    [{}, "'rate' is invalid"],
    [{ rate: 0 }, "'rate' is invalid"],
    [{ rate: -1 }, "'rate' is invalid"],
    [{ rate: 'x' }, "'rate' is invalid"],
    [{ rate: 1, block_interval: -1 }, "'block' is invalid"],
    [{ rate: 1, path: 'none/x' }, 'invalid mount path "none/x/"'],
    [{ rate: 1, path: 'kv/a/*/b' }, 'invalid path "kv/a/*/b": only its end may be a "*"'],
    [{ rate: 1, path: 'kv/a/../b' }, 'invalid path "kv/a/../b": only its end may be a "*"'],
    [{ rate: 1 }, 'quota rule with similar properties exists under the name "g"'],
    [
      { rate: 1, path: 'kv', role: 'r' },
      'Mount path "kv/" is not a valid auth method and therefore unsuitable for use with role-based quotas',
    ],
    [{ rate: 1, path: 'auth/token', role: 'r' }, 'Mount path "auth/token/" does not support use with role-based quotas'],
    [
      { rate: 1, path: 'auth/approle/login', role: 'r' },
      'Quotas cannot contain both a path suffix and a role. If a role is provided, path must be a valid auth mount with a concept of roles',
    ],
  ])('are refused in the words of the Vault API: %j', async (body, message) => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv' });
    await at.write('sys/auth/approle', { type: 'approle' });
    await at.write('sys/quotas/rate-limit/g', { rate: 1 });
    await expect(at.write('sys/quotas/rate-limit/x', body)).rejects.toMatchObject({ status: 400, message });
  });

  it('refuse who comes too often with 429, before anything of the request is read, and say when to come again', async () => {
    const at = await world();
    await at.write('sys/quotas/rate-limit/g', { rate: 2, interval: 10 });
    expect(await knock(at, 'kv/a')).toEqual([200, {}, '']);
    await knock(at, 'kv/a');
    const [status, headers, message] = await knock(at, 'kv/a');
    expect([status, headers, message]).toEqual([429, { 'Retry-After': '5' }, 'request path "kv/a": rate limit quota exceeded']);
    expect((await knock(at, 'kv/a', '10.0.0.2'))[0]).toBe(200);
    at.clock.time += 5000;
    expect(await statuses(at, 2, 'kv/a')).toEqual([200, 429]);
    expect(at.sink.entries().some(({ error }) => error?.includes('quota') === true)).toBe(false);
  });

  it('tell clients what is left where that is wanted', async () => {
    const at = await world();
    await at.write('sys/quotas/config', { enable_rate_limit_response_headers: true, rate_limit_exempt_paths: ['sys/health'] });
    await at.write('sys/quotas/rate-limit/g', { rate: 1, interval: 2, block_interval: 7 });
    const left = { 'X-Ratelimit-Limit': '1', 'X-Ratelimit-Remaining': '0', 'X-Ratelimit-Reset': '2' };
    expect(await knock(at, 'a')).toEqual([200, left, '']);
    expect((await knock(at, 'a')).slice(0, 2)).toEqual([429, { ...left, 'Retry-After': '7' }]);
    expect((await knock(at, 'a')).slice(0, 2)).toEqual([429, { 'Retry-After': '7' }]);
  });

  it('exempt what tells whether the server lives, unless the configuration names other paths', async () => {
    const at = await world();
    await at.write('sys/quotas/rate-limit/g', { rate: 1, interval: 100 });
    expect(await statuses(at, 3, 'sys/health')).toEqual([200, 200, 200]);
    expect(await statuses(at, 3, 'sys/mounts')).toEqual([200, 429, 429]);
    const { data } = await at.read('sys/quotas/config');
    expect(data).toMatchObject({ enable_rate_limit_audit_logging: false, enable_rate_limit_response_headers: false });
    expect(data?.rate_limit_exempt_paths).toContain('sys/unseal');
    await at.write('sys/quotas/config', { rate_limit_exempt_paths: 'sys/mounts' });
    expect(await statuses(at, 2, 'sys/mounts')).toEqual([200, 200]);
    expect((await knock(at, 'sys/health'))[0]).toBe(429);
  });

  it('exempt the paths of both lists of the configuration, and show each list as it was sent', async () => {
    const at = await world();
    await at.write('sys/quotas/rate-limit/g', { rate: 1, interval: 100 });
    const lists = { rate_limit_exempt_paths: ['sys/mounts'], absolute_rate_limit_exempt_paths: ['sys/auth'] };
    await at.write('sys/quotas/config', lists);
    expect((await at.read('sys/quotas/config')).data).toMatchObject(lists);
    expect(await statuses(at, 2, 'sys/mounts')).toEqual([200, 200]);
    expect(await statuses(at, 2, 'sys/auth')).toEqual([200, 200]);
    expect(await statuses(at, 2, 'sys/policy')).toEqual([200, 429]);
    await at.write('sys/quotas/config', {});
    expect((await at.read('sys/quotas/config')).data).toMatchObject({ absolute_rate_limit_exempt_paths: [] });
  });

  it('write refusals to the audit log where that is wanted', async () => {
    const at = await world();
    await at.write('sys/quotas/config', { enable_rate_limit_audit_logging: true });
    await at.write('sys/quotas/rate-limit/g', { rate: 1, interval: 100 });
    await statuses(at, 3, 'kv/a');
    const refused = at.sink.entries().filter(({ error }) => error === 'request path "kv/a": rate limit quota exceeded');
    expect(refused.length).toBe(2);
  });

  it('count a network of IPv6 as one client, and an IPv4 address in its two forms', async () => {
    const at = await world();
    await at.write('sys/quotas/rate-limit/g', { rate: 1, interval: 100 });
    expect((await knock(at, 'a', '2001:db8:0:1::1'))[0]).toBe(200);
    expect((await knock(at, 'a', '2001:db8:0:1:ffff::2'))[0]).toBe(429);
    expect((await knock(at, 'a', '2001:db8:0:2::1'))[0]).toBe(200);
    expect((await knock(at, 'a', '10.0.0.1'))[0]).toBe(200);
    expect((await knock(at, 'a', '::ffff:10.0.0.1'))[0]).toBe(429);
  });

  it('count all that come without an address, over a unix socket, as one client beside the others', async () => {
    const at = await world();
    await at.write('sys/quotas/rate-limit/g', { rate: 2, interval: 100 });
    const local = async () => {
      try {
        await at.system.admit({ operation: 'read', path: 'a', remote: null, token: null });
        return 200;
      } catch (error) {
        return error instanceof RequestError ? error.status : error;
      }
    };
    expect([await local(), await local(), await local()]).toEqual([200, 200, 429]);
    expect((await knock(at, 'a'))[0]).toBe(200);
    at.clock.time += 50_000;
    expect(await local()).toBe(200);
  });

  it('go with their mount where it moves, and are gone where it is', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv' });
    await at.write('sys/quotas/rate-limit/k', { rate: 1, path: 'kv', interval: 100 });
    expect(await statuses(at, 2, 'kv/a')).toEqual([200, 429]);
    await at.write('sys/remount', { from: 'kv', to: 'moved' });
    expect(await statuses(at, 2, 'kv/a')).toEqual([200, 200]);
    expect(await statuses(at, 1, 'moved/a/')).toEqual([429]);
    expect((await at.read('sys/quotas/rate-limit/k')).data).toMatchObject({ path: 'moved/' });
    await at.delete('sys/mounts/moved');
    expect(await at.status('read', 'sys/quotas/rate-limit/k')).toBe(404);
    expect(await at.status('list', 'sys/quotas/rate-limit')).toBe(404);
    expect(await statuses(at, 2, 'moved/a')).toEqual([200, 200]);
    // What is mounted where the quota was made takes it over: a mount may be replaced.
    await at.write('sys/mounts/kv', { type: 'kv' });
    expect(await statuses(at, 2, 'kv/a', '10.0.0.9')).toEqual([200, 429]);
    expect((await at.list('sys/quotas/rate-limit')).data).toEqual({ keys: ['k'] });
  });

  it('of a role count its logins alone, whether they succeed or not', async () => {
    const at = await world();
    await at.write('sys/auth/approle', { type: 'approle' });
    const ids: string[] = [];
    for (const role of ['ci', 'web']) {
      await at.write(`auth/approle/role/${role}`, {
        token_policies: 'default',
        bind_secret_id: false,
        secret_id_bound_cidrs: '10.0.0.0/8',
      });
      ids.push(String((await at.read(`auth/approle/role/${role}/role-id`)).data?.role_id));
    }
    await at.write('sys/quotas/rate-limit/ci', { rate: 1, interval: 100, path: 'auth/approle', role: 'ci' });
    await at.write('sys/quotas/rate-limit/others', { rate: 2, interval: 100, path: 'auth/approle' });
    const remote = { address: '10.0.0.1', port: 1 };
    const login = async (role_id: string): Promise<number> => {
      expect((await knock(at, 'auth/approle/login', remote.address, 'write'))[0]).toBe(200);
      try {
        await at.send('write', 'auth/approle/login', { role_id }, null, remote);
        return 200;
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        if (error.status === 429) expect(Object.keys(error.headers)).toEqual(['Retry-After']);
        return error.status;
      }
    };
    const [ci = '', web = ''] = ids;
    expect([await login(ci), await login(ci)]).toEqual([200, 429]);
    expect([await login(web), await login('none'), await login(web)]).toEqual([200, 400, 429]);
  });

  it('hold after a restart', async () => {
    const at = await world();
    await at.write('sys/quotas/rate-limit/g', { rate: 1, interval: 100 });
    await at.crash();
    expect(await statuses(at, 2, 'a')).toEqual([200, 429]);
  });
});
