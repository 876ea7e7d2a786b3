import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { assemble } from '../../src/assemble.ts';
import { Fault } from '../../src/base/error.ts';
import type { Request } from '../../src/protocol/request.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { Node, type NodeParts } from '../../src/server/node.ts';
import { sealRoute } from '../../src/server/seal-route.ts';
import { machine } from '../../src/machine.ts';
import { servingOf } from '../../src/serving.ts';
import { createMemoryBackend, MemoryMedium } from '../../src/storage/memory.ts';
import { createStore } from '../../src/storage/optimistic.ts';
import { storeSeals } from '../../src/store-seals.ts';
import { quiet, VirtualTime } from '../reconciler/virtual-time.ts';

const storeId = '11111111-2222-4333-8444-555555555555';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** Where a static seal keeps its key. */
function newKeyFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'secretctl-node-'));
  directories.push(directory);
  return join(directory, 'key');
}

const broken = new Fault('store-io', 'the medium failed');

/**
 * A node with a store in memory that nobody initialized: under shares, or under the key in `keyFile`. `failing`: its seal
 * can't be read, now or once it is made; `medium`: what the medium of the store fails of; `held`: what the next request
 * waits for before it fails; `serve`: the store can't be served.
 */
async function newNode(more: Partial<NodeParts> = {}, keyFile: string | null = null) {
  const failing = { now: false, onceMade: false, serve: false, medium: null as Fault | null, held: null as Promise<void> | null };
  const ends: string[] = [];
  const backend = createMemoryBackend(new MemoryMedium());
  const epoch = await backend.advanceEpoch();
  const store = createStore(backend, epoch);
  const settings: Readonly<Record<string, string>> = keyFile === null ? {} : { keyFile };
  const seal = { type: keyFile === null ? 'shamir' : 'static', context: { storeId, random: machine.random, settings } };
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
      open: () => (failing.now ? Promise.reject(broken) : seals.open()),
    },
    takeRestore: () => null,
    async reopen(between) {
      if (failing.medium !== null) throw failing.medium;
      between?.();
    },
    fatal: (reason) => void ends.push(reason),
    log: () => undefined,
    observe: () => () => undefined,
    async serve(barrier) {
      if (failing.serve) throw new Fault('audit-unavailable', 'the audit log is on a disk that is not there');
      const parts = { ...machine, storeId, epoch, store, barrier, sinks: [], unaudited: true as const };
      const serving = servingOf(await assemble({ ...parts, serverRoutes: [sealRoute] }));
      return {
        ...serving,
        async handle(request) {
          const { held } = failing;
          failing.held = null;
          await held;
          if (held !== null || failing.medium !== null)
            throw new RequestError(500, 'internal error', { cause: failing.medium ?? broken });
          return serving.handle(request);
        },
      };
    },
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
      takeRestore: () =>
        staged
          ? {
              header: { storeId, sequence: 1, createdAt: 0 },
              records: 1,
              activate: () => void (failing.now = true),
              discard: () => undefined,
            }
          : null,
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

describe('a snapshot that was sent', () => {
  it('is discarded where the request that brought it is refused in the end', async () => {
    const ends: string[] = [];
    const header = { storeId: 's', sequence: 1, createdAt: 0 };
    const staged = { header, records: 1, activate: () => void ends.push('in place'), discard: () => void ends.push('discarded') };
    const { node, ask } = await newNode({ takeRestore: () => staged }, newKeyFile());
    await ask('write', 'sys/init', {});
    await expect(ask('write', 'sys/policies/acl/a', { policy: '' }, 'no token')).rejects.toMatchObject({ status: 403 });
    expect([ends, node.status().sealed]).toEqual([['discarded'], false]);
    await node.stop();
  });
});

