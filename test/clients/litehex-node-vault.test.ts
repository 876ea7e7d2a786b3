import { Client, type VaultError } from '@litehex/node-vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startedServer, type StartedServer } from './started-server.ts';

// The client of the npm package @litehex/node-vault as it is published: it checks every answer against a strict schema, so that
// a missing field, a null in place of an object, or another content type is an error of its own.

let server: StartedServer;
let vault: Client;
beforeAll(async () => {
  server = await startedServer();
  vault = withToken(server.rootToken);
});
afterAll(() => server.stop());

function withToken(token: string): Client {
  return new Client({ endpoint: server.address, token });
}

interface Answer<T> {
  readonly data?: T;
  readonly error?: VaultError;
}

/** What the client found right; its error where it found something wrong, with the reasons. */
async function right<T>(answer: Promise<Answer<T>>): Promise<NonNullable<T>> {
  const { data, error } = await answer;
  if (error !== undefined || data === undefined || data === null)
    throw new Error(`${String(error?.message)}: ${JSON.stringify(error?.cause)}`);
  return data;
}

/** The message of a refusal. */
async function refused(answer: Promise<Answer<unknown>>): Promise<string> {
  const { data, error } = await answer;
  if (error === undefined) throw new Error(`answered: ${JSON.stringify(data)}`);
  return error.message;
}

describe('@litehex/node-vault: the server itself', () => {
  it('reads health, seal status, initialisation and host', async () => {
    expect(await right(vault.health())).toMatchObject({ initialized: true, sealed: false, standby: false });
    expect(await right(vault.sealStatus())).toMatchObject({ initialized: true, sealed: false, progress: 0 });
    expect(await right(vault.initialized())).toEqual({ initialized: true });
    const host = await right(vault.hostInfo());
    expect(host.data.cpu.length).toBeGreaterThan(0);
    expect(host.data.host.os).toBe('linux');
    expect(host.data.memory.total).toBeGreaterThan(0);
  });

  it('lists audit devices', async () => {
    expect(await right(vault.listDevices())).toMatchObject({ data: {} });
  });

  it('sees refusals', async () => {
    expect(await refused(withToken('s.wrong').read({ path: 'secret/data/x' }))).toContain('permission denied');
    expect(await refused(vault.read({ path: 'nowhere/x' }))).toContain('no handler for route');
  });
});

describe('@litehex/node-vault: mounts', () => {
  it('are enabled, described, tuned and disabled', async () => {
    const mountPath = 'lite-mounts';
    expect(await right(vault.mount({ mountPath, type: 'kv-v2', description: 'lite' }))).toBe(true);
    expect((await right(vault.mounts())).data).toMatchObject({
      [`${mountPath}/`]: { type: 'kv', description: 'lite', options: { version: '2' } },
    });
    expect(await right(vault.engineInfo({ mountPath }))).toMatchObject({ type: 'kv', options: { version: '2' } });
    expect(await right(vault.kv2.info({ mountPath }))).toMatchObject({ data: { type: 'kv', local: false } });
    await right(vault.tuneMount({ mountPath, default_lease_ttl: 3600, max_lease_ttl: 7200 }).then(noContent));
    expect(await right(vault.tune({ mountPath }))).toMatchObject({ default_lease_ttl: 3600, max_lease_ttl: 7200 });
    expect(await right(vault.unmount({ mountPath }))).toBe(true);
    expect(await refused(vault.engineInfo({ mountPath }))).toContain('No secret engine mount at lite-mounts');
  });
});

/** The client wants an object of an endpoint that answers without content: only that it was carried out is judged. */
function noContent(answer: Answer<unknown>): Answer<unknown> {
  return answer.data === undefined ? answer : { data: true };
}

describe('@litehex/node-vault: KV version 1', () => {
  const mountPath = 'lite-kv1';

  it('writes, reads, lists and deletes', async () => {
    await right(vault.mount({ mountPath, type: 'kv', options: { version: '1' } }));
    expect(await right(vault.kv.write({ mountPath, path: 'a/b', data: { foo: 'bar', n: 1 } }))).toBe(true);
    expect(await right(vault.kv.read({ mountPath, path: 'a/b' }))).toMatchObject({ data: { foo: 'bar', n: 1 } });
    expect(await right(vault.kv.list({ mountPath, path: 'a' }))).toMatchObject({ data: { keys: ['b'] } });
    expect(await right(vault.kv.info({ mountPath }))).toMatchObject({ type: 'kv', options: { version: '1' } });
    expect(await right(vault.kv.delete({ mountPath, path: 'a/b' }))).toBe(true);
    expect(await refused(vault.kv.read({ mountPath, path: 'a/b' }))).toBe('Not Found');
    expect(await refused(vault.kv.list({ mountPath, path: 'a' }))).toBe('Not Found');
  });

  it('takes any path by the generic commands', async () => {
    expect(await right(vault.write({ path: `${mountPath}/x`, data: { v: '1' } }))).toBe(true);
    expect(await right(vault.read({ path: `${mountPath}/x` }))).toMatchObject({ data: { v: '1' } });
    expect(await right(vault.list({ path: mountPath }))).toMatchObject({ data: { keys: ['x'] } });
    expect(await right(vault.delete({ path: `${mountPath}/x` }))).toBe(true);
  });
});

