import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Barrier } from '../barrier/barrier.ts';
import type { View } from '../barrier/view.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Request } from '../protocol/request.ts';
import type { RequestLine } from '../protocol/request-line.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { Applies } from './applies.ts';
import { applyLockRoutes } from './apply-lock.ts';
import { applyRoute } from './apply-route.ts';
import { authenticate } from './authenticate.ts';
import { asRequestError, type CorridorParts, openRun, typeKey } from './corridor.ts';
import { browserRoutes } from './browser-routes.ts';
import { barrierRoutes } from './barrier-routes.ts';
import type { FindCommitted } from './committed-apply.ts';
import { Handling } from './handling.ts';
import { managedRoutes } from './managed-routes.ts';
import { mountRoutes } from './mount-routes.ts';
import { type MountTable, MountTables } from './mount-table.ts';
import type { Capability } from './caller.ts';
import type { MountType, Route } from './mount-type.ts';
import type { AuditPort, IdentityPort, LeasePort, LockoutPort, PolicyPort, TokenPort, WrappingPort } from './ports.ts';
import { onlyHereRoute } from './only-here.ts';
import { outsideRoute } from './outside.ts';
import { openapiRoute } from './openapi-route.ts';
import { pluginRoutes } from './plugin-routes.ts';
import { remountRoutes } from './remount-route.ts';
import { renameRoute } from './rename-route.ts';
import { recipientRoutes } from './recipient-routes.ts';
import { toolRoutes } from './tools.ts';
import { visibleMountRoutes } from './visible-mount-routes.ts';

/** What `compose.ts` hands to the core. */
export interface CoreOptions {
  readonly storeId: string;
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly random: Random;
  readonly tokens: TokenPort;
  readonly leases: LeasePort;
  readonly wrapping: WrappingPort;
  readonly identity: IdentityPort;
  readonly policies: PolicyPort;
  readonly audit: AuditPort;
  readonly lockout: LockoutPort;
  readonly engines: readonly MountType[];
  readonly methods: readonly MountType[];
  readonly tokenMethod: MountType;
  readonly identityStore: MountType;
  /** Routes below `sys/` of the nouns above the core: policies, audit devices. */
  readonly sysRoutes: readonly Route[];
}

/** The one corridor: everything that reads or changes a secret or a configuration goes through `handle`. */
export interface Core {
  /**
   * Authenticates, authorises, audits, routes, works in one transaction and audits again. Throws RequestError, also
   * for failures of the store: nothing of a refused request is kept.
   */
  handle(request: Request): Promise<Reply>;
  /** The mounts as a transaction sees them. */
  mounts(tx: Transaction): Promise<MountTable>;
  /** The role that a login asks for (MountType.loginRole); null: none, or the request is no login. */
  loginRole(request: Request): Promise<string | null>;
  /** See Service.mayWrite. */
  mayWrite(line: RequestLine): Promise<boolean>;
  /** Completes the audit log of an apply which committed just before a crash. To be called once, before serving. */
  recover(findCommitted: FindCommitted): Promise<void>;
  /** Called in the transaction of an orderly end: what the log holds need not be looked for at the next start. */
  settle(core: View): Promise<void>;
}

const writing: readonly Capability[] = ['create', 'update', 'patch', 'root'];

export function createCore(options: CoreOptions): Core {
  const { clock } = options;
  const tables = new MountTables(options.storeId);
  const parts: CorridorParts = {
    barrier: options.barrier,
    clock,
    random: options.random,
    tokens: options.tokens,
    leases: options.leases,
    identity: options.identity,
    policies: options.policies,
    tables,
    services: {
      clock,
      generatePassword: (context, policy) => options.policies.generatePassword(context, policy),
      generateFromCharset: (random, parameters) => options.policies.generateFromCharset(random, parameters),
      issueToken: (context, login) => options.tokens.issue(context, login),
      beginLogin: (context, name) => options.lockout.begin(context, name),
    },
    types: new Map(),
  };
  const types = parts.types as Map<string, MountType>;
  for (const engine of options.engines) types.set(typeKey('secret', engine.type), engine);
  for (const method of options.methods) types.set(typeKey('auth', method.type), method);
  for (const type of [options.tokenMethod, options.identityStore]) types.set(typeKey('system', type.type), type);
  types.set(typeKey('system', 'system'), {
    type: 'system',
    description: 'The system backend: control, policy and debugging. It is part of the server, and is never moved or disabled.',
    routes: [
      applyRoute,
      ...applyLockRoutes,
      ...mountRoutes(parts),
      ...remountRoutes(parts),
      ...visibleMountRoutes,
      ...pluginRoutes(parts),
      ...browserRoutes,
      ...managedRoutes(parts, options.storeId),
      outsideRoute(parts),
      onlyHereRoute(parts),
      renameRoute(parts),
      ...barrierRoutes(parts),
      ...recipientRoutes(parts),
      ...toolRoutes,
      openapiRoute(parts),
      ...options.sysRoutes,
    ],
  });

  const applies = new Applies({ ...options, parts });
  const handling = new Handling({ ...options, parts, apply: (admission, body) => applies.run(admission, body) });
  return {
    handle: (request) => handling.handle(request),
    mounts: async (tx) => (await openRun(parts, tx, clock.now())).mounts,
    loginRole: (request) =>
      options.store.read(async (tx) => {
        const { mounts } = await openRun(parts, tx, clock.now());
        const destination = mounts.resolve(request.path);
        if (destination?.mount.class !== 'auth') return null;
        const { mount, path } = destination;
        const role = types
          .get(typeKey('auth', mount.type))
          ?.loginRole?.(parts.barrier.view(tx, { mountId: mount.id }), path, request.data);
        return (await role) ?? null;
      }),
    async mayWrite(line) {
      try {
        return await options.store.read(async (tx) => {
          const caller = await authenticate(parts, await openRun(parts, tx, clock.now()), line, false);
          const may = caller?.acl.capabilities(line.path) ?? [];
          return may.some((capability) => writing.includes(capability));
        });
      } catch (error) {
        throw asRequestError(error);
      }
    },
    settle: (core) => applies.settle(core),
    recover: (findCommitted) => applies.recover(findCommitted),
  };
}
