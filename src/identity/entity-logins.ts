import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { runOf } from '../core/corridor.ts';
import { mountRoute } from '../core/mount-index.ts';
import type { Mount, Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound, type RequestError } from '../protocol/request-error.ts';
import { methodAt, recordsOf } from './asking.ts';
import { newAlias } from './entity-alias.ts';
import { checkAliasName } from './naming.ts';
import type { Alias, EntityRecord, IdentityRecords } from './records.ts';

const fields = {
  logins: {
    type: 'any',
    description: 'All of its aliases: a list of {method, name}, the path of an auth method and a name there.',
  },
} as const satisfies Fields;

const mostLogins = 100;

/** The aliases of an entity in the words of a document: by the paths of auth methods, which are known before their accessors. */
export const entityLoginsRoute: Route = {
  path: 'entity-logins/:name',
  summary: 'The aliases of one entity, by auth method.',
  operations: {
    read: { summary: 'Lists them.', forPlans: true, handle: read },
    write: { summary: 'Makes these its aliases, in place of those before.', fields, handle: write },
  },
};

interface Login {
  readonly mount: Mount;
  readonly name: string;
}

async function existing(context: RouteContext, records: IdentityRecords): Promise<EntityRecord> {
  const entity = await records.byName('entity', context.params['name'] ?? '');
  if (entity === null) throw notFound();
  return entity;
}

async function read(context: RouteContext): Promise<Reply> {
  const entity = await existing(context, recordsOf(context));
  const logins = entity.aliases.flatMap(({ mountAccessor, name }): JsonObject[] => {
    const mount = methodAt(context, mountAccessor);
    return mount === null ? [] : [{ method: methodPath(mount), name }];
  });
  return { data: { logins } };
}

function methodPath(mount: Mount): string {
  return mountRoute(mount).slice('auth/'.length);
}

async function write(context: RouteContext): Promise<Reply> {
  const records = recordsOf(context);
  const before = await existing(context, records);
  const wanted = wantedLogins(context, readFields(fields, context.data).logins ?? []);
  let entity = before;
  const aliases: Alias[] = [];
  for (const { mount, name } of wanted) {
    const kept = before.aliases.find((alias) => alias.mountAccessor === mount.accessor && alias.name === name);
    if (kept !== undefined) {
      aliases.push(kept);
      continue;
    }
    const known = await records.byLogin('entity', mount.accessor, name);
    const owner = known === null ? null : await records.get('entity', known.owner);
    if (owner === null) aliases.push(newAlias(context, { name, mountAccessor: mount.accessor }));
    else {
      const taken = await takeOver(records, entity, owner, mount, name, context.now);
      entity = taken.entity;
      aliases.push(taken.alias);
    }
  }
  await records.put('entity', before, { ...entity, aliases, updatedAt: context.now });
  return noContent;
}

function wantedLogins(context: RouteContext, sent: Json): readonly Login[] {
  if (!Array.isArray(sent)) throw badRequest('logins must be a list of objects with method and name');
  if (sent.length > mostLogins) throw badRequest(`logins holds more than ${mostLogins}`);
  const logins = (sent as readonly Json[]).map((each): Login => {
    const { method, name } = isJsonObject(each) ? each : {};
    if (typeof method !== 'string' || typeof name !== 'string') throw badRequest('each of logins must have a method and a name');
    checkAliasName(name);
    return { mount: methodNamed(context, method), name };
  });
  const methods = new Set(logins.map(({ mount }) => mount.id));
  if (methods.size < logins.length) throw badRequest('an entity has one login for each auth method');
  return logins;
}

function methodNamed(context: RouteContext, path: string): Mount {
  const mount = runOf(context).mounts.resolve(`auth/${path}`);
  if (mount === null || mount.path !== '' || methodAt(context, mount.mount.accessor) === null) {
    throw badRequest(`no auth method at ${JSON.stringify(path.slice(0, 128))}`);
  }
  return mount.mount;
}

/**
 * Makes what a login made of itself part of an entity: its tokens go on as tokens of that one. Throws RequestError 400
 * where anybody has given the owner something since, for then it is somebody.
 */
async function takeOver(
  records: IdentityRecords,
  entity: EntityRecord,
  owner: EntityRecord,
  mount: Mount,
  name: string,
  now: number,
): Promise<{ readonly entity: EntityRecord; readonly alias: Alias }> {
  const [alias] = owner.aliases;
  if (alias === undefined || !madeByLogin(owner)) throw belongsTo(owner, mount, name);
  await records.delete('entity', owner);
  const merged = [...owner.mergedIds, owner.id];
  for (const id of merged) await records.noteMerged(id, entity.id);
  return {
    entity: { ...entity, mergedIds: [...entity.mergedIds, ...merged] },
    alias: { ...alias, mergedFrom: [...alias.mergedFrom, owner.id], updatedAt: now },
  };
}

function madeByLogin({ name, policies, metadata, disabled, groups, aliases }: EntityRecord): boolean {
  const bare = policies.length === 0 && metadata === null && !disabled && groups.length === 0 && aliases.length === 1;
  return bare && /^entity_[0-9a-f]{8}$/.test(name);
}

function belongsTo(owner: EntityRecord, mount: Mount, name: string): RequestError {
  return badRequest(
    `the login ${JSON.stringify(name.slice(0, 128))} of ${mountRoute(mount)} belongs to the entity ${owner.name}: merge the two by identity/entity/merge, or take it from that one first`,
  );
}
