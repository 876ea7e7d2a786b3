import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { assemble, configRevision } from './assemble.ts';
import { createSink } from './audit/registry.ts';
import type { AuditSink } from './audit/sink.ts';
import { enabledSinkNames, readAnchor } from './audit/stored.ts';
import { Fault } from './base/error.ts';
import type { JsonObject } from './base/json.ts';
import type { Barrier } from './barrier/barrier.ts';
import type {
  CreatedStore,
  CreateStore,
  ExaminedStore,
  LocatedStore,
  OpenedStore,
  OpenStore,
  SealStatus,
  Stores,
} from './cli/context.ts';
import { clockWarning, readClockMark } from './clock-mark.ts';
import { readApplyLock } from './core/apply-lock.ts';
import { initializeContent } from './initialize.ts';
import { machine } from './machine.ts';
import { sealTypeOf } from './seal/registry.ts';
import type { Seal } from './seal/seal.ts';
import { readSealConfig, type SealConfig } from './seal/seal-config.ts';
import { type SealContext, type SharedSeal, takesShares } from './seal/seal-type.ts';
import { initializeStore, openSeal, rekeyStore, unsealStore } from './seal/unseal.ts';
import { defaultSettings, readSettings, type SealSettings, type Settings, settingsFile, settingsText } from './settings.ts';
import { makePrivateDirectory, syncDirectory } from './storage/directory.ts';
import { createEmbeddedStore, openEmbeddedStore, type EmbeddedStore } from './storage/embedded.ts';
import { createStore } from './storage/optimistic.ts';
import { readStoreId } from './storage/store-id.ts';
import type { TransactionalStore } from './storage/transaction.ts';
import { failedTasksWarning } from './unfinished.ts';

const { clock, random } = machine;
/** How long an embedded command cleans up after itself. */
const tidyMilliseconds = 2000;

/** The embedded stores of this machine. */
export const stores: Stores = { create, open, examine, locate };

/**
 * All of it under the lock of the store and before the store counts as made: who comes at the same time is refused, and
 * what a crash or an error leaves is made anew by the next call.
 */
async function create({ directory, configDirectory, seal, show }: CreateStore): Promise<CreatedStore> {
  const settings = defaultSettings(seal.type);
  const storePath = join(directory, settings.storage.path);
  if (existsSync(join(directory, settingsFile)) && readStoreId(storePath)?.complete !== false) {
    throw new Fault('store-exists', `${dirname(directory)} has a store already`, {
      hint: 'It was not touched. Use it as it is, or choose another directory.',
    });
  }
  makePrivateDirectory(directory);
  makePrivateDirectory(configDirectory);
  // A directory that git never looks into, wherever the repo's own .gitignore stands.
  writeFileSync(join(directory, '.gitignore'), '*\n', { mode: 0o600 });
  makePrivateDirectory(join(directory, 'audit'));
  const created: CreatedStore[] = [];
  const embedded = await createEmbeddedStore(storePath, {
    command: 'secretctl init',
    clock,
    random,
    fill: async ({ backend, epoch, storeId }) => {
      const context = sealContext(storeId, settings, configDirectory);
      const keyFile = context.settings.keyFile ?? null;
      const hadKey = keyFile !== null && existsSync(keyFile);
      try {
        const made = await sealTypeOf(seal.type).create(context, seal.type === 'shamir' ? seal : null);
        let first = { rootToken: '', recipient: '' };
        const sinks = Object.entries(settings.audit).map(([name, { type }]) => ({ name, type }));
        const store = createStore(backend, epoch);
        const barrier = await initializeStore(store, made, { storeId, random, clock }, async (tx, opened) => {
          first = await initializeContent(tx, opened, { random, clock, sinks });
        });
        barrier.seal();
        const tokenFile = join(configDirectory, `${storeId}.token`);
        writeDurably(tokenFile, `${first.rootToken}\n`);
        writeDurably(join(directory, settingsFile), settingsText(settings));
        const told = { storeId, recipient: first.recipient, shares: made.shares, keyFile, tokenFile };
        // A store that is made and whose shares nobody saw could be opened by nobody.
        await show?.(told);
        created.push(told);
      } catch (error) {
        if (keyFile !== null && !hadKey) rmSync(keyFile, { force: true });
        throw error;
      }
    },
  });
  await embedded.close();
  const [store] = created;
  if (store === undefined) throw new Error('a store was made without being filled');
  return store;
}

