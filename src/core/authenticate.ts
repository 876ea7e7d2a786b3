import type { Request } from '../protocol/request.ts';
import type { Acl, Caller } from './caller.ts';
import { type CorridorParts, type Run, storageOf, typeKey } from './corridor.ts';
import type { Grant } from './ports.ts';

/** A caller, whether each of its requests must take a use of its token first, and whether this one took the last. */
export type Authenticated = Caller & { readonly limitedUses: boolean; readonly lastUse: boolean };

/** Who presents this token; null for none or one that does not count. Throws nothing: the reason is not for the caller. */
export async function authenticate(
  parts: CorridorParts,
  run: Run,
  request: Pick<Request, 'token' | 'remote'>,
  useTaken: boolean,
): Promise<Authenticated | null> {
  if (request.token === null || request.token === '') return null;
  const found = await parts.tokens.find(run.core, request.token, request.remote, run.now, useTaken);
  if (found === null) return null;
  const { grants, ...token } = found;
  let { expiresAt } = token;
  for (const grant of grants) {
    const until = await grantEnds(parts, run, grant);
    if (until === null || (until !== 'never' && until <= run.now)) return null;
    if (until !== 'never') expiresAt = expiresAt === null ? until : Math.min(expiresAt, until);
  }
  const rights = await rightsOf(parts, run, token);
  return rights === null ? null : { ...token, ...rights, expiresAt };
}

/** What a token may do, by its own policies and those of the entity behind it. */
export interface Rights {
  readonly entityId: string;
  readonly policies: readonly string[];
  readonly acl: Acl;
}

/** Null: the entity is gone or disabled, so the token does not work. */
export async function rightsOf(
  { identity: identities, policies }: Pick<CorridorParts, 'identity' | 'policies'>,
  run: Run,
  { tokenPolicies, entityId }: { readonly tokenPolicies: readonly string[]; readonly entityId: string },
): Promise<Rights | null> {
  const identity = entityId === '' ? null : await identities.resolve(run.core, entityId);
  if (entityId !== '' && identity === null) return null;
  const names = allPolicies(tokenPolicies, identity?.policies ?? []);
  return {
    entityId: identity?.entity.id ?? '',
    policies: names,
    acl: await policies.acl(run.core, names, run.revision.generation, identity),
  };
}

/** The policies of a token and of its entity, sorted. Nothing adds to `root`. */
export function allPolicies(ofToken: readonly string[], ofIdentity: readonly string[]): readonly string[] {
  if (ofIdentity.length === 0 || ofToken.includes('root')) return ofToken;
  return [...new Set([...ofToken, ...ofIdentity])].sort();
}

async function grantEnds(parts: CorridorParts, run: Run, grant: Grant): Promise<number | 'never' | null> {
  const mount = run.mounts.byId(grant.mountId);
  const type = mount === null ? undefined : parts.types.get(typeKey(mount.class, mount.type));
  if (mount === null || type?.grant === undefined) return null;
  return type.grant(storageOf(parts, run, mount), grant.role);
}
