import NodeVault from 'node-vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Envelope } from './envelope.ts';
import { startedServer, type StartedServer } from './started-server.ts';

// The client of the npm package node-vault as it is published: it sends the verb LIST, writes by POST, takes 200 and 204
// alone for success, and checks what it sends against schemas of its own.

let server: StartedServer;
let vault: NodeVault.client;
beforeAll(async () => {
  server = await startedServer();
  vault = withToken(server.rootToken);
});
afterAll(() => server.stop());

function withToken(token: string, more: NodeVault.VaultOptions = {}): NodeVault.client {
  return NodeVault({ endpoint: server.address, token, ...more });
}

/** A client of its own with the root token: a login, or the creation of a token, changes the token of the client. */
function fresh(): NodeVault.client {
  return withToken(server.rootToken);
}

interface Refusal {
  readonly status: number;
  readonly errors: readonly string[];
}

/** Status and errors of a request that the client rejects. */
async function refusal(request: Promise<unknown>): Promise<Refusal> {
  try {
    await request;
  } catch (error) {
    const { response } = error as { response?: { statusCode: number; body: { errors: string[] } } };
    if (response !== undefined) return { status: response.statusCode, errors: response.body.errors };
    throw error;
  }
  throw new Error('the request was answered');
}

const denied = { status: 403, errors: [expect.stringContaining('permission denied')] };
const absent = { status: 404, errors: [] };
const rfc3339 = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const text = expect.any(String);
const number = expect.any(Number);

describe('node-vault: the server itself', () => {
  it('sees an unsealed, active server', async () => {
    expect(await vault.health()).toMatchObject({
      initialized: true,
      sealed: false,
      standby: false,
      server_time_utc: number,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      cluster_name: text,
      cluster_id: text,
    });
    expect(await vault.status()).toMatchObject({
      type: text,
      initialized: true,
      sealed: false,
      t: number,
      n: number,
      progress: 0,
      nonce: '',
      version: text,
      migration: false,
      recovery_seal: expect.any(Boolean),
      storage_type: text,
      cluster_name: text,
      cluster_id: text,
    });
    expect(await vault.initialized()).toEqual({ initialized: true });
    expect(await vault.leader()).toMatchObject({ ha_enabled: false });
  });

  it('is refused a second initialisation', async () => {
    expect(await refusal(vault.init({ secret_shares: 1, secret_threshold: 1 }))).toEqual({
      status: 400,
      errors: ['Vault is already initialized'],
    });
  });

  it('reads help of a path', async () => {
    expect(await vault.help('sys/policy')).toMatchObject({ help: text, openapi: expect.any(Object) });
  });

  it('is told what is wrong in the error of the API', async () => {
    expect(await refusal(vault.read('nowhere/x'))).toEqual({
      status: 404,
      errors: [expect.stringContaining('no handler for route')],
    });
    expect(await refusal(withToken('s.wrong').read('secret/data/x'))).toEqual(denied);
    expect(await refusal(NodeVault({ endpoint: server.address, token: '' }).read('secret/data/x'))).toMatchObject({
      status: 403,
    });
    expect(await refusal(vault.request({ path: '/sys/mounts', method: 'PURGE' }))).toMatchObject({ status: 405 });
  });
});

describe('node-vault: mounts', () => {
  it('are enabled, read, tuned, moved and disabled', async () => {
    await vault.mount({ mount_point: 'mounts-a', type: 'kv', description: 'first', options: { version: '1' } });
    const mounts = (await vault.mounts()) as Envelope;
    const mounted = {
      type: 'kv',
      description: 'first',
      accessor: expect.stringMatching(/^kv_/),
      uuid,
      local: false,
      seal_wrap: false,
      external_entropy_access: false,
      options: { version: '1' },
      config: { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false },
    };
    expect(mounts.data).toMatchObject({ 'mounts-a/': mounted, 'sys/': { type: 'system' }, 'cubbyhole/': {}, 'identity/': {} });
    expect(mounts).toMatchObject({ 'mounts-a/': mounted });
    expect(await vault.read('sys/mounts/mounts-a')).toMatchObject({ data: mounted });

    expect(await vault.read('sys/mounts/mounts-a/tune')).toMatchObject({
      data: { default_lease_ttl: 2764800, max_lease_ttl: 2764800, force_no_cache: false, description: 'first' },
    });
    await vault.write('sys/mounts/mounts-a/tune', { default_lease_ttl: '1h', max_lease_ttl: 7200, description: 'tuned' });
    expect(await vault.read('sys/mounts/mounts-a/tune')).toMatchObject({
      data: { default_lease_ttl: 3600, max_lease_ttl: 7200, description: 'tuned' },
    });

    await vault.write('mounts-a/x', { a: '1' });
    await vault.remount({ from: 'mounts-a', to: 'mounts-b' });
    await expect.poll(() => vault.read('mounts-b/x').catch(() => null)).toMatchObject({ data: { a: '1' } });
    expect(await refusal(vault.read('mounts-a/x'))).toMatchObject({ status: 404 });

    await vault.unmount({ mount_point: 'mounts-b' });
    expect(await refusal(vault.read('mounts-b/x'))).toMatchObject({ status: 404 });
    expect(await refusal(vault.read('sys/mounts/mounts-b'))).toEqual({
      status: 400,
      errors: [expect.stringContaining('No secret engine mount at mounts-b')],
    });
  });

  it('are refused at a taken path and for an unknown type', async () => {
    await vault.mount({ mount_point: 'taken', type: 'kv' });
    expect(await refusal(vault.mount({ mount_point: 'taken', type: 'kv' }))).toEqual({
      status: 400,
      errors: [expect.stringContaining('path is already in use at taken/')],
    });
    expect(await refusal(vault.mount({ mount_point: 'other', type: 'nonsense' }))).toMatchObject({ status: 400 });
    await vault.unmount({ mount_point: 'taken' });
  });

  it('of auth methods are enabled, listed and disabled', async () => {
    await vault.enableAuth({ mount_point: 'people', type: 'userpass', description: 'of people' });
    const people = { type: 'userpass', description: 'of people', accessor: expect.stringMatching(/^auth_userpass_/) };
    expect(await vault.auths()).toMatchObject({
      data: { 'people/': people, 'token/': { type: 'token' } },
      'people/': people,
    });
    await vault.disableAuth({ mount_point: 'people' });
    expect(((await vault.auths()) as Envelope).data).not.toHaveProperty('people/');
  });
});

