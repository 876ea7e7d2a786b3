import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { staticSecretKind } from '../../../src/engines/kv/static-secret-kind.ts';
import type { LensContext, ResourceName } from '../../../src/kinds/kind.ts';
import type { ApplyChange, Snapshot } from '../../../src/protocol/managed.ts';
import type { Operation } from '../../../src/protocol/request.ts';
import { seenDigest } from '../../../src/protocol/seen-digest.ts';
import { type World, world } from '../../world.ts';

let store: World;
beforeEach(async () => {
  store = await world();
  await store.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } });
  await store.write('sys/mounts/old', { type: 'kv' });
});

/** A token that may do `capabilities` on `path` and nothing else. */
async function tokenFor(path: string, ...capabilities: readonly string[]): Promise<string> {
  await store.write('sys/policies/acl/test', { policy: `path "${path}" { capabilities = ${JSON.stringify(capabilities)} }` });
  const reply = await store.write('auth/token/create', { policies: ['test'], no_default_policy: true });
  return reply.auth?.client_token ?? '';
}

describe('the capability that an operation on a kv mount needs', () => {
  const onSecret: readonly (readonly [Operation, string, string, JsonObject])[] = [
    ['read', 'kv/data/a', 'read', {}],
    ['write', 'kv/data/a', 'update', { data: {} }],
    ['write', 'kv/data/new', 'create', { data: {} }],
    ['patch', 'kv/data/a', 'patch', { data: {} }],
    ['delete', 'kv/data/a', 'delete', {}],
    ['read', 'kv/subkeys/a', 'read', {}],
    ['write', 'kv/delete/a', 'update', { versions: [1] }],
    ['write', 'kv/undelete/a', 'update', { versions: [1] }],
    ['write', 'kv/destroy/a', 'update', { versions: [1] }],
    ['write', 'kv/destroy/new', 'update', { versions: [1] }],
    ['read', 'kv/metadata/a', 'read', {}],
    ['list', 'kv/metadata/', 'list', {}],
    ['write', 'kv/metadata/a', 'update', { max_versions: 1 }],
    ['write', 'kv/metadata/new', 'create', { max_versions: 1 }],
    ['patch', 'kv/metadata/a', 'patch', { max_versions: 1 }],
    ['delete', 'kv/metadata/a', 'delete', {}],
    ['write', 'kv/config', 'update', { max_versions: 1 }],
    ['read', 'old/a', 'read', {}],
    ['write', 'old/a', 'update', { v: 1 }],
    ['write', 'old/new', 'create', { v: 1 }],
    ['list', 'old/', 'list', {}],
    ['delete', 'old/a', 'delete', {}],
  ];

  it.each(onSecret)('%s %s: %s', async (operation, path, capability, data) => {
    await store.write('kv/data/a', { data: { v: 1 } });
    await store.write('old/a', { v: 1 });
    const others = ['create', 'read', 'update', 'patch', 'delete', 'list'].filter((other) => other !== capability);
    expect(await store.status(operation, path, data, await tokenFor(path, ...others))).toBe(403);
    expect(await store.status(operation, path, data, await tokenFor(path, capability))).toBeLessThan(300);
  });
});

describe('a kv mount', () => {
  it('of version 1 is turned to version 2 with its secrets, each the first version of its path', async () => {
    await store.write('old/a', { v: '1', n: null });
    await store.write('old/deep/a', { v: '2' });
    await store.write('old/deep', { v: '3' });
    expect(await store.write('sys/mounts/old/tune', { options: { version: '2' } })).toMatchObject({
      status: 200,
      warnings: ['Upgrading mount from version 1 to version 2.'],
    });
    expect((await store.read('sys/mounts/old')).data).toMatchObject({ options: { version: '2' } });
    expect((await store.list('old/metadata/')).data).toEqual({ keys: ['a', 'deep', 'deep/'] });
    expect((await store.read('old/data/a')).data).toMatchObject({ data: { v: '1', n: null }, metadata: { version: 1 } });
    expect((await store.read('old/data/deep/a')).data).toMatchObject({ data: { v: '2' } });
    expect((await store.write('old/data/deep', { data: { v: '4' } })).data).toMatchObject({ version: 2 });
    expect(await store.status('read', 'old/a')).toBe(404);
    await store.write('sys/mounts/old/tune', { options: { version: '2' } });
    expect((await store.read('old/data/deep')).data).toMatchObject({ data: { v: '4' } });
  });

  it('tells the version that it was given, and does not go back', async () => {
    expect((await store.read('sys/mounts/old')).data?.options ?? {}).toEqual({});
    await expect(store.write('sys/mounts/kv/tune', { options: { version: '1' } })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('mount a new one'),
    });
    expect(await store.status('write', 'sys/mounts/kv/tune', { description: 'team secrets' })).toBe(204);
    expect((await store.read('sys/mounts/kv')).data).toMatchObject({ options: { version: '2' } });
  });

  it('refuses a version that does not exist', async () => {
    expect(await store.status('write', 'sys/mounts/new', { type: 'kv', options: { version: '3' } })).toBe(400);
  });

  it('answers for a deleted version with 404 and what is known, to the client', async () => {
    await store.write('kv/data/a', { data: { v: 1 } });
    await store.delete('kv/data/a');
    expect(await store.read('kv/data/a')).toMatchObject({ status: 404, data: { data: null, metadata: { version: 1 } } });
  });

  it('keeps what two writers do at once: one new version for each', async () => {
    const replies = await Promise.all([1, 2, 3, 4, 5].map((v) => store.write('kv/data/a', { data: { v } })));
    expect(replies.map((reply) => reply.data?.['version']).toSorted()).toEqual([1, 2, 3, 4, 5]);
    const checked = await Promise.all(
      [1, 2, 3].map((v) => store.status('write', 'kv/data/b', { data: { v }, options: { cas: 0 } })),
    );
    expect(checked.toSorted()).toEqual([200, 400, 400]);
  });

  it('gives nothing of a secret to the audit log', async () => {
    await store.write('kv/data/a', { data: { password: 'canary-2718' } });
    await store.read('kv/data/a');
    await store.patch('kv/data/a', { data: { password: 'canary-3141' } });
    await store.write('old/a', { password: 'canary-1618' });
    const lines = store.sink.lines.join('\n');
    expect(lines).toContain('kv/data/a');
    expect(lines).not.toMatch(/canary-/);
  });

  it('moves the config revision with its settings, not with its secrets', async () => {
    const revision = async () => (await snapshot([])).revision;
    const before = await revision();
    await store.write('kv/data/a', { data: {} });
    await store.write('kv/metadata/a', { max_versions: 3 });
    expect(await revision()).toBe(before);
    await store.write('kv/config', { max_versions: 3 });
    expect(await revision()).toBe(before + 1);
  });
});

