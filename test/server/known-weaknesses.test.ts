import { readdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ServedStore, type Server } from './server-process.ts';

// What went wrong in other servers of this kind, asked of this one over the wire. The ids are those of the advisories.

let store: ServedStore;
let server: Server;

beforeAll(async () => {
  store = new ServedStore();
  store.settings('{ type: static }');
  server = await store.serve({ under: ['sh', '-c', 'umask 000; exec "$0" "$@"'] });
  await server.call('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } });
  await server.call('POST', 'sys/auth/approle', { type: 'approle' });
  await server.call('POST', 'sys/auth/userpass', { type: 'userpass' });
});
afterAll(() => server.stop());

/** Bytes as they are sent; all that comes back until the server closes or a whole answer is there. */
function raw(bytes: string): Promise<string> {
  const { hostname, port } = new URL(server.address);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.end(bytes));
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

function get(target: string, token = store.token, verb = 'GET', more = ''): Promise<string> {
  return raw(`${verb} ${target} HTTP/1.1\r\nHost: x\r\nX-Vault-Token: ${token}\r\nConnection: close\r\n${more}\r\n`);
}

async function tokenWith(policy: string): Promise<string> {
  await server.call('PUT', 'sys/policies/acl/tested', { policy });
  const { body } = await server.call('POST', 'auth/token/create', { policies: ['tested'] });
  return (body?.['auth'] as { client_token: string }).client_token;
}

const statusOf = (text: string): number => Number(text.slice(9, 12));
const errors = ({ body }: Answer): unknown => body?.['errors'];

describe('paths', () => {
  test.each([
    '/v1/kv/metadata/team-a/../x',
    '/v1/kv/metadata/team-a/%2e%2e/x',
    '/v1/kv/metadata/team-a%2f..%2fx',
    '/v1/kv/metadata/team-a\\..\\x',
    '/v1/kv//metadata/x',
    '/v1/kv/metadata/x%00',
    '/v1/kv/metadata/%ff',
    '/v1/kv/metadata/./x',
    '//v1/sys/mounts',
    'http://other/v1/sys/mounts',
  ])('that are not canonical are refused as they stand: %s (CVE-2026-3605)', async (target) => {
    await server.call('POST', 'kv/data/x', { data: { a: '1' } });
    expect(statusOf(await get(target, store.token, 'DELETE'))).toBe(400);
    expect((await server.call('GET', 'kv/data/x')).status).toBe(200);
  });

  test('a name in another case is another name, and a deny of one holds (CVE-2026-89322)', async () => {
    await server.call('POST', 'auth/approle/role/admin', { token_policies: ['default'] });
    const token = await tokenWith(
      'path "auth/approle/role/*" { capabilities = ["read"] }\npath "auth/approle/role/admin" { capabilities = ["deny"] }',
    );
    expect((await server.call('GET', 'auth/approle/role/admin', undefined, token)).status).toBe(403);
    for (const name of ['ADMIN', 'Admin']) {
      expect((await server.call('GET', `auth/approle/role/${name}`, undefined, token)).body).not.toHaveProperty('data');
    }
  });

  test('a deny holds for a list with and without the slash at its end (CVE-2026-63131)', async () => {
    await server.call('POST', 'kv/data/private/a', { data: { a: '1' } });
    const token = await tokenWith(
      'path "kv/metadata/*" { capabilities = ["list"] }\npath "kv/metadata/private/*" { capabilities = ["deny"] }\npath "kv/metadata/private" { capabilities = ["deny"] }',
    );
    for (const target of ['/v1/kv/metadata/private/', '/v1/kv/metadata/private']) {
      expect(statusOf(await get(target, token, 'LIST'))).toBe(403);
      expect(statusOf(await get(`${target}?list=true`, token))).toBe(403);
    }
  });

  test.each(['../x', 'a/../root', 'root', 'ROOT', 'Root'])(
    'no policy is called %s (CVE-2026-105820, CVE-2026-55775)',
    async (name) => {
      const { status } = await server.call('PUT', `sys/policies/acl/${encodeURIComponent(name)}`, { policy: '' });
      expect([400, 403, 404]).toContain(status);
      const made = await server.call('POST', 'auth/token/create', { policies: [name] });
      if (name !== 'root') expect(made.status).toBe(400);
    },
  );
});

describe('verbs and headers', () => {
  test('unknown verbs and overrides make nothing (GHSA-rh46-vc3j-w2w3)', async () => {
    for (const verb of ['ALIAS-LOOKAHEAD', 'RENEW', 'REVOKE', 'ROLLBACK', 'SCAN', 'LINK', 'BIND', 'TRACE', 'CONNECT']) {
      const text = await get('/v1/auth/token/create', store.token, verb);
      expect([400, 405]).toContain(statusOf(text));
      expect(text).not.toContain('client_token');
    }
    const text = await get('/v1/auth/token/create', store.token, 'GET', 'X-HTTP-Method-Override: POST\r\n');
    expect(statusOf(text)).toBe(405);
  });

  test('a token is the same in each header, once only, and never stands in the audit log (CVE-2024-8365)', async () => {
    const { token } = store;
    expect(
      statusOf(
        await raw(
          `GET /v1/auth/token/lookup-self HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
        ),
      ),
    ).toBe(200);
    expect(
      statusOf(
        await raw(`GET /v1/auth/token/lookup-self HTTP/1.1\r\nHost: x\r\nx-VAULT-token: ${token}\r\nConnection: close\r\n\r\n`),
      ),
    ).toBe(200);
    expect(statusOf(await get('/v1/auth/token/lookup-self', token, 'GET', `X-Vault-Token: ${token}\r\n`))).toBe(400);
    expect(statusOf(await get('/v1/auth/token/lookup-self', token, 'GET', 'Authorization: Bearer other\r\n'))).toBe(400);
    await server.call('PUT', 'sys/config/auditing/request-headers/x-vault-token', { hmac: false });
    await get('/v1/auth/token/lookup-self');
    expect(store.auditText()).not.toContain(token);
    expect(server.log).not.toContain(token);
  });

  test('a namespace is refused, never ignored', async () => {
    expect(statusOf(await get('/v1/auth/token/lookup-self', store.token, 'GET', 'X-Vault-Namespace: team\r\n'))).toBe(400);
    expect(statusOf(await get('/v1/auth/token/lookup-self', store.token, 'GET', 'X-Vault-Namespace: \r\n'))).toBe(200);
  });

  test('X-Forwarded-For of somebody who is no trusted proxy is not believed (CVE-2024-6468)', async () => {
    const { body } = await server.call('POST', 'auth/token/create', { policies: ['default'], ttl: '1h' });
    const { client_token: token } = body?.['auth'] as { client_token: string };
    await get('/v1/auth/token/lookup-self', token, 'GET', 'X-Forwarded-For: 203.0.113.9\r\n');
    expect(store.auditText()).not.toMatch(/"remote_address":"203\.0\.113\.9"/);
    const listening = await get('/v1/sys/health', '', 'GET', 'X-Forwarded-For: nonsense\r\n');
    expect(listening).toMatch(/^HTTP\/1.1 (200|400)/);
    expect((await server.call('GET', 'sys/health', undefined, null)).status).toBe(200);
  });
});

describe('whoever has no token', () => {
  test('begins and ends no ceremony, which the log tells of (CVE-2026-5807, CVE-2025-52894)', async () => {
    const before = await server.call('GET', 'sys/generate-root/attempt');
    for (const [method, path] of [
      ['PUT', 'sys/rekey/init'],
      ['DELETE', 'sys/rekey/init'],
      ['PUT', 'sys/generate-root/attempt'],
      ['DELETE', 'sys/generate-root/attempt'],
      ['PUT', 'sys/rotate/root/init'],
    ] as const) {
      expect((await server.call(method, path, { secret_shares: 1, secret_threshold: 1 }, null)).status).toBe(403);
      expect(store.auditText()).toContain(`"path":"${path}"`);
    }
    expect((await server.call('GET', 'sys/generate-root/attempt')).body).toEqual(before.body);
  });

  test('learns nothing of what is there: the same bytes for any path (CVE-2020-25594)', async () => {
    const strip = (text: string): string => text.replace(/\r\nDate: [^\r]+/, '');
    const answers = await Promise.all(
      [
        'kv/data/x',
        'kv/data/none',
        'kv/config',
        'none/data/x',
        'auth/approle/role/admin',
        'sys/mounts',
        'sys/nothing',
        'auth/none/x',
      ].map(async (path) => strip(await get(`/v1/${path}`, 'wrong'))),
    );
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('403');
    const old = await raw('GET /v1/sys/mounts HTTP/1.0\r\n\r\n');
    expect(old).not.toMatch(/127\.0\.0\.1|localhost|kv/);
  });

  test('has a body of bounded size and shape, and health answers meanwhile (CVE-2025-6203, CVE-2023-6337)', async () => {
    const path = '/v1/auth/userpass/login/bob';
    const post = (body: string): Promise<string> =>
      raw(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const deep = `{"password":${'['.repeat(1000)}${']'.repeat(1000)}}`;
    const many = `{"password":[${'{},'.repeat(20_000)}{}]}`;
    const huge = raw(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 33554432\r\n\r\n`);
    const [first, second, third, health] = await Promise.all([
      post(deep),
      post(many),
      huge,
      server.call('GET', 'sys/health', undefined, null),
    ]);
    expect([400, 413]).toContain(statusOf(first));
    expect([400, 413]).toContain(statusOf(second));
    expect(statusOf(third)).toBe(413);
    expect(health.status).toBe(200);
  });
});

describe('logins', () => {
  test('of one name count together, whatever form it is sent in, and are locked after five (CVE-2025-6004)', async () => {
    await server.call('POST', 'auth/userpass/users/bob', { password: 'right horse', token_policies: ['default'] });
    const login = (name: string, password: string): Promise<Answer> =>
      server.call('POST', `auth/userpass/login/${name}`, { password }, null);
    expect((await login('bob', 'right horse')).status).toBe(200);
    expect((await login('bob%20', 'right horse')).status).toBe(400);
    const wrong: Answer[] = [];
    for (let index = 0; index < 5; index++) wrong.push(await login('bob', `wrong ${index}`));
    expect((await login('bob', 'right horse')).status).toBe(403);
    for (const name of ['BOB', 'Bob']) expect((await login(name, 'right horse')).status).toBeGreaterThanOrEqual(400);
    // Unknown and known names get the same answer (CVE-2025-6011).
    const unknown = await login('nobody-here', 'wrong');
    expect([unknown.status, errors(unknown)]).toEqual([wrong[0]?.status, errors(wrong[0] as Answer)]);
    expect((await login('nobody-here', '')).status).toBe(400);
  });

  test('one role’s secret id is not destroyed through another (CVE-2023-24999)', async () => {
    for (const role of ['a', 'b']) await server.call('POST', `auth/approle/role/${role}`, { token_policies: ['default'] });
    const { body } = await server.call('POST', 'auth/approle/role/b/secret-id', {});
    const { secret_id: secret, secret_id_accessor: accessor } = body?.['data'] as Record<string, string>;
    const through = await server.call('POST', 'auth/approle/role/a/secret-id-accessor/destroy', { secret_id_accessor: accessor });
    expect([403, 404]).toContain(through.status);
    const role = await server.call('GET', 'auth/approle/role/b/role-id');
    const { role_id: roleId } = role.body?.['data'] as Record<string, string>;
    expect((await server.call('POST', 'auth/approle/login', { role_id: roleId, secret_id: secret }, null)).status).toBe(200);
  });
});

describe('identity', () => {
  test('an alias is not renamed into another’s, and a member that left has nothing at the next request (CVE-2021-41802, CVE-2020-10660)', async () => {
    await server.call('PUT', 'sys/policies/acl/team', { policy: 'path "kv/data/team" { capabilities = ["read"] }' });
    await server.call('POST', 'kv/data/team', { data: { a: '1' } });
    const tokens: string[] = [];
    for (const name of ['eve', 'vic']) {
      await server.call('POST', `auth/userpass/users/${name}`, { password: `${name} has one` });
      const login = await server.call('POST', `auth/userpass/login/${name}`, { password: `${name} has one` }, null);
      tokens.push((login.body?.['auth'] as { client_token: string }).client_token);
    }
    const aliasOf = async (token: string): Promise<{ entity: string; alias: { id: string; mount_accessor: string } }> => {
      const self = await server.call('GET', 'auth/token/lookup-self', undefined, token);
      const entity = (self.body?.['data'] as { entity_id: string }).entity_id;
      const read = await server.call('GET', `identity/entity/id/${entity}`);
      const [alias] = (read.body?.['data'] as { aliases: { id: string; mount_accessor: string }[] }).aliases;
      return { entity, alias: alias as { id: string; mount_accessor: string } };
    };
    const [eve, vic] = [await aliasOf(tokens[0] ?? ''), await aliasOf(tokens[1] ?? '')];
    const renamed = await server.call('POST', `identity/entity-alias/id/${eve.alias.id}`, {
      name: 'vic',
      mount_accessor: eve.alias.mount_accessor,
      canonical_id: eve.entity,
    });
    expect(renamed.status).toBeGreaterThanOrEqual(400);
    expect((await aliasOf(tokens[1] ?? '')).entity).toBe(vic.entity);

    const group = await server.call('POST', 'identity/group', {
      name: 'team',
      policies: ['team'],
      member_entity_ids: [vic.entity],
    });
    expect(group.status).toBe(200);
    expect((await server.call('GET', 'kv/data/team', undefined, tokens[1])).status).toBe(200);
    expect((await server.call('GET', 'kv/data/team', undefined, tokens[0])).status).toBe(403);
    await server.call('POST', 'identity/group/name/team', { policies: ['team'], member_entity_ids: [] });
    expect((await server.call('GET', 'kv/data/team', undefined, tokens[1])).status).toBe(403);
  });

  test('a templated rule with a value that holds a wildcard is no rule (GHSA-59w7-v8rr-pr4p)', async () => {
    await server.call('PUT', 'sys/policies/acl/mine', {
      policy: 'path "kv/data/{{identity.entity.metadata.team}}" { capabilities = ["read"] }',
    });
    await server.call('POST', 'auth/userpass/users/tem', { password: 'tem has one', token_policies: ['mine'] });
    const login = await server.call('POST', 'auth/userpass/login/tem', { password: 'tem has one' }, null);
    const { client_token: token, entity_id: entity } = login.body?.['auth'] as Record<string, string>;
    const withTeam = async (team: string): Promise<number> => {
      await server.call('POST', `identity/entity/id/${entity}`, { metadata: { team } });
      return (await server.call('GET', 'kv/data/team', undefined, token)).status;
    };
    expect(await withTeam('team')).toBe(200);
    for (const team of ['*', '+', 'a/../team', 'te*', '']) expect(await withTeam(team)).toBe(403);
  });
});

describe('what is left behind', () => {
  test('no file of the store can be read or entered by others, whatever the umask (CVE-2021-38553)', () => {
    const open: string[] = [];
    const walk = (path: string): void => {
      const { mode } = statSync(path);
      if ((mode & 0o077) !== 0 && path !== join(store.directory, 'settings.yaml')) open.push(path);
      if (statSync(path).isDirectory()) for (const name of readdirSync(path)) walk(join(path, name));
    };
    walk(store.directory);
    expect(open).toEqual([]);
  });

  test('an audit device is none that the settings do not declare, and its options do nothing else (CVE-2025-6000)', async () => {
    const anywhere = {
      type: 'file',
      options: { file_path: join(store.base, 'elsewhere.log'), prefix: '#!/bin/sh\n', mode: '0755' },
    };
    expect((await server.call('PUT', 'sys/audit/evil', anywhere)).status).toBe(400);
    expect((await server.call('PUT', 'sys/audit/file', anywhere)).status).toBe(400);
    expect(readdirSync(store.base)).not.toContain('elsewhere.log');
  });

  test('every kind of value is a code in the audit log, at any depth (CVE-2025-62705)', async () => {
    const canary = 'canary-value-77';
    await server.call('POST', 'kv/data/audited', {
      data: { text: canary, number: 7_700_770_077, list: [canary, { deep: canary }], yes: true },
    });
    await server.call('GET', 'kv/data/audited');
    expect(store.auditText()).not.toContain(canary);
    expect(store.auditText()).not.toContain('7700770077');
  });

  test('a wrapped reply is opened once, however many try at once', async () => {
    const wrapped = await fetch(`${server.address}/v1/kv/data/team`, {
      headers: { 'X-Vault-Token': store.token, 'X-Vault-Wrap-TTL': '60' },
    });
    const { wrap_info: info } = (await wrapped.json()) as { wrap_info: { token: string } };
    const tries = await Promise.all(Array.from({ length: 50 }, () => server.call('PUT', 'sys/wrapping/unwrap', {}, info.token)));
    expect(tries.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(errors(tries.find(({ status }) => status === 400) as Answer)).toEqual([
      'wrapping token is not valid or does not exist',
    ]);
  });
});