describe('node-vault: KV version 1', () => {
  beforeAll(async () => {
    await vault.mount({ mount_point: 'kv1', type: 'kv', options: { version: '1' } });
  });

  it('writes, reads, replaces and deletes', async () => {
    expect(await vault.write('kv1/app/db', { user: 'u', port: 5432, tls: true, hosts: ['a', 'b'], deep: { x: null } })).toBe('');
    expect(await vault.read('kv1/app/db')).toMatchObject({
      request_id: uuid,
      lease_id: '',
      renewable: false,
      lease_duration: 2764800,
      data: { user: 'u', port: 5432, tls: true, hosts: ['a', 'b'], deep: { x: null } },
      wrap_info: null,
      warnings: null,
      auth: null,
    });
    await vault.write('kv1/app/db', { user: 'v' });
    expect(await vault.read('kv1/app/db')).toMatchObject({ data: { user: 'v' } });
    await vault.delete('kv1/app/db');
    await vault.delete('kv1/app/db');
    expect(await refusal(vault.read('kv1/app/db'))).toEqual(absent);
  });

  it('lists by the verb and by the query', async () => {
    for (const path of ['list/a', 'list/b', 'list/b/c', 'list/d/e/f']) await vault.write(`kv1/${path}`, { v: path });
    const keys = { data: { keys: ['a', 'b', 'b/', 'd/'] } };
    const byQuery = withToken(server.rootToken, { noCustomHTTPVerbs: true });
    expect(await vault.list('kv1/list')).toMatchObject(keys);
    expect(await vault.list('kv1/list/')).toMatchObject(keys);
    expect(await byQuery.list('kv1/list')).toMatchObject(keys);
    expect(await refusal(vault.list('kv1/none'))).toEqual(absent);
    expect(await refusal(byQuery.list('kv1/none'))).toEqual(absent);
  });
});

