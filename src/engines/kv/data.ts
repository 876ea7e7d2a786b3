import type { Json, JsonObject } from '../../base/json.ts';
import type { Route, RouteContext, ValuePlace } from '../../core/mount-type.ts';
import { readFields, type Fields } from '../../protocol/field.ts';
import { noContent, type Reply } from '../../protocol/reply.ts';
import { badRequest, notFound } from '../../protocol/request-error.ts';
import { checkSecretBody } from '../secret-body.ts';
import { loadConfig, type KvConfig } from './config.ts';
import {
  addVersion,
  checkCas,
  deleteVersions,
  isLive,
  markOf,
  newKey,
  versionOf,
  versionReply,
  type KeyRecord,
  type VersionRecord,
} from './key-record.ts';
import { deleteValues, loadKey, loadValue, saveKey, saveValue } from './key-store.ts';
import { mergePatch } from './merge-patch.ts';

const versionFields = {
  version: { type: 'int', description: 'Which version; the newest unless told.', default: 0 },
} as const satisfies Fields;

const writeFields = {
  data: { type: 'map', description: 'The secret.' },
  options: {
    type: 'map',
    description:
      'cas: the number that the newest version must have, 0 for no version. For a patch, whole: fields are replaced, not merged, and remove names those that go.',
  },
} as const satisfies Fields;

const fieldsOfSecret: ValuePlace = { kind: 'StaticSecret', name: 'path', within: ['/data'] };

export const dataRoute: Route = {
  path: 'data/:path*',
  summary: 'The versions of a secret',
  exists: async (context) => (await loadKey(context.storage, pathOf(context))) !== null,
  operations: {
    read: { summary: 'Read a version of a secret', fields: versionFields, handle: read },
    write: { summary: 'Write a new version of a secret', fields: writeFields, valuesOf: fieldsOfSecret, handle: write },
    patch: {
      summary: 'Make a new version out of the newest one by a JSON merge patch',
      fields: writeFields,
      valuesOf: fieldsOfSecret,
      handle: patch,
    },
    delete: { summary: 'Soft-delete the newest version of a secret', handle: remove },
  },
};

const subkeysFields = {
  ...versionFields,
  depth: { type: 'int', description: 'How many levels of keys to show; 0: all.', default: 0 },
} as const satisfies Fields;

export const subkeysRoute: Route = {
  path: 'subkeys/:path*',
  summary: 'The structure of a secret without its values',
  operations: { read: { summary: 'Read the keys of a version of a secret', fields: subkeysFields, handle: readSubkeys } },
};

async function read(context: RouteContext): Promise<Reply> {
  return await readVersion(context, 'data', (value) => value);
}

async function readSubkeys(context: RouteContext): Promise<Reply> {
  const { depth } = readFields(subkeysFields, context.data);
  return await readVersion(context, 'subkeys', (value) => subkeysOf(value, depth > 0 ? depth : Infinity));
}

/** A version's value as `show` makes it. A deleted or destroyed one gives 404 with what is known about it. */
async function readVersion(context: RouteContext, member: string, show: (value: JsonObject) => JsonObject): Promise<Reply> {
  const path = pathOf(context);
  const { version: asked } = readFields(versionFields, context.data);
  const key = await loadKey(context.storage, path);
  if (key === null) throw notFound();
  const number = asked > 0 ? asked : key.current;
  const version = versionOf(key, number);
  if (version === null) throw notFound();
  const metadata = versionReply(key, number, version);
  if (!isLive(version, context.now)) return { status: 404, data: { [member]: null, metadata } };
  return { data: { [member]: show(await loadValue(context.storage, path, number)), metadata } };
}

async function write(context: RouteContext): Promise<Reply> {
  const { data, options } = readFields(writeFields, context.data);
  if (data === undefined) throw badRequest('no data provided');
  checkSecretBody(data);
  const config = await loadConfig(context.storage);
  const key = await loadKey(context.storage, pathOf(context));
  checkCas(options, key, config);
  return await writeVersion(context, key ?? newKey(context.now), config, data);
}

async function patch(context: RouteContext): Promise<Reply> {
  const { data, options } = readFields(writeFields, context.data);
  if (data === undefined) throw badRequest('no data provided');
  checkSecretBody(data);
  const path = pathOf(context);
  const key = await loadKey(context.storage, path);
  if (key === null) throw notFound();
  const config = await loadConfig(context.storage);
  checkCas(options, key, config);
  const current = versionOf(key, key.current);
  if (current === null) throw notFound();
  if (!isLive(current, context.now)) return { status: 404, data: versionReply(key, key.current, current) };
  const value = await loadValue(context.storage, path, key.current);
  const patched = options?.['whole'] === true ? withFields(value, data, options['remove']) : mergePatch(value, data);
  checkSecretBody(patched);
  return await writeVersion(context, key, config, patched);
}

/**
 * Not in the Vault API: the fields of `data` in place of those of the same names, whole and null too, and without those
 * that `remove` names. Throws RequestError 400.
 */
function withFields(value: JsonObject, data: JsonObject, remove: Json | undefined): JsonObject {
  const removed: readonly Json[] = Array.isArray(remove) ? remove : [];
  if (remove !== undefined && (!Array.isArray(remove) || removed.some((name) => typeof name !== 'string')))
    throw badRequest('the option remove is a list of the names of fields');
  const kept = Object.entries(value).filter(([name]) => !removed.includes(name));
  return Object.fromEntries([...kept, ...Object.entries(data)]);
}

async function writeVersion(context: RouteContext, before: KeyRecord, config: KvConfig, value: JsonObject): Promise<Reply> {
  const path = pathOf(context);
  const { key, trimmed } = addVersion(before, config, context.now);
  await saveValue(context.storage, path, key.current, value);
  await saveKey(context.storage, path, key);
  await deleteValues(context.storage, path, trimmed);
  const mark = markOf(key);
  return {
    data: versionReply(key, key.current, versionOf(key, key.current) as VersionRecord),
    ...(mark === null ? {} : { mark }),
  };
}

async function remove(context: RouteContext): Promise<Reply> {
  const path = pathOf(context);
  const key = await loadKey(context.storage, path);
  if (key !== null) await saveKey(context.storage, path, deleteVersions(key, [key.current], context.now));
  return noContent;
}

/** The keys of a value: whatever is no object with members, or lies deeper than `depth` levels, becomes null. */
function subkeysOf(value: JsonObject, depth: number): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const open =
        depth > 1 && typeof member === 'object' && member !== null && !Array.isArray(member) && Object.keys(member).length > 0;
      return [key, open ? subkeysOf(member as JsonObject, depth - 1) : null];
    }),
  );
}

function pathOf(context: RouteContext): string {
  return context.params['path'] ?? '';
}
