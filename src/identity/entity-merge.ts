import { givingWay } from '../base/giving-way.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import { recordsOf } from './asking.ts';
import { idSet, mostGroups } from './naming.ts';
import type { Alias, EntityRecord, IdentityRecords } from './records.ts';

const fields = {
  from_entity_ids: { type: 'strings', description: 'The ids of the entities that end.', default: [] },
  to_entity_id: { type: 'string', description: 'The id of the entity that stays.', default: '' },
  conflicting_alias_ids_to_keep: {
    type: 'strings',
    description: 'Which alias to keep where both entities have one at the same auth method.',
    default: [],
  },
  force: { type: 'bool', description: 'Accepted for compatibility.', default: false },
} as const satisfies Fields;

export const entityMergeRoute: Route = {
  path: 'entity/merge',
  summary: 'Several entities become one.',
  operations: {
    write: {
      summary: 'Moves aliases and memberships; policies and metadata of the entities that end go with them.',
      fields,
      handle: merge,
    },
  },
};

async function merge(context: RouteContext): Promise<Reply> {
  const body = readFields(fields, context.data);
  if (body.to_entity_id === '') throw badRequest('missing entity id to merge to');
  if (body.from_entity_ids.length === 0) throw badRequest('missing entity ids to merge from');
  const ids = idSet('from_entity_ids', body.from_entity_ids);
  const records = recordsOf(context);
  const target = await records.get('entity', body.to_entity_id);
  if (target === null) throw badRequest('entity id to merge to is invalid');
  if (ids.includes(target.id)) throw badRequest('to_entity_id should not be present in from_entity_ids');
  const keep = body.conflicting_alias_ids_to_keep;
  if (ids.length > 1 && keep.length > 0) {
    throw badRequest('aliases conflicts cannot be resolved with multiple from entity ids - merge one entity at a time');
  }
  const sources: EntityRecord[] = [];
  for (const id of ids) {
    const source = await records.get('entity', id);
    if (source === null) throw badRequest('entity id to merge from is invalid');
    // Its tokens would work again, as those of the other one.
    if (source.disabled && !target.disabled) {
      throw badRequest(`the entity ${source.name} is disabled, and the one that stays is not: enable the first, or delete it`);
    }
    sources.push(source);
  }
  const aliases = mergedAliases(target, sources, keep, context.now);
  const giveWay = givingWay(16);
  for (const source of sources) {
    await giveWay();
    await end(records, source);
  }
  const groups = [...new Set([target, ...sources].flatMap((entity) => entity.groups))].sort();
  if (groups.length > mostGroups) throw badRequest(`the entity would be in more than ${mostGroups} groups`);
  for (const group of groups) if (!target.groups.includes(group)) await records.addMember('entity', group, target.id);
  const merged = sources.flatMap((source) => [...source.mergedIds, source.id]);
  for (const id of merged) await records.noteMerged(id, target.id);
  const mergedIds = [...target.mergedIds, ...merged];
  await records.put('entity', target, { ...target, aliases, groups, mergedIds, updatedAt: context.now });
  return noContent;
}

/** Throws RequestError 400 where two have an alias at one auth method and nobody said which one to keep. */
function mergedAliases(
  target: EntityRecord,
  sources: readonly EntityRecord[],
  keep: readonly string[],
  now: number,
): readonly Alias[] {
  const byMount = new Map<string, Alias>(target.aliases.map((alias) => [alias.mountAccessor, alias]));
  for (const source of sources) {
    for (const alias of source.aliases) {
      const moved: Alias = { ...alias, mergedFrom: [...alias.mergedFrom, source.id], updatedAt: now };
      const other = byMount.get(alias.mountAccessor);
      if (other === undefined || keep.includes(alias.id)) byMount.set(alias.mountAccessor, moved);
      else if (!keep.includes(other.id)) {
        throw badRequest(
          `two of the entities have an alias at the mount ${alias.mountAccessor}: merge one entity at a time and name in conflicting_alias_ids_to_keep ${alias.id} or ${other.id}`,
        );
      }
    }
  }
  return [...byMount.values()];
}

async function end(records: IdentityRecords, source: EntityRecord): Promise<void> {
  for (const group of source.groups) await records.removeMember('entity', group, source.id);
  await records.delete('entity', source);
}
