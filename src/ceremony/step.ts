import { runOf } from '../core/corridor.ts';
import type { OperationSpec, RouteContext } from '../core/mount-type.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Transaction } from '../storage/transaction.ts';
import { inWords, type Words } from './words.ts';

/**
 * An operation of a ceremony. `take` is called once, when the request is in the audit log: it changes what is in memory.
 * `end` is called in each run of the transaction that does the rest.
 */
export function ceremonyStep<T>(
  about: Omit<OperationSpec, 'prepare' | 'handle'>,
  words: Words,
  take: (context: RouteContext) => Promise<T>,
  end: (context: RouteContext, taken: T) => Promise<Reply>,
): OperationSpec {
  return {
    ...about,
    prepare: async (context) => () => inWords(words, () => take(context)),
    handle: (context) => inWords(words, () => end(context, context.prepared as T)),
  };
}

export function transactionOf(context: RouteContext): Transaction {
  return runOf(context).tx;
}
