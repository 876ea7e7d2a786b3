import type { View } from '../barrier/view.ts';
import { pendingVersion, type Transaction } from '../storage/transaction.ts';
import type { Mount, MountConfig } from './mount-type.ts';

/** Where a request path leads: the mount and the path inside it. */
export interface Destination {
  readonly mount: Mount;
  /** Relative to the mount, without a trailing slash. */
  readonly path: string;
}

/** The mounts as one transaction sees them. Changes go to the transaction and are seen by its later requests. */
export interface MountTable {
  /** Every mount, the system's too, sorted by route. */
  all(): readonly Mount[];
  byId(id: string): Mount | null;
  /** By class and path; an auth method's path without `auth/`. */
  at(mountClass: 'secret' | 'auth', path: string): Mount | null;
  /** The mount that a request path (without a trailing slash) leads to; null: none. Nested mounts do not exist, so at most one. */
  resolve(path: string): Destination | null;
  put(mount: Mount): Promise<void>;
  delete(mount: Mount): Promise<void>;
}

export const defaultMountConfig: MountConfig = {
  defaultLeaseTtl: 0,
  maxLeaseTtl: 0,
  forceNoCache: false,
  listingVisibility: '',
  tokenType: '',
  auditNonHmacRequestKeys: [],
  auditNonHmacResponseKeys: [],
  passthroughRequestHeaders: [],
  allowedResponseHeaders: [],
  userLockout: null,
};

function systemMount(id: string, path: string, type: string, mountClass: 'system' | 'secret', description: string): Mount {
  return {
    id,
    class: mountClass,
    path,
    type,
    accessor: `${type}_${id}`,
    description,
    options: {},
    config: defaultMountConfig,
    local: false,
    sealWrap: false,
  };
}

/** The mounts that every store has; they are not records and can't be unmounted. */
const systemMounts: readonly Mount[] = [
  systemMount('system', 'sys', 'system', 'system', 'system endpoints used for control, policy and debugging'),
  systemMount('token', 'auth/token', 'token', 'system', 'token based credentials'),
  systemMount('cubbyhole', 'cubbyhole', 'cubbyhole', 'secret', 'per-token private secret storage'),
];

/** The path at which requests reach a mount, without a trailing slash. */
export function mountRoute(mount: Mount): string {
  return mount.class === 'auth' ? `auth/${mount.path}` : mount.path;
}

const folder = 'mounts/';

/** Remembers the table of one generation of the store's configuration, and that of each open transaction which changed it. */
export class MountTables {
  #cached: { readonly generation: number; readonly table: ReadonlyMap<string, Mount> } | null = null;
  readonly #changing = new WeakMap<Transaction, Map<string, Mount>>();

  /** `generation` is that of `readRevision` in the same transaction; `core` is the core's view in it. */
  async load(tx: Transaction, core: View, generation: number): Promise<MountTable> {
    const records = core.below(folder);
    let byRoute: ReadonlyMap<string, Mount> | undefined = this.#changing.get(tx);
    if (byRoute === undefined && this.#cached?.generation === generation) byRoute = this.#cached.table;
    if (byRoute === undefined) {
      const read = new Map<string, Mount>(systemMounts.map((mount) => [mountRoute(mount), mount]));
      for (const id of await records.children('')) {
        const mount = await records.getJson<Mount>(id);
        if (mount !== null) read.set(mountRoute(mount), mount);
      }
      byRoute = read;
      if (generation !== pendingVersion && generation !== 0) this.#cached = { generation, table: read };
    }
    const change = (): Map<string, Mount> => {
      let own = this.#changing.get(tx);
      if (own === undefined) {
        own = new Map(byRoute);
        this.#changing.set(tx, own);
        byRoute = own;
      }
      return own;
    };
    return {
      all: () => [...(byRoute as ReadonlyMap<string, Mount>).values()].sort((a, b) => (mountRoute(a) < mountRoute(b) ? -1 : 1)),
      byId: (id) => {
        for (const mount of (byRoute as ReadonlyMap<string, Mount>).values()) if (mount.id === id) return mount;
        return null;
      },
      at: (mountClass, path) => {
        const mount = (byRoute as ReadonlyMap<string, Mount>).get(mountClass === 'auth' ? `auth/${path}` : path);
        return mount?.class === mountClass ? mount : null;
      },
      resolve: (path) => resolve(byRoute as ReadonlyMap<string, Mount>, path),
      put: async (mount) => {
        const own = change();
        for (const [route, known] of own) if (known.id === mount.id) own.delete(route);
        own.set(mountRoute(mount), mount);
        await records.putJson(mount.id, mount);
      },
      delete: async (mount) => {
        change().delete(mountRoute(mount));
        await records.delete(mount.id);
      },
    };
  }
}

function resolve(byRoute: ReadonlyMap<string, Mount>, path: string): Destination | null {
  for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
    const prefix = end === -1 ? path : path.slice(0, end);
    const mount = byRoute.get(prefix);
    if (mount !== undefined) return { mount, path: end === -1 ? '' : path.slice(end + 1) };
    if (end === -1) return null;
  }
}

/** The mount that would enclose, or be enclosed by, a new one at `route`; null: there is room. */
export function nestedWith(table: MountTable, route: string): Mount | null {
  for (const mount of table.all()) {
    const other = mountRoute(mount);
    if (route === other || route.startsWith(`${other}/`) || other.startsWith(`${route}/`)) return mount;
  }
  return null;
}
