import { givingWay } from '../base/giving-way.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import { recordsOf } from './asking.ts';
import { setMemberEntities, setMemberGroups } from './group-members.ts';
import { idSet } from './naming.ts';
import type { GroupRecord, IdentityKind, IdentityRecords } from './records.ts';

const fields = {
  entities: { type: 'strings', description: 'The names of the entities that are members; replaces those before.' },
  groups: { type: 'strings', description: 'The names of the groups that are members; replaces those before.' },
} as const satisfies Fields;

/** The members of a group in the words of a document: by their names, which are known before their ids. */
export const groupMembershipRoute: Route = {
  path: 'group-members/:name',
  summary: 'The members of one group, by name.',
  operations: {
    read: { summary: 'Lists them.', forPlans: true, handle: read },
    write: { summary: 'Makes these its members, in place of those before.', fields, configures: true, handle: write },
  },
};

async function existing(context: RouteContext, records: IdentityRecords): Promise<GroupRecord> {
  const group = await records.byName('group', context.params['name'] ?? '');
  if (group === null) throw notFound();
  return group;
}

async function read(context: RouteContext): Promise<Reply> {
  const records = recordsOf(context);
  const { id } = await existing(context, records);
  return { data: { entities: await memberNames(records, 'entity', id), groups: await memberNames(records, 'group', id) } };
}

async function memberNames(records: IdentityRecords, kind: IdentityKind, groupId: string): Promise<readonly string[]> {
  const giveWay = givingWay(64);
  const names: string[] = [];
  for (const id of await records.members(kind, groupId)) {
    await giveWay();
    const member = await records.get(kind, id);
    if (member !== null) names.push(member.name);
  }
  return names.sort();
}

async function write(context: RouteContext): Promise<Reply> {
  const body = readFields(fields, context.data);
  const records = recordsOf(context);
  const group = await existing(context, records);
  if (group.type === 'external') throw badRequest(`the members of ${group.name} are set by logins, for it is an external group`);
  if (body.entities !== undefined) {
    await setMemberEntities(records, group.id, await idsOf(records, 'entity', idSet('entities', body.entities)));
  }
  if (body.groups !== undefined) {
    await setMemberGroups(records, group.id, await idsOf(records, 'group', idSet('groups', body.groups)));
  }
  return noContent;
}

async function idsOf(records: IdentityRecords, kind: IdentityKind, names: readonly string[]): Promise<readonly string[]> {
  const giveWay = givingWay(64);
  const ids: string[] = [];
  for (const name of names) {
    await giveWay();
    const found = await records.byName(kind, name);
    if (found === null) throw badRequest(`there is no ${kind} ${JSON.stringify(name.slice(0, 128))}`);
    ids.push(found.id);
  }
  return ids;
}