describe('node-vault: KV version 2', () => {
  beforeAll(async () => {
    await vault.mount({ mount_point: 'kv2', type: 'kv', options: { version: '2' } });
  });

  it('keeps versions', async () => {
    expect(await vault.write('kv2/data/app', { data: { a: '1', n: 1.5, list: [1, null, { x: true }] } })).toMatchObject({
      data: { version: 1, created_time: rfc3339, deletion_time: '', destroyed: false, custom_metadata: null },
    });
    await vault.write('kv2/data/app', { data: { a: '2' }, options: { cas: 1 } });
    expect(await vault.read('kv2/data/app')).toMatchObject({ data: { data: { a: '2' }, metadata: { version: 2 } } });
    expect(await vault.read('kv2/data/app?version=1')).toMatchObject({
      data: { data: { a: '1', n: 1.5, list: [1, null, { x: true }] }, metadata: { version: 1 } },
    });
    expect(await refusal(vault.read('kv2/data/app?version=9'))).toEqual(absent);
    expect(await refusal(vault.write('kv2/data/app', { data: { a: '3' }, options: { cas: 1 } }))).toEqual({
      status: 400,
      errors: ['check-and-set parameter did not match the current version'],
    });
    expect(await refusal(vault.write('kv2/data/app', {}))).toMatchObject({ status: 400 });
  });

  it('patches', async () => {
    await vault.write('kv2/data/patched', { data: { keep: 'k', change: 'c', drop: 'd', deep: { a: 1, b: 2 } } });
    expect(
      await vault.update('kv2/data/patched', { data: { change: 'C', drop: null, deep: { b: null, c: 3 } }, options: { cas: 1 } }),
    ).toMatchObject({ data: { version: 2 } });
    expect(await vault.read('kv2/data/patched')).toMatchObject({
      data: { data: { keep: 'k', change: 'C', deep: { a: 1, c: 3 } } },
    });
    expect(await refusal(vault.update('kv2/data/never', { data: { a: 1 } }))).toMatchObject({ status: 404 });
  });

  it('deletes, undeletes and destroys versions', async () => {
    for (const a of ['1', '2', '3']) await vault.write('kv2/data/gone', { data: { a } });
    await vault.delete('kv2/data/gone');
    const deleted = await vault.read('kv2/data/gone').catch((error: unknown) => error);
    expect(deleted).toMatchObject({
      response: {
        statusCode: 404,
        body: { request_id: uuid, data: { data: null, metadata: { version: 3, deletion_time: rfc3339, destroyed: false } } },
      },
    });
    await vault.write('kv2/undelete/gone', { versions: [3] });
    expect(await vault.read('kv2/data/gone')).toMatchObject({ data: { data: { a: '3' } } });
    await vault.write('kv2/delete/gone', { versions: [1, 2] });
    await vault.destroySecretVersions({ mount_point: 'kv2', path: 'gone', versions: [2] });
    await vault.write('kv2/undelete/gone', { versions: [1, 2] });
    expect(await vault.read('kv2/metadata/gone')).toMatchObject({
      data: {
        current_version: 3,
        oldest_version: expect.any(Number),
        versions: {
          1: { created_time: rfc3339, deletion_time: '', destroyed: false },
          2: { created_time: rfc3339, destroyed: true },
          3: { created_time: rfc3339, deletion_time: '', destroyed: false },
        },
      },
    });
    expect(await refusal(vault.write('kv2/delete/gone', {}))).toMatchObject({ status: 400 });
  });

  it('has metadata of a key, lists and forgets keys', async () => {
    await vault.write('kv2/metadata/team/key', {
      max_versions: 2,
      cas_required: true,
      delete_version_after: '3h25m19s',
      custom_metadata: { owner: 'a', purpose: 'b' },
    });
    expect(await vault.read('kv2/metadata/team/key')).toMatchObject({
      data: {
        cas_required: true,
        created_time: rfc3339,
        current_version: 0,
        custom_metadata: { owner: 'a', purpose: 'b' },
        delete_version_after: '3h25m19s',
        max_versions: 2,
        oldest_version: 0,
        updated_time: rfc3339,
        versions: {},
      },
    });
    expect(await refusal(vault.write('kv2/data/team/key', { data: { a: 1 } }))).toEqual({
      status: 400,
      errors: ['check-and-set parameter required for this call'],
    });
    await vault.write('kv2/data/team/key', { data: { a: 1 }, options: { cas: 0 } });
    expect(await vault.update('kv2/metadata/team/key', { custom_metadata: { owner: null, new: 'n' } })).toBe('');
    expect(await vault.read('kv2/metadata/team/key')).toMatchObject({ data: { custom_metadata: { purpose: 'b', new: 'n' } } });
    expect(await vault.read('kv2/data/team/key')).toMatchObject({
      data: { metadata: { custom_metadata: { purpose: 'b', new: 'n' }, deletion_time: rfc3339 } },
    });
    await vault.write('kv2/data/team/sub/key', { data: { a: 1 } });
    expect(await vault.list('kv2/metadata/team')).toMatchObject({ data: { keys: ['key', 'sub/'] } });
    expect(await refusal(vault.list('kv2/metadata/void'))).toEqual(absent);
    await vault.delete('kv2/metadata/team/key');
    expect(await refusal(vault.read('kv2/metadata/team/key'))).toEqual(absent);
  });

  it('shows the keys of a secret without its values', async () => {
    await vault.write('kv2/data/sub', { data: { a: 'secret', b: { c: { d: 1 } }, e: [1], f: {} } });
    expect(await vault.read('kv2/subkeys/sub')).toMatchObject({
      data: { subkeys: { a: null, b: { c: { d: null } }, e: null, f: null }, metadata: { version: 1 } },
    });
    expect(await vault.read('kv2/subkeys/sub?depth=1')).toMatchObject({ data: { subkeys: { a: null, b: null } } });
  });

  it('has a configuration of the mount', async () => {
    expect(await vault.read('kv2/config')).toMatchObject({
      data: { cas_required: false, delete_version_after: '0s', max_versions: 0 },
    });
    await vault.write('kv2/config', { max_versions: 5, cas_required: false, delete_version_after: '1h' });
    expect(await vault.read('kv2/config')).toMatchObject({ data: { delete_version_after: '1h0m0s', max_versions: 5 } });
  });
});

