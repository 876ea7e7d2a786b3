import { Fault } from '../base/error.ts';
import type { ListedKey } from '../storage/backend.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import type { Keychain } from './keychain.ts';
import {
  corePrefix,
  mountKeysPrefix,
  mountOf,
  mountsPrefix,
  rewrapKey,
  shreddedKeyOf,
  shreddedPrefix,
  usageKey,
  type Area,
} from './layout.ts';
import { openRecord } from './record.ts';

/** What an examination of every record found. */
export interface StoreCheck {
  readonly records: number;
  readonly bytes: number;
  /** Records of shredded mounts, which nobody can open any more and which wait to be deleted. */
  readonly shredded: number;
  /** The first of those that do not open, with the reason. */
  readonly problems: readonly string[];
  /** How many do not open. */
  readonly damaged: number;
}

const ranges = [corePrefix, mountKeysPrefix, shreddedPrefix, rewrapKey, usageKey, mountsPrefix] as const;
const page = 256;
const shownProblems = 100;

/**
 * Opens every record of a store as it lies on the medium, past all caches, in small steps between which others have
 * their turn. What is written or deleted meanwhile may be seen or not.
 */
export async function checkStore(store: TransactionalStore, storeId: string, keychain: Keychain): Promise<StoreCheck> {
  const found = { records: 0, bytes: 0, shredded: 0, problems: [] as string[], damaged: 0 };
  for (const prefix of ranges) {
    let after: string | null = null;
    for (;;) {
      const from: string | null = after;
      const step = await store.read(async (tx) => {
        const keys = await tx.list(prefix, { limit: page, values: true, ...(from === null ? {} : { after: from }) });
        const outcomes: (string | null)[] = [];
        for (const listed of keys) outcomes.push(await examine(tx, storeId, keychain, listed));
        return { keys, outcomes };
      });
      for (const [index, outcome] of step.outcomes.entries()) {
        found.records += 1;
        found.bytes += step.keys[index]?.value?.byteLength ?? 0;
        if (outcome === 'shredded') found.shredded += 1;
        else if (outcome !== null) {
          found.damaged += 1;
          if (found.problems.length < shownProblems) found.problems.push(outcome);
        }
      }
      if (step.keys.length < page) break;
      after = step.keys.at(-1)?.key ?? null;
    }
  }
  return found;
}

async function examine(tx: Transaction, storeId: string, keychain: Keychain, { key, value }: ListedKey): Promise<string | null> {
  try {
    const area: Area = key.startsWith(mountsPrefix) ? { mountId: mountOf(key) } : 'core';
    if (area !== 'core' && (await tx.get(shreddedKeyOf(area.mountId))) !== null) return 'shredded';
    const open = (keys: Parameters<Parameters<Keychain['withRing']>[1]>[0]): void => {
      openRecord({ storeId, key }, keys, value ?? new Uint8Array());
    };
    await (area === 'core' ? keychain.withRing(tx, open) : keychain.withMountKey(tx, area.mountId, open));
    return null;
  } catch (error) {
    if (error instanceof Fault && error.code === 'corrupt-record') {
      // What was written anew or deleted since the page was read is no damage.
      return (await tx.get(key))?.version === undefined ? null : error.message;
    }
    throw error;
  }
}
