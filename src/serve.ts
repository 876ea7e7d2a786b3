import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import process from 'node:process';
import { assemble, type AssemblyParts, type System } from './assemble.ts';
import { systemClock } from './base/clock.ts';
import { Fault } from './base/error.ts';
import { ioReason } from './base/io-reason.ts';
import type { JsonObject } from './base/json.ts';
import { randomUuid, systemRandom } from './base/random.ts';
import { systemTimer } from './base/timer.ts';
import { version } from './base/version.ts';
import type { ServeOptions } from './cli/context.ts';
import { sealContextOf, sinksOf } from './compose.ts';
import { createDevStore } from './dev-store.ts';
import { defaultLimits } from './http/limits.ts';
import { type CertificateMaterial, listen, type Listener, type ListenerOptions } from './http/listener.ts';
import { nodeWarning, refuseDebuggers } from './server/environment.ts';
import { createLog, type Log } from './server/log.ts';
import { type Measured, Metrics } from './server/metrics.ts';
import { Node, type NodeParts, type Serving } from './server/node.ts';
import { Restores } from './server/restores.ts';
import { sealRoute } from './server/seal-route.ts';
import { storageRoutes } from './server/storage-routes.ts';
import { startTracing, type Tracing } from './server/tracing.ts';
import { readSettings, splitAddress, type ListenerSettings, type Settings, type TlsSettings } from './settings.ts';
import { createEmbeddedStore, openEmbeddedStore, type EmbeddedStore } from './storage/embedded.ts';
import { ReopenableStore } from './storage/reopenable.ts';
import { stageRestore } from './storage/restore.ts';
import { readStoreId } from './storage/store-id.ts';
import { storeSeals } from './store-seals.ts';

const parts = { clock: systemClock, random: systemRandom, timer: systemTimer };

