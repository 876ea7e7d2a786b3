import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { apply, creation } from '../core/changes.ts';
import { world, type World } from '../world.ts';

let w: World;
beforeEach(async () => {
  w = await world();
});

const reading = (path: string): string => `path "${path}" { capabilities = ["read"] }`;

async function errorOf(request: Promise<unknown>): Promise<readonly [status: number, message: string]> {
  try {
    await request;
  } catch (error) {
    if (error instanceof RequestError) return [error.status, error.errors.join('; ')];
    throw error;
  }
  throw new Error('the request was not refused');
}

async function tokenWith(...policies: readonly string[]): Promise<string> {
  const reply = await w.write('auth/token/create', { policies: [...policies], no_default_policy: true });
  return reply.auth?.client_token ?? '';
}

describe('sys/policies/acl', () => {
  it('makes, reads, replaces, lists and deletes a policy, with the text as sent', async () => {
    const text = `# why\n${reading('kv/data/a')}`;
    expect(await w.write('sys/policies/acl/team-a', { policy: text })).toMatchObject({ status: 204 });
    expect((await w.read('sys/policies/acl/team-a')).data).toEqual({ name: 'team-a', policy: text });
    await w.write('sys/policies/acl/team-a', { policy: reading('b') });
    expect((await w.read('sys/policies/acl/team-a')).data).toEqual({ name: 'team-a', policy: reading('b') });
    expect((await w.list('sys/policies/acl')).data).toEqual({ keys: ['default', 'team-a', 'root'] });
    expect((await w.list('sys/policies/acl/')).data).toEqual({ keys: ['default', 'team-a', 'root'] });
    expect(await w.delete('sys/policies/acl/team-a')).toMatchObject({ status: 204 });
    expect(await errorOf(w.read('sys/policies/acl/team-a'))).toEqual([404, '']);
    expect(await w.delete('sys/policies/acl/team-a')).toMatchObject({ status: 204 });
  });

  it('takes the text as base64 too', async () => {
    await w.write('sys/policies/acl/a', { policy: Buffer.from(reading('x')).toString('base64') });
    expect((await w.read('sys/policies/acl/a')).data?.['policy']).toBe(reading('x'));
    expect(await errorOf(w.write('sys/policies/acl/a', { policy: Buffer.from([0xff, 0xfe, 0xfd]).toString('base64') }))).toEqual([
      400,
      "'policy' is base64 of bytes that are not UTF-8 text",
    ]);
  });

  it('says where a text is wrong, and keeps the old one', async () => {
    await w.write('sys/policies/acl/a', { policy: reading('x') });
    expect(await errorOf(w.write('sys/policies/acl/a', { policy: 'path "x" {\n  capabilities = ["all"]\n}' }))).toEqual([
      400,
      'failed to parse policy: line 2, column 19: no capability "all": there are create, read, update, patch, delete, list, sudo, deny',
    ]);
    expect(await errorOf(w.write('sys/policies/acl/a', {}))).toEqual([400, "'policy' parameter not supplied or empty"]);
    expect(await errorOf(w.write('sys/policies/acl/a', { policy: 7 }))).toMatchObject([
      400,
      expect.stringContaining('failed to parse policy'),
    ]);
    expect((await w.read('sys/policies/acl/a')).data?.['policy']).toBe(reading('x'));
  });

  it('refuses limits that it would not keep', async () => {
    const limits: readonly JsonObject[] = [
      { expiration: '2030-01-01T00:00:00Z' },
      { ttl: '1h' },
      { cas: 1 },
      { cas_required: true },
    ];
    for (const limit of limits) {
      expect(await errorOf(w.write('sys/policies/acl/a', { policy: reading('x'), ...limit }))).toMatchObject([
        400,
        expect.stringContaining('is not supported'),
      ]);
    }
    await w.write('sys/policies/acl/a', { policy: reading('x'), cas_required: false });
  });

  it('keeps the built-in policies: root is fixed, default can be changed but not deleted', async () => {
    expect((await w.read('sys/policies/acl/root')).data).toEqual({ name: 'root', policy: '' });
    expect(await errorOf(w.write('sys/policies/acl/root', { policy: reading('x') }))).toEqual([
      400,
      'cannot update "root" policy',
    ]);
    expect(await errorOf(w.delete('sys/policies/acl/root'))).toEqual([400, 'cannot delete "root" policy']);
    expect(await errorOf(w.write('sys/policies/acl/response-wrapping', { policy: reading('x') }))).toMatchObject([
      400,
      /cannot update/,
    ]);
    expect(await errorOf(w.delete('sys/policies/acl/default'))).toEqual([400, 'cannot delete default policy']);
    await w.write('sys/policies/acl/default', { policy: reading('x') });
    expect((await w.read('sys/policies/acl/default')).data?.['policy']).toBe(reading('x'));
  });

  it.each(['Root', 'ROOT', 'Default', 'RESPONSE-wrapping'])('refuses the name %j, whatever is asked of it', async (name) => {
    const path = `sys/policies/acl/${name}`;
    for (const operation of ['read', 'write', 'delete'] as const) {
      expect(await w.status(operation, path, operation === 'write' ? { policy: reading('x') } : {})).toBe(400);
    }
    expect((await w.list('sys/policies/acl')).data).toEqual({ keys: ['default', 'root'] });
  });

  it.each(['a b', '-a', '.a', 'a/b', 'ä', 'a'.repeat(129), "['a']"])(
    'has nothing under the name %j, and refuses it',
    async (name) => {
      const path = `sys/policies/acl/${name}`;
      expect(await w.status('write', path, { policy: reading('x') })).toBe(400);
      expect(await w.status('read', path)).toBe(404);
      expect(await w.status('delete', path)).toBe(204);
      expect((await w.list('sys/policies/acl')).data).toEqual({ keys: ['default', 'root'] });
    },
  );

  it.each(['..', '../x', 'a/../root', './x', '', 'a//b', 'a\\b', 'a\u0000', 'a*'])(
    'refuses the path of %j at the door',
    async (name) => {
      for (const folder of ['sys/policies/acl', 'sys/policy', 'sys/policies/password']) {
        const path = `${folder}/${name}`;
        if (name === '') continue;
        for (const operation of ['read', 'write', 'delete'] as const)
          expect(await w.status(operation, path, { policy: reading('x') })).toBe(400);
      }
      expect((await w.list('sys/policies/acl')).data).toEqual({ keys: ['default', 'root'] });
    },
  );

  it('tells names apart that differ in case', async () => {
    await w.write('sys/policies/acl/team', { policy: reading('x') });
    expect(await w.status('read', 'sys/policies/acl/Team')).toBe(404);
  });

  it('a change counts at the next request of a token that has the policy', async () => {
    await w.write('sys/policies/acl/a', { policy: reading('sys/policies/acl/a') });
    const token = await tokenWith('a');
    expect(await w.status('read', 'sys/policies/acl/a', {}, token)).toBe(200);
    await w.write('sys/policies/acl/a', { policy: reading('elsewhere') });
    expect(await w.status('read', 'sys/policies/acl/a', {}, token)).toBe(403);
    await w.write('sys/policies/acl/a', { policy: reading('sys/policies/acl/a') });
    expect(await w.status('read', 'sys/policies/acl/a', {}, token)).toBe(200);
    await w.delete('sys/policies/acl/a');
    expect(await w.status('read', 'sys/policies/acl/a', {}, token)).toBe(403);
  });

  it('does not let a token escape an exact deny by the case of a name', async () => {
    await w.write('sys/policies/acl/admin', { policy: reading('x') });
    await w.write('sys/policies/acl/a', {
      policy: `${reading('sys/policies/acl/*')} path "sys/policies/acl/admin" { capabilities = ["deny"] }`,
    });
    const token = await tokenWith('a');
    expect(await w.status('read', 'sys/policies/acl/admin', {}, token)).toBe(403);
    expect(await w.status('read', 'sys/policies/acl/Admin', {}, token)).toBe(404);
  });
});

