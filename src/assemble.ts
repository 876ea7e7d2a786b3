import type { Head } from './audit/chain.ts';
import { hasApplyCommit } from './audit/find-entry.ts';
import { openAuditLog, type AuditLog } from './audit/log.ts';
import { type AuditedHeaders, readAuditedHeaders } from './audit/request-headers.ts';
import { auditRoutes } from './audit/routes.ts';
import type { AuditSink } from './audit/sink.ts';
import type { SinkHealth } from './audit/sink-set.ts';
import { enabledSinkNames, readAnchor, readAuditKey, writeAnchor } from './audit/stored.ts';
import { authMethods } from './auth/index.ts';
import { wipe } from './base/bytes.ts';
import type { Clock } from './base/clock.ts';
import type { JsonObject } from './base/json.ts';
import { randomUuid, type Random } from './base/random.ts';
import type { SteadyClock } from './base/steady-clock.ts';
import { systemTimer, type Timer } from './base/timer.ts';
import type { Barrier } from './barrier/barrier.ts';
import type { View } from './barrier/view.ts';
import { markClock, resumeClock } from './clock-mark.ts';
import { controllers, isTidy, tokenExpiryName, wokenBy } from './controllers.ts';
import { createCore, type Core } from './core/core.ts';
import { rightsOf } from './core/authenticate.ts';
import { runOf } from './core/corridor.ts';
import { createCrossOrigin } from './core/cors.ts';
import type { Attempted } from './core/controller.ts';
import type { Background } from './core/mount-jobs.ts';
import type { Route } from './core/mount-type.ts';
import { reconcilerRoutes } from './core/reconciler-routes.ts';
import { readRevision } from './core/revision.ts';
import { systemEntry } from './core/system-entry.ts';
import { DroppedLeases } from './lease/dropped.ts';
import { createEndNow } from './lease/end-now.ts';
import { endLeasesOfToken } from './lease/ending.ts';
import { engineLeases } from './lease/engine-leases.ts';
import { leaseExpiryName } from './lease/expiry.ts';
import { overdueWarning } from './lease/overdue.ts';
import { createLeases } from './lease/port.ts';
import { leaseRoutes } from './lease/routes.ts';
import { unendedRoutes } from './lease/unended.ts';
import { clearCubbyhole, cubbyholeOf } from './engines/cubbyhole/index.ts';
import { engines } from './engines/index.ts';
import { createIdentity, entityCounter, identityStore } from './identity/identity.ts';
import { createLockout } from './lockout/lockout.ts';
import { lockoutRoutes } from './lockout/routes.ts';
import { capabilityRoutes } from './policy/capability-routes.ts';
import { jobKey, mountJobsName } from './mount-jobs.ts';
import { policyRoutes } from './policy/routes.ts';
import { fixedPolicies } from './policy/policy-name.ts';
import { createPolicies, getPolicy } from './policy/store.ts';
import type { Reply } from './protocol/reply.ts';
import type { Request } from './protocol/request.ts';
import type { CrossOrigin, RequestLine } from './protocol/request-line.ts';
import { admitLease } from './quota/lease-count.ts';
import { createQuotas } from './quota/quotas.ts';
import { quotaRoutes } from './quota/routes.ts';
import { Reconciler } from './reconciler/reconciler.ts';
import type { Transaction, TransactionalStore } from './storage/transaction.ts';
import { createTokens } from './token/port.ts';

