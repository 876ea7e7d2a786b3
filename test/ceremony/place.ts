import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { assemble, type System } from '../../src/assemble.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { Barrier } from '../../src/barrier/barrier.ts';
import { ceremonyRoutes } from '../../src/ceremony/routes.ts';
import { initializeContent } from '../../src/initialize.ts';
import type { Reply } from '../../src/protocol/reply.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import type { Operation } from '../../src/protocol/request.ts';
import type { SealSetting } from '../../src/seal/migration.ts';
import { createRecovery } from '../../src/seal/recovery.ts';
import { sealTypeOf } from '../../src/seal/registry.ts';
import { initializeStore } from '../../src/seal/unseal.ts';
import { Unsealing } from '../../src/seal/unsealing.ts';
import { createMemoryBackend, MemoryMedium } from '../../src/storage/memory.ts';
import { createStore } from '../../src/storage/optimistic.ts';
import type { TransactionalStore } from '../../src/storage/transaction.ts';
import { addRootToken } from '../../src/token/root-token.ts';
import { rootTokenLength } from '../../src/token/root-token.ts';
import { MemorySink } from '../memory-sink.ts';

export const storeId = '3b7ee1f2-6c19-4d3a-9d5e-0a1b2c3d4e5f';
const random = systemRandom;
const clock = { now: () => Date.UTC(2026, 10, 24) };
const split = { shares: 3, threshold: 2 };

let directory: string | null = null;
let count = 0;
afterAll(() => {
  if (directory !== null) rmSync(directory, { recursive: true });
});

export function staticSetting(): SealSetting {
  directory ??= mkdtempSync(join(tmpdir(), 'ceremony-'));
  return { type: 'static', context: { storeId, random, settings: { keyFile: join(directory, `key-${count++}`) } } };
}

export const shamirSetting: SealSetting = { type: 'shamir', context: { storeId, random, settings: {} } };

/** A whole system with its ceremonies, on a memory store under a real seal. */
export interface Place {
  readonly rootToken: string;
  /** Those that decide. */
  readonly shares: readonly string[];
  readonly medium: MemoryMedium;
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly system: System;
  readonly sink: MemorySink;
  readonly warnings: string[];
  send(operation: Operation, path: string, data?: JsonObject, token?: string | null): Promise<Reply>;
  /** The body of the answer, whether it is in an envelope or not. */
  body(operation: Operation, path: string, data?: JsonObject, token?: string | null): Promise<JsonObject>;
  /** `400 what is wrong`. */
  refusal(operation: Operation, path: string, data?: JsonObject, token?: string | null): Promise<string>;
  /** Gives shares to an operation one after the other until it is complete; the body of the last answer. */
  give(path: string, nonce: unknown, shares: readonly string[]): Promise<JsonObject>;
  /** Do these shares (or the seal alone) open what is stored now? The content that is read then, or the code of the fault. */
  opensWith(shares: readonly string[]): Promise<string>;
  /** A token with a policy of its own. */
  tokenWith(rules: string): Promise<string>;
}

export async function newPlace(
  seal: SealSetting,
  options: { readonly recovery?: boolean; readonly open?: boolean } = {},
): Promise<Place> {
  const medium = new MemoryMedium();
  const backend = createMemoryBackend(medium);
  const epoch = await backend.advanceEpoch();
  const store = createStore(backend, epoch);
  const sink = new MemorySink(storeId);
  const { shared, create } = sealTypeOf(seal.type);
  const made = await create(seal.context, shared ? split : null);
  const recovery = shared || options.recovery === false ? null : await createRecovery(seal.context, split);
  let rootToken = '';
  const barrier = await initializeStore(
    store,
    made,
    { storeId, random, clock },
    async (tx, opened) => {
      ({ rootToken } = await initializeContent(tx, opened, { random, clock, sinks: [{ name: sink.name, type: sink.type }] }));
    },
    recovery,
  );
  const warnings: string[] = [];
  const unauthenticated = { rekey: options.open === true, generateRoot: options.open === true };
  const system = await assemble({
    storeId,
    epoch,
    store,
    barrier,
    clock,
    random,
    sinks: [sink],
    serverRoutes: ceremonyRoutes({
      storeId,
      store,
      barrier,
      random,
      seal,
      mintRoot: (tx) => addRootToken(barrier.view(tx, 'core'), random, clock.now()),
      tokenLength: rootTokenLength,
      unauthenticated,
      warn: (message) => warnings.push(message),
    }),
  });
  const self: Place = {
    rootToken,
    shares: recovery?.shares ?? made.shares,
    medium,
    store,
    barrier,
    system,
    sink,
    warnings,
    send: (operation, path, data = {}, token = rootToken) =>
      system.handle({ operation, path, data, token, remote: null, wrapTtl: null }),
    async body(operation, path, data, token) {
      const reply = await self.send(operation, path, data, token);
      return (reply.json ?? reply.data ?? {}) as JsonObject;
    },
    async refusal(operation, path, data, token) {
      try {
        const reply = await self.send(operation, path, data, token);
        return `${reply.status ?? 200}`;
      } catch (error) {
        if (error instanceof RequestError) return `${error.status} ${error.errors.join('; ')}`;
        throw error;
      }
    },
    async give(path, nonce, shares) {
      let body: JsonObject = {};
      for (const key of shares) {
        body = await self.body('write', path, { nonce: String(nonce), key });
        if (body['complete'] === true) break;
      }
      return body;
    },
    async opensWith(shares) {
      // As a restarted server finds it, without a word to the running one.
      const unsealing = await Unsealing.open({ store, storeId, random, clock, seal, former: null });
      if (unsealing === null) return 'store-missing';
      try {
        let opened = await unsealing.openUnattended();
        for (const share of shares) opened ??= await unsealing.give(share, { migrate: false });
        if (opened === null) return 'sealed';
        await store.read((tx) => opened.status(tx));
        opened.seal();
        return 'open';
      } catch (error) {
        return (error as { readonly code?: string }).code ?? String(error);
      }
    },
    async tokenWith(rules) {
      await self.send('write', 'sys/policies/acl/some', { policy: rules });
      return (await self.send('write', 'auth/token/create', { policies: ['some'] })).auth?.client_token ?? '';
    },
  };
  return self;
}
