import type { Observation, OperationSpec, Route, RouteContext } from '../../core/mount-type.ts';
import type { Operation } from '../../protocol/request.ts';
import { configRoute } from './config.ts';
import { dataRoute, subkeysRoute } from './data.ts';
import { deleteRoute, destroyRoute, undeleteRoute } from './deletion.ts';
import { markOf } from './key-record.ts';
import { loadKey } from './key-store.ts';
import { metadataRoute } from './metadata.ts';

export async function observe(context: RouteContext, path: string): Promise<Observation | null> {
  const key = await loadKey(context.storage, path);
  const mark = key === null ? null : markOf(key);
  return mark === null ? null : { mark };
}

// Who uses the paths of version 1 on a mount of version 2 is told so: clients show warnings, not errors.
const command: Readonly<Record<Operation, string>> = {
  read: 'get',
  list: 'list',
  write: 'put',
  patch: 'patch',
  delete: 'delete',
};
const roots = ['metadata', 'data', 'subkeys', 'delete', 'undelete', 'destroy'];

function misdirected(operation: Operation): OperationSpec {
  return {
    summary: 'Says which paths a versioned mount has',
    async handle(context) {
      const warning = roots.includes(context.params['path'] ?? '')
        ? 'Non-listing operations on the root of a K/V v2 mount are not supported.'
        : `Invalid path for a versioned K/V secrets engine. Read and write below data/, list below metadata/, or use "secretctl kv ${command[operation]}".`;
      return { status: 404, warnings: [warning] };
    },
  };
}

const elsewhere: Route = {
  path: ':path*',
  summary: 'Paths that a versioned mount does not have',
  operations: {
    read: misdirected('read'),
    list: misdirected('list'),
    write: misdirected('write'),
    patch: misdirected('patch'),
    delete: misdirected('delete'),
  },
};

/** KV version 2: numbered versions that can be deleted softly, brought back and destroyed. */
export const routes: readonly Route[] = [
  configRoute,
  dataRoute,
  subkeysRoute,
  metadataRoute,
  deleteRoute,
  undeleteRoute,
  destroyRoute,
  elsewhere,
];
