import { constantTimeEqual, wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import { keyBytes } from '../crypto/aead.ts';
import {
  checkCompatible,
  checkNumbers,
  combineShares,
  mixedShare,
  parseShare,
  splitSecret,
  type Share,
} from '../crypto/shamir.ts';
import { corruptRecord } from '../barrier/record.ts';
import { sealKey, type ShamirParameters } from './seal-config.ts';
import type { SealContext, SealType, SharedSeal, ShareProgress } from './seal-type.ts';
import { unwrapRootKey, wrapRootKey, type WrapPlace } from './wrapped-key.ts';

/** A key that `threshold` of `shares` people restore together, and that nobody holds otherwise. */
export const shamirSeal: SealType = {
  type: 'shamir',

  async create(context, split) {
    if (split === null) {
      throw new Fault('usage', 'a Shamir seal needs a number of shares and a threshold', {
        hint: 'Give -shares N and -threshold M.',
      });
    }
    checkNumbers(split.shares, split.threshold);
    const key = context.random.bytes(keyBytes);
    const { setId, shares } = await splitSecret(key, split.shares, split.threshold, context.random);
    await assertRestores(key, shares, split.threshold);
    const shamir = { ...split, setId };
    const seal = new ShamirSeal(context, shamir, key);
    return {
      seal,
      shamir,
      shares,
      settle: async () => {
        seal.reset();
        wipe(key);
      },
    };
  },

  open(context, config) {
    if (config.shamir === null) throw corruptRecord(sealKey, 'it says nothing of the shares of the Shamir seal');
    return new ShamirSeal(context, config.shamir, null);
  },
};

class ShamirSeal implements SharedSeal {
  readonly type = 'shamir';
  readonly #parameters: ShamirParameters;
  readonly #context: SealContext;
  readonly #place: WrapPlace;
  /** Only a seal that was just made has it; for any other the shares restore it. */
  readonly #newKey: Uint8Array | null;
  #shares: Share[] = [];

  constructor(context: SealContext, parameters: ShamirParameters, newKey: Uint8Array | null) {
    this.#context = context;
    this.#parameters = parameters;
    this.#place = { type: this.type, storeId: context.storeId };
    this.#newKey = newKey;
  }

  get progress(): ShareProgress {
    const { shares, threshold } = this.#parameters;
    return { shares, threshold, given: this.#shares.length, complete: this.#shares.length >= threshold };
  }

  submit(line: string): ShareProgress {
    const share = parseShare(line);
    const { setId, threshold, shares } = this.#parameters;
    if (share.setId !== setId) throw mixedShare(share.setId, setId);
    if (share.threshold !== threshold || share.number > shares) {
      throw new Fault(
        'share-invalid',
        `share ${share.number} contradicts the store: it has ${shares} shares, of which ${threshold} are needed`,
        {
          hint: 'Restore the store from a backup, or find the shares that were printed for it.',
        },
      );
    }
    checkCompatible(share, this.#shares);
    if (!this.progress.complete) this.#shares.push(share);
    return this.progress;
  }

  reset(): void {
    for (const share of this.#shares) wipe(share.point);
    this.#shares = [];
  }

  async wrap(rootKey: Uint8Array): Promise<Uint8Array> {
    if (this.#newKey === null) {
      throw new Fault('sealed', 'the key of the Shamir seal is with those who hold its shares', {
        hint: 'Make a new one: secretctl operator rekey.',
      });
    }
    return wrapRootKey(this.#place, this.#newKey, rootKey, this.#context.random);
  }

  async unwrap(blob: Uint8Array): Promise<Uint8Array | null> {
    if (this.#shares.length === 0) return null;
    if (!this.progress.complete) {
      const { given, threshold } = this.progress;
      throw new Fault('share-too-few', `${given} of the ${threshold} shares that are needed were given`, {
        hint: `Give ${threshold - given} more, each of another person.`,
      });
    }
    const key = await combineShares(this.#shares);
    this.reset();
    const rootKey = unwrapRootKey(this.#place, key, blob);
    wipe(key);
    if (rootKey !== null) return rootKey;
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

async function assertRestores(key: Uint8Array, shares: readonly string[], threshold: number): Promise<void> {
  const restored = await combineShares(shares.slice(-threshold).map(parseShare));
  const same = constantTimeEqual(restored, key);
  wipe(restored);
  if (!same) throw new Error('new shares do not restore their secret');
}
