import type { View } from '../barrier/view.ts';
import type { Mount } from './mount-type.ts';

/**
 * Mounts that were disabled while leases of theirs stood: nothing reaches them any more and their paths are free, but
 * their storage stays until the last lease has ended, which needs what is in it.
 */
const folder = 'deleting-mounts/';

export async function noteDeleting(core: View, mount: Mount): Promise<void> {
  await core.putJson(folder + mount.id, mount);
}

export async function deletingMount(core: View, id: string): Promise<Mount | null> {
  return core.getJson<Mount>(folder + id);
}

/** Their ids, a page in byte order. */
export async function deletingMounts(core: View, after: string | null, limit: number): Promise<readonly string[]> {
  return core.children(folder, { limit, ...(after === null ? {} : { after }) });
}

/** Its storage is gone. */
export async function forgetDeleting(core: View, id: string): Promise<void> {
  await core.delete(folder + id);
}
