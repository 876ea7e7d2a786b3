import type { Barrier } from '../barrier/barrier.ts';
import type { Unsealing } from '../seal/unsealing.ts';

/** What a node needs of the seal of its store. */
export interface Seals {
  /** Null: the store was never initialized. */
  open(): Promise<Unsealing | null>;
  initialize(body: InitBody): Promise<Initialized>;
  /** Of the settings, for a store that is not initialized. */
  readonly type: string;
}

/** The body of sys/init, as it was sent. */
export type InitBody = Readonly<Record<string, unknown>>;

export interface Initialized {
  readonly barrier: Barrier;
  readonly rootToken: string;
  /** Base64; empty for a seal that needs none. */
  readonly shares: readonly string[];
  readonly recoveryShares: readonly string[];
}
