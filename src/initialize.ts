import { initializeAudit } from './audit/stored.ts';
import type { Clock } from './base/clock.ts';
import type { Random } from './base/random.ts';
import type { Barrier } from './barrier/barrier.ts';
import { createRecipient } from './barrier/recipient.ts';
import { initializePolicies } from './policy/store.ts';
import type { Transaction } from './storage/transaction.ts';
import { initializeTokens } from './token/port.ts';

/** What a new store is told to its owner, once. */
export interface FirstSecrets {
  readonly rootToken: string;
  /** The age public key for which values are sealed. */
  readonly recipient: string;
}

/** Writes what every store starts with: audit key and sinks, policies, tokens, the age identity, the cubbyhole's key. */
export async function initializeContent(
  tx: Transaction,
  barrier: Barrier,
  {
    random,
    clock,
    sinks,
  }: {
    readonly random: Random;
    readonly clock: Clock;
    readonly sinks: readonly { readonly name: string; readonly type: string }[];
  },
): Promise<FirstSecrets> {
  const core = barrier.view(tx, 'core');
  await barrier.createMountKey(tx, 'cubbyhole');
  await initializeAudit(core, { random, sinks });
  await initializePolicies(core);
  const recipient = await createRecipient(core, random);
  const { rootToken } = await initializeTokens(core, random, clock.now());
  return { rootToken, recipient };
}
