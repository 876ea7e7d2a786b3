import type { Random } from '../base/random.ts';
import type { Barrier } from '../barrier/barrier.ts';
import type { SealSetting } from '../seal/migration.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';

/** What the ceremonies of an open store rest on. */
export interface CeremonyParts {
  readonly storeId: string;
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly random: Random;
  /** The seal that the store is under, as the settings name it. */
  readonly seal: SealSetting;
  /** Makes a root token that does not expire, in the transaction; returns its text. */
  mintRoot(tx: Transaction): Promise<string>;
  /** Of the text of a root token; characters. */
  readonly tokenLength: number;
  /** What may be done without a token. Otherwise beginning and ending a ceremony needs `sudo`, the rest a token. */
  readonly unauthenticated: { readonly rekey: boolean; readonly generateRoot: boolean };
  /** Told, without secrets, what was left undone behind a change that has been made. */
  warn(message: string): void;
}