interface Unsealed {
  readonly embedded: EmbeddedStore;
  readonly store: TransactionalStore;
  readonly settings: Settings;
  readonly seal: Seal;
  readonly config: SealConfig;
  readonly barrier: Barrier | null;
}

/** Lock, checks, seal. The barrier is null where shares are missing. Closes the store again when it throws. */
async function unseal(options: OpenStore): Promise<Unsealed> {
  const settings = await readSettings(options.directory);
  const embedded = await openEmbeddedStore(join(options.directory, settings.storage.path), {
    command: options.command,
    lockTimeout: options.lockTimeout,
    clock,
  });
  try {
    const store = createStore(embedded.backend, embedded.epoch);
    const { storeId } = embedded;
    const seal = await openSeal(store, sealContext(storeId, settings, options.configDirectory));
    const config = await store.read(readSealConfig);
    if (config === null) throw new Fault('store-missing', `the store ${storeId} is not initialized`);
    if (takesShares(seal)) {
      let refused: Fault | null = null;
      while (!seal.progress.complete) {
        const share = await options.nextShare({ given: seal.progress.given, threshold: seal.progress.threshold, refused });
        if (share === null) break;
        refused = shareRefusal(seal, share);
      }
    }
    return { embedded, store, settings, seal, config, barrier: await unsealStore(store, seal, { storeId, random, clock }) };
  } catch (error) {
    await embedded.close();
    throw error;
  }
}

/** Why a share does not count, or null: it does. */
function shareRefusal(seal: SharedSeal, share: string): Fault | null {
  try {
    seal.submit(share);
    return null;
  } catch (error) {
    if (error instanceof Fault && ['share-invalid', 'share-duplicate', 'share-mixed'].includes(error.code)) return error;
    throw error;
  }
}

async function open(options: OpenStore): Promise<OpenedStore> {
  const { embedded, store, settings, config, barrier } = await unseal(options);
  const { storeId } = embedded;
  if (barrier === null) {
    await embedded.close();
    throw new Fault('sealed', 'the store is sealed', {
      hint: `Give ${config.shamir?.threshold ?? 1} of its shares: on a terminal when asked, or with -unseal-from FILE (mode 0600, one share a line).`,
    });
  }
  try {
    const sinks = sinksOf(options.directory, settings);
    const system = await assemble({
      storeId,
      epoch: embedded.epoch,
      store,
      barrier,
      ...machine,
      sinks,
      acceptAuditLoss: options.acceptAuditLoss,
      unattended: true,
    });
    const warning = clockWarning(clock);
    if (warning !== null) options.notify(`Warning: ${warning}.`);
    for (const note of system.audit.notes) {
      const text = noteText(note);
      if (text !== null) options.notify(text);
    }
    return {
      storeId,
      seal: sealStatus(config),
      handle: (request) => system.handle({ ...request, remote: null, wrapTtl: request.wrapTtl ?? null }),
      async rekey(numbers, show) {
        const split =
          config.shamir === null
            ? null
            : { shares: numbers.shares ?? config.shamir.shares, threshold: numbers.threshold ?? config.shamir.threshold };
        const made = await sealTypeOf(config.type).create(sealContext(storeId, settings, options.configDirectory), split);
        await show(made.shares);
        await rekeyStore(store, barrier, made, { random });
      },
      async work(milliseconds) {
        await system.tidy(clock.now() + milliseconds);
      },
      async close() {
        try {
          const clean = await system.tidy(clock.now() + tidyMilliseconds);
          const overdue = await system.overdue();
          const failed = failedTasksWarning(system.reconciler.status());
          for (const warning of [overdue, failed]) if (warning !== null) options.notify(`Warning: ${warning}`);
          if (!clean && overdue === null && failed === null)
            options.notify(
              'Some expired tokens or deleted data wait to be cleaned up; the next command goes on with it. None of it works or can be read any more.',
            );
          await system.close();
        } finally {
          barrier.seal();
          await embedded.close();
        }
      },
    };
  } catch (error) {
    barrier.seal();
    await embedded.close();
    throw error;
  }
}

