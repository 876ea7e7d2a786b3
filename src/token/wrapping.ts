import { instantText } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import type { View } from '../barrier/view.ts';
import { runOf } from '../core/corridor.ts';
import type { RouteContext } from '../core/mount-type.ts';
import { openEnvelope, replyEnvelope } from '../protocol/envelope.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import { newAccessor, newServiceToken, wrappingPolicy, type TokenRecord } from './token.ts';
import { type TokenDesk } from './tokens.ts';

/**
 * Response wrapping (https://developer.hashicorp.com/vault/docs/concepts/response-wrapping): a reply waits in the
 * cubbyhole of a token that opens it once. What lies there:
 * - `response`  `{response}`: the envelope as text, which the token may also read by itself, as clients of old do
 * - `wrapinfo`  what it is: see Wrapped
 */
interface Wrapped {
  /** The path of the request that was answered. */
  readonly creationPath: string;
  /** Seconds. */
  readonly creationTtl: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** HTTP status of the reply. */
  readonly status: number;
  /** The accessor of the token or secret id inside; '': there is none. */
  readonly wrappedAccessor: string;
}

/** Longer is no honest wish for something that is opened once. Seconds. */
const longestTtl = 10 * 365 * 24 * 3600;

/** See WrappingPort in core/ports.ts. */
export async function wrapReply(desk: TokenDesk, context: RouteContext, reply: Reply, ttl: number): Promise<Reply> {
  return wrapText(desk, context, JSON.stringify(replyEnvelope(context.request.id, reply)), {
    creationPath: context.request.path,
    creationTtl: ttl,
    createdAt: context.now,
    status: reply.status ?? 200,
    wrappedAccessor: accessorInside(context, reply),
  });
}

function accessorInside({ mount }: RouteContext, { auth, data }: Reply): string {
  if (auth) return auth.accessor;
  const accessor = mount.type === 'approle' ? data?.['secret_id_accessor'] : undefined;
  return typeof accessor === 'string' ? accessor : '';
}

async function wrapText(desk: TokenDesk, context: RouteContext, response: string, wrapped: Wrapped): Promise<Reply> {
  const { creationTtl: ttl, createdAt: now, creationPath, wrappedAccessor } = wrapped;
  if (ttl > longestTtl) throw badRequest(`a reply is wrapped for at most ${longestTtl} seconds, ten years`);
  const expiresAt = now + ttl * 1000;
  const record: TokenRecord = {
    accessor: newAccessor(context.random),
    parent: null,
    depth: 0,
    policies: [wrappingPolicy],
    path: context.request.path,
    meta: null,
    displayName: context.caller?.displayName ?? '',
    role: null,
    grant: null,
    mountId: null,
    numUses: 1,
    usesLeft: 1,
    createdAt: now,
    creationTtl: ttl,
    lastTtl: ttl,
    renewedAt: null,
    expiresAt,
    due: expiresAt,
    explicitMaxTtl: ttl,
    maxTtl: 0,
    period: 0,
    renewable: false,
    boundCidrs: [],
  };
  const token = newServiceToken(context.random);
  const tokens = await desk.openFor(context);
  const id = tokens.idOf(token);
  await tokens.records.add(id, record);
  const cubbyhole = desk.parts.cubbyhole(runOf(context).tx, id);
  await cubbyhole.putJson('response', { response });
  await cubbyhole.putJson('wrapinfo', wrapped);
  return { wrapInfo: { token, accessor: record.accessor, ttl, creationTime: now, creationPath, wrappedAccessor } };
}

/** A wrapping token that has not been opened yet, with what waits for it. */
export interface WrappedReply {
  readonly tokenId: string;
  readonly wrapped: Wrapped;
  readonly cubbyhole: View;
}

/** What a wrapping token stands for; null: it is none, has expired or has been opened. */
export async function findWrapped(desk: TokenDesk, context: RouteContext, text: string): Promise<WrappedReply | null> {
  const tokens = await desk.openFor(context);
  const token = await desk.presented(context, tokens, text);
  if (token === null || token.record.usesLeft === 0 || token.record.policies.join() !== wrappingPolicy) return null;
  const cubbyhole = desk.parts.cubbyhole(runOf(context).tx, token.id);
  const wrapped = await cubbyhole.getJson<Wrapped>('wrapinfo');
  return wrapped === null ? null : { tokenId: token.id, wrapped, cubbyhole };
}

/** Gives the reply out and ends its token: in one transaction, so that only one of many at once can have it. */
export async function openWrapped(desk: TokenDesk, context: RouteContext, found: WrappedReply): Promise<Reply> {
  const reply = openEnvelope(JSON.parse(await responseOf(found)) as JsonObject);
  await end(desk, context, found);
  const { status } = found.wrapped;
  return status === 200 ? reply : { ...reply, status };
}

/** Puts the same reply behind a new token. `most`: the longest that it may wait, in seconds; null: as long as before. */
export async function wrapAgain(
  desk: TokenDesk,
  context: RouteContext,
  found: WrappedReply,
  most: number | null,
): Promise<Reply> {
  const response = await responseOf(found);
  await end(desk, context, found);
  const { wrapped } = found;
  const creationTtl = most === null ? wrapped.creationTtl : Math.min(most, wrapped.creationTtl);
  return wrapText(desk, context, response, { ...wrapped, creationTtl, createdAt: context.now });
}

export function shownWrapped({ wrapped }: WrappedReply): JsonObject {
  return {
    creation_path: wrapped.creationPath,
    creation_time: instantText(wrapped.createdAt),
    creation_ttl: wrapped.creationTtl,
  };
}

async function responseOf({ cubbyhole }: WrappedReply): Promise<string> {
  const kept = await cubbyhole.getJson<{ readonly response: unknown }>('response');
  // The token may have written over it: then this is what it finds.
  if (typeof kept?.response !== 'string') throw badRequest('no response found inside the cubbyhole');
  return kept.response;
}

async function end(desk: TokenDesk, context: RouteContext, { tokenId }: WrappedReply): Promise<void> {
  await (await desk.revocation(context)).tree(tokenId);
}
