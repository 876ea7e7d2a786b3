import type { Random } from '../base/random.ts';
import type { Seal } from './seal.ts';
import type { SealConfig, ShamirParameters } from './seal-config.ts';

/** One way to protect a root key: makes seals and opens them again. */
export interface SealType {
  /** As in the settings and in the seal's configuration. */
  readonly type: string;
  /** True: people hold its key in shares. False: it needs nobody, so its stores may have recovery shares. */
  readonly shared: boolean;
  /**
   * Makes new key material, for a new store or a rekey. Nothing that protects the store at present is given up before
   * `settle`. Throws Fault `usage` for numbers that cannot be, `settings` for settings that are incomplete.
   */
  create(context: SealContext, split: ShareNumbers | null): Promise<NewSeal>;
  /** The seal of an existing store. Throws Fault `settings` or `corrupt-record` where it cannot work with these. */
  open(context: SealContext, config: SealConfig): Seal;
}

export interface SealContext {
  readonly storeId: string;
  readonly random: Random;
  /** The seal's part of the settings: `{keyFile: "/…"}` for a static key, see awskms.ts for AWS KMS. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface ShareNumbers {
  readonly shares: number;
  readonly threshold: number;
}

export interface NewSeal {
  readonly seal: Seal;
  /** For the seal's configuration; null where there are no shares. */
  readonly shamir: ShamirParameters | null;
  /** To be shown to people once, before the seal is put to use. Empty where the seal needs none. */
  readonly shares: readonly string[];
  /** True: it is the key that the shares make. */
  isKey(candidate: Uint8Array): boolean;
  /** To be called when a configuration with this seal has been committed: gives up what only its predecessor needed. */
  settle(): Promise<void>;
}

/** A seal whose key people hold in shares. */
export interface SharedSeal extends Seal {
  readonly progress: ShareProgress;
  /** Takes one share. Throws Fault `share-invalid`, `share-mixed` or `share-duplicate`, and keeps those it had. */
  submit(share: string): ShareProgress;
  /** Forgets the shares given so far. */
  reset(): void;
  /** As `unwrap`, with the key of the shares besides. The caller wipes both. */
  restore(blob: Uint8Array): Promise<Restored | null>;
}

export interface Restored {
  readonly rootKey: Uint8Array;
  readonly key: Uint8Array;
}

export interface ShareProgress extends ShareNumbers {
  readonly given: number;
  /** True: enough were given, `unwrap` can be tried. */
  readonly complete: boolean;
}

export function takesShares(seal: Seal): seal is SharedSeal {
  return 'submit' in seal;
}
