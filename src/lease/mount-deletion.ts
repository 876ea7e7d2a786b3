import type { Clock } from '../base/clock.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { done, type Controller } from '../core/controller.ts';
import { deletingMount, deletingMounts, forgetDeleting } from '../core/deleting-mounts.ts';
import type { TransactionalStore } from '../storage/transaction.ts';
import { Leases } from './leases.ts';

export interface MountDeletionParts {
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly clock: Clock;
  /** Has the background task that ends leases look at once. */
  wakeExpiry(): void;
  /** The same of that which deletes what was shredded. */
  wakePurge(): void;
}

/** The name under which the removal of a mount wakes the controller. */
export const mountDeletionName = 'mount-deletion';

const atOnce = 200;
/** How often a mount is looked at whose leases are being ended, in milliseconds. */
const lookEvery = 2000;

/** Has the leases of disabled mounts end, and shreds such a mount when the last of them is gone. A key is its id. */
export function mountDeletion({ store, barrier, clock, wakeExpiry, wakePurge }: MountDeletionParts): Controller {
  return {
    name: mountDeletionName,
    description: 'Ends the leases of disabled mounts, and then shreds what these held.',
    async due(now, { after, limit }) {
      const keys = await store.read((tx) => deletingMounts(barrier.view(tx, 'core'), after, limit));
      return { keys, after: keys.length < limit ? null : (keys.at(-1) ?? null), next: null };
    },
    async reconcile(id) {
      const now = clock.now();
      return store.transact(async (tx) => {
        const core = barrier.view(tx, 'core');
        if ((await deletingMount(core, id)) === null) return done;
        const leases = new Leases(core);
        const standing = await leases.standingOf(id, now, atOnce);
        for (const record of standing) await leases.end(record, now, false);
        if (standing.length > 0) {
          tx.onCommit(wakeExpiry);
          return { again: now };
        }
        if (await leases.anyOf(id)) return { again: now + lookEvery };
        await forgetDeleting(core, id);
        await barrier.shredMount(tx, id);
        tx.onCommit(wakePurge);
        return done;
      });
    },
  };
}
