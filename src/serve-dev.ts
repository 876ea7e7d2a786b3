import { assemble, type System } from './assemble.ts';
import type { JsonObject } from './base/json.ts';
import { randomUuid } from './base/random.ts';
import type { ServeOptions } from './cli/context.ts';
import { createDevStore } from './dev-store.ts';
import type { ListenerOptions } from './http/listener.ts';
import { common, run } from './listening.ts';
import { machine } from './machine.ts';
import { InFlightRequests } from './server/in-flight-requests.ts';
import { createLog } from './server/log.ts';
import { machineRoutes } from './server/machine-routes.ts';
import { Metrics } from './server/metrics.ts';
import { Node } from './server/node.ts';
import { sealRoute } from './server/seal-route.ts';
import { ceremonies, measured, observing, servingOf } from './serving.ts';
import { splitAddress } from './settings.ts';
import { storeSeals } from './store-seals.ts';

/** A server with a store in memory: for trying things out. */
export async function serveDev(options: ServeOptions, dev: NonNullable<ServeOptions['dev']>): Promise<number> {
  const log = createLog({ ...machine, level: 'info', format: options.logFormat }, options.err);
  const { host, port } = splitAddress(dev.address);
  const made = await createDevStore(machine);
  const { storeId, epoch, store, share } = made;
  const seal = { type: 'shamir', context: made.context };
  const running = {
    storageType: 'inmem',
    sealType: seal.type,
    clusterName: 'secretctl-dev',
    listeners: [{ address: dev.address, tls: false }],
    logLevel: 'info',
  };
  let rootToken = made.rootToken;
  let system: System | null = null;
  const inFlight = new InFlightRequests(machine.clock);
  const metrics = new Metrics(() => measured(node, system));
  const node: Node = new Node({
    ...machine,
    storeId,
    storageType: running.storageType,
    takeRestore: () => null,
    reopen: () => Promise.resolve(),
    fatal: (reason) => log('error', 'the store failed', { reason }),
    clusterName: running.clusterName,
    seals: storeSeals({ ...machine, store, storeId, seal, former: null, sinks: [] }),
    log,
    observe: observing(metrics, inFlight, null),
    async serve(barrier) {
      system = await assemble({
        ...machine,
        storeId,
        epoch,
        store,
        barrier,
        sinks: [],
        unaudited: true,
        serverRoutes: [
          sealRoute,
          ...machineRoutes({ clock: machine.clock, config: running }),
          metrics.route(false),
          inFlight.route(),
          ...ceremonies({ storeId, store, barrier, seal, allowed: [], log }),
        ],
      });
      return servingOf(system, () => (system = null));
    },
  });
  const listener: ListenerOptions = { ...common(null, log), address: { host, port }, tls: null, trustedProxies: [] };
  await run(node, [listener], {
    log,
    stop: options.interrupted,
    grace: 1000,
    async started([bound]) {
      const ask = (operation: 'write', path: string, data: JsonObject, token: string) =>
        node.handle({ id: randomUuid(machine.random), operation, path, data, token, remote: null, wrapTtl: null });
      await node.handle({
        id: randomUuid(machine.random),
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
    `Unseal Key: ${share}\nRoot Token: ${rootToken}\n\n` +
    'A KV 2 engine is mounted at secret/.\n'
  );
}
