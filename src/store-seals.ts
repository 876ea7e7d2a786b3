import type { Clock } from './base/clock.ts';
import { Fault } from './base/error.ts';
import type { Random } from './base/random.ts';
import { initializeContent } from './initialize.ts';
import { readFields, type Fields } from './protocol/field.ts';
import { badRequest } from './protocol/request-error.ts';
import type { JsonObject } from './base/json.ts';
import { sealTypeOf } from './seal/registry.ts';
import { readSealConfig } from './seal/seal-config.ts';
import type { SealContext } from './seal/seal-type.ts';
import { initializeStore, openSeal, unsealStore } from './seal/unseal.ts';
import type { Seals } from './server/node.ts';
import type { TransactionalStore } from './storage/transaction.ts';

export interface StoreSealsParts {
  readonly store: TransactionalStore;
  /** The seal type of the settings, for a store that is not initialized. */
  readonly type: string;
  readonly context: SealContext;
  readonly clock: Clock;
  readonly random: Random;
  /** The audit sinks that a new store enables. */
  readonly sinks: readonly { readonly name: string; readonly type: string }[];
}

const fields = {
  secret_shares: { type: 'int', description: 'How many shares are made.', default: 0 },
  secret_threshold: { type: 'int', description: 'How many of them open the store.', default: 0 },
  stored_shares: { type: 'int', description: 'Accepted for compatibility.', default: 0 },
  pgp_keys: { type: 'any', description: 'Not supported.', default: null },
  root_token_pgp_key: { type: 'string', description: 'Not supported.', default: '' },
  recovery_shares: { type: 'int', description: 'How many recovery shares are made.', default: 0 },
  recovery_threshold: { type: 'int', description: 'How many of them are needed.', default: 0 },
  recovery_pgp_keys: { type: 'any', description: 'Not supported.', default: null },
} as const satisfies Fields;

/** The seals of a store as its server uses them. */
export function storeSeals({ store, type, context, clock, random, sinks }: StoreSealsParts): Seals {
  const options = { storeId: context.storeId, random, clock };
  return {
    type,
    open: async () => ((await store.read(readSealConfig)) === null ? null : openSeal(store, context)),
    unseal: (seal) => unsealStore(store, seal, options),
    async initialize(body) {
      const sent = readFields(fields, body as JsonObject);
      if (hasKeys(sent.pgp_keys) || hasKeys(sent.recovery_pgp_keys) || sent.root_token_pgp_key !== '') {
        throw badRequest('PGP keys are not supported: leave them out, and hand the shares out over another channel');
      }
      const shared = type === 'shamir';
      const foreign = shared
        ? (['recovery_shares', 'recovery_threshold'] as const)
        : (['secret_shares', 'secret_threshold'] as const);
      const refused = foreign.filter((name) => sent[name] !== 0);
      if (refused.length > 0) throw badRequest(`parameters ${refused.join(',')} not applicable to seal type ${type}`);
      const made = await sealTypeOf(type).create(
        context,
        shared ? { shares: sent.secret_shares, threshold: sent.secret_threshold } : null,
      );
      let rootToken: string | null = null;
      const barrier = await initializeStore(store, made, options, async (tx, opened) => {
        ({ rootToken } = await initializeContent(tx, opened, { random, clock, sinks }));
      });
      if (rootToken === null) throw new Fault('store-missing', 'the store was initialized without its content');
      return { barrier, rootToken, shares: made.shares, recoveryShares: [] };
    },
  };
}

function hasKeys(sent: unknown): boolean {
  return Array.isArray(sent) ? sent.length > 0 : sent !== null && sent !== '';
}