/** Runs a server until it is told to stop. Returns the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  refuseDebuggers(process.execArgv, process.env);
  // Without a listener of ours this signal would open Node's inspector.
  process.on('SIGUSR1', () => undefined);
  return options.dev === null ? serveStore(options, options.directory) : serveDev(options, options.dev);
}

async function serveStore(options: ServeOptions, directory: string): Promise<number> {
  const settings = await readSettings(directory);
  const { server } = settings;
  const log = createLog({ ...parts, level: server.log.level, format: server.log.format ?? options.logFormat }, options.err);
  const storePath = join(directory, settings.storage.path);
  const embedded = await openOrCreate(storePath, options.command);
  try {
    const store = new ReopenableStore(embedded);
    const { storeId } = embedded;
    const stopping = new AbortController();
    let code = 0;
    const restores = new Restores(async (snapshot) =>
      stageRestore(storePath, snapshot, { storeId, epoch: store.epoch, sequence: await store.sequence() }),
    );
    const sinks = sinksOf(directory, settings);
    let system: System | null = null;
    const metrics = new Metrics(() => measured(node, system));
    const { otlpEndpoint, unauthenticatedMetrics } = server.telemetry;
    const tracing = otlpEndpoint === null ? null : await startTracing(otlpEndpoint, version());
    const node: Node = new Node({
      ...parts,
      storeId,
      storageType: settings.storage.type,
      clusterName: server.clusterName ?? `secretctl-${storeId.slice(0, 8)}`,
      seals: storeSeals({
        ...parts,
        store,
        type: settings.seal.type,
        context: sealContextOf(storeId, settings.seal, options.configDirectory),
        sinks: sinks.map(({ name, type }) => ({ name, type })),
      }),
      log,
      takeRestore: (requestId) => restores.take(requestId),
      reopen: (between) => store.reopen(between),
      fatal(reason) {
        log('error', 'the server ends', { reason });
        code = 1;
        stopping.abort();
      },
      observe: observing(metrics, tracing),
      async serve(barrier) {
        const serverRoutes = [
          sealRoute,
          metrics.route(unauthenticatedMetrics),
          ...storageRoutes({ storeId, store, barrier, restores, capture: () => store.capture() }),
        ];
        const { acceptAuditLoss } = options;
        system = await assemble({
          ...parts,
          storeId,
          epoch: store.epoch,
          store,
          barrier,
          sinks,
          acceptAuditLoss,
          serverRoutes,
        });
        return servingOf(system);
      },
    });
    const listeners = server.listeners.map((listener) => tcpListener(directory, listener, settings, log));
    const socket: ListenerOptions = {
      ...common(settings, log),
      address: { socketPath: absolute(directory, server.socket) },
      tls: null,
      trustedProxies: [],
    };
    try {
      await run(node, [...listeners.map(({ options: tcp }) => tcp), socket], {
        log,
        stop: AbortSignal.any([options.interrupted, stopping.signal]),
        grace: server.shutdownGrace * 1000,
        async started() {},
        reload: (bound) => reload(bound, listeners, system, log),
      });
      return code;
    } finally {
      await tracing?.stop();
    }
  } finally {
    await embedded.close();
  }
}

/** A server with a store in memory: for trying things out. */
async function serveDev(options: ServeOptions, dev: NonNullable<ServeOptions['dev']>): Promise<number> {
  const log = createLog({ ...parts, level: 'info', format: options.logFormat }, options.err);
  const { host, port } = splitAddress(dev.address);
  const made = await createDevStore(parts);
  const { storeId, epoch, store, context, share } = made;
  const assembly: Omit<AssemblyParts, 'barrier'> = {
    ...parts,
    storeId,
    epoch,
    store,
    sinks: [],
    unaudited: true,
    serverRoutes: [sealRoute],
  };
  let rootToken = made.rootToken;
  let system: System | null = null;
  const metrics = new Metrics(() => measured(node, system));
  const node: Node = new Node({
    ...parts,
    storeId,
    storageType: 'inmem',
    takeRestore: () => null,
    reopen: () => Promise.resolve(),
    fatal: (reason) => log('error', 'the store failed', { reason }),
    clusterName: 'secretctl-dev',
    seals: storeSeals({ ...parts, store, type: 'shamir', context, sinks: [] }),
    log,
    observe: observing(metrics, null),
    async serve(barrier) {
      system = await assemble({ ...assembly, barrier, serverRoutes: [sealRoute, metrics.route(false)] });
      return servingOf(system);
    },
  });
  const listener: ListenerOptions = { ...common(null, log), address: { host, port }, tls: null, trustedProxies: [] };
  await run(node, [listener], {
    log,
    stop: options.interrupted,
    grace: 1000,
    async started([bound]) {
      const ask = (operation: 'write', path: string, data: JsonObject, token: string) =>
        node.handle({ id: randomUuid(parts.random), operation, path, data, token, remote: null, wrapTtl: null });
      await node.handle({
        id: randomUuid(parts.random),
        operation: 'write',
        path: 'sys/unseal',
        data: { key: share },
        token: null,
        remote: null,
        wrapTtl: null,
      });
      await ask(
        'write',
        'sys/mounts/secret',
        { type: 'kv', options: { version: '2' }, description: 'key/value secret storage' },
        rootToken,
      );
      if (dev.rootToken !== null) {
        const chosen = { id: dev.rootToken, policies: ['root'], no_parent: true, display_name: 'root' };
        await ask('write', 'auth/token/create', chosen, rootToken);
        await ask('write', 'auth/token/revoke-self', {}, rootToken);
        rootToken = dev.rootToken;
      }
      options.out(devBanner(bound?.address ?? '', share, rootToken));
    },
    reload: () => Promise.resolve(),
  });
  return 0;
}

function devBanner(address: string, share: string, rootToken: string): string {
  return (
    'WARNING! This is a development server: it is not sealed, keeps everything in memory, has no audit log,\n' +
    'and loses all of it when it ends. Never use it for real secrets.\n\n' +
    `    export VAULT_ADDR='${address}'\n` +
    `    export VAULT_TOKEN='${rootToken}'\n\n` +
    `Unseal key: ${share}\nRoot token: ${rootToken}\n\n` +
    'A KV 2 engine is mounted at secret/.\n'
  );
}

interface RunOptions {
  readonly log: Log;
  readonly stop: AbortSignal;
  /** Milliseconds. */
  readonly grace: number;
  started(bound: readonly Listener[]): Promise<void>;
  reload(bound: readonly Listener[]): Promise<void>;
}

