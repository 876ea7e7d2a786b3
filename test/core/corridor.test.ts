import { describe, expect, test } from 'vitest';
import { SinkFailure } from '../../src/audit/sink.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { world, type World } from '../world.ts';

async function tokenWith(at: World, rules: string): Promise<string> {
  await at.write('sys/policies/acl/some', { policy: rules });
  return (await at.write('auth/token/create', { policies: ['some'] })).auth?.client_token ?? '';
}

describe('the door', () => {
  test('knows one form of each path: a trailing slash evades no deny', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } });
    await at.write('kv/data/a/b', { data: { x: '1' } });
    const token = await tokenWith(
      at,
      'path "kv/data/*" { capabilities = ["read"] } path "kv/data/a/b" { capabilities = ["deny"] }',
    );
    expect(await at.status('read', 'kv/data/a/b', {}, token)).toBe(403);
    expect(await at.status('read', 'kv/data/a/b/', {}, token)).toBe(400);
    expect(await at.status('write', 'kv/data/a/b/', { data: {} })).toBe(400);
  });

  test.each([
    'kv/data/../x',
    'kv//x',
    '/kv/x',
    'kv/data/a\u0000',
    'kv/data/a\\b',
    'kv/data/*',
    'kv/data/.',
    '',
    `kv/${'x'.repeat(600)}`,
    'kv/data/e\u0301',
  ])('refuses the path %j', async (path) => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } });
    for (const operation of ['read', 'list', 'write', 'delete'] as const) expect(await at.status(operation, path)).toBe(400);
  });

  test('names the parameters that it did not know, since a misspelt TTL is none', async () => {
    const at = await world();
    await at.write('sys/auth/approle', { type: 'approle' });
    const reply = await at.write('auth/approle/role/ci', { token_ttl: '1h', ttl: '1h', foo: 'hush' });
    expect(reply).toMatchObject({ status: 204, warnings: ['Endpoint ignored these unrecognized parameters: [foo ttl]'] });
    expect((await at.write('auth/approle/role/ci', { token_ttl: '1h' })).warnings).toBeUndefined();
  });

  test('tells nobody without a token whether something is there', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } });
    await at.write('kv/data/a', { data: { x: '1' } });
    const answers = await Promise.all(
      ['kv/data/a', 'kv/data/b', 'nowhere/at/all', 'sys/mounts', 'sys/none'].map((path) =>
        at
          .send('read', path, {}, null)
          .catch((error: unknown) => (error instanceof RequestError ? JSON.stringify([error.status, error.errors]) : error)),
      ),
    );
    expect(new Set(answers)).toEqual(new Set(['[403,["permission denied"]]']));
  });

  test('looks at nothing for those who may not ask: what is there makes no difference to them', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } });
    await at.write('kv/data/a', { data: { x: '1' } });
    const token = await tokenWith(at, 'path "kv/data/b" { capabilities = ["update"] }');
    const key = [...at.medium.entries.keys()].find((name) => name.endsWith('/metadata/a')) ?? '';
    const entry = at.medium.entries.get(key);
    if (entry === undefined) throw new Error('there is no record of kv/data/a');
    at.medium.entries.set(key, { value: new Uint8Array(64), version: entry.version + 1 });
    for (const operation of ['read', 'write', 'patch', 'delete'] as const) {
      expect(await at.status(operation, 'kv/data/a', { data: {} }, token)).toBe(403);
    }
    expect(await at.status('write', 'kv/data/a', { data: {} })).toBe(500);
  });

  test('answers 405 to what a path does not do, and 404 to a route that is none, for those who may ask', async () => {
    const at = await world();
    expect(await at.status('delete', 'sys/mounts')).toBe(405);
    expect(await at.status('read', 'nowhere/x')).toBe(404);
  });

  test('writes every request and every answer to the audit log, the refused too', async () => {
    const at = await world();
    const start = at.sink.lines.length;
    await at.read('sys/mounts');
    await at.status('read', 'sys/mounts', {}, 'hvs.nonsense');
    await at.status('read', 'sys//mounts');
    const lines = at.sink.entries().slice(start) as unknown as {
      type: string;
      error: string | null;
      request: { path: string };
    }[];
    expect(lines.map(({ type, error, request }) => [type, error, request?.path])).toEqual([
      ['request', null, 'sys/mounts'],
      ['response', null, 'sys/mounts'],
      ['request', 'permission denied', 'sys/mounts'],
      ['request', expect.stringContaining('not canonical'), 'sys//mounts'],
    ]);
  });

  test('says that a request was carried out whose answer no audit sink takes', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv' });
    const take = at.sink.append.bind(at.sink);
    at.sink.append = (lines) =>
      Buffer.from(lines).includes('"type":"response"')
        ? Promise.reject(new SinkFailure('unwritten', 'the disk is full'))
        : take(lines);
    await expect(at.write('kv/a', { x: '1' })).rejects.toThrow(/the request was carried out/);
    await expect(at.write('kv/a', {})).rejects.toThrow(/the request failed/);
  });

  test('refuses everything, and changes nothing, when no audit sink takes the entry', async () => {
    const at = await world();
    await at.write('sys/mounts/kv', { type: 'kv' });
    at.sink.append = () => Promise.reject(new Error('the disk is full'));
    expect(await at.status('write', 'kv/a', { x: '1' })).toBe(500);
    expect(await at.status('read', 'kv/a')).toBe(500);
    expect(at.sink.lines.some((line) => line.includes('kv/a'))).toBe(false);
  });

  test('makes nothing outside, and begins no lease, when no audit sink takes the entry', async () => {
    const at = await world();
    await at.write('sys/mounts/database', { type: 'database' });
    const connection = { plugin_name: 'postgresql-database-plugin', connection_url: 'postgresql://127.0.0.1:1/db' };
    await at.write('database/config/main', { ...connection, allowed_roles: ['*'], verify_connection: false });
    await at.write('database/roles/app', {
      db_name: 'main',
      creation_statements: [`CREATE ROLE "{{name}}" PASSWORD '{{password}}'`],
    });
    const leases = () => [...at.medium.entries.keys()].filter((key) => key.startsWith('core/lease/'));
    await expect(at.read('database/creds/app')).rejects.toThrow('creating the user');
    const take = at.sink.append.bind(at.sink);
    const tried = leases();
    expect(tried).not.toEqual([]);
    at.sink.append = () => Promise.reject(new SinkFailure('unwritten', 'the disk is full'));
    await expect(at.read('database/creds/app')).rejects.toThrow(/the audit log can't be written.*so the request is refused/);
    at.sink.append = take;
    expect(leases()).toEqual(tried);
  });
});

describe('a token of limited uses', () => {
  test('is good for exactly so many requests, however many come at once', async () => {
    const at = await world();
    const token = (await at.write('auth/token/create', { num_uses: 3, policies: ['default'] })).auth?.client_token ?? '';
    const statuses = await Promise.all(Array.from({ length: 20 }, () => at.status('read', 'auth/token/lookup-self', {}, token)));
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    expect(statuses.filter((status) => status === 403)).toHaveLength(17);
  });
});
