import { givingWay } from '../base/giving-way.ts';
import { badRequest } from '../protocol/request-error.ts';
import { ancestorsOf } from './group-tree.ts';
import { idSet, mostGroups } from './naming.ts';
import type { IdentityRecords } from './records.ts';

/** Makes these entities the members of a group, in place of those before. Throws RequestError 400 for an unknown one. */
export async function setMemberEntities(records: IdentityRecords, groupId: string, ids: readonly string[]): Promise<void> {
  const { added, removed } = difference(await records.members('entity', groupId), idSet('member_entity_ids', ids));
  const giveWay = givingWay(64);
  for (const id of added) {
    await giveWay();
    const entity = await records.get('entity', id);
    if (entity === null) throw badRequest(`invalid entity ID ${quoted(id)}`);
    await records.put('entity', entity, { ...entity, groups: joined('entity', entity.groups, groupId) });
    await records.addMember('entity', groupId, id);
  }
  for (const id of removed) {
    await giveWay();
    const entity = await records.get('entity', id);
    if (entity !== null) await records.put('entity', entity, { ...entity, groups: left(entity.groups, groupId) });
    await records.removeMember('entity', groupId, id);
  }
}

/**
 * Makes these groups the members of a group, in place of those before. Throws RequestError 400 for an unknown one and
 * for one that the group itself is a member of, directly or not.
 */
export async function setMemberGroups(records: IdentityRecords, groupId: string, ids: readonly string[]): Promise<void> {
  const { added, removed } = difference(await records.members('group', groupId), idSet('member_group_ids', ids));
  const giveWay = givingWay(64);
  for (const id of removed) {
    await giveWay();
    const group = await records.get('group', id);
    if (group !== null) await records.put('group', group, { ...group, parents: left(group.parents, groupId) });
    await records.removeMember('group', groupId, id);
  }
  if (added.length === 0) return;
  if (added.includes(groupId)) throw badRequest(`member group ID ${quoted(groupId)} is same as the ID of the group`);
  const above = new Set((await ancestorsOf(records, [groupId])).map(({ id }) => id));
  for (const id of added) {
    await giveWay();
    const group = await records.get('group', id);
    if (group === null) throw badRequest(`invalid member group ID ${quoted(id)}`);
    if (above.has(id)) throw badRequest(`cyclic relationship detected for member group ID ${quoted(id)}`);
    await records.put('group', group, { ...group, parents: joined('group', group.parents, groupId) });
    await records.addMember('group', groupId, id);
  }
}

function difference(
  before: readonly string[],
  after: readonly string[],
): { readonly added: readonly string[]; readonly removed: readonly string[] } {
  const [old, wanted] = [new Set(before), new Set(after)];
  return { added: after.filter((id) => !old.has(id)), removed: before.filter((id) => !wanted.has(id)) };
}

function joined(what: string, groups: readonly string[], groupId: string): readonly string[] {
  const all = [...new Set([...groups, groupId])].sort();
  // All of them are looked at in each request of a member.
  if (all.length > mostGroups) throw badRequest(`the ${what} would be in more than ${mostGroups} groups`);
  return all;
}

function left(groups: readonly string[], groupId: string): readonly string[] {
  return groups.filter((id) => id !== groupId);
}

function quoted(id: string): string {
  return JSON.stringify(id.slice(0, 128));
}
