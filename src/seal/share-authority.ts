import { wipe } from '../base/bytes.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { opensStore } from '../barrier/open-barrier.ts';
import type { Transaction } from '../storage/transaction.ts';
import { isRecoveryKey, readRecovery } from './recovery.ts';
import { readSealConfig, type ShamirParameters } from './seal-config.ts';
import { unwrapWithShamirKey } from './shamir.ts';

/** The people whose shares decide over an open store: those of its Shamir seal, or those of its recovery shares. */
export interface ShareAuthority {
  readonly parameters: ShamirParameters;
  /** True: the key that the shares made is the present one, so they are genuine. */
  proves(key: Uint8Array): Promise<boolean>;
}

/** Null: nobody holds shares of this store. */
export async function shareAuthority(tx: Transaction, barrier: Barrier, storeId: string): Promise<ShareAuthority | null> {
  const config = await readSealConfig(tx);
  if (config?.shamir) {
    return {
      parameters: config.shamir,
      async proves(key) {
        const rootKey = unwrapWithShamirKey(storeId, key, config.wrapped);
        if (rootKey === null) return false;
        // The seal's configuration stands in the clear: an earlier one, put back, must not bring its shares back.
        const present = await opensStore(tx, { storeId, rootKey });
        wipe(rootKey);
        return present;
      },
    };
  }
  const recovery = await readRecovery(barrier.view(tx, 'core'));
  if (recovery === null) return null;
  return { parameters: recovery.parameters, proves: async (key) => isRecoveryKey(storeId, recovery, key) };
}
