import type { Json, JsonObject } from '../../src/base/json.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { View } from '../../src/barrier/view.ts';
import type { Caller, Mount, Observation, Route, RouteContext } from '../../src/core/mount-type.ts';
import type { Engine } from '../../src/engines/engine.ts';
import type { Operation } from '../../src/protocol/request.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { openView } from './view.ts';

/** What a request to a mounted engine gave: the reply, or the refusal. */
export interface Answer {
  readonly status: number;
  readonly data?: JsonObject | null;
  readonly errors?: readonly string[];
  readonly warnings?: readonly string[];
  readonly leaseDuration?: number;
  readonly mark?: string;
}

/** One mount of an engine, without the corridor around it: its routes are called as the core calls them. */
export interface Mounted {
  /** Milliseconds; tests move it. */
  now: number;
  caller: Caller | null;
  readonly storage: View;
  read(path: string, query?: JsonObject): Promise<Answer>;
  list(path: string, query?: JsonObject): Promise<Answer>;
  write(path: string, data?: JsonObject): Promise<Answer>;
  patch(path: string, data?: JsonObject): Promise<Answer>;
  delete(path: string): Promise<Answer>;
  call(operation: Operation, path: string, data?: JsonObject): Promise<Answer>;
  /** Does the route's existence check say that a write would be an update? */
  exists(path: string): Promise<boolean>;
  observe(path: string): Promise<Observation | null>;
}

export async function mounted(engine: Engine, options: Readonly<Record<string, string>> = {}): Promise<Mounted> {
  const { storage } = await openView();
  const mount: Mount = {
    id: '00000000-0000-4000-8000-000000000000',
    class: 'secret',
    path: 'mounted',
    type: engine.type,
    accessor: `${engine.type}_00000000`,
    description: '',
    options: engine.options?.(options, null) ?? options,
    config: {
      defaultLeaseTtl: 0,
      maxLeaseTtl: 0,
      forceNoCache: false,
      listingVisibility: '',
      tokenType: 'default-service',
      auditNonHmacRequestKeys: [],
      auditNonHmacResponseKeys: [],
      passthroughRequestHeaders: [],
      allowedResponseHeaders: [],
    },
    local: false,
    sealWrap: false,
  };
  const routes = engine.routesFor?.(mount.options) ?? engine.routes;

  const context = (
    operation: Operation,
    path: string,
    data: JsonObject,
    params: Readonly<Record<string, string>>,
  ): RouteContext => ({
    request: { id: '00000000-0000-4000-8000-000000000001', operation, path, data, token: null, remote: null, wrapTtl: null },
    params,
    data,
    storage,
    mount,
    caller: self.caller,
    now: self.now,
    random: systemRandom,
    services: {
      clock: { now: () => self.now },
      generateFromCharset: () => '',
      generatePassword: () => Promise.reject(new Error('no password policies here')),
      issueToken: () => Promise.reject(new Error('no tokens here')),
    },
  });

  const self: Mounted = {
    now: Date.UTC(2026, 10, 1),
    caller: null,
    storage,
    read: (path, query) => self.call('read', path, query),
    list: (path, query) => self.call('list', path, query),
    write: (path, data) => self.call('write', path, data),
    patch: (path, data) => self.call('patch', path, data),
    delete: (path) => self.call('delete', path),
    async call(operation, path, data = {}) {
      const { route, params } = find(routes, operation, path);
      const spec = route.operations[operation];
      if (spec === undefined) return { status: 405, errors: ['unsupported operation'] };
      try {
        const reply = await spec.handle(context(operation, path, data, params));
        return { ...reply, status: reply.status ?? 200 };
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        return { status: error.status, errors: error.errors };
      }
    },
    async exists(path) {
      const { route, params } = find(routes, 'write', path);
      return (await route.exists?.(context('write', path, {}, params))) ?? true;
    },
    async observe(path) {
      return (await engine.observe?.(context('read', path, {}, {}), path)) ?? null;
    },
  };
  return self;
}

/** A member of an answer's data, by names. */
export function member(answer: Answer, ...names: readonly string[]): Json | undefined {
  return names.reduce<Json | undefined>((value, name) => (value as JsonObject | null | undefined)?.[name], answer.data ?? null);
}

function find(
  routes: readonly Route[],
  operation: Operation,
  path: string,
): { route: Route; params: Readonly<Record<string, string>> } {
  const segments = (operation === 'list' ? path.replace(/\/$/, '') : path).split('/').filter((segment) => segment !== '');
  for (const route of routes) {
    const params = match(route.path.split('/'), segments, operation);
    if (params !== null) return { route, params };
  }
  throw new RequestError(404, 'no handler for route');
}

function match(pattern: readonly string[], segments: readonly string[], operation: Operation): Record<string, string> | null {
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index];
    if (part.startsWith(':') && part.endsWith('*')) {
      if (segment === undefined && operation !== 'list') return null;
      params[part.slice(1, -1)] = segments.slice(index).join('/');
      return params;
    }
    if (segment === undefined || (!part.startsWith(':') && part !== segment)) return null;
    if (part.startsWith(':')) params[part.slice(1)] = segment;
  }
  return segments.length === pattern.length ? params : null;
}
