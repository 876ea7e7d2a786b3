import type { TransactionalStore } from '../storage/transaction.ts';
import { mountKeyOf, mountPrefix, shreddedPrefix } from './layout.ts';
import { corruptRecord } from './record.ts';
import type { Records } from './records.ts';

/**
 * Deletes at most `limit` records of shredded mounts in one transaction. Returns how many mounts have ciphertext left.
 * See Barrier.purgeShredded.
 */
export async function purgeShredded(store: TransactionalStore, records: Records, limit: number): Promise<number> {
  return await store.transact(async (tx) => {
    await records.assertReadable(tx, 'core');
    const markers = await tx.list(shreddedPrefix);
    let budget = limit;
    let remaining = markers.length;
    for (const { key: marker } of markers) {
      const mountId = marker.slice(shreddedPrefix.length);
      // A marker that someone forged must not delete a living mount.
      await records.read(tx, 'core', marker, () => true);
      if ((await tx.get(mountKeyOf(mountId))) !== null) throw corruptRecord(marker, 'the mount still has its data key');
      const keys = await tx.list(mountPrefix(mountId), { limit: budget });
      for (const { key } of keys) tx.delete(key);
      if (keys.length === budget) break;
      budget -= keys.length;
      remaining -= 1;
      tx.delete(marker);
    }
    return remaining;
  });
}