describe('node-vault: policies', () => {
  const rules = 'path "kv-policy/*" {\n  capabilities = ["read", "list"]\n}';

  it('are written, read, listed and removed', async () => {
    await vault.addPolicy({ name: 'reader', policy: rules });
    expect(await vault.getPolicy({ name: 'reader' })).toMatchObject({ name: 'reader', rules, data: { name: 'reader', rules } });
    expect(await vault.policies()).toMatchObject({
      policies: expect.arrayContaining(['default', 'reader', 'root']),
      data: { keys: expect.arrayContaining(['default', 'reader', 'root']) },
    });
    expect(await vault.read('sys/policies/acl/reader')).toMatchObject({ data: { name: 'reader', policy: rules } });
    expect(await vault.list('sys/policies/acl')).toMatchObject({ data: { keys: expect.arrayContaining(['reader']) } });
    await vault.removePolicy({ name: 'reader' });
    expect(await refusal(vault.getPolicy({ name: 'reader' }))).toEqual(absent);
    expect(await refusal(vault.removePolicy({ name: 'root' }))).toMatchObject({ status: 400 });
    expect(await refusal(vault.addPolicy({ name: 'broken', policy: 'path "x" { capabilities = ["fly"] }' }))).toMatchObject({
      status: 400,
    });
  });

  it('decide what a token may do', async () => {
    await vault.mount({ mount_point: 'kv-policy', type: 'kv' });
    await vault.write('kv-policy/a', { v: '1' });
    await vault.addPolicy({ name: 'reads', policy: rules });
    const { auth } = (await fresh().tokenCreate({ policies: ['reads'], ttl: '1h' })) as Envelope;
    const reader = withToken(auth.client_token);
    expect(await reader.read('kv-policy/a')).toMatchObject({ data: { v: '1' } });
    expect(await refusal(reader.write('kv-policy/a', { v: '2' }))).toEqual(denied);
    expect(await refusal(reader.read('kv-other/a'))).toEqual(denied);
    expect(await reader.write('sys/capabilities-self', { paths: ['kv-policy/a', 'kv-other/a'] })).toMatchObject({
      data: { 'kv-policy/a': ['list', 'read'], 'kv-other/a': ['deny'] },
      'kv-policy/a': ['list', 'read'],
    });
    expect(await vault.write('sys/capabilities', { token: auth.client_token, paths: ['kv-policy/a'] })).toMatchObject({
      capabilities: ['list', 'read'],
      data: { capabilities: ['list', 'read'] },
    });
    expect(await vault.write('sys/capabilities-accessor', { accessor: auth.accessor, paths: ['kv-policy/a'] })).toMatchObject({
      data: { 'kv-policy/a': ['list', 'read'] },
    });
  });
});

