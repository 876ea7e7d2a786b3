import { runOf } from '../core/corridor.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import { accessorField } from './lookup.ts';
import { expireTokens, revocationBatch } from './revocation.ts';
import { callerOf, hasSudo, type TokenDesk } from './tokens.ts';

const tokenField = { token: { type: 'string', description: 'The token.', default: '' } } as const satisfies Fields;

export function revokeRoutes(desk: TokenDesk): readonly Route[] {
  const route = (path: string, summary: string, fields: Fields, handle: (context: RouteContext) => Promise<Reply>): Route => ({
    path,
    summary,
    operations: { write: { summary, fields, handle } },
  });
  return [
    route('revoke', 'Ends a token and all that descends from it.', tokenField, (context) => revoke(desk, context)),
    route('revoke-self', 'Ends the token that asks and all that descends from it.', {}, (context) => revokeSelf(desk, context)),
    route('revoke-orphan', 'Ends a token; its children go on as orphans. Needs sudo.', tokenField, (context) =>
      revokeOrphan(desk, context),
    ),
    route('revoke-accessor', 'Ends the token of an accessor and all that descends from it.', accessorField, (context) =>
      revokeAccessor(desk, context),
    ),
    route('tidy', 'Removes tokens that are past their time.', {}, (context) => tidy(desk, context)),
  ];
}

async function revoke(desk: TokenDesk, context: RouteContext): Promise<Reply> {
  const { token: text } = readFields(tokenField, context.data);
  if (text === '') throw badRequest('missing token ID');
  const token = await (await desk.openFor(context)).identify(text);
  if (token === null) return noContent;
  if (token.type === 'batch') throw badRequest('batch tokens cannot be revoked');
  await (await desk.revocation(context)).tree(token.id);
  return noContent;
}

async function revokeSelf(desk: TokenDesk, context: RouteContext): Promise<Reply> {
  const caller = callerOf(context);
  if (caller.tokenType === 'batch') throw badRequest('batch tokens cannot be revoked');
  await (await desk.revocation(context)).tree(caller.tokenId);
  return noContent;
}

async function revokeOrphan(desk: TokenDesk, context: RouteContext): Promise<Reply> {
  const { token: text } = readFields(tokenField, context.data);
  if (text === '') throw badRequest('missing token ID');
  if (!hasSudo(context)) throw badRequest('root or sudo privileges required to revoke and orphan');
  const token = await (await desk.openFor(context)).identify(text);
  if (token === null) throw badRequest('token to revoke not found');
  if (token.type === 'batch') throw badRequest('batch tokens cannot be revoked');
  await (await desk.revocation(context)).orphanChildren(token.id);
  return noContent;
}

async function revokeAccessor(desk: TokenDesk, context: RouteContext): Promise<Reply> {
  const { accessor } = readFields(accessorField, context.data);
  if (accessor === '') throw badRequest('missing accessor');
  const id = await (await desk.openFor(context)).records.byAccessor(accessor);
  if (id === null) return { warnings: ['No token found with this accessor'] };
  await (await desk.revocation(context)).tree(id);
  return noContent;
}

async function tidy(desk: TokenDesk, context: RouteContext): Promise<Reply> {
  const { core, tx, now } = runOf(context);
  const run = await expireTokens(core, now, revocationBatch, (id) => desk.parts.forget(tx, id));
  const more = run.nextDue !== null && run.nextDue <= now ? '; more are due, so call again' : '';
  return { status: 202, warnings: [`Tidy operation removed ${run.removed} tokens that were past their time${more}`] };
}
