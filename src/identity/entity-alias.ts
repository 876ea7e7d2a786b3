import { canonicalJson } from '../base/json.ts';
import { randomUuid } from '../base/random.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import { shownAlias, shownAliasInfo } from './alias-view.ts';
import { methodAt, recordsOf } from './asking.ts';
import { newEntity } from './entity.ts';
import { checkAliasName, checkCustomMetadata } from './naming.ts';
import { listOperation } from './listing.ts';
import type { Alias, EntityRecord, IdentityRecords } from './records.ts';

const fields = {
  id: { type: 'string', description: 'The id of the alias that is changed.', default: '' },
  canonical_id: { type: 'string', description: 'The id of its entity; a new one unless told.', default: '' },
  entity_id: { type: 'string', description: 'Use canonical_id.', default: '' },
  mount_accessor: { type: 'string', description: 'The accessor of the auth method that knows this name.', default: '' },
  name: { type: 'string', description: 'What the auth method calls the entity.', default: '' },
  custom_metadata: { type: 'stringMap', description: 'Text by name; replaces all that was there.' },
} as const satisfies Fields;

const list = listOperation('Lists their ids.', 'entity-alias', async (context, records, id) => {
  const owned = await byId(records, id);
  return owned === null ? null : { id, info: shownAliasInfo(context, owned.entity.id, owned.alias) };
});

export const entityAliasRoutes: readonly Route[] = [
  {
    path: 'entity-alias',
    summary: 'What auth methods call entities.',
    operations: { write: { summary: 'Makes or changes one.', fields, handle: write } },
  },
  {
    path: 'entity-alias/id',
    summary: 'The aliases of entities.',
    operations: { list },
  },
  {
    path: 'entity-alias/id/:id',
    summary: 'One alias of an entity.',
    operations: {
      read: { summary: 'Reads it.', handle: read },
      write: { summary: 'Changes it; what is not sent stays as it is.', fields, handle: write },
      delete: { summary: 'Deletes it; the next login under this name makes a new entity.', handle: remove },
    },
  },
];

interface Owned {
  readonly entity: EntityRecord;
  readonly alias: Alias;
}

async function byId(records: IdentityRecords, id: string): Promise<Owned | null> {
  const entity = await records.byAlias('entity', id);
  const alias = entity?.aliases.find((known) => known.id === id);
  return entity === null || alias === undefined ? null : { entity, alias };
}

async function write(context: RouteContext): Promise<Reply> {
  const body = readFields(fields, { ...context.data, ...context.params });
  const records = recordsOf(context);
  const canonical = body.canonical_id === '' ? body.entity_id : body.canonical_id;
  if (body.custom_metadata !== undefined) checkCustomMetadata(body.custom_metadata);
  if (body.id !== '') {
    const owned = await byId(records, body.id);
    if (owned === null) throw badRequest('invalid alias ID provided');
    return change(context, records, owned, {
      name: body.name === '' ? owned.alias.name : body.name,
      mountAccessor: body.mount_accessor === '' ? owned.alias.mountAccessor : body.mount_accessor,
      customMetadata: body.custom_metadata ?? owned.alias.customMetadata,
      canonical,
    });
  }
  const { name, mount_accessor: mountAccessor } = body;
  if (name === '' || mountAccessor === '') throw badRequest("'id' or 'mount_accessor' and 'name' must be provided");
  checkLogin(context, mountAccessor, name);
  const known = await records.byLogin('entity', mountAccessor, name);
  const owned = known === null ? null : await byId(records, known.alias);
  if (owned !== null) {
    const customMetadata = body.custom_metadata ?? owned.alias.customMetadata;
    return change(context, records, owned, { name, mountAccessor, customMetadata, canonical });
  }
  const before = canonical === '' ? null : await records.get('entity', canonical);
  if (canonical !== '' && before === null) throw badRequest('invalid canonical ID');
  const entity = before ?? (await newEntity(context, records));
  if (hasAliasAt(entity, mountAccessor)) throw badRequest('Alias already exists for requested entity and mount accessor');
  const alias = newAlias(context, { name, mountAccessor, customMetadata: body.custom_metadata ?? {} });
  await records.put('entity', before, { ...entity, aliases: [...entity.aliases, alias], updatedAt: context.now });
  return { data: { id: alias.id, canonical_id: entity.id } };
}

