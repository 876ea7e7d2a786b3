import { givingWay } from '../base/giving-way.ts';
import type { View } from '../barrier/view.ts';
import { addressText, type ManagedAddress, type ManagedRecord } from '../protocol/managed.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';

const folder = 'managed/';

/**
 * Where the record of an address lies, and the path below `sys/managed/record/` that policies name: kind, mount with
 * `:` for `/` (`-` for none) and name.
 */
export function recordPath(address: ManagedAddress): string {
  return `${address.kind}/${address.mount?.replaceAll('/', ':') ?? '-'}/${address.name}`;
}

/** The address of a record path. Throws RequestError 400 for a path that is none. */
export function addressOfPath(path: string): ManagedAddress {
  const [kind, mount, ...name] = path.split('/');
  if (kind === undefined || mount === undefined || name.length === 0) {
    throw badRequest('a managed record is named by <Kind>/<mount, with ":" for "/", or "-">/<name>');
  }
  return { kind, mount: mount === '-' ? null : mount.replaceAll(':', '/'), name: name.join('/') };
}

/** The records of what config repos manage, in one transaction. */
export interface ManagedRecords {
  get(address: ManagedAddress): Promise<ManagedRecord | null>;
  /** All records, of every project. */
  all(): Promise<ManagedRecord[]>;
  put(record: ManagedRecord): Promise<void>;
  delete(address: ManagedAddress): Promise<void>;
}

export function managedRecords(core: View): ManagedRecords {
  const records = core.below(folder);
  return {
    get: (address) => records.getJson<ManagedRecord>(recordPath(address)),
    async all() {
      const giveWay = givingWay(64);
      const found: ManagedRecord[] = [];
      for (const path of await records.scan('')) {
        await giveWay();
        const record = await records.getJson<ManagedRecord>(path);
        if (record !== null) found.push(record);
      }
      return found;
    },
    put: (record) => records.putJson(recordPath(record.address), record),
    delete: (address) => records.delete(recordPath(address)),
  };
}

/** Refuses to touch what another project owns. */
export function checkOwner(record: ManagedRecord | null, address: ManagedAddress, project: string): void {
  if (record !== null && record.project !== project) {
    throw new RequestError(
      409,
      `${addressText(address)} is managed by project "${record.project}", not by "${project}": remove its document here, or have "${record.project}" forget it first`,
    );
  }
}
