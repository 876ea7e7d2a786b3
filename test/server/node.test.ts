import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/assemble.ts';
import { Fault } from '../../src/base/error.ts';
import type { Request } from '../../src/protocol/request.ts';
import { Node, type NodeParts } from '../../src/server/node.ts';
import { sealRoute } from '../../src/server/seal-route.ts';
import { machine, servingOf } from '../../src/serving.ts';
import { createMemoryBackend, MemoryMedium } from '../../src/storage/memory.ts';
import { createStore } from '../../src/storage/optimistic.ts';
import { storeSeals } from '../../src/store-seals.ts';

const storeId = '11111111-2222-4333-8444-555555555555';

/** A node with a store in memory that nobody initialized. `failing`: its seal can't be read, now or once it is made. */
async function newNode(more: Partial<NodeParts> = {}) {
  const failing = { now: false, onceMade: false };
  const ends: string[] = [];
  const backend = createMemoryBackend(new MemoryMedium());
  const epoch = await backend.advanceEpoch();
  const store = createStore(backend, epoch);
  const seal = { type: 'shamir', context: { storeId, random: machine.random, settings: {} } };
  const seals = storeSeals({ ...machine, store, storeId, seal, former: null, sinks: [] });
  const node = new Node({
    ...machine,
    storeId,
    storageType: 'inmem',
    clusterName: 'test',
    seals: {
      ...seals,
      async initialize(body) {
        const made = await seals.initialize(body);
        failing.now = failing.onceMade;
        return made;
      },
      open: () => (failing.now ? Promise.reject(new Fault('store-io', 'the medium failed')) : seals.open()),
    },
    takeRestore: () => null,
    reopen: (between) => Promise.resolve(between?.()),
    fatal: (reason) => void ends.push(reason),
    log: () => undefined,
    observe: () => () => undefined,
    serve: async (barrier) =>
      servingOf(
        await assemble({ ...machine, storeId, epoch, store, barrier, sinks: [], unaudited: true, serverRoutes: [sealRoute] }),
      ),
    ...more,
  });
  await node.start();
  const ask = (operation: Request['operation'], path: string, data: Request['data'], token: string | null = null) =>
    node.handle({ id: crypto.randomUUID(), operation, path, data, token, remote: null, wrapTtl: null });
  return { node, ask, failing, ends };
}

describe('the node', () => {
  it('gives the shares of a new store away even where the store fails behind the last write', async () => {
    const { node, ask, failing } = await newNode();
    failing.onceMade = true;
    const reply = await ask('write', 'sys/init', { secret_shares: 1, secret_threshold: 1 });
    const { keys_base64: keys, root_token: token } = reply.json as { keys_base64: string[]; root_token: string };
    expect([keys.length, token.length > 20]).toEqual([1, true]);
    failing.now = false;
    await expect(ask('write', 'sys/init', { secret_shares: 1, secret_threshold: 1 })).rejects.toThrow('already initialized');
    await ask('write', 'sys/unseal', { key: keys[0] ?? '' });
    expect(node.status().sealed).toBe(false);
    await node.stop();
  });

  it('ends where it cannot read the seal of the store that a snapshot brought: what it knows is of another', async () => {
    let staged = false;
    let meanwhile: unknown;
    const { node, ask, failing, ends } = await newNode({
      takeRestore: () => (staged ? { records: 1, activate: () => void (failing.now = true), discard: () => undefined } : null),
      async reopen(between) {
        meanwhile = (await ask('read', 'sys/init', {})).json;
        between?.();
      },
    });
    const made = await ask('write', 'sys/init', { secret_shares: 1, secret_threshold: 1 });
    const { keys_base64: keys, root_token: token } = made.json as { keys_base64: string[]; root_token: string };
    await ask('write', 'sys/unseal', { key: keys[0] ?? '' });
    staged = true;
    await ask('write', 'sys/policies/acl/a', { policy: 'path "a" { capabilities = ["read"] }' }, token);
    // Whoever looks meanwhile must not take it for a store to initialize.
    expect(meanwhile).toEqual({ initialized: true });
    expect([node.status().sealed, ends]).toEqual([true, ['the restored store could not be opened']]);
  });
});