/** An unsealed store and what a system is built on it with. */
export interface AssemblyParts {
  readonly storeId: string;
  readonly epoch: number;
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly clock: Clock;
  /** The same clock, where it goes on from where that of the last process stood. Absent: it needs nothing stored. */
  readonly steady?: SteadyClock;
  readonly random: Random;
  /** What the background tasks are woken by; the machine's unless told. */
  readonly timer?: Timer;
  /** Every audit sink that the settings declare. */
  readonly sinks: readonly AuditSink[];
  /** Accept that the audit log was lost or cut off; the log says so. */
  readonly acceptAuditLoss?: boolean;
  /** True: a store that is gone with this process has no audit log unless a sink is enabled. Never for any other store. */
  readonly unaudited?: boolean;
  /** Told of each audit sink that fails or is back. */
  readonly reportSink?: (sink: SinkHealth) => void;
  /** Told when the background work on something begins to fail, and when it works again. See ReconcilerOptions.onTrouble. */
  readonly reportTrouble?: (task: string, of: string, error: string | null) => void;
  /** True: the background tasks run in `tidy` alone. What a request waits for is done while it does. */
  readonly unattended?: boolean;
  /** Routes below `sys/` that only a server has. */
  readonly serverRoutes?: readonly Route[];
}

/** A running system: the corridor, with its audit log open and its last apply accounted for. */
export interface System {
  /** A request without an id gets one. */
  handle(request: Omit<Request, 'id'> & Partial<Pick<Request, 'id'>>): Promise<Reply>;
  /** See Service.admit. */
  admit(line: RequestLine): Promise<Readonly<Record<string, string>>>;
  /** See Service.crossOrigin. */
  crossOrigin(origin: string): Promise<CrossOrigin | null>;
  /** See Service.mayWrite. */
  mayWrite(line: RequestLine): Promise<boolean>;
  readonly audit: AuditLog;
  /** The background tasks. A server starts them; `close` ends them. */
  readonly reconciler: Reconciler;
  /** For a command beside no server: does what the background tasks would do now, until `deadline` (milliseconds); true: nothing is left. */
  tidy(deadline: number): Promise<boolean>;
  /** What is over and could not be ended outside, for a person; null: nothing. */
  overdue(): Promise<string | null>;
  /** A `system` entry of the audit log; `facts` hold no secret. Throws as AuditPort.append. */
  note(facts: JsonObject): Promise<void>;
  /** After log rotation: opens the places of the audit sinks anew. Throws as AuditLog.reopen. */
  reopenAudit(): Promise<void>;
  /** Remembers the head of the audit log, renews the superblock and gives keys and sinks back. */
  close(): Promise<void>;
}

const cubbyholeMount = 'cubbyhole';
/** How long a request waits for background tasks that run for it alone, in milliseconds. */
const unattendedWait = 2_000;
/** How long background tasks have to end, in milliseconds. */
const stopGrace = 5_000;

