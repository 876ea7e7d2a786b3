import type { Json, JsonObject } from '../../src/base/json.ts';
import { systemRandom } from '../../src/base/random.ts';
import { initializeBarrier, openBarrier } from '../../src/barrier/open-barrier.ts';
import type { View } from '../../src/barrier/view.ts';
import { defaultMountConfig } from '../../src/core/system-mounts.ts';
import type { Caller } from '../../src/core/caller.ts';
import type { Mount, Observation, RouteContext } from '../../src/core/mount-type.ts';
import { matchRoute, type RouteMatch } from '../../src/core/route.ts';
import type { Engine } from '../../src/engines/engine.ts';
import type { Operation } from '../../src/protocol/request.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { createMemoryBackend } from '../../src/storage/memory.ts';
import { createStore } from '../../src/storage/optimistic.ts';

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
  /** The records that requests have opened, by path. */
  readonly opened: string[];
  read(path: string, query?: JsonObject): Promise<Answer>;
  list(path: string, query?: JsonObject): Promise<Answer>;
  write(path: string, data?: JsonObject): Promise<Answer>;
  patch(path: string, data?: JsonObject): Promise<Answer>;
  delete(path: string): Promise<Answer>;
  call(operation: Operation, path: string, data?: JsonObject): Promise<Answer>;
  /** Does the route's existence check say that a write would be an update? */
  exists(path: string): Promise<boolean>;
  observe(path: string): Promise<Observation | null>;
  /** The paths of the mount's records that start with `prefix`. */
  records(prefix?: string): Promise<string[]>;
  /** Work on the mount's own storage. */
  within<T>(work: (storage: View) => Promise<T>): Promise<T>;
}

export async function mounted(engine: Engine, options: Readonly<Record<string, string>> = {}): Promise<Mounted> {
  const backend = createMemoryBackend();
  const store = createStore(backend, await backend.advanceEpoch());
  const clock = { now: () => self.now };
  const barrierOptions = { storeId: 'test', rootKey: systemRandom.bytes(32), random: systemRandom, clock };
  const mount: Mount = {
    id: '00000000-0000-4000-8000-000000000000',
    class: 'secret',
    path: 'mounted',
    type: engine.type,
    accessor: `${engine.type}_00000000`,
    description: '',
    options: engine.options?.(options, null) ?? options,
    config: defaultMountConfig,
    local: false,
    sealWrap: false,
  };
  const routes = engine.routesFor?.(mount.options) ?? engine.routes;

  const find = (operation: Operation, path: string): RouteMatch => {
    const match = matchRoute(routes, path.replace(/\/$/, ''), operation === 'list');
    if (match === null) throw new RequestError(404, 'unsupported path');
    return match;
  };
  const context = (
    storage: View,
    request: Pick<RouteContext['request'], 'operation' | 'path' | 'data'>,
    params: RouteMatch['params'],
  ): RouteContext => ({
    request: { id: '00000000-0000-4000-8000-000000000001', ...request, token: null, remote: null, wrapTtl: null },
    params,
    data: request.data,
    storage: noting(storage, self.opened),
    mount,
    caller: self.caller,
    now: self.now,
    random: systemRandom,
    services: {
      clock,
      generateFromCharset: () => '',
      generatePassword: () => Promise.reject(new Error('no password policies here')),
      issueToken: () => Promise.reject(new Error('no tokens here')),
      beginLogin: () => Promise.reject(new Error('no logins here')),
    },
  });

  const self: Mounted = {
    now: Date.UTC(2026, 10, 1),
    caller: null,
    opened: [],
    read: (path, query) => self.call('read', path, query),
    list: (path, query) => self.call('list', path, query),
    write: (path, data) => self.call('write', path, data),
    patch: (path, data) => self.call('patch', path, data),
    delete: (path) => self.call('delete', path),
    async call(operation, path, data = {}) {
      const { route, params } = find(operation, path);
      const spec = route.operations[operation];
      if (spec === undefined) return { status: 405, errors: ['unsupported operation'] };
      try {
        const reply = await self.within((storage) => spec.handle(context(storage, { operation, path, data }, params)));
        return { ...reply, status: reply.status ?? 200 };
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        return { status: error.status, errors: error.errors };
      }
    },
    async exists(path) {
      const { route, params } = find('write', path);
      return await self.within(
        async (storage) => (await route.exists?.(context(storage, { operation: 'write', path, data: {} }, params))) ?? true,
      );
    },
    async observe(path) {
      return await self.within(
        async (storage) => (await engine.observe?.(context(storage, { operation: 'read', path, data: {} }, {}), path)) ?? null,
      );
    },
    records: (prefix = '') => self.within((storage) => storage.scan(prefix)),
    within: (work) => store.transact((tx) => work(barrier.view(tx, { mountId: mount.id }))),
  };
  await store.transact((tx) => initializeBarrier(tx, barrierOptions));
  const barrier = await openBarrier(store, barrierOptions);
  await store.transact((tx) => barrier.createMountKey(tx, mount.id));
  return self;
}

/** The same storage, noting which records are opened. */
function noting(storage: View, opened: string[]): View {
  return {
    get: (path) => (opened.push(path), storage.get(path)),
    getJson: (path) => (opened.push(path), storage.getJson(path)),
    put: (path, value) => storage.put(path, value),
    putJson: (path, value) => storage.putJson(path, value),
    delete: (path) => storage.delete(path),
    deleteAll: (prefix) => storage.deleteAll(prefix),
    children: (folder, options) => storage.children(folder, options),
    scan: (prefix, options) => storage.scan(prefix, options),
    below: (prefix) => storage.below(prefix),
  };
}

/** A member of an answer's data, by names. */
export function member(answer: Answer, ...names: readonly string[]): Json | undefined {
  return names.reduce<Json | undefined>((value, name) => (value as JsonObject | null | undefined)?.[name], answer.data ?? null);
}