/** An alias that is not stored yet. */
export function newAlias(
  { random, now }: Pick<RouteContext, 'random' | 'now'>,
  parts: Pick<Alias, 'name' | 'mountAccessor'> & Partial<Alias>,
): Alias {
  return {
    metadata: null,
    customMetadata: null,
    mergedFrom: [],
    ...parts,
    id: randomUuid(random),
    createdAt: now,
    updatedAt: now,
  };
}

/** Throws RequestError 400 unless an auth method with this accessor could call somebody so. */
export function checkLogin(context: RouteContext, mountAccessor: string, name: string): void {
  if (methodAt(context, mountAccessor) === null) {
    throw badRequest(`invalid mount accessor ${JSON.stringify(mountAccessor.slice(0, 128))}`);
  }
  checkAliasName(name);
}

function hasAliasAt({ aliases }: EntityRecord, mountAccessor: string): boolean {
  return aliases.some((alias) => alias.mountAccessor === mountAccessor);
}

interface Change extends Pick<Alias, 'name' | 'mountAccessor' | 'customMetadata'> {
  /** The id of the entity that it shall belong to; '': as before. */
  readonly canonical: string;
}

/** It never takes a name that somebody else has: nothing merges entities but a merge. */
async function change(
  context: RouteContext,
  records: IdentityRecords,
  { entity, alias }: Owned,
  { name, mountAccessor, customMetadata, canonical }: Change,
): Promise<Reply> {
  const renamed = name !== alias.name || mountAccessor !== alias.mountAccessor;
  const moved = canonical !== '' && canonical !== entity.id;
  if (!renamed && !moved && canonicalJson(customMetadata) === canonicalJson(alias.customMetadata)) return noContent;
  if (renamed) {
    checkLogin(context, mountAccessor, name);
    if (!moved && mountAccessor !== alias.mountAccessor && hasAliasAt(entity, mountAccessor)) {
      throw badRequest("Alias cannot be updated as the entity already has an alias for the given 'mount_accessor' ");
    }
    const other = await records.byLogin('entity', mountAccessor, name);
    if (other !== null && other.alias !== alias.id) {
      throw badRequest('alias with combination of mount accessor and name already exists');
    }
  }
  const changed: Alias = { ...alias, name, mountAccessor, customMetadata, updatedAt: context.now };
  if (!moved) {
    const aliases = entity.aliases.map((known) => (known.id === alias.id ? changed : known));
    await records.put('entity', entity, { ...entity, aliases, updatedAt: context.now });
    return { data: { id: alias.id, canonical_id: entity.id } };
  }
  const target = await records.get('entity', canonical);
  if (target === null) throw badRequest("given 'canonical_id' is not associated with an entity");
  if (hasAliasAt(target, mountAccessor)) {
    throw badRequest('Alias cannot be updated as the given entity already has an alias for this mount ');
  }
  await records.put('entity', entity, without(entity, alias, context.now));
  await records.put('entity', target, { ...target, aliases: [...target.aliases, changed], updatedAt: context.now });
  return { data: { id: alias.id, canonical_id: target.id } };
}

function without(entity: EntityRecord, { id }: Alias, now: number): EntityRecord {
  return { ...entity, aliases: entity.aliases.filter((known) => known.id !== id), updatedAt: now };
}

async function read(context: RouteContext): Promise<Reply> {
  const owned = await byId(recordsOf(context), context.params['id'] ?? '');
  if (owned === null) throw notFound();
  return { data: { ...shownAlias(context, owned.entity.id, owned.alias), namespace_id: 'root' } };
}

async function remove(context: RouteContext): Promise<Reply> {
  const records = recordsOf(context);
  const owned = await byId(records, context.params['id'] ?? '');
  if (owned !== null) await records.put('entity', owned.entity, without(owned.entity, owned.alias, context.now));
  return noContent;
}
