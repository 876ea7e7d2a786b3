import { goDuration } from '../../base/duration.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import type { Route, RouteContext } from '../../core/mount-type.ts';
import { readFields, type Fields } from '../../protocol/field.ts';
import { noContent, type Reply } from '../../protocol/reply.ts';
import { badRequest, notFound } from '../../protocol/request-error.ts';
import { listFolder } from '../../core/list-folder.ts';
import { pageFields } from '../../protocol/page.ts';
import { limitFields, loadConfig, readLimits } from './config.ts';
import { patchCustomMetadata, readCustomMetadata } from './custom-metadata.ts';
import { isLive, newKey, timeText, versionOf, versionTimes, type KeyRecord } from './key-record.ts';
import { deleteKey, keyFolders, loadKey, saveKey } from './key-store.ts';

const fields = {
  ...limitFields,
  custom_metadata: { type: 'map', description: 'Text by name, for people and programs; it is not secret.' },
} as const satisfies Fields;

export const metadataRoute: Route = {
  path: 'metadata/:path*',
  summary: 'What is known about a secret without its values',
  exists: async (context) => (await loadKey(context.storage, pathOf(context))) !== null,
  operations: {
    read: { summary: 'Read the metadata of a secret', forPlans: true, handle: read },
    list: { summary: 'List the secrets in a folder', fields: pageFields, handle: list },
    write: { summary: 'Set the metadata of a secret; custom metadata is replaced as a whole', fields, handle: write },
    patch: { summary: 'Change the metadata of a secret; custom metadata is merged, null removes', fields, handle: patch },
    delete: { summary: 'Remove a secret with all of its versions, for good', handle: remove },
  },
};

async function read(context: RouteContext): Promise<Reply> {
  const key = await loadKey(context.storage, pathOf(context));
  if (key === null) throw notFound();
  const current = versionOf(key, key.current);
  return {
    data: {
      versions: Object.fromEntries(Object.entries(key.versions).map(([number, version]) => [number, versionTimes(version)])),
      current_version: key.current,
      // Not in the Vault API: whether the newest version can be read, by the clock of the store.
      current_version_live: current !== null && isLive(current, context.now),
      oldest_version: key.oldest,
      created_time: timeText(key.createdAt),
      updated_time: timeText(key.updatedAt),
      max_versions: key.maxVersions,
      cas_required: key.casRequired,
      delete_version_after: goDuration(key.deleteVersionAfter),
      custom_metadata: key.customMetadata,
    },
  };
}

async function list(context: RouteContext): Promise<Reply> {
  return await listFolder(context, keyFolders(context.storage), pathOf(context));
}

async function write(context: RouteContext): Promise<Reply> {
  const change = readChange(context.data);
  if (change === null) return noContent;
  const key = (await loadKey(context.storage, pathOf(context))) ?? newKey(context.now);
  const { customMetadata } = change;
  return await save(context, key, change, customMetadata === undefined ? key.customMetadata : readCustomMetadata(customMetadata));
}

/** What null leaves in place of a limit: a patch takes away what it names as null. */
const unset = { max_versions: 0, cas_required: false, delete_version_after: 0 } as const satisfies Partial<
  Record<keyof typeof fields, Json>
>;

async function patch(context: RouteContext): Promise<Reply> {
  const { custom_metadata: custom } = context.data;
  const data: Record<string, Json> = { ...context.data, ...(custom === null ? { custom_metadata: {} } : {}) };
  for (const [name, none] of Object.entries(unset)) if (data[name] === null) data[name] = none;
  const change = readChange(data);
  if (change === null) return noContent;
  const key = await loadKey(context.storage, pathOf(context));
  if (key === null) throw notFound();
  const { customMetadata = {} } = change;
  return await save(context, key, change, custom === null ? null : patchCustomMetadata(key.customMetadata, customMetadata));
}

async function remove(context: RouteContext): Promise<Reply> {
  const path = pathOf(context);
  const key = await loadKey(context.storage, path);
  if (key !== null) await deleteKey(context.storage, path, key);
  return noContent;
}

type Change = ReturnType<typeof readLimits> & { readonly customMetadata: JsonObject | undefined };

/** What a body changes; null: nothing. */
function readChange(data: JsonObject): Change | null {
  // A client that sends this counts on the comparison, so it must not pass unnoticed.
  if (Object.hasOwn(data, 'metadata_cas')) throw badRequest('metadata_cas is not supported');
  const change = { ...readLimits(data), customMetadata: readFields(fields, data).custom_metadata };
  if (Object.values(change).every((value) => value === undefined)) return null;
  if ((change.deleteVersionAfter ?? 0) < 0) throw badRequest('delete_version_after of a secret must not be negative');
  return change;
}

async function save(
  context: RouteContext,
  key: KeyRecord,
  change: Change,
  customMetadata: KeyRecord['customMetadata'],
): Promise<Reply> {
  await saveKey(context.storage, pathOf(context), {
    ...key,
    updatedAt: context.now,
    maxVersions: change.maxVersions ?? key.maxVersions,
    casRequired: change.casRequired ?? key.casRequired,
    deleteVersionAfter: change.deleteVersionAfter ?? key.deleteVersionAfter,
    customMetadata,
  });
  if (change.casRequired === false && (await loadConfig(context.storage)).casRequired) {
    return {
      status: 200,
      warnings: ['"cas_required" set to false, but is mandated by backend config. This value will be ignored.'],
    };
  }
  return noContent;
}

function pathOf(context: RouteContext): string {
  return context.params['path'] ?? '';
}
