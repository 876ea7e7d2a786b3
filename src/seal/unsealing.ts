import { wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import { randomUuid } from '../base/random.ts';
import { Mutex } from '../base/mutex.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { openBarrier } from '../barrier/open-barrier.ts';
import { corruptRecord } from '../barrier/record.ts';
import type { TransactionalStore } from '../storage/transaction.ts';
import { GatheredShares } from './gathered-shares.ts';
import { migrateSeal, withoutShares, type SealSetting } from './migration.ts';
import { isRecoveryKey, readRecovery, type Recovery } from './recovery.ts';
import { sealTypeOf } from './registry.ts';
import { readSealConfig, sealKey, type SealConfig } from './seal-config.ts';
import { unwrapWithShamirKey } from './shamir.ts';
import type { UnsealOptions } from './unseal.ts';

export interface UnsealingParts extends UnsealOptions {
  readonly store: TransactionalStore;
  /** The seal that the settings name. */
  readonly seal: SealSetting;
  /** The one that the settings say it replaces (`migrateFrom`); not needed where that is a Shamir seal. */
  readonly former: SealSetting | null;
}

export interface UnsealingStatus {
  /** Of the seal that the settings name. */
  readonly type: string;
  /** True: that seal needs nobody, and the shares are recovery shares. */
  readonly recovery: boolean;
  /** True: the store is under another seal still, and its shares are asked for with `migrate`. */
  readonly migration: boolean;
  /** Of the shares that count; 0 where there are none. */
  readonly shares: number;
  readonly threshold: number;
  readonly given: number;
  /** A UUID from the first share to the last; '' before and after. */
  readonly nonce: string;
}

/** How a sealed store is opened in a server: unattended, or share by share, and with a migration of its seal on the way. */
export class Unsealing {
  readonly #parts: UnsealingParts;
  #config: SealConfig;
  #gathered: GatheredShares | null = null;
  #nonce = '';
  /** Shares come one after the other. */
  readonly #turns = new Mutex();

  private constructor(parts: UnsealingParts, config: SealConfig) {
    this.#parts = parts;
    this.#config = config;
    this.#restart();
  }

  /**
   * Null: the store was never initialized. Throws Fault `settings` where they do not tell how the seal that the store
   * has is opened.
   */
  static async open(parts: UnsealingParts): Promise<Unsealing | null> {
    const config = await parts.store.read(readSealConfig);
    if (config === null) return null;
    const unsealing = new Unsealing(parts, config);
    unsealing.#presentSetting();
    return unsealing;
  }

  status(): UnsealingStatus {
    const { shares, threshold, given } = this.#gathered?.progress ?? { shares: 0, threshold: 0, given: 0 };
    const { type } = this.#parts.seal;
    return {
      type,
      recovery: !sealTypeOf(type).shared,
      migration: this.#migrating,
      shares,
      threshold,
      given,
      nonce: this.#nonce,
    };
  }

  /** To be called when the store was sealed again: its shares may be others by now. */
  async refresh(): Promise<void> {
    await this.#turns.run(() => this.#reload());
  }

  /**
   * The open barrier where nobody is needed for it, null where shares are. A store that has no recovery shares is
   * migrated on the way. Throws Fault; see `mayRecover`.
   */
  async openUnattended(): Promise<Barrier | null> {
    return this.#turns.run(async () => {
      if (this.#nonce === '') await this.#reload();
      if (this.#config.shamir !== null || (this.#migrating && this.#config.recovery !== null)) return null;
      if (this.#migrating && sealTypeOf(this.#parts.seal.type).shared) throw withoutShares(this.#config.type);
      const barrier = await this.#openPresent(null);
      // The configuration stands in the clear: that nobody need be asked is for the record under the barrier to say.
      if (this.#migrating && (await this.#recovery(barrier)) !== null) {
        barrier.seal();
        throw corruptRecord(sealKey, 'it says nothing of the recovery shares that the store has');
      }
      return this.#finish(barrier, null);
    });
  }

  /**
   * Takes one share. The open barrier, or null: more are needed (a share that was given before is no mistake). Throws
   * Fault `share-invalid` without saying what is wrong with it, `seal-migration` where `migrate` does not fit, and what
   * `openUnattended` throws: then the shares are kept, and any of them once more tries again.
   */
  async give(share: string, { migrate }: { readonly migrate: boolean }): Promise<Barrier | null> {
    return this.#turns.run(async () => {
      if (this.#nonce === '') await this.#reload();
      this.#checkMigration(migrate);
      const gathered = this.#gathered;
      if (gathered === null) {
        throw new Fault('seal-migration', 'the store has no shares: its seal opens it as soon as it can', {
          hint: 'See the log of the server for what keeps it from that.',
        });
      }
      try {
        gathered.submit(share);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        if (error.code !== 'share-duplicate') throw notShare('this is not a share of this store');
      }
      if (this.#nonce === '') this.#nonce = randomUuid(this.#parts.random);
      if (!gathered.progress.complete) return null;
      const key = await gathered.restore();
      try {
        const barrier = await this.#openPresent(key);
        return await this.#finish(barrier, key);
      } catch (error) {
        if (!mayRecover(error)) this.#restart();
        throw error;
      } finally {
        wipe(key);
      }
    });
  }

  /** Forgets the shares given so far. */
  reset(): void {
    this.#restart();
  }

  /** Of the seal that the settings name; see Seal.health. */
  async health(): Promise<string | null> {
    const { type, context } = this.#parts.seal;
    if (this.#migrating) return `the store is under the seal ${this.#config.type} still`;
    return sealTypeOf(type).open(context, this.#config).health();
  }

  get #migrating(): boolean {
    return this.#config.type !== this.#parts.seal.type;
  }

  #checkMigration(migrate: boolean): void {
    if (migrate && !this.#migrating) {
      throw new Fault('seal-migration', "can't perform a seal migration, no migration seal found", {
        hint: 'The store is under the seal of the settings already: leave -migrate out.',
      });
    }
    if (!migrate && this.#migrating) {
      throw new Fault('seal-migration', 'migrate option not provided and seal migration is pending', {
        hint: `The settings name the seal ${this.#parts.seal.type} and the store is under ${this.#config.type}: unseal it with -migrate.`,
      });
    }
  }

  /** Opens the store as it is sealed at present. `key`: what the shares made, which must be genuine. */
  async #openPresent(key: Uint8Array | null): Promise<Barrier> {
    const { store } = this.#parts;
    const config = this.#config;
    const { storeId } = this.#parts;
    const rootKey =
      config.shamir === null
        ? await this.#unwrapAlone(config)
        : key === null
          ? null
          : unwrapWithShamirKey(storeId, key, config.wrapped);
    if (rootKey === null) throw forged();
    let barrier: Barrier;
    try {
      barrier = await openBarrier(store, { ...this.#parts, rootKey });
    } finally {
      wipe(rootKey);
    }
    if (config.shamir !== null || key === null) return barrier;
    const recovery = await this.#recovery(barrier);
    if (recovery !== null && isRecoveryKey(storeId, recovery, key)) return barrier;
    barrier.seal();
    throw forged();
  }

  async #unwrapAlone(config: SealConfig): Promise<Uint8Array | null> {
    const { type, context } = this.#presentSetting();
    return sealTypeOf(type).open(context, config).unwrap(config.wrapped);
  }

  #recovery(barrier: Barrier): Promise<Recovery | null> {
    return this.#parts.store.read((tx) => readRecovery(barrier.view(tx, 'core')));
  }

  async #finish(barrier: Barrier, key: Uint8Array | null): Promise<Barrier> {
    try {
      if (this.#migrating) await migrateSeal(this.#parts.store, barrier, this.#config, this.#parts.seal, key);
      await this.#reload();
      return barrier;
    } catch (error) {
      barrier.seal();
      throw error;
    }
  }

  /** How the seal that the store has is opened. */
  #presentSetting(): SealSetting {
    const { seal, former } = this.#parts;
    const { type } = this.#config;
    if (type === seal.type) return seal;
    if (former?.type === type) return former;
    if (sealTypeOf(type).shared) return { type, context: { ...seal.context, settings: {} } };
    throw new Fault('settings', `the store is under the seal ${type}, and the settings name ${seal.type}`, {
      hint: `To migrate it, give the settings of the seal ${type} as \`migrateFrom\` besides.`,
    });
  }

  async #reload(): Promise<void> {
    const config = await this.#parts.store.read(readSealConfig);
    if (config !== null) this.#config = config;
    this.#restart();
  }

  #restart(): void {
    this.#gathered?.reset();
    const parameters = this.#config.shamir ?? this.#config.recovery;
    this.#gathered = parameters === null ? null : new GatheredShares(parameters);
    this.#nonce = '';
  }
}

/**
 * True: what keeps the seal from opening may pass or be mended from outside (the network, a permission, a key that is
 * disabled), so it is worth trying again later. False: key, settings or data are wrong.
 */
export function mayRecover(error: unknown): boolean {
  return error instanceof Fault && recoverable.includes(error.code);
}

const recoverable: readonly Fault['code'][] = [
  'seal-unavailable',
  'seal-denied',
  'seal-key-disabled',
  'seal-key-missing',
  'seal-key-permissions',
];

/** One answer to whatever is wrong with a share: whoever is not one of its holders learns nothing from it. */
function notShare(message: string): Fault {
  return new Fault('share-invalid', message, { hint: 'Copy it again, whole and on one line, from where it was kept.' });
}

function forged(): Fault {
  return notShare('these shares do not open the store: at least one of them is not genuine. They were forgotten');
}
