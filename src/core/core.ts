import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Barrier } from '../barrier/barrier.ts';
import type { View } from '../barrier/view.ts';
import type { ApplyBody } from '../protocol/managed.ts';
import type { Reply } from '../protocol/reply.ts';
import { permissionDenied, RequestError } from '../protocol/request-error.ts';
import type { Request } from '../protocol/request.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { admittedBody } from './apply.ts';
import { Applies } from './applies.ts';
import { applyLockRoutes } from './apply-lock.ts';
import { applyRoute, isApply } from './apply-route.ts';
import {
  type Admission,
  admit,
  asRequestError,
  authenticate,
  checkRequestPath,
  type CorridorParts,
  openRun,
  perform,
  Refusal,
  typeKey,
} from './corridor.ts';
import { barrierRoutes } from './barrier-routes.ts';
import type { FindCommitted } from './committed-apply.ts';
import { managedRoutes } from './managed-routes.ts';
import { mountRoutes } from './mount-routes.ts';
import { MountTables } from './mount-table.ts';
import type { MountType, Route } from './mount-type.ts';
import type { AuditEntry, AuditPort, LockoutPort, PolicyPort, TokenPort, WrappingPort } from './ports.ts';
import { RecordedRefusal } from './recorded-refusal.ts';
import { renameRoute } from './rename-route.ts';
import { recipientRoutes } from './recipient-routes.ts';

/** What `compose.ts` hands to the core. */
export interface CoreOptions {
  readonly storeId: string;
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly random: Random;
  readonly tokens: TokenPort;
  readonly wrapping: WrappingPort;
  readonly policies: PolicyPort;
  readonly audit: AuditPort;
  readonly lockout: LockoutPort;
  readonly engines: readonly MountType[];
  readonly methods: readonly MountType[];
  readonly tokenMethod: MountType;
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
  /** Completes the audit log of an apply which committed just before a crash. To be called once, before serving. */
  recover(findCommitted: FindCommitted): Promise<void>;
  /** Called in the transaction of an orderly end: what the log holds need not be looked for at the next start. */
  settle(core: View): Promise<void>;
}

/** What the first look at a request found. */
type Look = Admission & { readonly useTaken: boolean; readonly prepare: (() => Promise<unknown>) | undefined };

