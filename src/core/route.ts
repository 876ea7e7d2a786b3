import { isIdentifier } from '../base/name.ts';
import type { Route } from './mount-type.ts';

/** A route that matched a path, with the values of its `:name` segments. */
export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface Compiled {
  readonly route: Route;
  readonly segments: readonly string[];
  /** The name of the last `:name*` segment, or null. */
  readonly rest: string | null;
}

const compiled = new WeakMap<readonly Route[], readonly Compiled[]>();

/**
 * The first route that matches `path` (relative to the mount, without a trailing slash), or null. `whole` lets a
 * `:name*` segment match nothing: the root of the mount, which only a list may ask for.
 */
export function matchRoute(routes: readonly Route[], path: string, whole: boolean): RouteMatch | null {
  let list = compiled.get(routes);
  if (list === undefined) {
    list = routes.map(compile);
    compiled.set(routes, list);
  }
  const parts = path === '' ? [] : path.split('/');
  for (const candidate of list) {
    const params = match(candidate, parts, whole);
    if (params !== null) return { route: candidate.route, params };
  }
  return null;
}

function compile(route: Route): Compiled {
  const segments = route.path === '' ? [] : route.path.split('/');
  const last = segments.at(-1);
  if (last?.startsWith(':') && last.endsWith('*')) return { route, segments: segments.slice(0, -1), rest: last.slice(1, -1) };
  return { route, segments, rest: null };
}

function match(candidate: Compiled, parts: readonly string[], whole: boolean): Record<string, string> | null {
  const { segments, rest } = candidate;
  if (rest === null ? parts.length !== segments.length : parts.length < segments.length + (whole ? 0 : 1)) return null;
  let params: Record<string, string> | null = null;
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? '';
    if (!segment.startsWith(':')) {
      if (segment !== part) return null;
      continue;
    }
    if (!isIdentifier(part)) return null;
    params ??= {};
    params[segment.slice(1)] = part;
  }
  params ??= {};
  if (rest !== null) params[rest] = parts.slice(segments.length).join('/');
  return params;
}
