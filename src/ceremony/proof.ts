import { wipe } from '../base/bytes.ts';
import type { ShareAuthority } from '../seal/share-authority.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { Refusal } from './refusal.ts';
import type { ShareRound } from './share-round.ts';

/** Who decides over a store by the shares they hold. */
export interface Deciders {
  readonly store: TransactionalStore;
  /** Null: nobody holds any. */
  authority(tx: Transaction): Promise<ShareAuthority | null>;
}

/** Shares that were seen to be genuine. Whether they still are is asked again in the transaction that rests on them. */
export interface Proof {
  /** True: they are. */
  holds(tx: Transaction): Promise<boolean>;
  /** Forgets the key. */
  end(): void;
}

/**
 * Takes a share into a round and, once there are enough, proves them. Null: more are needed. `over`: what to do where
 * the attempt is over. Throws Refusal.
 */
export async function takeShare(
  { store, authority }: Deciders,
  round: ShareRound,
  { nonce, share }: { readonly nonce: string; readonly share: string },
  over: () => void,
): Promise<Proof | null> {
  const present = await store.read(authority);
  if (present?.parameters.setId !== round.parameters.setId) {
    over();
    throw new Refusal('changed');
  }
  try {
    if (!round.give(nonce, share)) return null;
    const key = await round.key();
    const proof: Proof = {
      holds: async (tx) => (await authority(tx))?.proves(key) ?? false,
      end: () => wipe(key),
    };
    if (await store.read((tx) => proof.holds(tx))) return proof;
    proof.end();
    throw round.fail();
  } catch (error) {
    if (error instanceof Refusal && error.kind === 'exhausted') over();
    throw error;
  }
}