export function createCore(options: CoreOptions): Core {
  const { store, audit, clock } = options;
  const tables = new MountTables();
  const parts: CorridorParts = {
    barrier: options.barrier,
    clock,
    random: options.random,
    tokens: options.tokens,
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
  types.set(typeKey('system', options.tokenMethod.type), options.tokenMethod);
  types.set(typeKey('system', 'system'), {
    type: 'system',
    description: 'control, policy and debugging',
    routes: [
      applyRoute,
      ...applyLockRoutes,
      ...mountRoutes(parts),
      ...managedRoutes(parts, options.storeId),
      renameRoute(parts),
      ...barrierRoutes(parts),
      ...recipientRoutes,
      ...options.sysRoutes,
    ],
  });

  /** Takes a use of a limited token. Throws Refusal where none is left by now. */
  const takeUse = async (tokenId: string, entry: Refusal['entry']): Promise<void> => {
    const taken = await store.transact((tx) => options.tokens.takeUse(parts.barrier.view(tx, 'core'), tokenId));
    if (!taken) throw new Refusal(permissionDenied(), entry);
  };

  /**
   * First look, before the audit log knows: who asks and whether they may. It costs a use of a limited token, also
   * where they may not. An apply and a snapshot are one request, whatever they hold.
   */
  const look = async (request: Request, now: number): Promise<Look> => {
    checkRequestPath(request);
    const { caller, ...looked } = await store.read(async (tx) => {
      const run = await openRun(parts, tx, now);
      const authenticated = await authenticate(parts, run, request, false);
      try {
        const admission = await admit(parts, run, request, authenticated);
        return { caller: authenticated, admission, prepare: await preparation(admission) };
      } catch (error) {
        if (error instanceof Refusal) return { caller: authenticated, refusal: error };
        throw error;
      }
    });
    const limited = caller?.limitedUses === true && looked.admission?.spec.unauthenticated !== true;
    if (limited) await takeUse(caller.tokenId, looked.refusal === undefined ? entryOf(looked.admission) : looked.refusal.entry);
    if (looked.refusal !== undefined) throw looked.refusal;
    return { ...looked.admission, useTaken: limited, prepare: looked.prepare };
  };

  /** Second look, in the transaction that does the work: nothing that the first saw is trusted by then. */
  const work = async (request: Request, { useTaken, prepare }: Look, now: number): Promise<Reply> => {
    const prepared = await prepare?.();
    const within = async (tx: Transaction): Promise<Reply> => {
      const run = await openRun(parts, tx, now);
      const caller = await authenticate(parts, run, request, useTaken);
      const admission = await admit(parts, run, request, caller);
      const reply = await perform(admission, false, prepared);
      if (request.wrapTtl === null || !isWrappable(reply)) return reply;
      return options.wrapping.wrap(admission.context, reply, request.wrapTtl);
    };
    const reads = request.operation === 'read' || request.operation === 'list';
    if (reads && request.wrapTtl === null) return store.read(within);
    const done = await store.transact((tx) =>
      within(tx).catch((error: unknown) => {
        if (error instanceof RecordedRefusal) return error;
        throw error;
      }),
    );
    if (done instanceof RecordedRefusal) throw done;
    return done;
  };

  /** Whatever ends a request before it is known what it asks for is audited too. */
  const refuse = async (request: Request, error: unknown): Promise<never> => {
    const entry = error instanceof Refusal ? error.entry : { verb: null, mount: null, auth: null };
    const shown = asRequestError(error);
    await append(audit, [{ type: 'request', request, ...entry, reply: null, error: shown.message }]);
    throw shown;
  };

  const applies = new Applies({ ...options, parts });
  return {
    async handle(sent) {
      const now = clock.now();
      // No time is no wrapping, for the policies too.
      const request = sent.wrapTtl === 0 ? { ...sent, wrapTtl: null } : sent;
      try {
        let admission: Look;
        let body: ApplyBody | null;
        try {
          admission = await look(request, now);
          body = isApply(admission) ? await admittedBody(admission) : null;
        } catch (error) {
          return await refuse(request, error);
        }
        if (body !== null) return await applies.run(admission, body);
        const entry = { request, ...entryOf(admission) };
        await append(audit, [{ type: 'request', ...entry, reply: null, error: null }]);
        let reply: Reply;
        try {
          reply = await work(request, admission, now);
        } catch (error) {
          const shown = asRequestError(error);
          await append(
            audit,
            [{ type: 'response', ...entry, reply: null, error: shown.message || `status ${shown.status}` }],
            failed,
          );
          throw shown;
        }
        await append(audit, [{ type: 'response', ...entry, reply, error: null }], withheld);
        return reply;
      } catch (error) {
        throw asRequestError(error);
      }
    },
    settle: (core) => applies.settle(core),
    recover: (findCommitted) => applies.recover(findCommitted),
  };
}

async function preparation(admission: Admission): Promise<Look['prepare']> {
  try {
    return await admission.spec.prepare?.(admission.context);
  } catch (error) {
    throw error instanceof RequestError ? new Refusal(error, entryOf(admission)) : error;
  }
}

function entryOf({ verb, mount, audit: auth }: Admission): Refusal['entry'] {
  return { verb, mount, auth };
}

/** Is there anything to wrap, and can an envelope hold it? */
function isWrappable(reply: Reply): boolean {
  return reply.wrapInfo === undefined && reply.json === undefined && reply.body === undefined && reply.status !== 204;
}

const refused = 'so the request is refused';
const failed = 'and the request failed';
// A change has been committed by then.
const withheld = 'so the answer is withheld: the request was carried out, see what it did before you send it again';

/** Unaudited means refused: an entry that no sink took turns into a 500, whatever was asked. */
async function append(audit: AuditPort, entries: readonly AuditEntry[], consequence = refused): Promise<void> {
  try {
    await audit.append(entries);
  } catch (error) {
    throw new RequestError(500, `the audit log can't be written, ${consequence}: ${(error as Error).message}`, { cause: error });
  }
}