describe('sys/policy', () => {
  it('is the same under the names of old', async () => {
    expect(await w.write('sys/policy/a', { rules: reading('x') })).toMatchObject({
      warnings: ["'rules' is deprecated, please use 'policy' instead"],
    });
    expect((await w.read('sys/policy/a')).data).toEqual({ name: 'a', rules: reading('x') });
    expect(await w.write('sys/policy/b', { policy: reading('y') })).toMatchObject({ status: 204 });
    const keys = ['a', 'b', 'default', 'root'];
    expect((await w.list('sys/policy')).data).toEqual({ keys, policies: keys });
    expect((await w.read('sys/policy')).data).toEqual({ keys, policies: keys });
    expect((await w.read('sys/policies/acl/a')).data).toEqual({ name: 'a', policy: reading('x') });
    await w.delete('sys/policy/a');
    expect(await w.status('read', 'sys/policy/a')).toBe(404);
    expect(await w.status('delete', 'sys/policy/default')).toBe(400);
  });
});

describe('sys/policies/password', () => {
  const text = 'length = 12\nrule "charset" { charset = "abc" min-chars = 1 }\nrule "charset" { charset = "012" min-chars = 1 }';

  it('makes, reads, lists and deletes a policy', async () => {
    expect(await w.status('list', 'sys/policies/password')).toBe(404);
    expect(await w.write('sys/policies/password/p', { policy: text })).toMatchObject({ status: 204 });
    expect((await w.read('sys/policies/password/p')).data).toEqual({ policy: text });
    expect((await w.list('sys/policies/password')).data).toEqual({ keys: ['p'] });
    expect(await w.delete('sys/policies/password/p')).toMatchObject({ status: 204 });
    expect(await errorOf(w.read('sys/policies/password/p'))).toEqual([404, 'policy does not exist']);
  });

  it('generates passwords, of which none is kept', async () => {
    await w.write('sys/policies/password/p', { policy: Buffer.from(text).toString('base64') });
    const generate = async () => (await w.read('sys/policies/password/p/generate')).data?.['password'];
    const [first, second] = [await generate(), await generate()];
    expect(first).toMatch(/^(?=.*[abc])(?=.*[012])[abc012]{12}$/);
    expect(second).not.toBe(first);
    expect(await w.status('read', 'sys/policies/password/missing/generate')).toBe(404);
  });

  it('gives the values that an apply asks for, also of a policy which the same apply made', async () => {
    await w.write('sys/mounts/kv', { type: 'kv', options: { version: '1' } });
    const secret = (policy: string) =>
      creation(
        'StaticSecret',
        's',
        'kv/s',
        { password: { generate: { policy } } },
        {
          address: { kind: 'StaticSecret', mount: 'kv', name: 's' },
          requests: [
            {
              operation: 'write',
              path: 'kv/s',
              data: { password: { generate: { policy } } },
              values: [{ at: '/password', field: 'data.password' }],
            },
          ],
          reads: [{ operation: 'read', path: 'sys/managed/observe/kv/s' }],
          mark: null,
        },
      );
    expect(await errorOf(apply(w, [secret('missing')]))).toMatchObject([
      400,
      expect.stringContaining('there is no password policy "missing"'),
    ]);
    await apply(w, [creation('PasswordPolicy', 'p', 'sys/policies/password/p', { policy: text }), secret('p')]);
    expect((await w.read('kv/s')).data?.['password']).toMatch(/^[abc012]{12}$/);
  });

  it('refuses a text that is wrong, and rules that hardly any password fits', async () => {
    expect(await errorOf(w.write('sys/policies/password/p', { policy: 'length = 12 rule "words" {}' }))).toEqual([
      400,
      'failed to parse policy: line 1, column 18: no type of rule "words": there is charset',
    ]);
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    const impossible = `length = 30 rule "charset" { charset = "${letters}" } rule "charset" { charset = "!" min-chars = 30 }`;
    expect(await errorOf(w.write('sys/policies/password/p', { policy: impossible }))).toMatchObject([
      400,
      expect.stringContaining('the rules fit none of 10000 passwords'),
    ]);
    expect(await errorOf(w.write('sys/policies/password/p', {}))).toEqual([400, 'missing policy']);
    expect(await w.status('write', 'sys/policies/password/a b', { policy: text })).toBe(400);
    expect(await w.status('read', 'sys/policies/password/p')).toBe(404);
  });
});

