import { runOf } from '../core/corridor.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest, permissionDenied, RequestError } from '../protocol/request-error.ts';
import { type TokenDesk } from './tokens.ts';
import { findWrapped, openWrapped, shownWrapped, wrapAgain, type WrappedReply } from './wrapping.ts';

const fields = {
  token: { type: 'string', description: 'The wrapping token; the one that asks unless told.' },
} as const satisfies Fields;

/**
 * `sys/wrapping/…`. What opens a wrapped reply is looked at before anything else, so that a token which was opened
 * before is told so, and not that it may not ask: therefore these routes check themselves who asks.
 */
export function wrappingRoutes(desk: TokenDesk): readonly Route[] {
  const lookup = async (context: RouteContext): Promise<Reply> => ({ data: shownWrapped(await wrappedOf(desk, context)) });
  return [
    {
      path: 'wrapping/wrap',
      summary: 'Wraps any JSON object.',
      operations: {
        write: {
          summary: 'Answers with what was sent; the request says how long it shall be wrapped.',
          handle: ({ data, request }) => {
            if (request.wrapTtl === null) throw badRequest('endpoint requires response wrapping to be used');
            return Promise.resolve({ data });
          },
        },
      },
    },
    {
      path: 'wrapping/lookup',
      summary: 'What a wrapping token stands for.',
      operations: {
        read: { summary: 'Describes it without opening it.', fields, unauthenticated: true, handle: lookup },
        write: { summary: 'Describes it without opening it.', fields, unauthenticated: true, handle: lookup },
      },
    },
    {
      path: 'wrapping/unwrap',
      summary: 'The reply behind a wrapping token.',
      operations: {
        write: {
          summary: 'Gives it out, once.',
          fields,
          unauthenticated: true,
          handle: async (context) => {
            const found = await wrappedOf(desk, context);
            await authorise(desk, context, found);
            return openWrapped(desk, context, found);
          },
        },
      },
    },
    {
      path: 'wrapping/rewrap',
      summary: 'Another wrapping token for the same reply.',
      operations: {
        write: {
          summary: 'Makes a new token and ends the old one.',
          fields,
          unauthenticated: true,
          handle: async (context) => {
            const found = await wrappedOf(desk, context);
            await authorise(desk, context, found);
            return wrapAgain(desk, context, found, context.request.wrapTtl);
          },
        },
      },
    },
  ];
}

/** Throws RequestError: 403 where no token was sent, 400 where it opens nothing, in the words of the Vault API. */
async function wrappedOf(desk: TokenDesk, context: RouteContext): Promise<WrappedReply> {
  const { token } = readFields(fields, context.data);
  if (token === '') throw new RequestError(403, 'error validating wrapping token: empty token in request body');
  const text = token ?? context.request.token ?? '';
  if (text === '') throw new RequestError(403, 'error validating wrapping token: token is empty');
  const found = await findWrapped(desk, context, text);
  if (found === null) throw badRequest('wrapping token is not valid or does not exist');
  return found;
}

/** Throws RequestError 403 unless the caller may write here. A limited token gives one of its uses for it. */
async function authorise(desk: TokenDesk, context: RouteContext, found: WrappedReply): Promise<void> {
  const { caller, request } = context;
  const asked = { verb: 'update', path: request.path, data: request.data, wrapTtl: request.wrapTtl, sudo: false } as const;
  if (caller?.acl.allows(asked).allowed !== true) throw permissionDenied();
  // Opening ends a wrapping token that opens itself, and a batch token has no uses to be counted.
  if (caller.tokenId === found.tokenId || caller.tokenType === 'batch') return;
  const { records } = await desk.openFor(context);
  if (!(await records.takeUse(caller.tokenId, runOf(context).now))) throw permissionDenied();
}
