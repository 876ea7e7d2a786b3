import { constantTimeEqual, wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import { keyBytes } from '../crypto/aead.ts';
import { checkNumbers, combineShares, parseShare, splitSecret } from '../crypto/shamir.ts';
import { corruptRecord } from '../barrier/record.ts';
import { GatheredShares } from './gathered-shares.ts';
import { sealKey, type ShamirParameters } from './seal-config.ts';
import type { NewSeal, Restored, SealContext, SealType, SharedSeal, ShareNumbers, ShareProgress } from './seal-type.ts';
import { unwrapRootKey, wrapRootKey } from './wrapped-key.ts';

const type = 'shamir';

/** A key that `threshold` of `shares` people restore together, and that nobody holds otherwise. */
export const shamirSeal: SealType = {
  type,
  shared: true,

  async create(context, split) {
    if (split === null) {
      throw new Fault('usage', 'a Shamir seal needs a number of shares and a threshold', {
        hint: 'Give -shares N and -threshold M.',
      });
    }
    const { key, parameters, shares } = await splitNewKey(context, split);
    return { ...shamirSealOf(context, parameters, key), shares };
  },

  open(context, config) {
    if (config.shamir === null) throw corruptRecord(sealKey, 'it says nothing of the shares of the Shamir seal');
    return new ShamirSeal(context, config.shamir, null);
  },
};

/** A new key in shares that were seen to restore it. The caller wipes the key. Throws Fault `usage`. */
export async function splitNewKey(
  { random }: Pick<SealContext, 'random'>,
  split: ShareNumbers,
): Promise<{ readonly key: Uint8Array; readonly parameters: ShamirParameters; readonly shares: readonly string[] }> {
  checkNumbers(split.shares, split.threshold);
  const key = random.bytes(keyBytes);
  const { setId, shares } = await splitSecret(key, split.shares, split.threshold, random);
  const restored = await combineShares(shares.slice(-split.threshold).map(parseShare));
  const same = constantTimeEqual(restored, key);
  wipe(restored);
  if (!same) throw new Error('new shares do not restore their secret');
  return { key, parameters: { setId, shares: split.shares, threshold: split.threshold }, shares };
}

/** A seal under a key whose shares people hold already. Takes the key over and wipes it when the seal has settled. */
export function shamirSealOf(context: SealContext, parameters: ShamirParameters, key: Uint8Array): NewSeal {
  const seal = new ShamirSeal(context, parameters, key);
  return {
    seal,
    shamir: parameters,
    shares: [],
    isKey: (candidate) => constantTimeEqual(candidate, key),
    settle: async () => {
      seal.reset();
      wipe(key);
    },
  };
}

/** The root key under a restored key, or null: it is not the key of this store's shares. */
export function unwrapWithShamirKey(storeId: string, key: Uint8Array, blob: Uint8Array): Uint8Array | null {
  return unwrapRootKey({ type, storeId }, key, blob);
}

class ShamirSeal implements SharedSeal {
  readonly type = type;
  readonly #context: SealContext;
  /** Only a seal that was just made has it; for any other the shares restore it. */
  readonly #newKey: Uint8Array | null;
  readonly #gathered: GatheredShares;

  constructor(context: SealContext, parameters: ShamirParameters, newKey: Uint8Array | null) {
    this.#context = context;
    this.#newKey = newKey;
    this.#gathered = new GatheredShares(parameters);
  }

  get progress(): ShareProgress {
    return this.#gathered.progress;
  }

  submit(line: string): ShareProgress {
    return this.#gathered.submit(line);
  }

  reset(): void {
    this.#gathered.reset();
  }

  async wrap(rootKey: Uint8Array): Promise<Uint8Array> {
    if (this.#newKey === null) {
      throw new Fault('sealed', 'the key of the Shamir seal is with those who hold its shares', {
        hint: 'Make a new one: secretctl operator rekey.',
      });
    }
    return wrapRootKey({ type, storeId: this.#context.storeId }, this.#newKey, rootKey, this.#context.random);
  }

  async unwrap(blob: Uint8Array): Promise<Uint8Array | null> {
    const restored = await this.restore(blob);
    if (restored === null) return null;
    wipe(restored.key);
    return restored.rootKey;
  }

  async restore(blob: Uint8Array): Promise<Restored | null> {
    if (this.progress.given === 0) return null;
    const key = await this.#gathered.restore();
    this.reset();
    const rootKey = unwrapWithShamirKey(this.#context.storeId, key, blob);
    if (rootKey !== null) return { rootKey, key };
    wipe(key);
    // Which of them is wrong cannot be told, by nobody.
    throw new Fault(
      'share-invalid',
      `these shares do not open the store ${this.#context.storeId}: at least one of them is not genuine`,
      {
        hint: 'Give the shares again, from other people where there are more.',
      },
    );
  }

  async health(): Promise<string | null> {
    return null;
  }
}
