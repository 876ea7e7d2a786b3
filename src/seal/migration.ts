import { Fault } from '../base/error.ts';
import type { Barrier } from '../barrier/barrier.ts';
import type { TransactionalStore } from '../storage/transaction.ts';
import { recoveryOf } from './recovery.ts';
import { sealTypeOf } from './registry.ts';
import { prepareReplacement, replaceSeal } from './replacement.ts';
import type { SealConfig } from './seal-config.ts';
import type { NewSeal, SealContext } from './seal-type.ts';
import { shamirSealOf } from './shamir.ts';

/** A seal as settings name it. */
export interface SealSetting {
  readonly type: string;
  readonly context: SealContext;
}

/**
 * Puts an open store under a seal of another type, in one commit: a new root key, and the same people with the same
 * shares. The unseal shares of a Shamir seal become recovery shares of one that needs nobody, and the other way round;
 * between two that need nobody the recovery shares stay. So no share has to be shown, and none can get lost.
 *
 * `key` is what the shares made, proven; null: the store has none. It is not wiped. Throws Fault `seal-migration`, and
 * what the new seal throws; until the commit the present seal stands.
 */
export async function migrateSeal(
  store: TransactionalStore,
  barrier: Barrier,
  present: SealConfig,
  to: SealSetting,
  key: Uint8Array | null,
): Promise<void> {
  const { random, storeId } = to.context;
  const type = sealTypeOf(to.type);
  const parameters = present.shamir ?? present.recovery;
  if (type.shared) {
    if (key === null || parameters === null) throw withoutShares(present.type);
    const made = shamirSealOf(to.context, parameters, new Uint8Array(key));
    await replaceSeal(store, await prepareReplacement(barrier, made, { random, recovery: null }));
    return;
  }
  const made: NewSeal = await type.create(to.context, null);
  const carried = present.shamir !== null && key !== null ? recoveryOf(storeId, present.shamir, key) : 'keep';
  await replaceSeal(store, await prepareReplacement(barrier, made, { random, recovery: carried }));
}

/** A Shamir seal is made of the recovery shares: new ones could only be shown to whoever happens to be there. */
export function withoutShares(type: string): Fault {
  return new Fault('seal-migration', 'the store has no recovery shares that could become the shares of its Shamir seal', {
    hint: `Put the seal ${type} back into the settings, make recovery shares (sys/rotate/recovery/init), and migrate then.`,
  });
}