/** Builds a system. Throws what opening the audit log throws: an unaudited store serves nothing. */
export async function assemble(parts: AssemblyParts): Promise<System> {
  const { store, barrier, clock, random, steady } = parts;
  if (steady !== undefined) await resumeClock({ steady, store, barrier });
  const core = (tx: Transaction) => barrier.view(tx, 'core');
  const audit = await openAudit(parts);
  const policies = createPolicies();
  const identity = createIdentity();
  const forget = async (tx: Transaction, tokenId: string): Promise<void> => {
    await clearCubbyhole(barrier.view(tx, { mountId: cubbyholeMount }), tokenId);
    if (await endLeasesOfToken(core(tx), tokenId, random, clock.now())) tx.onCommit(() => reconciler.wake(leaseExpiryName));
  };
  const tokens = createTokens({
    clock,
    methods: authMethods,
    identity,
    storageOf: (tx, mountId) => barrier.view(tx, { mountId }),
    cubbyhole: (tx, tokenId) => cubbyholeOf(barrier.view(tx, { mountId: cubbyholeMount }), tokenId),
    forget,
    admitLease,
    expect: (due) => reconciler.expect(tokenExpiryName, due),
    policyExists: async (view, name) => fixedPolicies.includes(name) || (await getPolicy(view, name)) !== null,
  });
  const dropped = new DroppedLeases();
  /** For how long `attempt` has let background tasks run where they do not otherwise: `tidy` has that much less. */
  let waited = 0;
  /** Has a background task try a key; where these do not run, they do for as long as that takes. */
  async function attempt(name: string, key: string, signal: AbortSignal): Promise<Attempted | null> {
    if (parts.unattended !== true) return reconciler.attempt(name, key, signal);
    const began = clock.now();
    reconciler.start();
    try {
      return await reconciler.attempt(name, key, AbortSignal.any([signal, AbortSignal.timeout(unattendedWait)]));
    } finally {
      await reconciler.stop(stopGrace);
      waited += clock.now() - began;
    }
  }
  const background: Background = {
    read: (mountId, work) => store.read((tx) => work(barrier.view(tx, { mountId }))),
    attempt: (mountId, key, signal) => attempt(mountJobsName, jobKey(mountId, key), signal),
    wake: () => void reconciler.wake(mountJobsName),
  };
  const started = engines.map((engine) => ({ engine, running: engine.start?.(background) ?? null }));
  const running = started.map(({ engine, running }) => ({ ...engine, ...running }));
  const reconciler = new Reconciler({
    clock,
    random,
    timer: parts.timer ?? systemTimer,
    ...(parts.reportTrouble === undefined ? {} : { onTrouble: parts.reportTrouble }),
    controllers: controllers({
      ...(steady === undefined ? {} : { steady }),
      engines: running,
      wake: (name, key) => void reconciler.wake(name, key),
      storeId: parts.storeId,
      epoch: parts.epoch,
      store,
      barrier,
      clock,
      random,
      audit,
      dropped,
      forget,
      rememberHead: async () => {
        await rememberHead(parts, audit);
      },
    }),
  });
  const expectLease = (at: number): void => reconciler.expect(leaseExpiryName, at);
  const endNow = createEndNow({
    read: (work) => store.read((tx) => work(core(tx))),
    attempt: (key, signal) => attempt(leaseExpiryName, key, signal),
  });
  const corridor = createCore({
    storeId: parts.storeId,
    store,
    barrier,
    clock,
    random,
    tokens,
    leases: createLeases({
      epoch: parts.epoch,
      random,
      admit: (run, mount, path) => admitLease(run, mount, path, null),
      wake: () => reconciler.wake(leaseExpiryName),
      expect: expectLease,
    }),
    wrapping: tokens.wrapping,
    identity,
    policies,
    audit,
    lockout: createLockout(),
    engines: running,
    methods: authMethods,
    tokenMethod: tokens.method,
    identityStore,
    sysRoutes: [
      ...policyRoutes,
      ...tokens.sysRoutes,
      entityCounter,
      ...lockoutRoutes,
      ...capabilityRoutes(async (context, holder) => {
        const found = await tokens.holderOf(context, holder);
        if (found === null) return null;
        return (await rightsOf({ identity, policies }, runOf(context), found))?.acl ?? null;
      }),
      ...auditRoutes({ sinks: parts.sinks }),
      ...reconcilerRoutes(reconciler),
      ...quotaRoutes(authMethods),
      ...leaseRoutes(
        [
          tokens.leases,
          engineLeases({
            engines: running,
            clock,
            storageOf: (tx, mountId) => barrier.view(tx, { mountId }),
            expect: expectLease,
            access: (mount) => ({ mount, read: (work) => store.read((tx) => work(barrier.view(tx, { mountId: mount.id }))) }),
          }),
        ],
        endNow,
        dropped,
        unendedRoutes(running),
      ),
      ...(parts.serverRoutes ?? []),
    ],
  });
  const quotas = createQuotas({
    store,
    barrier,
    clock,
    random,
    audit,
    mounts: (tx) => corridor.mounts(tx),
    roleOf: (request) => corridor.loginRole(request),
  });
  try {
    await corridor.recover((applyId, after) => hasApplyCommit(audit, applyId, after));
    // After an end without order the log is ahead of what the store remembers of it.
    await rememberHead(parts, audit);
  } catch (error) {
    await audit.close();
    throw error;
  }
  return {
    audit,
    async handle(request) {
      const identified = { id: randomUuid(random), ...request };
      await quotas.admitLogin(identified);
      const reply = await corridor.handle(identified);
      for (const [name, key] of wokenBy(request)) reconciler.wake(name, key);
      if (isTidy(request)) reconciler.retry(leaseExpiryName);
      if (mayChangeAudit(request)) {
        const { enabled, headers } = await store.read((tx) => auditConfig(core(tx)));
        await audit.follow(enabled, headers);
      }
      return reply;
    },
    admit: (line) => quotas.admit(line),
    crossOrigin: createCrossOrigin(parts),
    mayWrite: (line) => corridor.mayWrite(line),
    reconciler,
    tidy: (deadline) => reconciler.settle(Math.max(0, deadline - clock.now() - waited)),
    overdue: () => store.read((tx) => overdueWarning(core(tx), clock.now())),
    note: (facts) => audit.append([systemEntry(facts)]),
    reopenAudit: () => audit.reopen(),
    async close() {
      try {
        await reconciler.stop(stopGrace);
        const marked = await rememberHead(parts, audit, corridor);
        if (!marked && steady !== undefined) await store.transact((tx) => markClock(core(tx), steady));
      } finally {
        await Promise.allSettled(started.flatMap(({ running }) => (running === null ? [] : [running.close()])));
        tokens.wipe();
        await audit.close();
      }
    },
  };
}

