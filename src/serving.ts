import type { System } from './assemble.ts';
import type { CeremonyParts } from './ceremony/parts.ts';
import { ceremonyRoutes } from './ceremony/routes.ts';
import type { Route } from './core/mount-type.ts';
import { machine } from './machine.ts';
import type { InFlightRequests } from './server/in-flight-requests.ts';
import type { Log } from './server/log.ts';
import type { Measured, Metrics } from './server/metrics.ts';
import type { Node, NodeParts } from './server/node.ts';
import type { Serving } from './server/served.ts';
import type { Tracing } from './server/tracing.ts';
import { addRootToken, rootTokenLength } from './token/root-token.ts';

interface CeremonyOptions extends Pick<CeremonyParts, 'storeId' | 'store' | 'barrier' | 'seal'> {
  /** Those of `allowUnauthenticated`. */
  readonly allowed: readonly string[];
  readonly log: Log;
}

/** The routes of what several people do together. */
export function ceremonies({ allowed, log, ...open }: CeremonyOptions): readonly Route[] {
  const { random, clock } = machine;
  return ceremonyRoutes({
    ...open,
    random,
    mintRoot: (tx) => addRootToken(open.barrier.view(tx, 'core'), random, clock.now()),
    tokenLength: rootTokenLength,
    unauthenticated: { rekey: allowed.includes('rekey'), generateRoot: allowed.includes('generate-root') },
    warn: (message) => log('warn', message),
  });
}

/** Measures each request, knows of it while it lasts and, where asked to, traces it. */
export function observing(metrics: Metrics, inFlight: InFlightRequests, tracing: Tracing | null): NodeParts['observe'] {
  return (request) => {
    const ends = [metrics.begin(request), inFlight.begin(request)];
    if (tracing !== null) ends.push(tracing.begin(request));
    return (status) => {
      for (const end of ends) end(status);
    };
  };
}

/** What the metrics show; `system` is null while the store is not served. */
export function measured(node: Node, system: System | null): Measured {
  return {
    sealed: node.status().sealed,
    controllers: system?.reconciler.status() ?? [],
    sinks: system?.audit.health() ?? [],
    auditLines: system?.audit.position() ?? 0,
  };
}

/** A system with its background tasks begun, as a node serves it. `ends` is called when it serves no more. */
export function servingOf(system: System, ends: () => void = () => undefined): Serving {
  system.reconciler.start();
  return {
    handle: (request) => system.handle(request),
    note: (facts) => system.note(facts),
    admit: (line) => system.admit(line),
    crossOrigin: (origin) => system.crossOrigin(origin),
    mayWrite: (line) => system.mayWrite(line),
    stop() {
      ends();
      return system.close();
    },
  };
}
