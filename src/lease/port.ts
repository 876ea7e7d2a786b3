import type { Random } from '../base/random.ts';
import type { LeasePort } from '../core/ports.ts';
import { issued } from './expiry.ts';
import { Leases } from './leases.ts';

export interface LeasePortParts {
  /** Of this owner of the store. */
  readonly epoch: number;
  readonly random: Random;
  /** Has the background task look at once. */
  wake(): void;
  /** And no later than at a time. */
  expect(at: number): void;
}

/** The leases as the corridor gives them: see LeasePort. */
export function createLeases({ epoch, random, wake, expect }: LeasePortParts): LeasePort {
  return {
    async begin({ request, mount, caller, now }, core, terms) {
      // A batch token ends by its time alone, so nothing it is given outlives that.
      const cap = caller?.tokenType === 'batch' ? caller.expiresAt : null;
      const record = await new Leases(core).begin(
        {
          ...terms,
          cap,
          mountId: mount.id,
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
  };
}
