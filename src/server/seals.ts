import { Fault } from '../base/error.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { badRequest } from '../protocol/request-error.ts';
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

/** Initializes a store. Throws RequestError 400 for what was sent, and where another request was first. */
export async function initialized(seals: Seals, body: InitBody): Promise<Initialized> {
  try {
    return await seals.initialize(body);
  } catch (error) {
    if (error instanceof Fault && error.code === 'already-initialized') throw badRequest('Vault is already initialized');
    if (error instanceof Fault && error.code === 'usage') throw badRequest(error.message);
    throw error;
  }
}
