import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import { shownAlias, shownAliasInfo } from './alias-view.ts';
import { recordsOf } from './asking.ts';
import { checkLogin, newAlias } from './entity-alias.ts';
import { newGroup } from './group.ts';
import { listOperation } from './listing.ts';
import type { Alias, GroupRecord, IdentityRecords } from './records.ts';

const fields = {
  id: { type: 'string', description: 'The id of the alias that is changed.' },
  canonical_id: { type: 'string', description: 'The id of its external group; a new one unless told.', default: '' },
  mount_accessor: { type: 'string', description: 'The accessor of the auth method that knows this name.', default: '' },
  name: { type: 'string', description: 'What the auth method calls the group.', default: '' },
} as const satisfies Fields;

const list = listOperation('Lists their ids.', 'group-alias', async (context, records, id) => {
  const group = await records.byAlias('group', id);
  return group === null || group.alias === null ? null : { id, info: shownAliasInfo(context, group.id, group.alias) };
});

export const groupAliasRoutes: readonly Route[] = [
  {
    path: 'group-alias',
    summary: 'What auth methods call external groups.',
    operations: { write: { summary: 'Makes or changes one.', fields, configures: true, handle: write } },
  },
  {
    path: 'group-alias/id',
    summary: 'The aliases of external groups.',
    operations: { list },
  },
  {
    path: 'group-alias/id/:id',
    summary: 'One alias of an external group.',
    operations: {
      read: { summary: 'Reads it.', handle: read },
      write: { summary: 'Changes it.', fields, configures: true, handle: write },
      delete: { summary: 'Deletes it.', configures: true, handle: remove },
    },
  },
];

async function write(context: RouteContext): Promise<Reply> {
  const body = readFields(fields, { ...context.data, ...context.params });
  const records = recordsOf(context);
  if (body.id === '') throw badRequest('empty group alias ID');
  const holder = body.id === undefined ? null : await records.byAlias('group', body.id);
  const alias = holder?.alias ?? null;
  if (body.id !== undefined && alias === null) throw badRequest('invalid group alias ID');
  const { name, mount_accessor: mountAccessor, canonical_id: canonical } = body;
  if (name === '') throw badRequest('missing alias name');
  if (mountAccessor === '') throw badRequest('missing mount_accessor');
  const stays = canonical === '' || canonical === holder?.id;
  if (alias?.name === name && alias.mountAccessor === mountAccessor && stays) return noContent;
  const target = stays ? holder : await groupForAlias(records, canonical);
  checkLogin(context, mountAccessor, name);
  const other = await records.byLogin('group', mountAccessor, name);
  if (other !== null && other.alias !== alias?.id)
    throw badRequest('combination of mount and group alias name is already in use');
  if (holder !== null && target?.id !== holder.id)
    await records.put('group', holder, { ...holder, ...touched(holder, context), alias: null });
  const group = target ?? (await newGroup(context, records, 'external'));
  const after: Alias =
    alias === null ? newAlias(context, { name, mountAccessor }) : { ...alias, name, mountAccessor, updatedAt: context.now };
  await records.put('group', target, { ...group, ...touched(group, context), alias: after });
  return { data: { id: after.id, canonical_id: group.id } };
}

/** Throws RequestError 400 unless there is an external group of this id. */
async function groupForAlias(records: IdentityRecords, id: string): Promise<GroupRecord> {
  const group = await records.get('group', id);
  if (group === null) throw badRequest("invalid group ID given in 'canonical_id'");
  if (group.type !== 'external') throw badRequest("alias can't be set on an internal group");
  return group;
}

function touched(group: GroupRecord, { now }: RouteContext): Pick<GroupRecord, 'updatedAt' | 'modifyIndex'> {
  return { updatedAt: now, modifyIndex: group.modifyIndex + 1 };
}

async function read(context: RouteContext): Promise<Reply> {
  const group = await recordsOf(context).byAlias('group', context.params['id'] ?? '');
  if (group === null || group.alias === null) throw notFound();
  return { data: { ...shownAlias(context, group.id, group.alias), namespace_id: 'root' } };
}

async function remove(context: RouteContext): Promise<Reply> {
  const records = recordsOf(context);
  const group = await records.byAlias('group', context.params['id'] ?? '');
  if (group !== null) await records.put('group', group, { ...group, ...touched(group, context), alias: null });
  return noContent;
}
