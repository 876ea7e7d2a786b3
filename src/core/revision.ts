import type { View } from '../barrier/view.ts';

/**
 * The config revision: a counter that only changes of configuration and managed records move. A plan is made at one
 * and applies only at the same.
 */
export interface Revision {
  readonly revision: number;
  /**
   * The version of the record that holds it: moved by the same commits, so whatever is compiled from configuration
   * (mounts, policies) may be remembered for as long as it stays, and not longer.
   */
  readonly generation: number;
}

const path = 'revision';

export async function readRevision(core: View): Promise<Revision> {
  const record = await core.get(path);
  if (record === null) return { revision: 0, generation: 0 };
  const { revision } = (await core.getJson<{ revision: number }>(path)) ?? { revision: 0 };
  return { revision, generation: record.version };
}

export async function moveRevision(core: View): Promise<number> {
  const next = (await readRevision(core)).revision + 1;
  await core.putJson(path, { revision: next });
  return next;
}