describe('@litehex/node-vault: KV version 2', () => {
  const mountPath = 'lite-kv2';
  beforeAll(async () => {
    await right(vault.mount({ mountPath, type: 'kv', options: { version: '2' } }));
  });

  it('is configured', async () => {
    expect(await right(vault.kv2.config({ mountPath, max_versions: 8, delete_version_after: '2h', cas_required: false }))).toBe(
      true,
    );
    expect(await right(vault.kv2.readConfig({ mountPath }))).toMatchObject({
      data: { max_versions: 8, delete_version_after: '2h0m0s', cas_required: false },
    });
    expect(await right(vault.kv2.config({ mountPath, max_versions: 0, delete_version_after: '0s' }))).toBe(true);
  });

  it('writes, reads, patches and shows keys', async () => {
    const path = 'one'; // with a version, the client spoils a path that has a slash
    expect(await right(vault.kv2.write({ mountPath, path, data: { a: '1', b: '2' }, options: { cas: 0 } }))).toMatchObject({
      data: { version: 1 },
    });
    expect(await refused(vault.kv2.write({ mountPath, path, data: { a: 'x' }, options: { cas: 0 } }))).toBe(
      'check-and-set parameter did not match the current version',
    );
    expect(await right(vault.kv2.patch({ mountPath, path, data: { b: 'B', c: '3' } }))).toMatchObject({ data: { version: 2 } });
    expect(await right(vault.kv2.read({ mountPath, path }))).toMatchObject({ data: { data: { a: '1', b: 'B', c: '3' } } });
    expect(await right(vault.kv2.read({ mountPath, path, version: 1 }))).toMatchObject({
      data: { data: { a: '1', b: '2' }, metadata: { version: 1 } },
    });
    expect(await right(vault.kv2.subKeys({ mountPath, path, depth: 1 }))).toMatchObject({
      data: { subkeys: { a: null, b: null, c: null }, metadata: { version: 2 } },
    });
    expect(await right(vault.kv2.list({ mountPath, path: '' }))).toMatchObject({ data: { keys: ['one'] } });
  });

  it('deletes, undeletes and destroys', async () => {
    const path = 'app/two';
    for (const a of ['1', '2', '3']) await right(vault.kv2.write({ mountPath, path, data: { a } }));
    expect(await right(vault.kv2.deleteLatest({ mountPath, path }))).toBe(true);
    expect(await right(vault.kv2.undelete({ mountPath, path, versions: [3] }))).toBe(true);
    expect(await right(vault.kv2.delete({ mountPath, path, versions: [1] }))).toBe(true);
    expect(await right(vault.kv2.destroy({ mountPath, path, versions: [2] }))).toBe(true);
    const { data } = await right(vault.kv2.readMetadata({ mountPath, path }));
    expect(data.current_version).toBe(3);
    expect(data.versions['1']?.deletion_time).not.toBe('');
    expect(data.versions['2']?.destroyed).toBe(true);
    expect(data.versions['3']).toMatchObject({ deletion_time: '', destroyed: false });
  });

  it('has metadata', async () => {
    const path = 'app/three';
    expect(
      await right(
        vault.kv2.writeMetadata({
          mountPath,
          path,
          max_versions: 3,
          cas_required: true,
          custom_metadata: { owner: 'a', team: 'b' },
        }),
      ),
    ).toBe(true);
    expect(await right(vault.kv2.patchMetadata({ mountPath, path, cas_required: false, custom_metadata: { team: 'c' } }))).toBe(
      true,
    );
    expect(await right(vault.kv2.readMetadata({ mountPath, path }))).toMatchObject({
      data: { max_versions: 3, cas_required: false, custom_metadata: { owner: 'a', team: 'c' }, versions: {} },
    });
    expect(await right(vault.kv2.deleteMetadata({ mountPath, path }))).toBe(true);
    expect(await refused(vault.kv2.readMetadata({ mountPath, path }))).toBe('Not Found');
  });
});