async function openAudit(parts: AssemblyParts): Promise<AuditLog> {
  const { store, barrier, sinks, storeId, epoch, random, clock, timer, acceptAuditLoss, unaudited, reportSink } = parts;
  const { key, anchor, ...config } = await store.read(async (tx) => {
    const view = barrier.view(tx, 'core');
    return { key: await readAuditKey(view), anchor: await readAnchor(view), ...(await auditConfig(view)) };
  });
  try {
    return await openAuditLog({
      storeId,
      key,
      boot: randomUuid(random),
      epoch,
      clock,
      ...(timer === undefined ? {} : { timer }),
      sinks,
      ...config,
      anchor,
      saveAnchor: (head) => anchorHead(parts, head),
      ...(acceptAuditLoss === undefined ? {} : { acceptLoss: acceptAuditLoss }),
      ...(unaudited === undefined ? {} : { unaudited }),
      ...(reportSink === undefined ? {} : { report: reportSink }),
    });
  } finally {
    wipe(key);
  }
}

async function auditConfig(view: View): Promise<{ readonly enabled: readonly string[]; readonly headers: AuditedHeaders }> {
  return { enabled: await enabledSinkNames(view), headers: await readAuditedHeaders(view) };
}

function mayChangeAudit({ operation, path }: Omit<Request, 'id'>): boolean {
  if (operation === 'read' || operation === 'list') return false;
  return path === 'sys/apply' || path.startsWith('sys/audit/') || path.startsWith('sys/config/auditing/');
}

/**
 * Anchors the head of the log in the store and renews the superblock, where anything was written since the last time:
 * true. `settling`: this is an orderly end.
 */
async function rememberHead(parts: AssemblyParts, audit: AuditLog, settling?: Core): Promise<boolean> {
  const head = audit.head();
  const remembered = await parts.store.read((tx) => readAnchor(parts.barrier.view(tx, 'core')));
  const isNew = remembered?.seq !== head.seq;
  if (isNew) await anchorHead(parts, head, settling);
  audit.anchored(head);
  return isNew;
}

async function anchorHead({ store, barrier, steady }: AssemblyParts, head: Head, settling?: Core): Promise<void> {
  await store.transact(async (tx) => {
    const view = barrier.view(tx, 'core');
    await settling?.settle(view);
    await writeAnchor(view, head);
    if (steady !== undefined) await markClock(view, steady);
    await barrier.renewSuperblock(tx);
  });
}

/** The config revision of an unsealed store. */
export async function configRevision(store: TransactionalStore, barrier: Barrier): Promise<number> {
  return store.read(async (tx) => (await readRevision(barrier.view(tx, 'core'))).revision);
}
