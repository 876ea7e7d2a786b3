import type { Mount } from './mount-type.ts';

/** The path at which requests reach a mount, without a trailing slash. */
export function mountRoute(mount: Mount): string {
  return mount.class === 'auth' ? `auth/${mount.path}` : mount.path;
}

/** Where a request path leads: the mount and the path inside it. */
export interface Destination {
  readonly mount: Mount;
  /** Relative to the mount, without a trailing slash. */
  readonly path: string;
}

/** Mounts by id and by route. No mount lies in another, and what that asks costs no more than the depth of a path. */
export class MountIndex {
  readonly #byId: Map<string, Mount>;
  readonly #byRoute: Map<string, Mount>;
  readonly #byAccessor: Map<string, Mount>;
  /** How many mounts lie below each path that is none itself. */
  readonly #below: Map<string, number>;

  constructor(from?: MountIndex) {
    this.#byId = new Map(from === undefined ? [] : from.#byId);
    this.#byRoute = new Map(from === undefined ? [] : from.#byRoute);
    this.#byAccessor = new Map(from === undefined ? [] : from.#byAccessor);
    this.#below = new Map(from === undefined ? [] : from.#below);
  }

  /** Sorted by route. */
  all(): Mount[] {
    return [...this.#byRoute].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, mount]) => mount);
  }

  byId(id: string): Mount | null {
    return this.#byId.get(id) ?? null;
  }

  byRoute(route: string): Mount | null {
    return this.#byRoute.get(route) ?? null;
  }

  byAccessor(accessor: string): Mount | null {
    return this.#byAccessor.get(accessor) ?? null;
  }

  resolve(path: string): Destination | null {
    for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
      const mount = this.#byRoute.get(end === -1 ? path : path.slice(0, end));
      if (mount !== undefined) return { mount, path: end === -1 ? '' : path.slice(end + 1) };
      if (end === -1) return null;
    }
  }

  /** The mount that would enclose, or be enclosed by, one at `route`, but for the one with the id `but`; null: there is room. */
  nestedWith(route: string, but?: string): Mount | null {
    const around = this.resolve(route);
    if (around !== null && around.mount.id !== but) return around.mount;
    if (!this.#below.has(route)) return null;
    return this.all().find((mount) => mount.id !== but && mountRoute(mount).startsWith(`${route}/`)) ?? null;
  }

  /** Adds a mount, or puts it in the place of the one with its id. */
  set(mount: Mount): void {
    this.delete(mount.id);
    this.#byId.set(mount.id, mount);
    this.#byRoute.set(mountRoute(mount), mount);
    this.#byAccessor.set(mount.accessor, mount);
    this.#count(mount, 1);
  }

  delete(id: string): void {
    const mount = this.#byId.get(id);
    if (mount === undefined) return;
    this.#byId.delete(id);
    this.#byRoute.delete(mountRoute(mount));
    this.#byAccessor.delete(mount.accessor);
    this.#count(mount, -1);
  }

  #count(mount: Mount, by: 1 | -1): void {
    const route = mountRoute(mount);
    for (let end = route.indexOf('/'); end !== -1; end = route.indexOf('/', end + 1)) {
      const path = route.slice(0, end);
      const count = (this.#below.get(path) ?? 0) + by;
      if (count === 0) this.#below.delete(path);
      else this.#below.set(path, count);
    }
  }
}
