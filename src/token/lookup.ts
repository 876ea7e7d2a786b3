import { givingWay } from '../base/giving-way.ts';
import type { JsonObject } from '../base/json.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { pageFields, readPage } from '../protocol/page.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest, notFound, RequestError } from '../protocol/request-error.ts';
import { instantText } from '../base/instant.ts';
import type { Token } from './token.ts';
import type { TokenDesk, Tokens } from './tokens.ts';

const tokenField = {
  token: { type: 'string', description: 'The token; the one that asks unless told.', default: '' },
} as const satisfies Fields;
export const accessorField = {
  accessor: { type: 'string', description: 'The accessor of the token.', default: '' },
} as const satisfies Fields;

/** What can be known of a token, and which tokens there are. */
export function lookupRoutes(desk: TokenDesk): readonly Route[] {
  const byToken = (context: RouteContext): Promise<Reply> => {
    const { token } = readFields(tokenField, context.data);
    return lookup(desk, context, token === '' ? (context.request.token ?? '') : token);
  };
  const self = (context: RouteContext): Promise<Reply> => lookup(desk, context, context.request.token ?? '');
  return [
    {
      path: 'lookup',
      summary: 'What a token is.',
      operations: {
        read: { summary: 'Describes the token that asks.', handle: self },
        write: { summary: 'Describes a token.', fields: tokenField, handle: byToken },
      },
    },
    {
      path: 'lookup-self',
      summary: 'What the token that asks is.',
      operations: {
        read: { summary: 'Describes it.', handle: self },
        write: { summary: 'Describes it.', handle: self },
      },
    },
    {
      path: 'lookup-accessor',
      summary: 'What the token of an accessor is.',
      operations: {
        write: {
          summary: 'Describes it, without the token itself.',
          fields: accessorField,
          handle: async (context) => {
            const { accessor } = readFields(accessorField, context.data);
            const tokens = await desk.openFor(context);
            const token = await tokenOfAccessor(desk, context, tokens, accessor);
            return { data: await shown(desk, context, tokens, token, '') };
          },
        },
      },
    },
    {
      path: 'accessors',
      summary: 'The accessors of all tokens.',
      operations: {
        list: { summary: 'Lists them.', fields: pageFields, sudo: true, handle: (context) => listAccessors(desk, context) },
      },
    },
  ];
}

/** The token of an accessor. Throws RequestError 400 where there is none that works. */
export async function tokenOfAccessor(desk: TokenDesk, context: RouteContext, tokens: Tokens, accessor: string): Promise<Token> {
  if (accessor === '') throw badRequest('missing accessor');
  const token = await desk.ofAccessor(context, tokens, accessor);
  if (token === null) throw badRequest('invalid accessor');
  return token;
}

async function lookup(desk: TokenDesk, context: RouteContext, text: string): Promise<Reply> {
  const tokens = await desk.openFor(context);
  const token = await desk.presented(context, tokens, text);
  if (token === null) throw new RequestError(403, 'bad token');
  return { data: await shown(desk, context, tokens, token, text) };
}

/** The parent is left out on purpose: who knows it could act as it. */
async function shown(desk: TokenDesk, context: RouteContext, tokens: Tokens, token: Token, text: string): Promise<JsonObject> {
  const { record, type } = token;
  const { policies: ofIdentity = [] } = (await desk.identityOf(context, record)) ?? {};
  return {
    id: text,
    accessor: record.accessor,
    policies: record.policies,
    path: record.path,
    meta: record.meta,
    display_name: record.displayName,
    num_uses: record.usesLeft,
    orphan: await tokens.records.isOrphan(record),
    creation_time: Math.floor(record.createdAt / 1000),
    creation_ttl: record.creationTtl,
    issue_time: instantText(record.createdAt),
    expire_time: record.expiresAt === null ? null : instantText(record.expiresAt),
    ttl: record.expiresAt === null ? 0 : Math.floor((record.expiresAt - context.now) / 1000),
    explicit_max_ttl: record.explicitMaxTtl,
    renewable: record.renewable,
    entity_id: record.entityId ?? '',
    type,
    ...(ofIdentity.length === 0 ? {} : { identity_policies: ofIdentity, external_namespace_policies: {} }),
    ...(record.role === null ? {} : { role: record.role }),
    ...(record.period === 0 ? {} : { period: record.period }),
    ...(record.boundCidrs.length === 0 ? {} : { bound_cidrs: record.boundCidrs }),
    ...(record.renewedAt === null
      ? {}
      : { last_renewal: instantText(record.renewedAt), last_renewal_time: Math.floor(record.renewedAt / 1000) }),
  };
}

const pageSize = 256;

async function listAccessors(desk: TokenDesk, context: RouteContext): Promise<Reply> {
  const { after, limit: most = Infinity } = readPage(context.data);
  const tokens = await desk.openFor(context);
  const keys: string[] = [];
  let cursor = after === undefined ? '' : tokens.records.placeOf(after);
  const giveWay = givingWay(64);
  for (;;) {
    const page = await tokens.records.page(cursor, pageSize);
    for (const { name, id } of page) {
      await giveWay();
      cursor = name;
      const record = await tokens.records.get(id);
      if (record === null || !(await desk.works(context, tokens, { id, type: 'service', record }))) continue;
      keys.push(record.accessor);
      if (keys.length === most) return { data: { keys } };
    }
    if (page.length < pageSize) break;
  }
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}
