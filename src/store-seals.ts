import type { JsonObject } from './base/json.ts';
import type { Clock } from './base/clock.ts';
import type { Random } from './base/random.ts';
import { checkShareNumbers, refusePgp } from './ceremony/share-numbers.ts';
import { initializeContent } from './initialize.ts';
import { readFields, type Fields } from './protocol/field.ts';
import { badRequest } from './protocol/request-error.ts';
import type { SealSetting } from './seal/migration.ts';
import { createRecovery } from './seal/recovery.ts';
import { sealTypeOf } from './seal/registry.ts';
import { initializeStore } from './seal/unseal.ts';
import { Unsealing } from './seal/unsealing.ts';
import type { Seals } from './server/seals.ts';
import type { TransactionalStore } from './storage/transaction.ts';

export interface StoreSealsParts {
  readonly store: TransactionalStore;
  readonly storeId: string;
  /** The seal that the settings name, and the one that it replaces. */
  readonly seal: SealSetting;
  readonly former: SealSetting | null;
  readonly clock: Clock;
  readonly random: Random;
  /** The audit sinks that a new store enables. */
  readonly sinks: readonly { readonly name: string; readonly type: string }[];
}

const fields = {
  secret_shares: { type: 'int', description: 'How many shares are made.', default: 0 },
  secret_threshold: { type: 'int', description: 'How many of them open the store.', default: 0 },
  pgp_keys: { type: 'any', description: 'Not supported.' },
  root_token_pgp_key: { type: 'string', description: 'Not supported.', default: '' },
  recovery_shares: { type: 'int', description: 'How many recovery shares are made.', default: 0 },
  recovery_threshold: { type: 'int', description: 'How many of them are needed.', default: 0 },
  recovery_pgp_keys: { type: 'any', description: 'Not supported.' },
} as const satisfies Fields;

/** The seals of a store as its server uses them. */
export function storeSeals(parts: StoreSealsParts): Seals {
  const { store, storeId, seal, clock, random, sinks } = parts;
  return {
    type: seal.type,
    open: () => Unsealing.open(parts),
    async initialize(body) {
      const sent = readFields(fields, body as JsonObject);
      refusePgp(sent.pgp_keys, sent.recovery_pgp_keys, sent.root_token_pgp_key);
      const type = sealTypeOf(seal.type);
      const foreign = (['secret_shares', 'secret_threshold', 'recovery_shares', 'recovery_threshold'] as const)
        .filter((name) => name.startsWith(type.shared ? 'recovery' : 'secret'))
        .filter((name) => sent[name] !== 0);
      if (foreign.length > 0) throw badRequest(`parameters ${foreign.join(',')} not applicable to seal type ${seal.type}`);
      const split = type.shared
        ? { shares: sent.secret_shares, threshold: sent.secret_threshold }
        : { shares: sent.recovery_shares, threshold: sent.recovery_threshold };
      // A seal that needs nobody may do without recovery shares: then only its own key opens the store.
      const shared = type.shared || split.shares !== 0 || split.threshold !== 0;
      if (shared) checkShareNumbers(split, `invalid ${type.shared ? 'seal' : 'recovery'} configuration`);
      const recovery = shared && !type.shared ? await createRecovery({ storeId, random }, split) : null;
      const made = await type.create(seal.context, type.shared ? split : null);
      let rootToken = '';
      const barrier = await initializeStore(
        store,
        made,
        { storeId, random, clock },
        async (tx, opened) => {
          ({ rootToken } = await initializeContent(tx, opened, { random, clock, sinks }));
        },
        recovery,
      );
      return { barrier, rootToken, shares: made.shares, recoveryShares: recovery?.shares ?? [] };
    },
  };
}
