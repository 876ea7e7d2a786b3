import { canonicalJson } from '../base/json.ts';
import { counterRoute } from '../core/counter-route.ts';
import type { LoginAlias, MountType, RouteContext } from '../core/mount-type.ts';
import type { IdentityPort } from '../core/ports.ts';
import { permissionDenied } from '../protocol/request-error.ts';
import { recordsOf } from './asking.ts';
import { newAlias, entityAliasRoutes } from './entity-alias.ts';
import { entityLoginsRoute } from './entity-logins.ts';
import { entityMergeRoute } from './entity-merge.ts';
import { entityRoutes, newEntity } from './entity.ts';
import { groupAliasRoutes } from './group-alias.ts';
import { groupMembershipRoute } from './group-membership.ts';
import { groupRoutes } from './group.ts';
import { lookupRoutes } from './lookup.ts';
import { checkAliasName } from './naming.ts';
import { IdentityResolver } from './resolve.ts';

/** What every store has at `identity/`. Its storage is the core's view. */
export const identityStore: MountType = {
  type: 'identity',
  description: 'identity store',
  // What names one action goes before what names an entity.
  routes: [
    entityMergeRoute,
    ...entityRoutes,
    entityLoginsRoute,
    ...entityAliasRoutes,
    ...groupRoutes,
    groupMembershipRoute,
    ...groupAliasRoutes,
    ...lookupRoutes,
  ],
};

/** `sys/internal/counters/entities`. */
export const entityCounter = counterRoute({
  path: 'entities',
  counted: 'entities',
  summary: 'How many entities there are.',
  count: (context) => recordsOf(context).count('entity'),
});

/** The identities of a store, for its core. */
export function createIdentity(): IdentityPort {
  const resolver = new IdentityResolver();
  return { resolve: (core, entityId) => resolver.resolve(core, entityId), entityOf };
}

/** See IdentityPort.entityOf. Logins make what they need, so this moves no revision. */
async function entityOf(context: RouteContext, mountAccessor: string, { name, metadata }: LoginAlias): Promise<string> {
  checkAliasName(name);
  const records = recordsOf(context);
  const known = await records.byLogin('entity', mountAccessor, name);
  const entity = known === null ? null : await records.get('entity', known.owner);
  if (known !== null && entity !== null) {
    if (entity.disabled) throw permissionDenied();
    const aliases = entity.aliases.map((alias) =>
      alias.id !== known.alias || canonicalJson(alias.metadata ?? {}) === canonicalJson(metadata)
        ? alias
        : { ...alias, metadata, updatedAt: context.now },
    );
    const changed = aliases.some((alias, index) => alias !== entity.aliases[index]);
    if (changed) await records.put('entity', entity, { ...entity, aliases });
    return entity.id;
  }
  const fresh = await newEntity(context, records);
  const alias = newAlias(context, { name, mountAccessor, metadata: Object.keys(metadata).length === 0 ? null : metadata });
  await records.put('entity', null, { ...fresh, aliases: [alias] });
  return fresh.id;
}
