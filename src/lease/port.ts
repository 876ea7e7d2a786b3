import type { Random } from '../base/random.ts';
import { runOf, type Run } from '../core/corridor.ts';
import { mountRoute } from '../core/mount-index.ts';
import type { Mount } from '../core/mount-type.ts';
import type { LeasePort } from '../core/ports.ts';
import { issued } from './handler.ts';
import { Leases } from './leases.ts';

export interface LeasePortParts {
  /** Of this owner of the store. */
  readonly epoch: number;
  readonly random: Random;
  /** Throws RequestError 429 where a quota allows no more leases of a mount at a path inside it. */
  admit(run: Run, mount: Mount, path: string): Promise<void>;
  /** Has the background task look at once. */
  wake(): void;
  /** And no later than at a time. */
  expect(at: number): void;
}

/** The leases as the corridor gives them: see LeasePort. */
export function createLeases({ epoch, random, admit, wake, expect }: LeasePortParts): LeasePort {
  return {
    async begin(context, core, terms) {
      const { request, mount, caller, now } = context;
      const inside = request.path.slice(mountRoute(mount).length + 1);
      await admit(runOf(context), mount, inside);
      // A batch token ends by its time alone, so nothing it is given outlives that.
      const cap = caller?.tokenType === 'batch' ? caller.expiresAt : null;
      const record = await new Leases(core).begin(
        {
          ...terms,
          cap,
          mountId: mount.id,
          inside,
          tokenId: caller?.leaseOwner ?? null,
          epoch,
          path: request.path,
        },
        random,
        now,
      );
      return { issued: issued(record), expiresAt: record.expiresAt, renewable: record.renewable };
    },
    async activate(core, id, now) {
      const record = await new Leases(core).activate(id);
      if (record !== null) expect(record.due);
      // In whole seconds, as it was asked for: the making took a part of one.
      return record === null ? null : Math.ceil((record.expiresAt - now) / 1000);
    },
    async abandon(tx, core, id, now) {
      const leases = new Leases(core);
      const record = await leases.get(id);
      if (record === null) return;
      await leases.end(record, now, false);
      tx.onCommit(wake);
    },
    standing: (core, mountId) => new Leases(core).standing(mountId),
  };
}
