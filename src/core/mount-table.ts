import type { View } from '../barrier/view.ts';
import type { Transaction } from '../storage/transaction.ts';
import { deletingMount } from './deleting-mounts.ts';
import { type Destination, MountIndex } from './mount-index.ts';
import type { Mount } from './mount-type.ts';
import { moveMounts } from './revision.ts';
import { isSystemMount, systemMounts } from './system-mounts.ts';

/** The mounts as one transaction sees them. Changes go to the transaction and are seen by its later requests. */
export interface MountTable {
  /** Every mount, the system's too, sorted by route. */
  all(): readonly Mount[];
  byId(id: string): Mount | null;
  byAccessor(accessor: string): Mount | null;
  /** By class and path; an auth method's path without `auth/`. */
  at(mountClass: 'secret' | 'auth', path: string): Mount | null;
  /** The mount that a request path (without a trailing slash) leads to; null: none. Nested mounts do not exist, so at most one. */
  resolve(path: string): Destination | null;
  /** The mount that would enclose, or be enclosed by, one at `route`, but for the one with the id `but`; null: there is room. */
  nestedWith(route: string, but?: string): Mount | null;
  put(mount: Mount): Promise<void>;
  delete(mount: Mount): Promise<void>;
}

const folder = 'mounts/';

/** What a record holds of a mount of the system: nothing else of it can be changed. */
type Tuned = Pick<Mount, 'config' | 'description'>;

/** Remembers the table of one state of the mounts, and that of each open transaction which changed it. */
export class MountTables {
  readonly #system: readonly Mount[];
  #cached: { readonly mounts: number; readonly index: MountIndex } | null = null;
  readonly #changing = new WeakMap<Transaction, MountIndex>();

  constructor(storeId: string) {
    this.#system = systemMounts(storeId);
  }

  /**
   * `mounts` is that of `readRevision` in the same transaction; `core` is the core's view in it. Costs nothing while
   * the mounts stay as they are, and nothing after a change that this process made.
   */
  async load(tx: Transaction, core: View, mounts: number): Promise<MountTable> {
    let index = this.#changing.get(tx);
    if (index === undefined && this.#cached?.mounts === mounts) ({ index } = this.#cached);
    if (index === undefined) {
      index = await this.#read(core);
      if (mounts > (this.#cached?.mounts ?? -1)) this.#cached = { mounts, index };
    }
    let current = index;
    const change = async (): Promise<MountIndex> => {
      const known = this.#changing.get(tx);
      if (known !== undefined) return (current = known);
      const own = new MountIndex(current);
      this.#changing.set(tx, own);
      current = own;
      const changed = await moveMounts(core);
      // The commit proves that the table it was made of was the present one.
      tx.onCommit(() => {
        if (changed > (this.#cached?.mounts ?? -1)) this.#cached = { mounts: changed, index: own };
      });
      return own;
    };
    const records = core.below(folder);
    return {
      all: () => current.all(),
      byId: (id) => current.byId(id),
      byAccessor: (accessor) => current.byAccessor(accessor),
      at(mountClass, path) {
        const mount = current.byRoute(mountClass === 'auth' ? `auth/${path}` : path);
        return mount?.class === mountClass ? mount : null;
      },
      resolve: (path) => current.resolve(path),
      nestedWith: (route, but) => current.nestedWith(route, but),
      async put(mount) {
        (await change()).set(mount);
        const { config, description } = mount;
        await records.putJson(mount.id, isSystemMount(mount) ? ({ config, description } satisfies Tuned) : mount);
      },
      async delete(mount) {
        (await change()).delete(mount.id);
        await records.delete(mount.id);
      },
    };
  }

  async #read(core: View): Promise<MountIndex> {
    const records = core.below(folder);
    const index = new MountIndex();
    for (const mount of this.#system) index.set(mount);
    for (const id of await records.children('')) {
      const record = await records.getJson<Mount | Tuned>(id);
      if (record === null) continue;
      const system = index.byId(id);
      index.set(system === null ? (record as Mount) : { ...system, config: record.config, description: record.description });
    }
    return index;
  }
}

/** A mount that somebody made, or one that is being deleted, read from its record; null: there is none of this id. */
export async function readMount(core: View, id: string): Promise<Mount | null> {
  const record = await core.below(folder).getJson<Mount | Tuned>(id);
  return record !== null && 'id' in record ? record : deletingMount(core, id);
}
