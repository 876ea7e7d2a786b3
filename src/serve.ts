import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { assemble, type System } from './assemble.ts';
import { version } from './base/version.ts';
import type { ServeOptions } from './cli/context.ts';
import { clockWarning } from './clock-mark.ts';
import { sealContextOf, sinksOf } from './compose.ts';
import type { ListenerOptions } from './http/listener.ts';
import { common, reload, run, tcpListener } from './listening.ts';
import { machine } from './machine.ts';
import type { SealSetting } from './seal/migration.ts';
import { serveDev } from './serve-dev.ts';
import { refuseDebuggers } from './server/environment.ts';
import { InFlightRequests } from './server/in-flight-requests.ts';
import { createLog } from './server/log.ts';
import { machineRoutes, type RunningConfig } from './server/machine-routes.ts';
import { Metrics } from './server/metrics.ts';
import { Node } from './server/node.ts';
import { Restores } from './server/restores.ts';
import { sealRoute } from './server/seal-route.ts';
import { storageRoutes } from './server/storage-routes.ts';
import { startTracing } from './server/tracing.ts';
import { describe } from './server/trouble.ts';
import { ceremonies, measured, observing, servingOf } from './serving.ts';
import { readSettings, type SealSettings, type Settings } from './settings.ts';
import { createEmbeddedStore, openEmbeddedStore, type EmbeddedStore } from './storage/embedded.ts';
import { ReopenableStore } from './storage/reopenable.ts';
import { stageRestore } from './storage/restore.ts';
import { makePrivateDirectory } from './storage/directory.ts';
import { readStoreId } from './storage/store-id.ts';
import { storeSeals } from './store-seals.ts';

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
  const log = createLog({ ...machine, level: server.log.level, format: server.log.format ?? options.logFormat }, options.err);
  const storePath = join(directory, settings.storage.path);
  const embedded = await openOrCreate(directory, settings, options.command);
  try {
    const store = new ReopenableStore(embedded);
    const { storeId } = embedded;
    const stopping = new AbortController();
    let code = 0;
    const restores = new Restores(async (snapshot) =>
      stageRestore(storePath, snapshot, { storeId, epoch: store.epoch, sequence: await store.sequence() }),
    );
    const sinks = sinksOf(directory, settings);
    const settingOf = (setting: SealSettings): SealSetting => ({
      type: setting.type,
      context: sealContextOf(storeId, setting, options.configDirectory),
    });
    const seal = settingOf(settings.seal);
    const former = settings.seal.migrateFrom === null ? null : settingOf(settings.seal.migrateFrom);
    let system: System | null = null;
    const inFlight = new InFlightRequests(machine.clock);
    const metrics = new Metrics(() => measured(node, system));
    const { otlpEndpoint, unauthenticatedMetrics } = server.telemetry;
    const tracing = otlpEndpoint === null ? null : await startTracing(otlpEndpoint, version());
    const node: Node = new Node({
      ...machine,
      storeId,
      storageType: settings.storage.type,
      clusterName: clusterName(settings, storeId),
      seals: storeSeals({
        ...machine,
        store,
        storeId,
        seal,
        former,
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
      observe: observing(metrics, inFlight, tracing),
      async serve(barrier) {
        const serverRoutes = [
          sealRoute,
          ...machineRoutes({ clock: machine.clock, config: runningConfig(settings, storeId) }),
          metrics.route(unauthenticatedMetrics),
          inFlight.route(),
          ...ceremonies({ storeId, store, barrier, seal, allowed: server.allowUnauthenticated, log }),
          ...storageRoutes({ storeId, store, barrier, restores, capture: () => store.capture() }),
        ];
        const { acceptAuditLoss } = options;
        system = await assemble({
          ...machine,
          storeId,
          epoch: store.epoch,
          store,
          barrier,
          sinks,
          acceptAuditLoss,
          reportSink({ name, type, problem }) {
            if (problem === null) log('info', 'an audit sink works', { sink: name, type });
            else log('warn', 'an audit sink does not work', { sink: name, type, problem });
          },
          reportTrouble(task, of, error) {
            if (error === null) log('info', 'a background task works again', { task, of });
            else log('warn', 'a background task fails', { task, of, error });
          },
          serverRoutes,
        });
        const warning = clockWarning(machine.steady);
        if (warning !== null) log('warn', warning);
        return servingOf(system, () => (system = null));
      },
    });
    const listeners = server.listeners.map((listener) => tcpListener(directory, listener, settings, log));
    const socket: ListenerOptions = {
      ...common(settings, log),
      address: { socketPath: resolve(directory, server.socket) },
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
      await tracing?.stop().catch((error: unknown) => log('warn', 'the last traces were lost', { reason: describe(error) }));
    }
  } finally {
    await embedded.close();
  }
}

function clusterName({ server }: Settings, storeId: string): string {
  return server.clusterName ?? `secretctl-${storeId.slice(0, 8)}`;
}

function runningConfig(settings: Settings, storeId: string): RunningConfig {
  const { listeners, log } = settings.server;
  return {
    storageType: settings.storage.type,
    sealType: settings.seal.type,
    clusterName: clusterName(settings, storeId),
    listeners: listeners.map(({ host, port, tls }) => ({ address: `${host}:${port}`, tls: tls !== null })),
    logLevel: log.level,
  };
}

/** A store that is not there yet is made empty: sys/init initializes it. */
async function openOrCreate(directory: string, settings: Settings, command: string): Promise<EmbeddedStore> {
  const path = join(directory, settings.storage.path);
  const options = { command, clock: machine.clock };
  if (readStoreId(path) !== null || existsSync(path)) return openEmbeddedStore(path, options);
  // Where audit files of its own go is part of a new store; other places are for the operator to make.
  for (const { options: sink } of Object.values(settings.audit)) {
    const folder = sink.path === undefined ? null : dirname(resolve(directory, sink.path));
    if (folder?.startsWith(join(directory, '/')) === true) makePrivateDirectory(folder);
  }
  return createEmbeddedStore(path, { ...options, random: machine.random });
}
