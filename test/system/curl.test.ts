import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startedServer, type StartedServer } from '../clients/started-server.ts';

// Needs curl: what people type, and what shell scripts send.

let server: StartedServer;
let folder: string;
beforeAll(async () => {
  server = await startedServer();
  folder = mkdtempSync(join(tmpdir(), 'secretctl-curl-'));
  expect(root('sys/mounts/curl', '-d', '{"type":"kv","options":{"version":"1"}}').status).toBe(204);
  expect(root('sys/mounts/curl2', '-d', '{"type":"kv-v2"}').status).toBe(204);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly json: unknown;
}

/** What curl got, by the arguments that it was given. */
function curl(...args: readonly string[]): Answer {
  const body = join(folder, 'body');
  writeFileSync(body, '');
  const { stdout, stderr, status } = spawnSync(
    'curl',
    ['--silent', '--show-error', '--noproxy', '*', '-o', body, '-w', '%{http_code} %{content_type}', ...args],
    { encoding: 'utf8', timeout: 30_000, maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(`curl ended with ${String(status)}: ${stderr}`);
  const text = readFileSync(body, 'utf8');
  const [code = '', type = ''] = stdout.split(' ');
  return { status: Number(code), type, text, json: text.startsWith('{') ? (JSON.parse(text) as unknown) : null };
}

/** A request with the root token: a path below /v1/, and what else curl is to do. */
function root(path: string, ...args: readonly string[]): Answer {
  return curl('-H', `X-Vault-Token: ${server.rootToken}`, ...args, `${server.address}/v1/${path}`);
}

describe('curl: bodies', () => {
  it('are JSON, whatever curl says they are', () => {
    expect(root('curl/json', '-d', '{"a":"1"}').status).toBe(204);
    expect(root('curl/typed', '--json', '{"a":"2"}').status).toBe(204);
    expect(root('curl/put', '-X', 'PUT', '--data', '{"a":"3"}').status).toBe(204);
    for (const [path, a] of [
      ['json', '1'],
      ['typed', '2'],
      ['put', '3'],
    ] as const) {
      expect(root(`curl/${path}`)).toMatchObject({ status: 200, type: 'application/json', json: { data: { a } } });
    }
  });

  it('may be forms', () => {
    expect(root('curl/form', '-d', 'a=1', '-d', 'b=x y').status).toBe(204);
    expect(root('curl/form').json).toMatchObject({ data: { a: '1', b: 'x y' } });
  });

  it('come in chunks, from a pipe, and after a hundred-continue', () => {
    const large = join(folder, 'large.json');
    writeFileSync(large, JSON.stringify({ v: 'x'.repeat(900_000) }));
    expect(root('curl/small-chunks', '-H', 'Transfer-Encoding: chunked', '-d', '{"a":"c"}').status).toBe(204);
    expect(root('curl/small-chunks').json).toMatchObject({ data: { a: 'c' } });
    expect(root('curl/large', '-H', 'Expect: 100-continue', '--data-binary', `@${large}`).status).toBe(204);
    expect(root('curl/large').text).toHaveLength(900_000 + root('curl/small-chunks').text.length - 1);
  });

  it('that are none are refused', () => {
    expect(root('curl/broken', '-d', '{"a":').status).toBe(400);
    expect(root('curl/broken', '-d', '[1]').status).toBe(400);
    expect(root('curl/broken', '-H', 'Content-Type: application/json', '-d', 'text')).toMatchObject({
      status: 400,
      json: { errors: [expect.any(String)] },
    });
  });
});

describe('curl: lists', () => {
  it('come by the verb LIST and by the query', () => {
    for (const path of ['l/a', 'l/b/c']) root(`curl/${path}`, '-d', '{"v":1}');
    const keys = { status: 200, json: { data: { keys: ['a', 'b/'] } } };
    expect(root('curl/l', '-X', 'LIST')).toMatchObject(keys);
    expect(root('curl/l/', '-X', 'LIST')).toMatchObject(keys);
    expect(root('curl/l?list=true')).toMatchObject(keys);
    expect(root('curl/l/?list=1')).toMatchObject(keys);
    expect(root('curl/none', '-X', 'LIST')).toMatchObject({ status: 404, text: '{"errors":[]}\n' });
    expect(root('curl/l', '-X', 'LIST', '--http1.0')).toMatchObject(keys);
  });

  it('come on one connection, between requests of other verbs', () => {
    const url = `${server.address}/v1/curl/l`;
    const { stderr } = spawnSync(
      'curl',
      [
        ...['-sv', '--noproxy', '*', '-H', `X-Vault-Token: ${server.rootToken}`, '-X', 'LIST', '-o', '/dev/null', url],
        ...['--next', '-sv', '-H', `X-Vault-Token: ${server.rootToken}`, '-o', '/dev/null', `${url}/a`],
        ...['--next', '-sv', '-H', `X-Vault-Token: ${server.rootToken}`, '-X', 'LIST', '-o', '/dev/null', url],
      ],
      { encoding: 'utf8', timeout: 30_000 },
    );
    expect(stderr.match(/< HTTP\/1\.1 200/g)).toHaveLength(3);
    expect(stderr.match(/Re-using existing connection/g)).toHaveLength(2);
  });

  it('come in pages', () => {
    for (const key of ['p/1', 'p/2', 'p/3']) root(`curl2/data/${key}`, '-d', '{"data":{}}');
    expect(root('curl2/metadata/p?list=true&limit=2').json).toMatchObject({ data: { keys: ['1', '2'] } });
    expect(root('curl2/metadata/p?after=2&limit=2', '-X', 'LIST').json).toMatchObject({ data: { keys: ['3'] } });
  });
});

describe('curl: who asks', () => {
  it('is known by either header', () => {
    const self = `${server.address}/v1/auth/token/lookup-self`;
    expect(curl('-H', `Authorization: Bearer ${server.rootToken}`, self).status).toBe(200);
    expect(curl('-H', `X-Vault-Token: ${server.rootToken}`, '-H', 'X-Vault-Request: true', self).status).toBe(200);
    expect(curl(self)).toMatchObject({ status: 403, type: 'application/json' });
    expect(curl('-H', 'X-Vault-Token: wrong', self)).toMatchObject({
      status: 403,
      json: { errors: [expect.stringContaining('permission denied')] },
    });
  });

  it('may not ask in a namespace', () => {
    expect(root('sys/mounts', '-H', 'X-Vault-Namespace: team').status).toBeGreaterThanOrEqual(400);
    expect(root('sys/mounts', '-H', 'X-Vault-Namespace;').status).toBe(200);
  });

  it('logs in, wraps and unwraps', () => {
    root('sys/auth/curl-users', '-d', '{"type":"userpass"}');
    root('auth/curl-users/users/uma', '-d', '{"password":"p"}');
    const login = curl('-d', '{"password":"p"}', `${server.address}/v1/auth/curl-users/login/uma`);
    expect(login.json).toMatchObject({ auth: { metadata: { username: 'uma' }, policies: ['default'] } });
    const wrapped = root('sys/wrapping/wrap', '-H', 'X-Vault-Wrap-TTL: 60s', '-d', '{"a":"b"}');
    const { token } = (wrapped.json as { wrap_info: { token: string } }).wrap_info;
    const unwrap = `${server.address}/v1/sys/wrapping/unwrap`;
    expect(curl('-X', 'POST', '-H', `X-Vault-Token: ${token}`, unwrap).json).toMatchObject({ data: { a: 'b' } });
    expect(curl('-X', 'POST', '-H', `X-Vault-Token: ${token}`, unwrap).status).toBeGreaterThanOrEqual(400);
  });
});

describe('curl: machines', () => {
  it('log in with an AppRole, and may do what their policy says', () => {
    const policy = 'path "curl/allowed/*" { capabilities = ["create", "update", "read", "list"] }';
    expect(root('sys/policies/acl/curl-app', '-X', 'PUT', '-d', JSON.stringify({ policy })).status).toBe(204);
    expect(root('sys/auth/curl-approle', '-d', '{"type":"approle"}').status).toBe(204);
    expect(root('auth/curl-approle/role/app', '-d', '{"token_policies":"curl-app","token_ttl":"10m"}').status).toBe(204);
    const role = root('auth/curl-approle/role/app/role-id').json as { data: { role_id: string } };
    const secret = root('auth/curl-approle/role/app/secret-id', '-X', 'POST').json as { data: { secret_id: string } };
    const credentials = JSON.stringify({ role_id: role.data.role_id, secret_id: secret.data.secret_id });
    const login = curl('-d', credentials, `${server.address}/v1/auth/curl-approle/login`).json as {
      auth: { client_token: string };
    };
    expect(login).toMatchObject({
      auth: { policies: ['curl-app', 'default'], lease_duration: 600, metadata: { role_name: 'app' } },
    });
    const app = (path: string, ...args: readonly string[]): Answer =>
      curl('-H', `X-Vault-Token: ${login.auth.client_token}`, ...args, `${server.address}/v1/${path}`);
    expect(app('curl/allowed/a', '-d', '{"v":"1"}').status).toBe(204);
    expect(app('curl/allowed', '-X', 'LIST').json).toMatchObject({ data: { keys: ['a'] } });
    expect(app('curl/allowed/a', '-X', 'DELETE').status).toBe(403);
    expect(app('curl/json').status).toBe(403);
    expect(app('sys/capabilities-self', '-d', '{"paths":["curl/allowed/a"]}').json).toMatchObject({
      'curl/allowed/a': ['create', 'list', 'read', 'update'],
    });
    expect(app('auth/token/renew-self', '-X', 'POST').json).toMatchObject({ auth: { lease_duration: 600 } });
    expect(app('auth/token/revoke-self', '-X', 'POST').status).toBe(204);
    expect(app('curl/allowed/a').status).toBe(403);
  });

  it('are given tokens of a kind', () => {
    const made = (body: object): unknown =>
      root('auth/token/create', '-d', JSON.stringify({ policies: ['default'], ...body })).json;
    expect(made({ type: 'batch', ttl: '5m' })).toMatchObject({ auth: { token_type: 'batch', renewable: false, accessor: '' } });
    expect(made({ period: '5m' })).toMatchObject({ auth: { token_type: 'service', lease_duration: 300, orphan: false } });
    expect(made({ num_uses: 3, ttl: '5m' })).toMatchObject({ auth: { num_uses: 3 } });
    expect(made({ no_parent: true })).toMatchObject({ auth: { orphan: true } });
  });
});

describe('curl: the edges of the protocol', () => {
  it('health answers HEAD, with the code that is wished', () => {
    expect(curl('-I', `${server.address}/v1/sys/health`).status).toBe(200);
    expect(curl('-I', `${server.address}/v1/sys/health?activecode=299`).status).toBe(299);
    expect(curl(`${server.address}/v1/sys/health`).json).toMatchObject({ sealed: false });
  });

  it('answers are never stored', () => {
    const { stdout } = spawnSync('curl', ['-si', '--noproxy', '*', `${server.address}/v1/sys/seal-status`], { encoding: 'utf8' });
    expect(stdout.toLowerCase()).toContain('cache-control: no-store');
  });

  it('verbs that nobody knows, and those that a path does not know, are refused', () => {
    expect(root('curl/x', '-X', 'PURGE').status).toBe(405);
    expect(root('sys/mounts', '-X', 'DELETE').status).toBe(405);
    expect(root('curl2/data/p/1', '-X', 'PATCH', '-d', '{"data":{}}').status).toBe(415);
    expect(
      root('curl2/data/p/1', '-X', 'PATCH', '-H', 'Content-Type: application/merge-patch+json', '-d', '{"data":{"a":"b"}}')
        .status,
    ).toBe(200);
  });

  it('help is one query away', () => {
    expect(root('sys/mounts?help=1')).toMatchObject({ status: 200, json: { help: expect.any(String) } });
  });
});
