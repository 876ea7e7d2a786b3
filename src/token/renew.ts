import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import { replyAuth } from './create.ts';
import { accessorField, tokenOfAccessor } from './lookup.ts';
import { readTokenRole } from './role.ts';
import type { Token } from './token.ts';
import type { TokenDesk, Tokens } from './tokens.ts';
import { grantedTtl, leastLimit, type TtlQuestion } from './ttl.ts';

const incrementField = {
  increment: {
    type: 'duration',
    description: 'How long it shall live from now on; what it was given last unless told.',
    default: 0,
  },
} as const satisfies Fields;
const tokenFields = {
  ...incrementField,
  token: { type: 'string', description: 'The token.', default: '' },
} as const satisfies Fields;
const accessorFields = { ...incrementField, ...accessorField } as const satisfies Fields;

export function renewRoutes(desk: TokenDesk): readonly Route[] {
  return [
    {
      path: 'renew',
      summary: 'Lets a token live longer.',
      operations: {
        write: {
          summary: 'Renews it.',
          fields: tokenFields,
          handle: async (context) => {
            const { token, increment } = readFields(tokenFields, context.data);
            return renewPresented(desk, context, token, increment);
          },
        },
      },
    },
    {
      path: 'renew-self',
      summary: 'Lets the token that asks live longer.',
      operations: {
        write: {
          summary: 'Renews it.',
          fields: incrementField,
          handle: async (context) =>
            renewPresented(desk, context, context.request.token ?? '', readFields(incrementField, context.data).increment),
        },
      },
    },
    {
      path: 'renew-accessor',
      summary: 'Lets the token of an accessor live longer.',
      operations: {
        write: {
          summary: 'Renews it; the reply does not hold the token.',
          fields: accessorFields,
          handle: async (context) => {
            const { accessor, increment } = readFields(accessorFields, context.data);
            const tokens = await desk.openFor(context);
            return renew(desk, context, tokens, await tokenOfAccessor(desk, context, tokens, accessor), '', increment);
          },
        },
      },
    },
  ];
}

async function renewPresented(desk: TokenDesk, context: RouteContext, text: string, increment: number): Promise<Reply> {
  if (text === '') throw badRequest('missing token ID');
  const tokens = await desk.openFor(context);
  const token = await desk.presented(context, tokens, text);
  if (token === null) throw badRequest('token not found');
  return renew(desk, context, tokens, token, text, increment);
}

async function renew(
  desk: TokenDesk,
  context: RouteContext,
  tokens: Tokens,
  token: Token,
  text: string,
  increment: number,
): Promise<Reply> {
  const { record } = token;
  if (token.type === 'batch') throw badRequest('batch tokens cannot be renewed');
  if (!record.renewable || record.expiresAt === null) throw badRequest('lease is not renewable');
  // A token whose last use was taken ends with that request.
  if (record.numUses > 0 && record.usesLeft === 0) throw badRequest('lease is not renewable');
  if (increment < 0) throw badRequest('increment must be positive');
  const granted = grantedTtl({
    ...(await termsOf(desk, context, token)),
    increment,
    issuedAt: record.createdAt,
    now: context.now,
  });
  const renewed = {
    ...record,
    lastTtl: granted.ttl,
    renewedAt: context.now,
    expiresAt: granted.expiresAt,
    due: granted.expiresAt,
  };
  await tokens.records.update(token.id, record, renewed);
  return {
    auth: replyAuth(text, renewed, 'service', await tokens.records.isOrphan(renewed), await desk.identityOf(context, renewed)),
    ...(granted.warnings.length > 0 ? { warnings: granted.warnings } : {}),
  };
}

/** What bounds the renewal now: role and mount may say something else than when the token was made. */
async function termsOf(
  desk: TokenDesk,
  context: RouteContext,
  { record }: Token,
): Promise<Pick<TtlQuestion, 'ttl' | 'period' | 'maxTtl' | 'explicitMaxTtl' | 'config'>> {
  const own = { ttl: record.lastTtl, period: record.period, maxTtl: record.maxTtl, explicitMaxTtl: record.explicitMaxTtl };
  if (record.mountId !== null) {
    const method = desk.methodOf(context, record.mountId);
    if (method === null) throw badRequest('the auth method that gave this token is gone, not renewing');
    const { config } = method.mount;
    if (record.grant === null || method.type.renewal === undefined) return { ...own, config };
    const terms = await method.type.renewal(method.storage, record.grant.role, record);
    if (terms === null) throw badRequest(`role ${record.grant.role} does not exist during renewal`);
    return { ...own, ...terms, config };
  }
  const config = context.mount.config;
  if (record.role === null) return { ...own, config };
  const role = await readTokenRole(context.storage, record.role);
  if (role === null) throw badRequest(`original token role "${record.role}" could not be found, not renewing`);
  return {
    ...own,
    // What the caller of `create` asked for stays in force beside what the role says now.
    period: leastLimit(record.period, role.period),
    explicitMaxTtl: leastLimit(record.explicitMaxTtl, role.explicitMaxTtl),
    config,
  };
}
