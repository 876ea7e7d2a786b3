import { givingWay } from '../base/giving-way.ts';
import { runOf } from '../core/corridor.ts';
import { mountRoute } from '../core/mount-index.ts';
import type { LeaseSource, ShownLease } from '../core/lease.ts';
import type { RouteContext } from '../core/mount-type.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { TokenRecords } from './token-records.ts';
import { createdIndex, type TokenRecord } from './token.ts';
import { type TokenDesk } from './tokens.ts';

/**
 * The leases of tokens, as the Vault API shows them: one for each, below the path of the login or the creation that gave
 * it. A token is its own lease, so they are nowhere but in its record.
 */
export function tokenLeases(desk: TokenDesk): LeaseSource {
  const lookUp = async (context: RouteContext, leaseId: string) => {
    const id = /\/h([0-9a-f]{64})$/.exec(leaseId)?.[1];
    if (id === undefined) return null;
    const tokens = await desk.openFor(context);
    const record = await tokens.records.get(id);
    if (record === null || leaseOf(id, record) !== leaseId) return null;
    return (await desk.works(context, tokens, { id, type: 'service', record })) ? { id, record } : null;
  };
  return {
    async find(context, leaseId) {
      const found = await lookUp(context, leaseId);
      return found === null ? null : shown(leaseId, found.record);
    },
    async children(context, folder) {
      const { records } = await desk.openFor(context);
      const names = new Set<string>();
      for (const { index, route } of indexesAt(context, folder)) {
        if (folder.startsWith(`${route}/`)) await namesIn(records, index, folder, names);
        else if ((await records.ofMount(index, '', 1)).length > 0) names.add(nextName(`${route}/`, folder));
      }
      return [...names].sort();
    },
    async renew(context, leaseId) {
      const found = await lookUp(context, leaseId);
      if (found === null) return null;
      throw badRequest(found.record.renewable ? 'tokens cannot be renewed through this endpoint' : 'lease is not renewable');
    },
    async revoke(context, leaseId) {
      const found = await lookUp(context, leaseId);
      if (found !== null) await (await desk.revocation(context)).tree(found.id);
      return true;
    },
    async revokePrefix(context, prefix) {
      const revocation = await desk.revocation(context);
      const found = await lookUp(context, prefix);
      if (found !== null) await revocation.tree(found.id);
      await revocation.prefixes(
        indexesAt(context, `${prefix}/`).map(({ index, route }) => ({
          index,
          route,
          // Above or at the mount: all that it gave.
          below: prefix.startsWith(`${route}/`) ? prefix.slice(route.length + 1) : null,
          until: context.now,
        })),
      );
      return true;
    },
  };
}

function leaseOf(id: string, record: TokenRecord): string {
  return `${record.path}/h${id}`;
}

function shown(id: string, record: TokenRecord): ShownLease {
  return {
    id,
    path: record.path,
    issuedAt: record.createdAt,
    expiresAt: record.expiresAt,
    lastRenewal: record.renewedAt,
    renewable: record.renewable,
  };
}

/** The indexes of tokens whose leases may lie in a folder (ending in `/`, or `''`), with the routes of their mounts. */
function indexesAt(context: RouteContext, folder: string): { readonly index: string; readonly route: string }[] {
  return runOf(context)
    .mounts.all()
    .filter((mount) => mount.class === 'auth' || mount.type === 'token')
    .map((mount) => ({ index: mount.type === 'token' ? createdIndex : mount.id, route: mountRoute(mount) }))
    .filter(({ route }) => `${route}/`.startsWith(folder) || folder.startsWith(`${route}/`));
}

const pageSize = 256;

async function namesIn(records: TokenRecords, index: string, folder: string, names: Set<string>): Promise<void> {
  const giveWay = givingWay(64);
  let after = '';
  for (;;) {
    const page = await records.ofMount(index, after, pageSize);
    for (const id of page) {
      await giveWay();
      after = id;
      const record = await records.get(id);
      const lease = record === null ? '' : leaseOf(id, record);
      if (lease.startsWith(folder)) names.add(nextName(lease, folder));
    }
    if (page.length < pageSize) return;
  }
}

/** The name right below a folder on the way to a path in it. */
function nextName(path: string, folder: string): string {
  const end = path.indexOf('/', folder.length);
  return end === -1 ? path.slice(folder.length) : path.slice(folder.length, end + 1);
}
