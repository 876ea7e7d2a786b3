import { instantText } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { randomUuid } from '../base/random.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import { shownAlias, shownAliasName } from './alias-view.ts';
import { namedByPath, recordsOf } from './asking.ts';
import { freeName } from './fresh-name.ts';
import { setMemberEntities, setMemberGroups } from './group-members.ts';
import { listOperations } from './listing.ts';
import { checkMetadata, checkName } from './naming.ts';
import { newNameOf } from './new-name.ts';
import { identityPolicies } from './policies.ts';
import type { GroupRecord, IdentityRecords } from './records.ts';

const fields = {
  id: { type: 'string', description: 'The id of the group that is changed.' },
  name: { type: 'string', description: 'Its name; one is made up unless told.' },
  new_name: { type: 'string', description: 'What it is called from now on, where the path has its name.' },
  type: { type: 'string', description: 'internal (unless told) or external, whose members are set by logins.' },
  metadata: { type: 'stringMap', description: 'Text by name; replaces all that was there.' },
  policies: { type: 'strings', description: 'Policies of all of its members.' },
  member_entity_ids: { type: 'strings', description: 'The ids of the entities that are members; replaces those before.' },
  member_group_ids: { type: 'strings', description: 'The ids of the groups that are members; replaces those before.' },
} as const satisfies Fields;

const lists = listOperations('group', async (context, records, { id, name, parents, alias }) => ({
  name,
  num_member_entities: (await records.members('entity', id)).length,
  num_parent_groups: parents.length,
  ...(alias === null ? {} : { alias: shownAliasName(context, alias) }),
}));

export const groupRoutes: readonly Route[] = [
  {
    path: 'group',
    summary: 'Groups of entities and of other groups.',
    operations: { write: { summary: 'Makes or changes one, by id or name.', fields, configures: true, handle: write } },
  },
  {
    path: 'group/id',
    summary: 'The groups.',
    operations: { list: lists.byId },
  },
  {
    path: 'group/id/:id',
    summary: 'One group, by its id.',
    operations: {
      read: { summary: 'Reads it.', handle: read },
      write: { summary: 'Changes it; what is not sent stays as it is.', fields, configures: true, handle: write },
      delete: { summary: 'Deletes it; its members lose what it gave.', configures: true, handle: remove },
    },
  },
  {
    path: 'group/name',
    summary: 'The groups.',
    operations: { list: lists.byName },
  },
  {
    path: 'group/name/:name*',
    summary: 'One group, by its name.',
    operations: {
      read: { summary: 'Reads it.', forPlans: true, handle: read },
      write: { summary: 'Makes or changes it; what is not sent stays as it is.', fields, configures: true, handle: write },
      delete: { summary: 'Deletes it; its members lose what it gave.', configures: true, handle: remove },
    },
  },
];

async function write(context: RouteContext): Promise<Reply> {
  const body = readFields(fields, { ...context.data, ...context.params });
  const records = recordsOf(context);
  const before = await existing(records, body);
  if (body.name !== undefined && body.name !== '') {
    checkName('group', body.name);
    const named = await records.byName('group', body.name);
    // A policy on the path says what is written, so the body names nothing else.
    if (body.id !== undefined && context.params['name'] !== undefined && named?.id !== before?.id) {
      throw badRequest('the id is not that of the group which the path names');
    }
    if (named !== null && named.id !== before?.id) throw badRequest('group name is already in use');
  }
  const renamed = await newNameOf(context, records, 'group', before, body.new_name);
  const type = body.type ?? before?.type ?? 'internal';
  if (before !== null && type !== before.type) throw badRequest('group type cannot be changed');
  if (type !== 'internal' && type !== 'external') throw badRequest(`invalid group type ${JSON.stringify(type.slice(0, 64))}`);
  if (body.metadata !== undefined) checkMetadata(body.metadata);
  if (type === 'external' && body.member_entity_ids !== undefined) {
    throw badRequest("member entities can't be set manually for external groups");
  }
  if (type === 'external' && body.member_group_ids !== undefined) {
    throw badRequest("member groups can't be set for external groups");
  }
  const kept = before ?? (await newGroup(context, records, type));
  const group: GroupRecord = {
    ...kept,
    name: renamed ?? (body.name || kept.name),
    metadata: body.metadata ?? kept.metadata,
    policies: body.policies === undefined ? kept.policies : identityPolicies(body.policies),
    updatedAt: context.now,
    modifyIndex: kept.modifyIndex + 1,
  };
  await records.put('group', before, group);
  if (body.member_entity_ids !== undefined) await setMemberEntities(records, group.id, body.member_entity_ids);
  if (body.member_group_ids !== undefined) await setMemberGroups(records, group.id, body.member_group_ids);
  return before === null ? { data: { id: group.id, name: group.name } } : noContent;
}

/** The group that is written, or null: it is to be made. Throws RequestError 400 where the id is unknown. */
async function existing(
  records: IdentityRecords,
  { id, name }: { readonly id?: string | undefined; readonly name?: string | undefined },
): Promise<GroupRecord | null> {
  if (id !== undefined) {
    if (id === '') throw badRequest('empty group ID');
    const group = await records.get('group', id);
    if (group === null) throw badRequest('invalid group ID');
    return group;
  }
  if (name === '') throw badRequest('empty group name');
  return name === undefined ? null : records.byName('group', name);
}

/** A group that is not stored yet, under a name of no meaning. */
export async function newGroup(context: RouteContext, records: IdentityRecords, type: GroupRecord['type']): Promise<GroupRecord> {
  return {
    id: randomUuid(context.random),
    name: await freeName(context, records, 'group'),
    type,
    metadata: null,
    policies: [],
    parents: [],
    alias: null,
    createdAt: context.now,
    updatedAt: context.now,
    modifyIndex: 0,
  };
}

async function read(context: RouteContext): Promise<Reply> {
  const group = await namedByPath(context, recordsOf(context), 'group');
  if (group === null) throw notFound();
  return { data: await shownGroup(context, group) };
}

/** A group as the API shows it. */
export async function shownGroup(context: RouteContext, group: GroupRecord): Promise<JsonObject> {
  const records = recordsOf(context);
  const entities = await records.members('entity', group.id);
  const members = await records.members('group', group.id);
  return {
    id: group.id,
    name: group.name,
    type: group.type,
    metadata: group.metadata,
    policies: group.policies,
    // Nobody but logins sets those of an external group: clients expect null before the first.
    member_entity_ids: group.type === 'external' && entities.length === 0 ? null : entities,
    member_group_ids: members.length === 0 ? null : members,
    parent_group_ids: group.parents.length === 0 ? null : group.parents,
    alias: group.alias === null ? {} : shownAlias(context, group.id, group.alias),
    namespace_id: 'root',
    modify_index: group.modifyIndex,
    creation_time: instantText(group.createdAt),
    last_update_time: instantText(group.updatedAt),
  };
}

async function remove(context: RouteContext): Promise<Reply> {
  const records = recordsOf(context);
  const group = await namedByPath(context, records, 'group');
  if (group === null) return noContent;
  await setMemberEntities(records, group.id, []);
  await setMemberGroups(records, group.id, []);
  for (const parent of group.parents) await records.removeMember('group', parent, group.id);
  await records.delete('group', group);
  return noContent;
}
