import type { GroupRecord, IdentityRecords } from './records.ts';

/** The groups with these ids and all groups that they are members of, each once, near ones first. Unknown ids are left out. */
export async function ancestorsOf(records: IdentityRecords, ids: readonly string[]): Promise<readonly GroupRecord[]> {
  const found = new Map<string, GroupRecord | null>();
  const queue = [...ids];
  for (const id of queue) {
    if (found.has(id)) continue;
    const group = await records.get('group', id);
    found.set(id, group);
    if (group !== null) queue.push(...group.parents);
  }
  return [...found.values()].filter((group) => group !== null);
}