describe('sys/capabilities', () => {
  beforeEach(async () => {
    await w.write('sys/policies/acl/a', { policy: `${reading('x/*')} path "sys/capabilities*" { capabilities = ["update"] }` });
  });

  it('-self tells what the token may do on each path', async () => {
    const token = await tokenWith('a');
    const ask = async (data: Parameters<World['write']>[1], as = token) =>
      (await w.write('sys/capabilities-self', data, as)).data;
    expect(await ask({ paths: ['x/1', '/x/2', 'y'] })).toEqual({
      'x/1': ['read'],
      '/x/2': ['read'],
      y: ['deny'],
    });
    expect(await ask({ path: 'y' })).toEqual({ capabilities: ['deny'], y: ['deny'] });
    expect(await ask({ paths: 'x/1,y' })).toEqual({ 'x/1': ['read'], y: ['deny'] });
    expect(await ask({ paths: ['x/../y', 'x/*'] })).toMatchObject({ 'x/../y': ['deny'], 'x/*': ['deny'] });
    expect(await ask({ paths: ['y', 'capabilities', '__proto__'] })).toEqual(
      JSON.parse('{"capabilities": ["deny"], "y": ["deny"], "__proto__": ["deny"]}'),
    );
    expect(await ask({ paths: ['y'] }, w.rootToken)).toEqual({ capabilities: ['root'], y: ['root'] });
  });

  it('tells the same of another token, by the token or its accessor', async () => {
    const created = await w.write('auth/token/create', { policies: ['a'], no_default_policy: true });
    const { client_token: token = '', accessor = '' } = created.auth ?? {};
    const answer = { capabilities: ['read'], 'x/1': ['read'] };
    expect((await w.write('sys/capabilities', { token, paths: ['x/1'] })).data).toEqual(answer);
    expect((await w.write('sys/capabilities-accessor', { accessor, paths: ['x/1'] })).data).toEqual(answer);
  });

  it('refuses a question without a path or a token', async () => {
    expect(await errorOf(w.write('sys/capabilities-self', {}))).toEqual([400, 'paths must be supplied']);
    expect(await errorOf(w.write('sys/capabilities-self', { paths: ['/'] }))).toEqual([400, 'missing path']);
    expect(await errorOf(w.write('sys/capabilities-self', { paths: Array.from({ length: 1_001 }, () => 'x') }))).toEqual([
      400,
      'more than 1000 paths',
    ]);
    expect(await errorOf(w.write('sys/capabilities', { paths: ['x'] }))).toEqual([400, 'missing token']);
    expect(await errorOf(w.write('sys/capabilities', { token: 'hvs.unknown', paths: ['x'] }))).toEqual([400, 'invalid token']);
    expect(await errorOf(w.write('sys/capabilities-accessor', { paths: ['x'] }))).toEqual([400, 'missing accessor']);
    expect(await errorOf(w.write('sys/capabilities-accessor', { accessor: 'unknown', paths: ['x'] }))).toEqual([
      400,
      'invalid accessor',
    ]);
    expect(await w.status('write', 'sys/capabilities-self', { paths: ['x'] }, null)).toBe(403);
  });
});