describe('a node whose seal needs nobody', () => {
  const tenMinutes = 600_000;
  const sealProblem = 'the seal would not open the store now: see the log of the server';

  /** One that was initialized, with a time that stands still. */
  async function opened() {
    const time = new VirtualTime();
    const keyFile = newKeyFile();
    const reopened: number[] = [];
    const reopen = async (): Promise<void> => {
      if (made.failing.medium !== null) throw made.failing.medium;
      reopened.push(time.now());
    };
    const made = await newNode({ clock: time, timer: time, reopen }, keyFile);
    const reply = await made.ask('write', 'sys/init', {});
    const { root_token: token } = reply.json as { root_token: string };
    return { ...made, time, keyFile, token, reopened };
  }

  /** Lets time pass until a node says that of itself: what it asks may lie on a disk, which has a time of its own. */
  async function untilProblem(node: Node, time: VirtualTime, expected: string | null): Promise<void> {
    while (node.status().problem !== expected) await time.pass(tenMinutes / 10);
  }

  it('goes on asking its seal after the medium of the store failed and can be used again', async () => {
    const { node, ask, failing, time, keyFile, token } = await opened();
    failing.medium = new Fault('store-full', 'the disk is full');
    await expect(ask('read', 'auth/token/lookup-self', {}, token)).rejects.toMatchObject({ status: 503 });
    await time.pass(2 * tenMinutes);
    await expect(ask('read', 'auth/token/lookup-self', {}, token)).rejects.toMatchObject({ status: 503 });
    failing.medium = null;
    await untilProblem(node, time, null);
    expect((await ask('read', 'auth/token/lookup-self', {}, token)).data).toBeDefined();
    rmSync(keyFile);
    await untilProblem(node, time, sealProblem);
    await node.stop();
    expect([node.status().problem, time.waiting]).toEqual([null, 0]);
  });

  it('says that its store failed, whatever its seal says meanwhile', async () => {
    const { node, ask, failing, time, keyFile, token } = await opened();
    rmSync(keyFile);
    await untilProblem(node, time, sealProblem);
    failing.medium = new Fault('store-full', 'the disk is full');
    await expect(ask('read', 'auth/token/lookup-self', {}, token)).rejects.toMatchObject({ status: 503 });
    await time.pass(3 * tenMinutes);
    expect(node.status().problem).toMatch(/the disk of the store is full/);
    failing.medium = null;
    await untilProblem(node, time, sealProblem);
    await node.stop();
  });

  it('opens its store anew once, however many requests failed of it together', async () => {
    const { node, ask, failing, time, token, reopened } = await opened();
    failing.medium = broken;
    const asked = Array.from({ length: 5 }, () => ask('read', 'auth/token/lookup-self', {}, token));
    const answers = await Promise.allSettled(asked);
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'rejected'));
    failing.medium = null;
    await time.pass(60_000);
    expect((await ask('read', 'auth/token/lookup-self', {}, token)).data).toBeDefined();
    expect(reopened).toHaveLength(1);
    await node.stop();
  });

  it('goes on serving where a request fails late of the store that was closed since', async () => {
    const { node, ask, failing, time, token, reopened } = await opened();
    let fail: () => void = () => undefined;
    failing.held = new Promise((resolve) => (fail = resolve));
    const late = ask('read', 'auth/token/lookup-self', {}, token);
    await quiet();
    failing.medium = broken;
    await expect(ask('read', 'auth/token/lookup-self', {}, token)).rejects.toMatchObject({ status: 503 });
    failing.medium = null;
    // It is waited for, and not for ever.
    await time.pass(60_000);
    expect(reopened).toHaveLength(1);
    fail();
    await expect(late).rejects.toMatchObject({ status: 503 });
    await time.pass(60_000);
    expect((await ask('read', 'auth/token/lookup-self', {}, token)).data).toBeDefined();
    expect([reopened.length, node.status().problem]).toEqual([1, null]);
    await node.stop();
  });

  /** One that was initialized while it could not be served, and can be since. */
  async function initialized() {
    const time = new VirtualTime();
    const made = await newNode({ clock: time, timer: time }, newKeyFile());
    made.failing.serve = true;
    const reply = await made.ask('write', 'sys/init', {});
    const { root_token: token } = reply.json as { root_token: string };
    expect(made.node.status().sealed).toBe(true);
    made.failing.serve = false;
    return { ...made, time, token };
  }

  it('opens by itself once it can be served', async () => {
    const { node, time } = await initialized();
    while (node.status().sealed) await time.pass(1000);
    expect([node.status().sealed, node.status().problem]).toEqual([false, null]);
    await node.stop();
    expect(time.waiting).toBe(0);
  });

  it('stays sealed where somebody sealed it by hand, whatever was to be tried again before', async () => {
    const { node, ask, time, token } = await initialized();
    await ask('write', 'sys/unseal', { key: 'aa' });
    expect(node.status().sealed).toBe(false);
    await ask('write', 'sys/seal', {}, token);
    // Nothing is left that would open it.
    expect([node.status().sealed, time.waiting]).toEqual([true, 0]);
    await node.stop();
  });

  it('logs why its seal did not open to whoever asked, and answers without it', async () => {
    const time = new VirtualTime();
    const lines: string[] = [];
    const keyFile = newKeyFile();
    const log: NodeParts['log'] = (level, message, fields) =>
      void lines.push(`${level} ${message}: ${String(fields?.['reason'] ?? '')}`);
    const { node, ask } = await newNode({ clock: time, timer: time, log }, keyFile);
    const reply = await ask('write', 'sys/init', {});
    const { root_token: token } = reply.json as { root_token: string };
    await ask('write', 'sys/seal', {}, token);
    rmSync(keyFile);
    const answer = await ask('write', 'sys/unseal', { key: 'aa' }).catch((error: unknown) => error);
    expect(answer).toMatchObject({
      status: 500,
      message: 'the seal does not open (seal-key-missing): see the log of the server',
    });
    expect(lines.find((line) => line.startsWith('warn an attempt to unseal was refused'))).toContain(keyFile);
    await node.stop();
  });
});
