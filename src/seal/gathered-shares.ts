import { wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import { checkCompatible, combineShares, mixedShare, parseShare, type Share } from '../crypto/shamir.ts';
import type { ShamirParameters } from './seal-config.ts';
import type { ShareProgress } from './seal-type.ts';

/** Shares of one key that people give one by one. In memory only. */
export class GatheredShares {
  readonly #parameters: ShamirParameters;
  #shares: Share[] = [];

  constructor(parameters: ShamirParameters) {
    this.#parameters = parameters;
  }

  get progress(): ShareProgress {
    const { shares, threshold } = this.#parameters;
    return { shares, threshold, given: this.#shares.length, complete: this.#shares.length >= threshold };
  }

  /**
   * Takes one share; more than are needed are not kept. Throws Fault `share-invalid`, `share-mixed` or
   * `share-duplicate`, and keeps those it had.
   */
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

  /**
   * The key that the shares make; the caller wipes it. Forged shares make another one: who uses it must verify it.
   * Throws Fault `share-too-few`.
   */
  async restore(): Promise<Uint8Array> {
    if (!this.progress.complete) {
      const { given, threshold } = this.progress;
      throw new Fault('share-too-few', `${given} of the ${threshold} shares that are needed were given`, {
        hint: `Give ${threshold - given} more, each of another person.`,
      });
    }
    return await combineShares(this.#shares);
  }

  /** Forgets the shares given so far. */
  reset(): void {
    for (const share of this.#shares) wipe(share.point);
    this.#shares = [];
  }
}