describe('a list of policies', () => {
  it('comes page by page, with root at its end', async () => {
    for (const name of ['b', 'z', 'c']) await w.write(`sys/policies/acl/${name}`, { policy: reading('x') });
    const keys = async (page: JsonObject) => (await w.list('sys/policies/acl', page)).data?.['keys'];
    expect(await keys({})).toEqual(['b', 'c', 'default', 'z', 'root']);
    expect(await keys({ limit: 2 })).toEqual(['b', 'c']);
    expect(await keys({ after: 'c', limit: '2' })).toEqual(['default', 'z']);
    expect(await keys({ after: 'z' })).toEqual(['root']);
    expect(await errorOf(w.list('sys/policies/acl', { after: 'root' }))).toEqual([404, '']);
  });
});

describe('sys/internal/ui/resultant-acl', () => {
  it('shows every rule of the caller by exact path and prefix', async () => {
    await w.write('sys/policies/acl/shown', {
      policy: `path "x/1" { capabilities = ["update", "read"] min_wrapping_ttl = "10s" required_parameters = ["a"] }
        path "x/2/*" { capabilities = ["deny"] }
        path "x/+/3" { capabilities = ["read"] }
        path "sys/internal/ui/resultant-acl" { capabilities = ["read"] }`,
    });
    const created = await w.write('auth/token/create', { policies: ['shown'], no_default_policy: true });
    expect((await w.read('sys/internal/ui/resultant-acl', {}, created.auth?.client_token)).data).toEqual({
      root: false,
      exact_paths: {
        'x/1': { capabilities: ['read', 'update'], min_wrapping_ttl: 10, required_parameters: ['a'] },
        'sys/internal/ui/resultant-acl': { capabilities: ['read'] },
      },
      glob_paths: { 'x/2/': { capabilities: ['deny'] } },
    });
  });

  it('says of root that it is root, and tells nobody else', async () => {
    expect((await w.read('sys/internal/ui/resultant-acl')).data).toEqual({ root: true });
    expect(await w.status('read', 'sys/internal/ui/resultant-acl', {}, null)).toBe(403);
  });
});
