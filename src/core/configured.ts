import type { Barrier } from '../barrier/barrier.ts';
import type { View } from '../barrier/view.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { readGeneration } from './revision.ts';

/**
 * What `read` makes of the configuration, asked for at each request: kept for as long as the generation of the
 * configuration stands, which is all that is read then.
 */
export function configured<T>(
  { store, barrier }: { readonly store: TransactionalStore; readonly barrier: Barrier },
  read: (tx: Transaction, core: View) => Promise<T>,
): () => Promise<T> {
  let known: { readonly generation: number; readonly value: T } | null = null;
  return () =>
    store.read(async (tx) => {
      const core = barrier.view(tx, 'core');
      const generation = await readGeneration(core);
      if (known?.generation !== generation) known = { generation, value: await read(tx, core) };
      return known.value;
    });
}