async function examine(options: OpenStore): Promise<ExaminedStore> {
  const { embedded, store, settings, config, barrier } = await unseal(options);
  try {
    const shown = { storeId: embedded.storeId, seal: sealStatus(config) };
    if (barrier === null) return { ...shown, auditFiles: [], unsealed: null };
    const mark = await store.read((tx) => readClockMark(barrier.view(tx, 'core')));
    if (mark !== null) clock.resume(mark);
    const enabled = await store.read((tx) => enabledSinkNames(barrier.view(tx, 'core')));
    const status = await store.read((tx) => barrier.status(tx));
    const unsealed = {
      anchor: await store.read((tx) => readAnchor(barrier.view(tx, 'core'))),
      term: status.term,
      termInstalledAt: status.installTime,
      generation: await store.read((tx) => barrier.generation(tx)),
      revision: await configRevision(store, barrier),
      lock: await store.read((tx) => readApplyLock(barrier.view(tx, 'core'), clock.now())),
    };
    return { ...shown, auditFiles: auditFiles(options.directory, settings, enabled), unsealed };
  } finally {
    barrier?.seal();
    await embedded.close();
  }
}

async function locate(directory: string): Promise<LocatedStore> {
  const settings = await readSettings(directory);
  return {
    storeId: readStoreId(join(directory, settings.storage.path))?.id ?? null,
    socketPath: resolve(directory, settings.server.socket),
  };
}

/** What a person should know of the opening of the audit log; null: nothing to do about it. */
function noteText(note: JsonObject): string | null {
  const sink = String(note.sink);
  if (note.event === 'sink-failed')
    return `Warning: the audit sink ${sink} can't be used; the others have every line. See: secretctl read sys/audit`;
  if (note.event !== 'log-loss-accepted') return null;
  const aside = typeof note.set_aside === 'string' ? ` What was left of it is in ${note.set_aside}.` : '';
  return `Warning: the loss of the audit log was accepted (sink ${sink}): it goes on with an entry that says so.${aside}`;
}

function sealContext(storeId: string, settings: Settings, configDirectory: string): SealContext {
  return sealContextOf(storeId, settings.seal, configDirectory);
}

/** How a seal type sees its part of the settings; the static key's place has a default. */
export function sealContextOf(storeId: string, { type, options }: SealSettings, configDirectory: string): SealContext {
  const keyFile = options.keyFile ?? join(configDirectory, `${storeId}.key`);
  return { storeId, random, settings: type === 'static' ? { ...options, keyFile } : options };
}

function sealStatus(config: SealConfig): SealStatus {
  return { type: config.type, shares: config.shamir?.shares ?? 0, threshold: config.shamir?.threshold ?? 0 };
}

export function sinksOf(directory: string, settings: Settings): AuditSink[] {
  return Object.entries(settings.audit).map(([name, { type, options }]) => createSink({ name, type, options }, { directory }));
}

function auditFiles(directory: string, settings: Settings, enabled: readonly string[]): string[] {
  return Object.entries(settings.audit).flatMap(([name, { type, options }]) =>
    type === 'file' && options.path !== undefined && enabled.includes(name) ? [resolve(directory, options.path)] : [],
  );
}

/** A file with mode 0600 that is there, as a whole, after a loss of power too. */
function writeDurably(path: string, text: string): void {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}
