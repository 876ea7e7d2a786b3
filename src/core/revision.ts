import type { View } from '../barrier/view.ts';

/**
 * The config revision: a counter that only changes of configuration and managed records move. A plan is made at one
 * and applies only at the same.
 */
export interface Revision {
  readonly revision: number;
  /**
   * The version of the record that holds it: moved by the same commits, so whatever is compiled from configuration
   * (policies, quotas) may be remembered for as long as it stays, and not longer.
   */
  readonly generation: number;
  /** Counts the changes of the mount table alone: what is made of it may be remembered for as long as this stays. */
  readonly mounts: number;
}

const path = 'revision';

interface Stored {
  readonly revision: number;
  readonly mounts?: number;
}

export async function readRevision(core: View): Promise<Revision> {
  const record = await core.get(path);
  if (record === null) return { revision: 0, generation: 0, mounts: 0 };
  const { revision, mounts } = await readStored(core);
  return { revision, generation: record.version, mounts };
}

/** The generation alone. */
export async function readGeneration(core: View): Promise<number> {
  return (await core.get(path))?.version ?? 0;
}

export async function moveRevision(core: View): Promise<number> {
  const stored = await readStored(core);
  const revision = stored.revision + 1;
  await core.putJson(path, { ...stored, revision });
  return revision;
}

/** Notes that the mount table changes in this transaction; returns the new count. */
export async function moveMounts(core: View): Promise<number> {
  const stored = await readStored(core);
  const mounts = stored.mounts + 1;
  await core.putJson(path, { ...stored, mounts });
  return mounts;
}

async function readStored(core: View): Promise<Required<Stored>> {
  return { revision: 0, mounts: 0, ...(await core.getJson<Stored>(path)) };
}
