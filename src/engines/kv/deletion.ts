import type { OperationSpec, Route, RouteContext } from '../../core/mount-type.ts';
import { readFields, type Fields } from '../../protocol/field.ts';
import { noContent } from '../../protocol/reply.ts';
import { badRequest } from '../../protocol/request-error.ts';
import { loadConfig } from './config.ts';
import { deleteVersions, destroyVersions, undeleteVersions, versionOf, type KeyRecord } from './key-record.ts';
import { deleteValues, loadKey, saveKey } from './key-store.ts';

const fields = {
  versions: { type: 'ints', description: 'The numbers of the versions; those that do not exist are passed over.', default: [] },
} as const satisfies Fields;

export const deleteRoute: Route = {
  path: 'delete/:path*',
  summary: 'Soft deletion of versions',
  operations: {
    write: onVersions('Soft-delete versions of a secret', async (context, key, numbers) =>
      deleteVersions(key, numbers, context.now),
    ),
  },
};

export const undeleteRoute: Route = {
  path: 'undelete/:path*',
  summary: 'The way back from soft deletion',
  operations: {
    write: onVersions('Make soft-deleted versions of a secret readable again', async (context, key, numbers) =>
      undeleteVersions(key, numbers, await loadConfig(context.storage), context.now),
    ),
  },
};

export const destroyRoute: Route = {
  path: 'destroy/:path*',
  summary: 'Removal of values for good',
  operations: {
    write: onVersions('Remove the values of versions of a secret for good', async (context, key, numbers) => {
      const known = numbers.filter((number) => versionOf(key, number) !== null);
      await deleteValues(context.storage, context.params['path'] ?? '', known);
      return destroyVersions(key, known);
    }),
  },
};

/** An operation on versions of a secret. A path without a secret is no error. */
function onVersions(
  summary: string,
  change: (context: RouteContext, key: KeyRecord, numbers: readonly number[]) => Promise<KeyRecord>,
): OperationSpec {
  return {
    summary,
    fields,
    async handle(context) {
      const { versions } = readFields(fields, context.data);
      if (versions.length === 0) throw badRequest('No version number provided');
      const path = context.params['path'] ?? '';
      const key = await loadKey(context.storage, path);
      if (key !== null) await saveKey(context.storage, path, await change(context, key, versions));
      return noContent;
    },
  };
}
