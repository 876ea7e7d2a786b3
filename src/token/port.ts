import { inCidrs } from '../base/cidr.ts';
import type { Random } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import { counterRoute } from '../core/counter-route.ts';
import type { LeaseSource } from '../core/lease.ts';
import type { MountType, Route, RouteContext } from '../core/mount-type.ts';
import type { TokenPort, WrappingPort } from '../core/ports.ts';
import type { Remote } from '../protocol/request.ts';
import { tokenLeases } from './leases.ts';
import { issueToken } from './login.ts';
import { tokenMethod } from './method.ts';
import { addRootToken } from './root-token.ts';
import { createTokenKey } from './token-key.ts';
import type { TokenRecord } from './token.ts';
import { TokenDesk, type TokenParts } from './tokens.ts';
import { wrapReply } from './wrapping.ts';
import { wrappingRoutes } from './wrapping-routes.ts';

/** The tokens of a store: what the core asks for, and the auth method at `auth/token`. */
export interface TokenNoun extends TokenPort {
  readonly method: MountType;
  readonly wrapping: WrappingPort;
  readonly leases: LeaseSource;
  /** Routes below `sys/`. */
  readonly sysRoutes: readonly Route[];
  /** The policies of a token that works and the entity behind it, by itself or by its accessor. Null: there is none. */
  holderOf(
    context: RouteContext,
    named: { readonly token: string } | { readonly accessor: string },
  ): Promise<{ readonly tokenPolicies: readonly string[]; readonly entityId: string } | null>;
  /** Forgets the prepared key; to be called when the store is sealed. */
  wipe(): void;
}

export function createTokens(parts: TokenParts): TokenNoun {
  const desk = new TokenDesk(parts);
  return {
    method: tokenMethod(desk),
    wrapping: { wrap: (context, reply, ttl) => wrapReply(desk, context, reply, ttl) },
    leases: tokenLeases(desk),
    sysRoutes: [
      ...wrappingRoutes(desk),
      counterRoute({
        path: 'tokens',
        counted: 'service_tokens',
        summary: 'How many tokens are stored. Of batch tokens nothing is.',
        count: async (context) => (await desk.openFor(context)).records.count(),
      }),
    ],
    wipe: () => desk.wipe(),
    async holderOf(context, named) {
      const tokens = await desk.openFor(context);
      const token =
        'token' in named
          ? await desk.presented(context, tokens, named.token)
          : await desk.ofAccessor(context, tokens, named.accessor);
      return token === null ? null : { tokenPolicies: token.record.policies, entityId: token.record.entityId ?? '' };
    },
    async find(core, text, remote, now, useTaken) {
      const tokens = await desk.open(core);
      const token = await tokens.identify(text);
      if (token === null) return null;
      const { id, type, record } = token;
      if (record.numUses > 0 && record.usesLeft === 0 && !useTaken) return null;
      if (!mayComeFrom(record, remote)) return null;
      const grants = await tokens.records.standing(record, now);
      if (grants === null) return null;
      return {
        tokenId: id,
        accessor: record.accessor,
        displayName: record.displayName,
        tokenPolicies: record.policies,
        metadata: record.meta ?? {},
        entityId: record.entityId ?? '',
        tokenType: type,
        leaseOwner: type === 'batch' ? record.parent : id,
        expiresAt: record.expiresAt,
        limitedUses: record.numUses > 0,
        lastUse: record.numUses > 0 && record.usesLeft === 0,
        grants,
      };
    },
    async takeUse(core, tokenId) {
      return (await desk.open(core)).records.takeUse(tokenId, parts.clock.now());
    },
    issue: (context, login) => issueToken(desk, context, login),
    async revokeMount(core, mountId) {
      await core.below('token/').putJson(`revoking/mount/${mountId}`, {});
    },
  };
}

/**
 * Makes the token key of a new store and its first root token, which does not expire. `core` is the core's view, `now`
 * in milliseconds since the epoch. The token is returned once and is nowhere else.
 */
export async function initializeTokens(core: View, random: Random, now: number): Promise<{ readonly rootToken: string }> {
  await createTokenKey(core.below('token/'), random);
  return { rootToken: await addRootToken(core, random, now) };
}

/** A token that does not expire is not bound to addresses. Where there is no address, a bound one does not work. */
function mayComeFrom(record: TokenRecord, remote: Remote | null): boolean {
  if (record.expiresAt === null || record.boundCidrs.length === 0) return true;
  return remote !== null && inCidrs(remote.address, record.boundCidrs);
}
