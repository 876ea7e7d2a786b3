import type { JsonObject } from '../../base/json.ts';
import type { View } from '../../barrier/view.ts';
import { parseDuration } from '../../base/duration.ts';
import { toHex } from '../../base/bytes.ts';
import { systemLeaseTtl, type Observation, type Route, type RouteContext } from '../../core/mount-type.ts';
import type { Reply } from '../../protocol/reply.ts';
import { noContent } from '../../protocol/reply.ts';
import { badRequest, notFound } from '../../protocol/request-error.ts';
import { listFolder } from '../../core/list-folder.ts';
import { pageFields } from '../../protocol/page.ts';
import { checkSecretBody } from '../secret-body.ts';

/** A secret as stored. `stamp` is drawn anew at each write, so that an unseen change can be told without the data. */
interface Stored {
  readonly stamp: string;
  readonly data: JsonObject;
}

const folder = 'secrets/';

/** KV version 1: whatever was written last, as it was written. */
export const routes: readonly Route[] = [
  {
    path: ':path*',
    summary: 'A secret',
    exists: async (context) => (await context.storage.get(folder + pathOf(context))) !== null,
    operations: {
      read: { summary: 'Read a secret', handle: read },
      list: { summary: 'List the secrets in a folder', fields: pageFields, handle: list },
      write: {
        summary: 'Write a secret; what it held before is gone',
        valuesOf: { kind: 'StaticSecret', name: 'path', within: [''] },
        handle: write,
      },
      delete: { summary: 'Delete a secret', handle: remove },
    },
  },
];

export async function observe(context: RouteContext, path: string): Promise<Observation | null> {
  const stored = await context.storage.getJson<Stored>(folder + path);
  return stored === null ? null : { mark: stored.stamp };
}

/** See Rename: the record as it is, stamp included, under another path. */
export async function renameStored({ storage }: RouteContext, from: string, to: string): Promise<Reply> {
  const stored = await storage.getJson<Stored>(folder + from);
  if (stored === null) throw notFound();
  if ((await storage.get(folder + to)) !== null) throw badRequest(`there is a secret at ${to} already`);
  await storage.putJson(folder + to, stored);
  await storage.delete(folder + from);
  return noContent;
}

/** Takes secrets out of the mount, at most so many. */
export async function* takeStored(storage: View, limit: number): AsyncGenerator<[path: string, data: JsonObject]> {
  for (const path of await storage.scan(folder, { limit })) {
    const stored = await storage.getJson<Stored>(path);
    if (stored === null) continue;
    await storage.delete(path);
    yield [path.slice(folder.length), stored.data];
  }
}

async function read(context: RouteContext): Promise<Reply> {
  const stored = await context.storage.getJson<Stored>(folder + pathOf(context));
  if (stored === null) throw notFound();
  return { data: stored.data, leaseDuration: suggestedTtl(context, stored.data) };
}

async function list(context: RouteContext): Promise<Reply> {
  return await listFolder(context, context.storage.below(folder), pathOf(context));
}

async function write(context: RouteContext): Promise<Reply> {
  if (Object.keys(context.data).length === 0) throw badRequest('missing data fields');
  checkSecretBody(context.data);
  const stamp = toHex(context.random.bytes(16));
  await context.storage.putJson(folder + pathOf(context), { stamp, data: context.data } satisfies Stored);
  return { ...noContent, mark: stamp };
}

async function remove(context: RouteContext): Promise<Reply> {
  await context.storage.delete(folder + pathOf(context));
  return noContent;
}

/**
 * After how many seconds a reader should read again: what the secret's own field `ttl` or else `lease` says, otherwise
 * the mount's default. Nothing expires.
 */
function suggestedTtl(context: RouteContext, data: JsonObject): number {
  const own = parseDuration(Object.hasOwn(data, 'ttl') ? data['ttl'] : data['lease']);
  return own === null ? context.mount.config.defaultLeaseTtl || systemLeaseTtl : Math.trunc(own);
}

function pathOf(context: RouteContext): string {
  return context.params['path'] ?? '';
}