describe('cubbyhole', () => {
  it('is emptied when its token is revoked', async () => {
    const token = (await store.write('auth/token/create', { policies: ['default'] })).auth?.client_token ?? '';
    await store.write('cubbyhole/mine', { v: 1 }, token);
    expect((await store.read('cubbyhole/mine', {}, token)).data).toEqual({ v: 1 });
    expect(await store.status('read', 'cubbyhole/mine')).toBe(404);
    const stored = async () => await store.store.read((tx) => store.barrier.view(tx, { mountId: 'cubbyhole' }).scan(''));
    expect(await stored()).toHaveLength(1);
    await store.write('auth/token/revoke', { token });
    expect(await stored()).toEqual([]);
  });
});

const project = 'acme';

async function snapshot(reads: readonly { readonly operation: 'read' | 'list'; readonly path: string }[]): Promise<Snapshot> {
  return (await store.write('sys/managed/snapshot', { project, reads: reads.map((read) => ({ ...read })) }))
    .data as unknown as Snapshot;
}

describe.each(['old', 'kv'])('a StaticSecret in the mount "%s"', (mount) => {
  const secret: ResourceName = { kind: 'StaticSecret', mount, name: 'app/db' };
  const spec = {
    engine: mount,
    data: { user: { generate: { length: 12 } }, password: { generate: { length: 20, charset: 'hex' } } },
  };

  const observed = async () => {
    const before = await snapshot([]);
    const context: LensContext = { engines: new Map(Object.entries(before.engines)), methods: new Map() };
    const reads = staticSecretKind.reads(secret, context);
    const { replies, revision, managed } = await snapshot(reads);
    return { context, reads, replies, revision, record: managed[0], live: staticSecretKind.read(replies, secret, context) };
  };

  const apply = async (changed: readonly string[]) => {
    const { context, reads, replies, revision, record, live } = await observed();
    const after = staticSecretKind.normalize(spec, secret, context);
    const change: ApplyChange = {
      address: { kind: 'StaticSecret', mount, name: 'app/db' },
      action: live === null ? 'create' : 'update',
      reads,
      seen: seenDigest(replies),
      requests: staticSecretKind.write({ before: live, after, lastApplied: record?.spec ?? null, changed }, secret, context),
      record: { spec: after, labels: {}, protect: false },
    };
    await store.write('sys/apply', {
      project,
      storeId: store.storeId,
      base: revision,
      commit: 'c0ffee',
      planDigest: 'sha256:00',
      changes: [change] as never,
    });
  };

  const values = async () => {
    const reply = await store.read(mount === 'kv' ? 'kv/data/app/db' : 'old/app/db');
    return (mount === 'kv' ? reply.data?.['data'] : reply.data) as JsonObject;
  };

  it('is created by an apply, and the mark that the record keeps is the one that is live', async () => {
    expect((await observed()).live).toBeNull();
    await apply(['/data/user', '/data/password']);
    const { live, record } = await observed();
    expect(live?.mark).toEqual(expect.any(String));
    expect(record?.mark).toBe(live?.mark);
    expect(await values()).toEqual({
      user: expect.stringMatching(/^[A-Za-z0-9]{12}$/),
      password: expect.stringMatching(/^[0-9a-f]{20}$/),
    });
  });

  it('shows a write by hand as another mark, until the next apply', async () => {
    await apply(['/data/user', '/data/password']);
    store.clock.time += 1;
    await store.write(mount === 'kv' ? 'kv/data/app/db' : 'old/app/db', { data: { user: 'by hand' } });
    const drifted = await observed();
    expect(drifted.live?.mark).not.toBe(drifted.record?.mark);
    await apply(['/data/user', '/data/password']);
    const { live, record } = await observed();
    expect(record?.mark).toBe(live?.mark);
    expect(await values()).toMatchObject({ user: expect.stringMatching(/^[A-Za-z0-9]{12}$/) });
  });
});

it('destroys versions that do not exist at no cost, however many are named', async () => {
  await store.write('kv/data/a', { data: { x: '1' } });
  const before = performance.now();
  await store.write('kv/destroy/a', { versions: Array.from({ length: 200_000 }, (_, index) => index + 2) });
  // A deletion of each would take some seconds.
  expect(performance.now() - before).toBeLessThan(1500);
  expect((await store.read('kv/data/a')).data).toMatchObject({ data: { x: '1' } });
});