describe('node-vault: tokens', () => {
  it('are created, looked up, renewed and revoked', async () => {
    const created = (await fresh().tokenCreate({
      policies: ['default'],
      meta: { team: 'a' },
      ttl: '1h',
      display_name: 'of a test',
      renewable: true,
    })) as Envelope;
    expect(created).toMatchObject({
      lease_id: '',
      auth: {
        client_token: text,
        accessor: text,
        policies: ['default'],
        token_policies: ['default'],
        metadata: { team: 'a' },
        lease_duration: 3600,
        renewable: true,
        entity_id: '',
        token_type: 'service',
        orphan: false,
        mfa_requirement: null,
        num_uses: 0,
      },
    });
    const { client_token: token, accessor } = created.auth;
    const shown = {
      id: token,
      accessor,
      policies: ['default'],
      path: 'auth/token/create',
      meta: { team: 'a' },
      display_name: 'token-of-a-test',
      num_uses: 0,
      orphan: false,
      creation_time: number,
      creation_ttl: 3600,
      ttl: number,
      explicit_max_ttl: 0,
      expire_time: rfc3339,
      issue_time: rfc3339,
      renewable: true,
      type: 'service',
      entity_id: '',
    };
    expect(await vault.tokenLookup({ token })).toMatchObject({ data: shown });
    expect(await vault.tokenLookupAccessor({ accessor })).toMatchObject({ data: { ...shown, id: '' } });
    expect(await withToken(token).tokenLookupSelf()).toMatchObject({ data: shown });
    expect(await fresh().tokenRenew({ token, increment: '2h' })).toMatchObject({
      auth: { client_token: token, lease_duration: 7200 },
    });
    expect(await withToken(token).tokenRenewSelf({ increment: '30m' })).toMatchObject({ auth: { lease_duration: 1800 } });
    expect(await vault.write('auth/token/renew-accessor', { accessor, increment: '90m' })).toMatchObject({
      auth: { client_token: '', accessor, lease_duration: 5400 },
    });
    expect(await vault.tokenAccessors()).toMatchObject({ data: { keys: expect.arrayContaining([accessor]) } });
    await vault.tokenRevoke({ token });
    expect(await refusal(vault.tokenLookup({ token }))).toMatchObject({ status: 403, errors: ['bad token'] });
    expect(await refusal(withToken(token).tokenLookupSelf())).toEqual(denied);
  });

  it('of the root neither end nor are renewed', async () => {
    expect(await vault.tokenLookupSelf()).toMatchObject({
      data: {
        policies: ['root'],
        ttl: 0,
        creation_ttl: 0,
        expire_time: null,
        explicit_max_ttl: 0,
        orphan: true,
        path: expect.stringMatching(/^auth\/token\//),
        type: 'service',
        meta: null,
      },
    });
    expect(await refusal(vault.tokenRenewSelf())).toMatchObject({ status: 400 });
  });

  it('end with their parent unless they are orphans', async () => {
    const parent = (await fresh().tokenCreate({ policies: ['root'], ttl: '1h' })) as Envelope;
    const asParent = withToken(parent.auth.client_token);
    const child = (await asParent.write('auth/token/create', { ttl: '1h' })) as Envelope;
    const orphan = (await asParent.tokenCreateOrphan({ ttl: '1h' })) as Envelope;
    expect(orphan).toMatchObject({ auth: { orphan: true } });
    await vault.tokenRevokeAccessor({ accessor: parent.auth.accessor });
    expect(await refusal(vault.tokenLookup({ token: child.auth.client_token }))).toMatchObject({ status: 403 });
    expect(await vault.tokenLookup({ token: orphan.auth.client_token })).toMatchObject({ data: { orphan: true } });
    await vault.tokenRevokeOrphan({ token: orphan.auth.client_token });
    expect(await refusal(vault.tokenLookup({ token: orphan.auth.client_token }))).toMatchObject({ status: 403 });
  });

  it('revoke themselves', async () => {
    const { auth } = (await fresh().tokenCreate({ ttl: '1h' })) as Envelope;
    await withToken(auth.client_token).tokenRevokeSelf();
    expect(await refusal(withToken(auth.client_token).tokenLookupSelf())).toEqual(denied);
  });

  it('serve as often as they may', async () => {
    const { auth } = (await fresh().tokenCreate({ policies: ['default'], num_uses: 2, ttl: '1h' })) as Envelope;
    const limited = withToken(auth.client_token);
    expect(await limited.tokenLookupSelf()).toMatchObject({ data: { num_uses: 1 } });
    await limited.tokenLookupSelf();
    expect(await refusal(limited.tokenLookupSelf())).toEqual(denied);
  });

  it('are periodic, or bounded by a maximum', async () => {
    const periodic = (await vault.write('auth/token/create', { policies: ['default'], period: '10m' })) as Envelope;
    expect(periodic.auth.lease_duration).toBe(600);
    expect(await vault.tokenLookup({ token: periodic.auth.client_token })).toMatchObject({ data: { period: 600 } });
    expect(await withToken(periodic.auth.client_token).tokenRenewSelf({ increment: '5h' })).toMatchObject({
      auth: { lease_duration: 600 },
    });
    const bounded = (await fresh().tokenCreate({ policies: ['default'], ttl: '1h', explicit_max_ttl: '2h' })) as Envelope;
    const renewed = (await fresh().tokenRenew({ token: bounded.auth.client_token, increment: '5h' })) as Envelope;
    expect(renewed.auth.lease_duration).toBeGreaterThan(7190);
    expect(renewed.auth.lease_duration).toBeLessThanOrEqual(7200);
  });

  it('come in batches', async () => {
    const { auth } = (await vault.write('auth/token/create', { policies: ['default'], type: 'batch', ttl: '1h' })) as Envelope;
    expect(auth).toMatchObject({ token_type: 'batch', accessor: '', renewable: false });
    expect(await withToken(auth.client_token).tokenLookupSelf()).toMatchObject({ data: { type: 'batch', accessor: '' } });
    expect(await refusal(withToken(auth.client_token).tokenRenewSelf())).toMatchObject({ status: 400 });
    expect(await refusal(vault.tokenRevoke({ token: auth.client_token }))).toMatchObject({ status: 400 });
  });

  it('are created by roles', async () => {
    await vault.addTokenRole({
      role_name: 'deploy',
      allowed_policies: 'default,deployer',
      disallowed_policies: 'root',
      orphan: true,
      renewable: false,
      path_suffix: 'suffix',
      explicit_max_ttl: 3600,
    });
    expect(await vault.getTokenRole({ role_name: 'deploy' })).toMatchObject({
      data: {
        name: 'deploy',
        allowed_policies: ['default', 'deployer'],
        disallowed_policies: ['root'],
        orphan: true,
        renewable: false,
        path_suffix: 'suffix',
        explicit_max_ttl: 3600,
        period: 0,
        token_type: 'default-service',
      },
    });
    expect(await vault.tokenRoles()).toMatchObject({ data: { keys: expect.arrayContaining(['deploy']) } });
    const { auth } = (await fresh().tokenCreateRole({ role_name: 'deploy', policies: ['deployer'] })) as Envelope;
    expect(auth).toMatchObject({ orphan: true, renewable: false, policies: ['default', 'deployer'] });
    expect(await vault.tokenLookup({ token: auth.client_token })).toMatchObject({
      data: { role: 'deploy', path: 'auth/token/create/deploy/suffix' },
    });
    expect(await refusal(fresh().tokenCreateRole({ role_name: 'deploy', policies: ['other'] }))).toMatchObject({ status: 400 });
    await vault.removeTokenRole({ role_name: 'deploy' });
    expect(await refusal(vault.getTokenRole({ role_name: 'deploy' }))).toEqual(absent);
    expect(await refusal(fresh().tokenCreateRole({ role_name: 'deploy' }))).toMatchObject({ status: 400 });
  });

  it('renew themselves by the client', async () => {
    const { auth } = (await fresh().tokenCreate({ policies: ['default'], ttl: '1h' })) as Envelope;
    const renewing = withToken(auth.client_token);
    const renewed = new Promise<unknown>((resolve, reject) => {
      renewing.on('token:renewed', resolve);
      renewing.on('token:error:renew', reject);
    });
    await renewing.startTokenRenewal({ ttl: 1, increment: 1800, renewFraction: 0.01 });
    expect(await renewed).toMatchObject({ auth: { lease_duration: 1800 } });
    renewing.stopTokenRenewal();
  });
});

describe('node-vault: AppRole', () => {
  beforeAll(async () => {
    await vault.enableAuth({ mount_point: 'approle', type: 'approle' });
  });

  it('logs in with a role and a secret', async () => {
    await vault.addApproleRole({
      role_name: 'app',
      policies: 'app,default',
      token_ttl: 1200,
      token_max_ttl: 1800,
      secret_id_num_uses: 2,
      secret_id_ttl: 3600,
    });
    expect(await vault.getApproleRole({ role_name: 'app' })).toMatchObject({
      data: {
        bind_secret_id: true,
        local_secret_ids: false,
        policies: ['app', 'default'],
        token_policies: ['app', 'default'],
        secret_id_bound_cidrs: null,
        secret_id_num_uses: 2,
        secret_id_ttl: 3600,
        token_bound_cidrs: [],
        token_explicit_max_ttl: 0,
        token_max_ttl: 1800,
        token_no_default_policy: false,
        token_num_uses: 0,
        token_period: 0,
        token_ttl: 1200,
        token_type: 'default',
      },
    });
    expect(await vault.approleRoles()).toMatchObject({ data: { keys: ['app'] } });
    const role = (await vault.getApproleRoleId({ role_name: 'app' })) as Envelope;
    expect(role.data).toEqual({ role_id: uuid });
    const secret = (await vault.getApproleRoleSecret({ role_name: 'app', metadata: '{"build":"7"}' })) as Envelope;
    expect(secret.data).toEqual({
      secret_id: uuid,
      secret_id_accessor: uuid,
      secret_id_ttl: 3600,
      secret_id_num_uses: 2,
    });
    const login = (await fresh().approleLogin({
      role_id: role.data['role_id'],
      secret_id: secret.data['secret_id'],
    })) as Envelope;
    expect(login).toMatchObject({
      data: null,
      auth: {
        policies: ['app', 'default'],
        token_policies: ['app', 'default'],
        metadata: { role_name: 'app', build: '7' },
        lease_duration: 1200,
        renewable: true,
        entity_id: uuid,
        token_type: 'service',
        orphan: true,
      },
    });
    expect(await withToken(login.auth.client_token).tokenLookupSelf()).toMatchObject({
      data: { path: 'auth/approle/login', display_name: 'approle', entity_id: login.auth.entity_id },
    });
    expect(await withToken(login.auth.client_token).tokenRenewSelf({ increment: '10h' })).toMatchObject({ auth: {} });
  });

  it('refuses what is no secret of the role', async () => {
    await vault.addApproleRole({ role_name: 'strict', secret_id_num_uses: 1 });
    await vault.updateApproleRoleId({ role_name: 'strict', role_id: 'chosen-role' });
    const { data } = (await vault.getApproleRoleSecret({ role_name: 'strict' })) as Envelope;
    const wrong = { status: 400, errors: ['invalid role or secret ID'] };
    expect(await refusal(fresh().approleLogin({ role_id: 'chosen-role', secret_id: 'no' }))).toEqual(wrong);
    expect(await refusal(fresh().approleLogin({ role_id: 'no', secret_id: data['secret_id'] }))).toEqual(wrong);
    await fresh().approleLogin({ role_id: 'chosen-role', secret_id: data['secret_id'] });
    expect(await refusal(fresh().approleLogin({ role_id: 'chosen-role', secret_id: data['secret_id'] }))).toEqual(wrong);
    await vault.deleteApproleRole({ role_name: 'strict' });
    expect(await refusal(vault.getApproleRole({ role_name: 'strict' }))).toEqual(absent);
  });

  it('lists, shows and destroys secrets of a role', async () => {
    await vault.addApproleRole({ role_name: 'kept' });
    const first = (await vault.getApproleRoleSecret({ role_name: 'kept' })) as Envelope;
    const second = (await vault.getApproleRoleSecret({ role_name: 'kept', metadata: '{"a":"b"}' })) as Envelope;
    const accessors = (await vault.approleSecretAccessors({ role_name: 'kept' })) as Envelope;
    expect([...(accessors.data['keys'] as string[])].sort()).toEqual(
      [first.data['secret_id_accessor'], second.data['secret_id_accessor']].sort(),
    );
    const shown = {
      data: {
        secret_id_accessor: second.data['secret_id_accessor'],
        secret_id_num_uses: 0,
        secret_id_ttl: 0,
        creation_time: rfc3339,
        last_updated_time: rfc3339,
        expiration_time: '0001-01-01T00:00:00Z',
        metadata: { a: 'b' },
        cidr_list: [],
        token_bound_cidrs: [],
      },
    };
    expect(await vault.approleSecretLookup({ role_name: 'kept', secret_id: second.data['secret_id'] })).toMatchObject(shown);
    expect(
      await vault.approleSecretAccessorLookup({ role_name: 'kept', secret_id_accessor: second.data['secret_id_accessor'] }),
    ).toMatchObject(shown);
    await vault.approleSecretDestroy({ role_name: 'kept', secret_id: second.data['secret_id'] });
    await vault.approleSecretAccessorDestroy({ role_name: 'kept', secret_id_accessor: first.data['secret_id_accessor'] });
    expect(await refusal(vault.approleSecretAccessors({ role_name: 'kept' }))).toEqual(absent);
    expect(
      await refusal(
        vault.approleSecretAccessorLookup({ role_name: 'kept', secret_id_accessor: first.data['secret_id_accessor'] }),
      ),
    ).toMatchObject({ status: 404 });
  });

  it('takes a secret of the caller and single settings of a role', async () => {
    await vault.write('auth/approle/role/own', { token_policies: ['own'], bind_secret_id: true });
    await vault.write('auth/approle/role/own/custom-secret-id', { secret_id: 'chosen-secret' });
    await vault.write('auth/approle/role/own/token-ttl', { token_ttl: '5m' });
    expect(await vault.read('auth/approle/role/own/token-ttl')).toMatchObject({ data: { token_ttl: 300 } });
    await vault.delete('auth/approle/role/own/token-ttl');
    expect(await vault.read('auth/approle/role/own/token-ttl')).toMatchObject({ data: { token_ttl: 0 } });
    const { data } = (await vault.getApproleRoleId({ role_name: 'own' })) as Envelope;
    expect(await fresh().approleLogin({ role_id: data['role_id'], secret_id: 'chosen-secret' })).toMatchObject({
      auth: { policies: ['default', 'own'] },
    });
  });
});

describe('node-vault: userpass', () => {
  it('logs people in', async () => {
    await vault.enableAuth({ mount_point: 'userpass', type: 'userpass' });
    await vault.write('auth/userpass/users/anna', {
      password: 'correct horse',
      token_policies: 'default,people',
      token_ttl: '1h',
    });
    expect(await vault.read('auth/userpass/users/anna')).toMatchObject({
      data: { token_policies: ['default', 'people'], token_ttl: 3600, token_max_ttl: 0, token_type: 'default' },
    });
    expect(await vault.list('auth/userpass/users')).toMatchObject({ data: { keys: ['anna'] } });
    expect(await fresh().userpassLogin({ username: 'anna', password: 'correct horse' })).toMatchObject({
      auth: {
        policies: ['default', 'people'],
        metadata: { username: 'anna' },
        lease_duration: 3600,
        entity_id: uuid,
      },
    });
    const wrong = await refusal(fresh().userpassLogin({ username: 'anna', password: 'wrong' }));
    expect(wrong).toEqual({ status: 400, errors: ['invalid username or password'] });
    expect(await refusal(fresh().userpassLogin({ username: 'nobody', password: 'wrong' }))).toEqual(wrong);
    await vault.write('auth/userpass/users/anna/password', { password: 'battery staple' });
    await vault.write('auth/userpass/users/anna/policies', { token_policies: ['other'] });
    expect(await fresh().userpassLogin({ username: 'anna', password: 'battery staple' })).toMatchObject({
      auth: { policies: ['default', 'other'] },
    });
    await vault.delete('auth/userpass/users/anna');
    expect(await refusal(fresh().userpassLogin({ username: 'anna', password: 'battery staple' }))).toMatchObject({ status: 400 });
  });
});

describe('node-vault: response wrapping and the cubbyhole', () => {
  it('wraps, looks up, rewraps and unwraps once', async () => {
    await vault.mount({ mount_point: 'kv-wrap', type: 'kv' });
    await vault.write('kv-wrap/a', { v: 'wrapped' });
    const wrapped = (await vault.read('kv-wrap/a', { headers: { 'X-Vault-Wrap-TTL': '5m' } })) as Envelope;
    expect(wrapped).toMatchObject({
      data: null,
      auth: null,
      wrap_info: { token: text, accessor: text, ttl: 300, creation_time: rfc3339, creation_path: 'kv-wrap/a' },
    });
    expect(await vault.write('sys/wrapping/lookup', { token: wrapped.wrap_info.token })).toMatchObject({
      data: { creation_path: 'kv-wrap/a', creation_time: rfc3339, creation_ttl: 300 },
    });
    const again = (await vault.write('sys/wrapping/rewrap', { token: wrapped.wrap_info.token })) as Envelope;
    expect(await refusal(vault.unwrap({ token: wrapped.wrap_info.token }))).toEqual({
      status: 400,
      errors: ['wrapping token is not valid or does not exist'],
    });
    expect(await vault.unwrap({ token: again.wrap_info.token })).toMatchObject({ data: { v: 'wrapped' } });
    expect(await refusal(vault.unwrap({ token: again.wrap_info.token }))).toMatchObject({ status: 400 });
  });

  it('unwraps with the wrapping token itself', async () => {
    const wrapped = (await vault.write('sys/wrapping/wrap', { a: 1 }, { headers: { 'X-Vault-Wrap-TTL': '60' } })) as Envelope;
    expect(await withToken(wrapped.wrap_info.token).unwrap()).toMatchObject({ data: { a: 1 } });
  });

  it('wraps a login', async () => {
    const wrapped = (await fresh().tokenCreate({ policies: ['default'], headers: {} })) as Envelope;
    expect(wrapped.auth.client_token).not.toBe('');
    const hidden = (await vault.write(
      'auth/token/create',
      { policies: ['default'], ttl: '1h' },
      { headers: { 'X-Vault-Wrap-TTL': '60s' } },
    )) as Envelope;
    expect(hidden).toMatchObject({ auth: null, wrap_info: { wrapped_accessor: text } });
    expect(await vault.unwrap({ token: hidden.wrap_info.token })).toMatchObject({ auth: { policies: ['default'] } });
  });

  it('keeps a cubbyhole for each token', async () => {
    const { auth } = (await fresh().tokenCreate({ policies: ['default'], ttl: '1h' })) as Envelope;
    const other = withToken(auth.client_token);
    await other.write('cubbyhole/mine', { v: 'own' });
    expect(await other.read('cubbyhole/mine')).toMatchObject({ data: { v: 'own' } });
    expect(await other.list('cubbyhole')).toMatchObject({ data: { keys: ['mine'] } });
    expect(await refusal(vault.read('cubbyhole/mine'))).toEqual(absent);
    await other.delete('cubbyhole/mine');
    expect(await refusal(other.read('cubbyhole/mine'))).toEqual(absent);
  });
});

describe('node-vault: identity, leases and audit', () => {
  it('has entities, aliases and groups', async () => {
    await vault.enableAuth({ mount_point: 'identity-users', type: 'userpass' });
    const auths = (await vault.auths()) as Envelope;
    const { accessor } = auths.data['identity-users/'] as { accessor: string };
    await vault.write('auth/identity-users/users/eve', { password: 'p' });
    const entity = (await vault.write('identity/entity', {
      name: 'eve-entity',
      policies: ['from-entity'],
      metadata: { team: 'e' },
    })) as Envelope;
    expect(entity.data).toMatchObject({ id: uuid, name: 'eve-entity' });
    const id = entity.data['id'] as string;
    const alias = (await vault.write('identity/entity-alias', {
      name: 'eve',
      canonical_id: id,
      mount_accessor: accessor,
    })) as Envelope;
    expect(alias.data).toMatchObject({ id: uuid, canonical_id: id });
    const group = (await vault.write('identity/group', {
      name: 'eve-group',
      policies: ['from-group'],
      member_entity_ids: [id],
    })) as Envelope;
    expect(group.data).toMatchObject({ id: uuid, name: 'eve-group' });
    expect(await fresh().userpassLogin({ mount_point: 'identity-users', username: 'eve', password: 'p' })).toMatchObject({
      auth: {
        entity_id: id,
        token_policies: ['default'],
        identity_policies: ['from-entity', 'from-group'],
        policies: ['default', 'from-entity', 'from-group'],
      },
    });
    expect(await vault.read(`identity/entity/id/${id}`)).toMatchObject({
      data: {
        id,
        name: 'eve-entity',
        metadata: { team: 'e' },
        policies: ['from-entity'],
        disabled: false,
        aliases: [{ name: 'eve', mount_accessor: accessor, mount_type: 'userpass', canonical_id: id }],
        direct_group_ids: [group.data['id']],
      },
    });
    expect(await vault.read('identity/entity/name/eve-entity')).toMatchObject({ data: { id } });
    expect(await vault.list('identity/entity/name')).toMatchObject({ data: { keys: expect.arrayContaining(['eve-entity']) } });
    expect(await vault.read('identity/group/name/eve-group')).toMatchObject({
      data: { name: 'eve-group', type: 'internal', member_entity_ids: [id] },
    });
    expect(await vault.list('identity/group/id')).toMatchObject({ data: { keys: [group.data['id']] } });
    expect(await vault.list('identity/entity-alias/id')).toMatchObject({
      data: { keys: expect.arrayContaining([alias.data['id']]) },
    });
    await vault.delete(`identity/group/id/${String(group.data['id'])}`);
    await vault.delete(`identity/entity/id/${id}`);
    expect(await refusal(vault.read(`identity/entity/id/${id}`))).toEqual(absent);
  });

  it('has leases of logins', async () => {
    await vault.enableAuth({ mount_point: 'leasing', type: 'userpass' });
    await vault.write('auth/leasing/users/lee', { password: 'p' });
    const { auth } = (await fresh().userpassLogin({ mount_point: 'leasing', username: 'lee', password: 'p' })) as Envelope;
    const leases = (await vault.list('sys/leases/lookup/auth/leasing/login/lee')) as Envelope;
    const [key] = leases.data['keys'] as string[];
    const lease_id = `auth/leasing/login/lee/${key ?? ''}`;
    expect(await vault.write('sys/leases/lookup', { lease_id })).toMatchObject({
      data: { id: lease_id, issue_time: rfc3339, expire_time: rfc3339, last_renewal: null, renewable: true, ttl: number },
    });
    await vault.revoke({ lease_id });
    expect(await refusal(withToken(auth.client_token).tokenLookupSelf())).toEqual(denied);
    const second = (await fresh().userpassLogin({ mount_point: 'leasing', username: 'lee', password: 'p' })) as Envelope;
    await vault.revokePrefix({ path_prefix: 'auth/leasing' }); // by its old path, sys/revoke-prefix
    expect(await refusal(withToken(second.auth.client_token).tokenLookupSelf())).toEqual(denied);
    expect(await refusal(vault.renew({ lease_id: 'none/x/y' }))).toMatchObject({ status: 400 });
  });

  it('lists audit devices and rotates the keyring', async () => {
    expect(await vault.audits()).toMatchObject({ data: expect.any(Object) });
    const before = (await vault.read('sys/key-status')) as Envelope;
    expect(before.data).toMatchObject({ term: number, install_time: rfc3339, encryptions: number });
    await vault.rotate();
    expect(await vault.read('sys/key-status')).toMatchObject({ term: (before.data['term'] as number) + 1 });
  });
});
