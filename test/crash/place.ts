import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Head } from '../../src/audit/chain.ts';
import { readAnchor, readAuditKey } from '../../src/audit/stored.ts';
import { mountKeysPrefix, mountOf, mountsPrefix, shreddedPrefix } from '../../src/barrier/layout.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Json, JsonObject } from '../../src/base/json.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { OpenedStore, OpenStore } from '../../src/cli/context.ts';
import { stores } from '../../src/compose.ts';
import type { Reply } from '../../src/protocol/reply.ts';
import type { Operation } from '../../src/protocol/request.ts';
import { openSeal, unsealStore } from '../../src/seal/unseal.ts';
import { openEmbeddedStore } from '../../src/storage/embedded.ts';
import { createStore } from '../../src/storage/optimistic.ts';
import { limitedTokenId } from './workload.ts';
import type { Registers } from './registers.ts';

/** A store of its own in a temporary directory, as `secretctl init` makes it, with what the workloads start from. */
export interface Place {
  /** Holds everything; kept when a test fails. */
  readonly root: string;
  readonly directory: string;
  readonly configDirectory: string;
  readonly storeId: string;
  readonly recipient: string;
  readonly rootToken: string;
  readonly limitedToken: string;
  readonly auditFile: string;
  readonly registers: Registers;
}

const limitedPolicy = `
  path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"] }
  path "sys/policies/acl/red-a" { capabilities = ["read"] }
  path "sys/policies/acl/blue-a" { capabilities = ["read"] }
`;

export async function makePlace(): Promise<Place> {
  const root = mkdtempSync(join(tmpdir(), 'secretctl-kill-'));
  const directory = join(root, '.secretctl');
  const configDirectory = join(root, 'config');
  const made = await stores.create({ directory, configDirectory, seal: { type: 'static' } });
  const rootToken = readFileSync(made.tokenFile, 'utf8').trim();
  const place = { root, directory, configDirectory, storeId: made.storeId, recipient: made.recipient, rootToken };
  const limitedToken = await within(place, async (store) => {
    const send = sender(store, rootToken);
    await send('write', 'sys/mounts/kv', { type: 'kv', options: { version: '2' }, description: 'versioned' });
    await send('write', 'sys/mounts/plain', { type: 'kv', options: { version: '1' }, description: 'plain' });
    await send('write', 'kv/metadata/shared', { max_versions: 1_000_000 });
    await send('write', 'kv/data/shared', { data: { by: 0 } });
    await send('write', 'sys/policies/acl/limited', { policy: limitedPolicy });
    const meta = { call: String(limitedTokenId) };
    return (await send('write', 'auth/token/create', { policies: ['limited'], ttl: '700h', meta })).auth?.client_token ?? '';
  });
  const registers = new Map<string, Json>([
    ['mount/kv', { version: '2', description: 'versioned' }],
    ['mount/plain', { version: '1', description: 'plain' }],
    ['policy/limited', limitedPolicy],
    [`token/${limitedTokenId}`, { uses: 0, parent: null }],
  ]);
  return { ...place, limitedToken, registers, auditFile: join(directory, 'audit/audit.log') };
}

export function removePlace({ root }: Place): void {
  rmSync(root, { recursive: true, force: true });
}

type Directories = Pick<Place, 'directory' | 'configDirectory'>;

/** Opens the store as every command does, recovery included, and closes it again. */
export async function within<T>(directories: Directories, work: (store: OpenedStore) => Promise<T>): Promise<T> {
  const store = await stores.open(openOptions(directories));
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

export type Send = (operation: Operation, path: string, data?: JsonObject, token?: string) => Promise<Reply>;

export function sender(store: OpenedStore, rootToken: string): Send {
  return (operation, path, data = {}, token = rootToken) => store.handle({ operation, path, data, token });
}

function openOptions({ directory, configDirectory }: Directories): OpenStore {
  return {
    directory,
    configDirectory,
    command: 'crash test',
    lockTimeout: 0,
    acceptAuditLoss: false,
    nextShare: () => Promise.resolve(null),
    notify: () => undefined,
  };
}

/** What lies in a store that nobody serves. */
export interface Inside {
  readonly auditKey: Uint8Array;
  /** What the store remembers of its audit log; null: nothing. */
  readonly anchor: Head | null;
  /** The mounts that have a data key, those that have records, and those that wait to be cleaned up. */
  readonly mountsWithKey: readonly string[];
  readonly mountsWithRecords: readonly string[];
  readonly shredded: readonly string[];
}

/** Looks into the store past its front door, and changes nothing but its epoch. */
export async function lookInside({ directory, configDirectory }: Directories): Promise<Inside> {
  const embedded = await openEmbeddedStore(join(directory, 'store'), { command: 'crash test', clock: systemClock });
  try {
    const { storeId, backend, epoch } = embedded;
    const store = createStore(backend, epoch);
    const settings = { keyFile: join(configDirectory, `${storeId}.key`) };
    const seal = await openSeal(store, { storeId, random: systemRandom, settings });
    const barrier = await unsealStore(store, seal, { storeId, random: systemRandom, clock: systemClock });
    if (barrier === null) throw new Error('the static seal asked for shares');
    const below = async (prefix: string) => (await backend.list(prefix)).map(({ key }) => key);
    const ids = async (prefix: string) => (await below(prefix)).map((key) => key.slice(prefix.length));
    return await store.read(async (tx) => {
      const core = barrier.view(tx, 'core');
      return {
        auditKey: await readAuditKey(core),
        anchor: await readAnchor(core),
        mountsWithKey: await ids(mountKeysPrefix),
        mountsWithRecords: [...new Set((await below(mountsPrefix)).map(mountOf))],
        shredded: await ids(shreddedPrefix),
      };
    });
  } finally {
    await embedded.close();
  }
}
