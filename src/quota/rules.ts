import type { QuotaTarget } from './target.ts';

/** A quota, and the route of the mount that it is for; '': all requests. */
export interface Rule<Q> {
  readonly limit: Q;
  readonly route: string;
}

interface MountRules<Q> {
  /** The length of the mount's route with the slash behind it. */
  readonly start: number;
  whole: Q | null;
  readonly exact: Map<string, Q>;
  /** By what stands before the `*`, the longest first. */
  globs: { readonly prefix: string; readonly limit: Q }[];
  readonly roles: Map<string, Q>;
}

/**
 * Which quota of a kind counts for a request: the most specific one alone. That of the login's role goes before that of the path,
 * that of a path before one that ends in `*` (the longest of them), that before the mount's, that before the one for all.
 */
export class Rules<Q extends QuotaTarget> {
  readonly #byRoute = new Map<string, MountRules<Q>>();
  #global: Q | null = null;

  constructor(rules: readonly Rule<Q>[]) {
    for (const { limit, route } of rules) {
      if (route === '') this.#global = limit;
      else this.#add(limit, route);
    }
    for (const rules of this.#byRoute.values()) rules.globs.sort((a, b) => b.prefix.length - a.prefix.length);
  }

  get isEmpty(): boolean {
    return this.#global === null && this.#byRoute.size === 0;
  }

  /** Does it matter which role logs in at this path? */
  dependsOnRole(path: string): boolean {
    return (this.#rulesOf(path)?.roles.size ?? 0) > 0;
  }

  /** `role`: of the login that the request is; null: it is none. `path` has no trailing slash. */
  find(path: string, role: string | null): Q | null {
    const rules = this.#rulesOf(path);
    if (rules === null) return this.#global;
    const byRole = role === null ? undefined : rules.roles.get(role);
    if (byRole !== undefined) return byRole;
    const suffix = path.slice(rules.start);
    const exact = rules.exact.get(suffix);
    if (exact !== undefined) return exact;
    const glob = rules.globs.find(({ prefix }) => suffix.startsWith(prefix));
    return glob?.limit ?? rules.whole ?? this.#global;
  }

  #rulesOf(path: string): MountRules<Q> | null {
    if (this.#byRoute.size === 0) return null;
    for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
      const rules = this.#byRoute.get(end === -1 ? path : path.slice(0, end));
      if (rules !== undefined) return rules;
      if (end === -1) return null;
    }
  }

  #add(limit: Q, route: string): void {
    let rules = this.#byRoute.get(route);
    if (rules === undefined) {
      rules = { start: route.length + 1, whole: null, exact: new Map(), globs: [], roles: new Map() };
      this.#byRoute.set(route, rules);
    }
    if (limit.role !== '') rules.roles.set(limit.role, limit);
    else if (limit.suffix === '') rules.whole = limit;
    else if (limit.suffix.endsWith('*')) rules.globs.push({ prefix: limit.suffix.slice(0, -1), limit });
    else rules.exact.set(limit.suffix, limit);
  }
}
