import { givingWay } from '../base/giving-way.ts';
import { instantText } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { randomUuid } from '../base/random.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import { shownAlias, shownAliasName } from './alias-view.ts';
import { ancestorsOf } from './group-tree.ts';
import { namedByPath, recordsOf } from './asking.ts';
import { listOperations } from './listing.ts';
import { checkMetadata, checkName, idSet } from './naming.ts';
import { newNameOf } from './new-name.ts';
import { identityPolicies } from './policies.ts';
import type { EntityRecord, IdentityRecords } from './records.ts';
import { freeName } from './fresh-name.ts';

const fields = {
  id: { type: 'string', description: 'The id of the entity that is changed.', default: '' },
  name: { type: 'string', description: 'Its name; one is made up unless told.', default: '' },
  new_name: { type: 'string', description: 'What it is called from now on, where the path has its name.' },
  metadata: { type: 'stringMap', description: 'Text by name; replaces all that was there.' },
  policies: { type: 'strings', description: 'Policies of all of its tokens.' },
  disabled: { type: 'bool', description: 'Its tokens do not work; they are not revoked.' },
} as const satisfies Fields;

const batchFields = {
  entity_ids: { type: 'strings', description: 'The ids of the entities.', default: [] },
} as const satisfies Fields;

const lists = listOperations('entity', async (context, _records, { name, aliases }) => {
  const shown = aliases.map((alias) => shownAliasName(context, alias));
  return { name, ...(shown.length > 0 ? { aliases: shown } : {}) };
});

export const entityRoutes: readonly Route[] = [
  {
    path: 'entity',
    summary: 'Entities: who stands behind tokens.',
    operations: { write: { summary: 'Makes or changes one, by id or name.', fields, handle: write } },
  },
  {
    path: 'entity/batch-delete',
    summary: 'Many entities at once.',
    operations: { write: { summary: 'Deletes them; their tokens stop working.', fields: batchFields, handle: batchDelete } },
  },
  {
    path: 'entity/id',
    summary: 'The entities.',
    operations: { list: lists.byId },
  },
  {
    path: 'entity/id/:id',
    summary: 'One entity, by its id.',
    operations: {
      read: { summary: 'Reads it.', handle: read },
      write: { summary: 'Changes it; what is not sent stays as it is.', fields, handle: write },
      delete: { summary: 'Deletes it; its tokens stop working.', handle: remove },
    },
  },
  {
    path: 'entity/name',
    summary: 'The entities.',
    operations: { list: lists.byName },
  },
  {
    path: 'entity/name/:name*',
    summary: 'One entity, by its name.',
    operations: {
      read: { summary: 'Reads it.', forPlans: true, handle: read },
      write: { summary: 'Makes or changes it; what is not sent stays as it is.', fields, handle: write },
      delete: { summary: 'Deletes it; its tokens stop working.', handle: remove },
    },
  },
];

async function write(context: RouteContext): Promise<Reply> {
  const body = readFields(fields, { ...context.data, ...context.params });
  const records = recordsOf(context);
  let before = body.id === '' ? null : await records.get('entity', body.id);
  if (body.id !== '' && before === null) throw badRequest('entity not found from id');
  if (body.name !== '') {
    checkName('entity', body.name);
    const named = await records.byName('entity', body.name);
    // A policy on the path says who is written, so the body names nobody else.
    if (before !== null && context.params['name'] !== undefined && named?.id !== before.id) {
      throw badRequest('the id is not that of the entity which the path names');
    }
    if (before !== null && named !== null && named.id !== before.id) throw badRequest('entity name is already in use');
    before ??= named;
  }
  const renamed = await newNameOf(context, records, 'entity', before, body.new_name);
  if (body.metadata !== undefined) checkMetadata(body.metadata);
  const kept = before ?? (await newEntity(context, records));
  const entity: EntityRecord = {
    ...kept,
    name: renamed ?? (body.name === '' ? kept.name : body.name),
    metadata: body.metadata ?? kept.metadata,
    policies: body.policies === undefined ? kept.policies : identityPolicies(body.policies),
    disabled: body.disabled ?? kept.disabled,
    updatedAt: context.now,
  };
  await records.put('entity', before, entity);
  return before === null ? { data: { id: entity.id, name: entity.name, aliases: null } } : noContent;
}

/** An entity that is not stored yet, under a name of no meaning. */
export async function newEntity(context: RouteContext, records: IdentityRecords): Promise<EntityRecord> {
  return {
    id: randomUuid(context.random),
    name: await freeName(context, records, 'entity'),
    metadata: null,
    policies: [],
    disabled: false,
    aliases: [],
    groups: [],
    mergedIds: [],
    createdAt: context.now,
    updatedAt: context.now,
  };
}

async function read(context: RouteContext): Promise<Reply> {
  const entity = await namedByPath(context, recordsOf(context), 'entity');
  if (entity === null) throw notFound();
  return { data: await shownEntity(context, entity) };
}

/** An entity as the API shows it. */
export async function shownEntity(context: RouteContext, entity: EntityRecord): Promise<JsonObject> {
  const ancestors = await ancestorsOf(recordsOf(context), entity.groups);
  const inherited = ancestors.map(({ id }) => id).filter((id) => !entity.groups.includes(id));
  return {
    id: entity.id,
    name: entity.name,
    metadata: entity.metadata,
    policies: entity.policies,
    disabled: entity.disabled,
    aliases: entity.aliases.map((alias) => shownAlias(context, entity.id, alias)),
    direct_group_ids: entity.groups,
    inherited_group_ids: inherited,
    group_ids: [...entity.groups, ...inherited],
    merged_entity_ids: entity.mergedIds.length === 0 ? null : entity.mergedIds,
    namespace_id: 'root',
    creation_time: instantText(entity.createdAt),
    last_update_time: instantText(entity.updatedAt),
  };
}

async function remove(context: RouteContext): Promise<Reply> {
  const records = recordsOf(context);
  const entity = await namedByPath(context, records, 'entity');
  if (entity !== null) await deleteEntity(records, entity);
  return noContent;
}

async function batchDelete(context: RouteContext): Promise<Reply> {
  const ids = idSet('entity_ids', readFields(batchFields, context.data).entity_ids);
  if (ids.length === 0) throw badRequest('missing entity ids to delete');
  const records = recordsOf(context);
  const giveWay = givingWay(64);
  for (const id of ids) {
    await giveWay();
    const entity = await records.get('entity', id);
    if (entity !== null) await deleteEntity(records, entity);
  }
  return noContent;
}

/** Deletes an entity, its aliases and its memberships. Tokens that name it do not work from then on. */
async function deleteEntity(records: IdentityRecords, entity: EntityRecord): Promise<void> {
  for (const group of entity.groups) await records.removeMember('entity', group, entity.id);
  for (const merged of entity.mergedIds) await records.forgetMerged(merged);
  await records.delete('entity', entity);
}
