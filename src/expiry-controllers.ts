import type { Clock } from './base/clock.ts';
import type { Barrier } from './barrier/barrier.ts';
import { done, type Controller } from './core/controller.ts';
import { MountTables } from './core/mount-table.ts';
import type { Mount, MountExpiry, MountType } from './core/mount-type.ts';
import { readRevision } from './core/revision.ts';
import { sweepLockouts } from './lockout/failures.ts';
import type { Transaction, TransactionalStore } from './storage/transaction.ts';

export interface ExpiryParts {
  readonly storeId: string;
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly clock: Clock;
}

/** How many records one step removes or looks at. */
const atOnce = 200;

/** Removes what is past its time in mounts; a key is the id of a mount. */
export function mountExpiry(parts: ExpiryParts, engines: readonly MountType[], methods: readonly MountType[]): Controller {
  const { store, barrier, clock, storeId } = parts;
  const tables = new MountTables(storeId);
  const expiryOf = ({ class: mountClass, type }: Mount): MountExpiry | undefined =>
    (mountClass === 'auth' ? methods : engines).find((known) => known.type === type)?.expiry;
  const mountsIn = async (tx: Transaction) => {
    const core = barrier.view(tx, 'core');
    return tables.load(tx, core, (await readRevision(core)).mounts);
  };
  return {
    name: 'mount-expiry',
    description: 'Removes what is past its time in mounts: the secret ids of AppRole.',
    async due(now, { after, limit }) {
      return store.read(async (tx) => {
        const mounts = (await mountsIn(tx)).all().filter((mount) => expiryOf(mount) !== undefined);
        const ids = mounts.map(({ id }) => id).sort();
        const page = ids.filter((id) => after === null || id > after).slice(0, limit);
        const keys: string[] = [];
        let next: number | null = null;
        for (const id of page) {
          const mount = mounts.find((known) => known.id === id);
          const due = mount === undefined ? null : await expiryOf(mount)?.next(barrier.view(tx, { mountId: id }));
          if (due === null || due === undefined) continue;
          if (due <= now) keys.push(id);
          else next = Math.min(next ?? due, due);
        }
        const last = page.at(-1) ?? null;
        return { keys, after: page.length < limit ? null : last, next };
      });
    },
    async reconcile(id) {
      const now = clock.now();
      const next = await store.transact(async (tx) => {
        const mount = (await mountsIn(tx)).byId(id);
        const expiry = mount === null ? undefined : expiryOf(mount);
        return expiry === undefined ? null : expiry.expire(barrier.view(tx, { mountId: id }), now, atOnce);
      });
      return { again: next };
    },
  };
}

const sweepEvery = 15 * 60_000;

/** Looks at all counts of failed logins, a page in each step, every quarter of an hour. */
export function lockoutSweep({ store, barrier, clock }: ExpiryParts): Controller {
  const key = 'all';
  let after: string | null = null;
  let again = clock.now();
  return {
    name: 'lockout-sweep',
    description: 'Removes counts of failed logins on which nothing depends any more.',
    due: (now) => Promise.resolve({ keys: now >= again ? [key] : [], after: null, next: again }),
    async reconcile() {
      const now = clock.now();
      const run = await store.transact((tx) => sweepLockouts(barrier.view(tx, 'core'), now, atOnce, after));
      after = run.next;
      if (after !== null) return { again: now };
      again = now + sweepEvery;
      return done;
    },
  };
}