describe('@litehex/node-vault: auth by the generic commands', () => {
  it('enables AppRole, logs in and works with its token', async () => {
    expect(await right(vault.write({ path: 'sys/auth/lite-approle', data: { type: 'approle' } }))).toBe(true);
    expect(
      await right(
        vault.write({
          path: 'sys/policies/acl/lite',
          data: { policy: 'path "lite-app/*" { capabilities = ["create", "read"] }' },
        }),
      ),
    ).toBe(true);
    await right(vault.mount({ mountPath: 'lite-app', type: 'kv' }));
    expect(await right(vault.write({ path: 'auth/lite-approle/role/app', data: { token_policies: ['lite'] } }))).toBe(true);
    const role = await right(vault.read({ path: 'auth/lite-approle/role/app/role-id' }));
    const secret = await right(vault.write({ path: 'auth/lite-approle/role/app/secret-id', data: {} }));
    const login = await right(
      vault.write({
        path: 'auth/lite-approle/login',
        data: { role_id: member(role, 'role_id'), secret_id: member(secret, 'secret_id') },
      }),
    );
    const { auth } = login as unknown as { auth: { client_token: string } };
    const app = withToken(auth.client_token);
    expect(await right(app.kv.write({ mountPath: 'lite-app', path: 'x', data: { v: '1' } }))).toBe(true);
    expect(await right(app.kv.read({ mountPath: 'lite-app', path: 'x' }))).toMatchObject({ data: { v: '1' } });
    expect(await refused(app.kv.delete({ mountPath: 'lite-app', path: 'x' }))).toContain('permission denied');
  });
});

describe('@litehex/node-vault: tokens, people and wrapping by the generic commands', () => {
  it('makes tokens, looks them up, renews and revokes them', async () => {
    const made = await right(
      vault.write({ path: 'auth/token/create', data: { policies: ['default'], ttl: '1h', meta: { a: 'b' } } }),
    );
    const { auth } = made as unknown as { auth: { client_token: string; accessor: string } };
    const own = withToken(auth.client_token);
    expect(await right(own.read({ path: 'auth/token/lookup-self' }))).toMatchObject({
      data: { meta: { a: 'b' }, type: 'service' },
    });
    expect(await right(own.write({ path: 'auth/token/renew-self', data: { increment: '2h' } }))).toMatchObject({
      auth: { lease_duration: 7200 },
    });
    expect(await right(vault.write({ path: 'auth/token/lookup-accessor', data: { accessor: auth.accessor } }))).toMatchObject({
      data: { id: '', policies: ['default'] },
    });
    expect(await right(vault.list({ path: 'auth/token/accessors' }))).toMatchObject({
      data: { keys: expect.arrayContaining([auth.accessor]) },
    });
    expect(await right(vault.write({ path: 'auth/token/revoke-accessor', data: { accessor: auth.accessor } }))).toBe(true);
    expect(await refused(own.read({ path: 'auth/token/lookup-self' }))).toContain('permission denied');
  });

  it('logs people in', async () => {
    expect(await right(vault.write({ path: 'sys/auth/lite-people', data: { type: 'userpass' } }))).toBe(true);
    expect(await right(vault.write({ path: 'auth/lite-people/users/lea', data: { password: 'p' } }))).toBe(true);
    expect(await right(vault.write({ path: 'auth/lite-people/login/lea', data: { password: 'p' } }))).toMatchObject({
      auth: { metadata: { username: 'lea' }, policies: ['default'] },
    });
    expect(await refused(vault.write({ path: 'auth/lite-people/login/lea', data: { password: 'q' } }))).toBe(
      'invalid username or password',
    );
  });

  it('wraps and unwraps', async () => {
    const headers = { 'X-Vault-Wrap-TTL': '90' };
    const wrapped = await right(vault.write({ path: 'sys/wrapping/wrap', data: { a: 'b' } }, { headers }));
    const { wrap_info: info } = wrapped as unknown as { wrap_info: { token: string; ttl: number } };
    expect(info.ttl).toBe(90);
    expect(await right(vault.write({ path: 'sys/wrapping/unwrap', data: { token: info.token } }))).toMatchObject({
      data: { a: 'b' },
    });
    expect(await refused(vault.write({ path: 'sys/wrapping/unwrap', data: { token: info.token } }))).toBe(
      'wrapping token is not valid or does not exist',
    );
  });
});

function member(answer: unknown, name: string): unknown {
  return (answer as { data: Record<string, unknown> }).data[name];
}
