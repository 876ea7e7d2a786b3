import { hasApplyCommit } from './audit/find-entry.ts';
import { openAuditLog, type AuditLog } from './audit/log.ts';
import { auditRoutes } from './audit/routes.ts';
import type { AuditSink } from './audit/sink.ts';
import { enabledSinkNames, readAnchor, readAuditKey, writeAnchor } from './audit/stored.ts';
import { authMethods } from './auth/index.ts';
import { wipe } from './base/bytes.ts';
import type { Clock } from './base/clock.ts';
import { randomUuid, type Random } from './base/random.ts';
import type { Barrier } from './barrier/barrier.ts';
import { createCore, type Core } from './core/core.ts';
import type { CoreContext } from './core/corridor.ts';
import { readRevision } from './core/revision.ts';
import { clearCubbyhole } from './engines/cubbyhole/index.ts';
import { engines } from './engines/index.ts';
import { capabilityRoutes } from './policy/capability-routes.ts';
import { policyRoutes } from './policy/routes.ts';
import { fixedPolicies } from './policy/policy-name.ts';
import { createPolicies, getPolicy } from './policy/store.ts';
import type { Reply } from './protocol/reply.ts';
import type { Request } from './protocol/request.ts';
import type { Transaction, TransactionalStore } from './storage/transaction.ts';
import { createTokens } from './token/port.ts';
import { expireTokens } from './token/revocation.ts';

/** An unsealed store and what a system is built on it with. */
export interface AssemblyParts {
  readonly storeId: string;
  readonly epoch: number;
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly random: Random;
  /** Every audit sink that the settings declare. */
  readonly sinks: readonly AuditSink[];
  /** Accept that the audit log was lost or cut off; the log says so. */
  readonly acceptAuditLoss?: boolean;
}

/** A running system: the corridor, with its audit log open and its last apply accounted for. */
export interface System {
  handle(request: Omit<Request, 'id'>): Promise<Reply>;
  readonly audit: AuditLog;
  /** Expires due tokens and deletes ciphertext of shredded mounts until `deadline` (milliseconds); true: nothing is left. */
  tidy(deadline: number): Promise<boolean>;
  /** Remembers the head of the audit log, renews the superblock and gives keys and sinks back. */
  close(): Promise<void>;
}

const cubbyholeMount = 'cubbyhole';

/** Builds a system. Throws what opening the audit log throws: an unaudited store serves nothing. */
export async function assemble(parts: AssemblyParts): Promise<System> {
  const { store, barrier, clock, random } = parts;
  const core = (tx: Transaction) => barrier.view(tx, 'core');
  const audit = await openAudit(parts);
  const policies = createPolicies();
  const forget = async (tx: Transaction, tokenId: string): Promise<void> => {
    await clearCubbyhole(barrier.view(tx, { mountId: cubbyholeMount }), tokenId);
  };
  const tokens = createTokens({
    clock,
    methods: authMethods,
    storageOf: (tx, mountId) => barrier.view(tx, { mountId }),
    forget,
    policyExists: async (view, name) => fixedPolicies.includes(name) || (await getPolicy(view, name)) !== null,
  });
  const corridor = createCore({
    storeId: parts.storeId,
    store,
    barrier,
    clock,
    random,
    tokens,
    policies,
    audit,
    engines,
    methods: authMethods,
    tokenMethod: tokens.method,
    sysRoutes: [
      ...policyRoutes,
      ...capabilityRoutes(async (context, holder) => {
        const names = await tokens.policiesOf(context, holder);
        const { run } = context as CoreContext;
        return names === null ? null : policies.acl(run.core, names, run.revision.generation);
      }),
      ...auditRoutes({ sinks: parts.sinks }),
    ],
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
      const reply = await corridor.handle({ id: randomUuid(random), ...request });
      if (mayChangeSinks(request)) await audit.follow(await store.read((tx) => enabledSinkNames(core(tx))));
      return reply;
    },
    tidy: (deadline) => tidy(parts, forget, deadline),
    async close() {
      await rememberHead(parts, audit, corridor);
      tokens.wipe();
      await audit.close();
    },
  };
}

async function openAudit({
  store,
  barrier,
  sinks,
  storeId,
  epoch,
  random,
  clock,
  acceptAuditLoss,
}: AssemblyParts): Promise<AuditLog> {
  const { key, enabled, anchor } = await store.read(async (tx) => {
    const view = barrier.view(tx, 'core');
    return { key: await readAuditKey(view), enabled: await enabledSinkNames(view), anchor: await readAnchor(view) };
  });
  try {
    return await openAuditLog({
      storeId,
      key,
      boot: randomUuid(random),
      epoch,
      clock,
      sinks,
      enabled,
      anchor,
      ...(acceptAuditLoss === undefined ? {} : { acceptLoss: acceptAuditLoss }),
    });
  } finally {
    wipe(key);
  }
}

function mayChangeSinks({ operation, path }: Omit<Request, 'id'>): boolean {
  return operation !== 'read' && operation !== 'list' && (path === 'sys/apply' || path.startsWith('sys/audit/'));
}

/** The cleaning that a server does all the time and an embedded command now and then. Nothing depends on it. */
async function tidy(
  { store, barrier, clock }: AssemblyParts,
  forget: (tx: Transaction, tokenId: string) => Promise<void>,
  deadline: number,
): Promise<boolean> {
  for (;;) {
    if (clock.now() >= deadline) return false;
    const now = clock.now();
    // A look costs one read; only what is due costs a transaction.
    const { nextDue } = await store.transact((tx) => expireTokens(barrier.view(tx, 'core'), now, 200, (id) => forget(tx, id)));
    if (nextDue === null || nextDue > now) break;
  }
  while ((await barrier.purgeShredded(store, { limit: 500 })) > 0) if (clock.now() >= deadline) return false;
  return true;
}

/**
 * Anchors the head of the log in the store and renews the superblock, where anything was written since the last time.
 * `settling`: this is an orderly end.
 */
async function rememberHead({ store, barrier }: AssemblyParts, audit: AuditLog, settling?: Core): Promise<void> {
  const head = audit.head();
  const remembered = await store.read((tx) => readAnchor(barrier.view(tx, 'core')));
  if (remembered?.seq === head.seq) return;
  await store.transact(async (tx) => {
    const view = barrier.view(tx, 'core');
    await settling?.settle(view);
    await writeAnchor(view, head);
    await barrier.renewSuperblock(tx);
  });
}

/** The config revision of an unsealed store. */
export async function configRevision(store: TransactionalStore, barrier: Barrier): Promise<number> {
  return store.read(async (tx) => (await readRevision(barrier.view(tx, 'core'))).revision);
}
