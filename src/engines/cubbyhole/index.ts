import type { View } from '../../barrier/view.ts';
import type { Route, RouteContext } from '../../core/mount-type.ts';
import type { JsonObject } from '../../base/json.ts';
import { noContent, type Reply } from '../../protocol/reply.ts';
import { badRequest, notFound, permissionDenied } from '../../protocol/request-error.ts';
import type { Engine } from '../engine.ts';
import { listFolder } from '../../core/list-folder.ts';
import { pageFields } from '../../protocol/page.ts';
import { checkSecretBody } from '../secret-body.ts';

const secret: Route = {
  path: ':path*',
  summary: 'A secret that only the token which wrote it can read',
  exists: async (context) => (await own(context).get(pathOf(context))) !== null,
  operations: {
    read: { summary: 'Read a secret of this token', handle: read },
    list: { summary: 'List the secrets of this token in a folder', fields: pageFields, handle: list },
    write: { summary: 'Write a secret of this token', handle: write },
    delete: { summary: 'Delete a secret of this token', handle: remove },
  },
};

/** Private storage of each token, gone with the token. */
export const cubbyhole: Engine = {
  type: 'cubbyhole',
  description: 'Per-token private secret storage',
  routes: [secret],
  kinds: [],
};

/** What a token stored; `view` is the storage of the cubbyhole mount. */
export function cubbyholeOf(view: View, tokenId: string): View {
  return view.below(folderOf(tokenId));
}

/** Deletes what a token stored; `view` is the storage of the cubbyhole mount. Returns how many secrets that were. */
export async function clearCubbyhole(view: View, tokenId: string): Promise<number> {
  return await view.deleteAll(folderOf(tokenId));
}

async function read(context: RouteContext): Promise<Reply> {
  const data = await own(context).getJson<JsonObject>(pathOf(context));
  if (data === null) throw notFound();
  return { data };
}

async function list(context: RouteContext): Promise<Reply> {
  return await listFolder(context, own(context), pathOf(context));
}

async function write(context: RouteContext): Promise<Reply> {
  if (Object.keys(context.data).length === 0) throw badRequest('missing data fields');
  checkSecretBody(context.data);
  await own(context).putJson(pathOf(context), context.data);
  return noContent;
}

async function remove(context: RouteContext): Promise<Reply> {
  await own(context).delete(pathOf(context));
  return noContent;
}

/** The caller's part of the storage. */
function own(context: RouteContext): View {
  if (context.caller === null) throw permissionDenied();
  if (context.caller.tokenType !== 'service') throw badRequest('cubbyhole operations are only supported by service tokens');
  return cubbyholeOf(context.storage, context.caller.tokenId);
}

function folderOf(tokenId: string): string {
  // An empty id would stand for the folder of every token.
  if (tokenId === '' || tokenId.includes('/')) throw new TypeError('not a token id');
  return `${tokenId}/`;
}

function pathOf(context: RouteContext): string {
  return context.params['path'] ?? '';
}