async function run(node: Node, listeners: readonly ListenerOptions[], options: RunOptions): Promise<void> {
  const { log } = options;
  const warning = nodeWarning(process.version);
  if (warning !== null) log('warn', warning);
  const bound: Listener[] = [];
  const onHangup = (): void => {
    options.reload(bound).catch((error: unknown) => log('error', 'not everything was read again', { reason: reasonOf(error) }));
  };
  try {
    for (const listener of listeners) bound.push(await listen(node, listener));
    for (const { address } of bound) log('info', 'listening', { address });
    process.on('SIGHUP', onHangup);
    await node.start();
    await options.started(bound);
    if (node.status().sealed) log('warn', node.status().initialized ? 'the store is sealed' : 'the store is not initialized');
    await aborted(options.stop);
    log('info', 'stopping: requests under way may end');
    await Promise.all(bound.map((listener) => listener.close(options.grace)));
  } finally {
    process.off('SIGHUP', onHangup);
    await Promise.all(bound.map((listener) => listener.close(0)));
    await node.stop();
  }
}

interface TcpListener {
  readonly options: ListenerOptions;
  /** Reads the certificate again; null: it has none. */
  readonly material: (() => CertificateMaterial) | null;
}

function tcpListener(
  directory: string,
  { host, port, tls, trustedProxies }: ListenerSettings,
  settings: Settings,
  log: Log,
): TcpListener {
  const material = tls === null ? null : () => tlsMaterial(directory, tls);
  return {
    options: { ...common(settings, log), address: { host, port }, tls: material?.() ?? null, trustedProxies },
    material,
  };
}

function common(settings: Settings | null, log: Log): Omit<ListenerOptions, 'address' | 'tls' | 'trustedProxies'> {
  const { maxBodyBytes, requestTimeout, maxConnections } = settings?.server.limits ?? {};
  return {
    ...parts,
    limits: {
      ...defaultLimits,
      maxBodyBytes: maxBodyBytes ?? defaultLimits.maxBodyBytes,
      requestTimeout: (requestTimeout ?? defaultLimits.requestTimeout / 1000) * 1000,
      maxConnections: maxConnections ?? defaultLimits.maxConnections,
    },
    log,
  };
}

function tlsMaterial(directory: string, { certFile, keyFile, clientCaFile, minVersion }: TlsSettings): CertificateMaterial {
  const read = (path: string): Buffer => {
    try {
      return readFileSync(absolute(directory, path));
    } catch (error) {
      throw new Fault('settings', `${absolute(directory, path)} can't be read: ${ioReason(error)}`, {
        hint: 'It is named in the tls part of a listener in settings.yaml.',
      });
    }
  };
  return {
    cert: read(certFile),
    key: read(keyFile),
    ...(clientCaFile === null ? {} : { clientCa: read(clientCaFile) }),
    minVersion,
  };
}

/** SIGHUP: certificates and audit files. Each is tried, whatever becomes of the others. */
async function reload(
  bound: readonly Listener[],
  listeners: readonly TcpListener[],
  system: System | null,
  log: Log,
): Promise<void> {
  const work = listeners.map(async ({ material }, index) => {
    if (material !== null) bound[index]?.reloadCertificate(material());
  });
  const outcomes = await Promise.allSettled([...work, system?.reopenAudit()]);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') log('error', 'not everything was read again', { reason: reasonOf(outcome.reason) });
  }
  log('info', 'certificates and audit files were read again');
}

async function openOrCreate(path: string, command: string): Promise<EmbeddedStore> {
  const options = { command, clock: parts.clock };
  if (readStoreId(path) === null && !existsSync(path)) return createEmbeddedStore(path, { ...options, random: parts.random });
  return openEmbeddedStore(path, options);
}

function observing(metrics: Metrics, tracing: Tracing | null): NodeParts['observe'] {
  if (tracing === null) return (request) => metrics.begin(request);
  return (request) => {
    const ends = [metrics.begin(request), tracing.begin(request)];
    return (status) => {
      for (const end of ends) end(status);
    };
  };
}

function measured(node: Node, system: System | null): Measured {
  return {
    sealed: node.status().sealed,
    controllers: system?.reconciler.status() ?? [],
    sinks: system?.audit.health() ?? [],
    auditLines: system?.audit.position() ?? 0,
  };
}

function servingOf(system: System): Serving {
  system.reconciler.start();
  return {
    handle: (request) => system.handle(request),
    admit: () => Promise.resolve({}),
    stop: () => system.close(),
  };
}

function absolute(directory: string, path: string): string {
  return isAbsolute(path) ? path : resolve(directory, path);
}

function reasonOf(error: unknown): string {
  if (error instanceof Fault) return error.hint === null ? error.message : `${error.message}. ${error.hint}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve_) => signal.addEventListener('abort', () => resolve_(), { once: true }));
}
