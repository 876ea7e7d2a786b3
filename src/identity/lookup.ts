import type { JsonObject } from '../base/json.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { type Reply, noContent } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import { recordsOf } from './asking.ts';
import { shownEntity } from './entity.ts';
import { shownGroup } from './group.ts';
import type { IdentityKind, IdentityRecord } from './records.ts';

const fields = {
  id: { type: 'string', description: 'Its id.' },
  name: { type: 'string', description: 'Its name.' },
  alias_id: { type: 'string', description: 'The id of an alias.' },
  alias_name: { type: 'string', description: 'The name of an alias, with alias_mount_accessor.' },
  alias_mount_accessor: { type: 'string', description: 'The accessor of the auth method of the alias, with alias_name.' },
} as const satisfies Fields;

export const lookupRoutes: readonly Route[] = [
  {
    path: 'lookup/entity',
    summary: 'An entity by what is known of it.',
    operations: {
      write: {
        summary: 'Finds it.',
        fields,
        handle: (context) => answer('entity', context, (entity) => shownEntity(context, entity)),
      },
    },
  },
  {
    path: 'lookup/group',
    summary: 'A group by what is known of it.',
    operations: {
      write: {
        summary: 'Finds it.',
        fields,
        handle: (context) => answer('group', context, (group) => shownGroup(context, group)),
      },
    },
  },
];

async function answer<K extends IdentityKind>(
  kind: K,
  context: RouteContext,
  show: (found: IdentityRecord<K>) => Promise<JsonObject>,
): Promise<Reply> {
  const found = await find(kind, context);
  return found === null ? noContent : { data: await show(found) };
}

async function find<K extends IdentityKind>(kind: K, context: RouteContext): Promise<IdentityRecord<K> | null> {
  const body = readFields(fields, context.data);
  const { id, name, alias_id: aliasId, alias_name: aliasName, alias_mount_accessor: accessor } = body;
  const sent = Object.values(body).filter((value) => value !== undefined).length;
  if (sent === 0) throw badRequest('query parameter not supplied');
  const byLogin = sent === 2 && Boolean(aliasName) && Boolean(accessor);
  if (sent > 1 && !byLogin) throw badRequest('query parameter conflict; please supply distinct set of query parameters');
  if (!byLogin && (aliasName !== undefined || accessor !== undefined)) {
    throw badRequest("both 'alias_name' and 'alias_mount_accessor' needs to be set");
  }
  const records = recordsOf(context);
  if (id !== undefined) return records.get(kind, id);
  if (name !== undefined) return records.byName(kind, name);
  if (aliasId !== undefined) return records.byAlias(kind, aliasId);
  const known = await records.byLogin(kind, accessor ?? '', aliasName ?? '');
  return known === null ? null : records.get(kind, known.owner);
}
