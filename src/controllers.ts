import type { AuditLog } from './audit/log.ts';
import { authMethods } from './auth/index.ts';
import type { Clock } from './base/clock.ts';
import type { Random } from './base/random.ts';
import type { SteadyClock } from './base/steady-clock.ts';
import type { Barrier } from './barrier/barrier.ts';
import { clockMark } from './clock-mark.ts';
import { done, type Controller } from './core/controller.ts';
import { keyringRotation } from './core/keyring-rotation.ts';
import { lockoutSweep, mountExpiry } from './expiry-controllers.ts';
import type { DroppedLeases } from './lease/dropped.ts';
import { leaseExpiry, leaseExpiryName } from './lease/expiry.ts';
import { mountDeletion, mountDeletionName } from './lease/mount-deletion.ts';
import type { MountType } from './core/mount-type.ts';
import { mountJobs, mountJobsName } from './mount-jobs.ts';
import type { Request } from './protocol/request.ts';
import type { Transaction, TransactionalStore } from './storage/transaction.ts';
import { expireTokens, nextTokenDue } from './token/revocation.ts';

export interface BackgroundParts {
  readonly storeId: string;
  readonly epoch: number;
  /** As they run. */
  readonly engines: readonly MountType[];
  readonly store: TransactionalStore;
  readonly barrier: Barrier;
  readonly clock: Clock;
  /** See AssemblyParts. */
  readonly steady?: SteadyClock;
  readonly random: Random;
  readonly audit: AuditLog;
  readonly dropped: DroppedLeases;
  /** Has another of them look at once. */
  wake(name: string, key?: string): void;
  /** Removes what a token keeps outside of its record. */
  forget(tx: Transaction, tokenId: string): Promise<void>;
  /** Anchors the head of the audit log in the store and renews the superblock. */
  rememberHead(): Promise<void>;
}

/** Every background task of a store: one line each. */
export function controllers(parts: BackgroundParts): readonly Controller[] {
  return [
    tokenExpiry(parts),
    leaseExpiry(parts),
    mountDeletion({
      ...parts,
      wakeExpiry: () => parts.wake(leaseExpiryName),
      wakePurge: () => parts.wake(shreddedMountsName, all),
    }),
    mountJobs(parts),
    mountExpiry(parts, parts.engines, authMethods),
    lockoutSweep(parts),
    shreddedMounts(parts),
    keyringRotation(parts),
    auditHead(parts),
    auditSinks(parts),
    ...(parts.steady === undefined ? [] : [clockMark({ ...parts, steady: parts.steady })]),
  ];
}

/** A controller with one piece of work has one key. */
const all = 'all';
/** The name under which tokens that end wake the controller. */
export const tokenExpiryName = 'token-expiry';
const shreddedMountsName = 'shredded-mounts';
const auditHeadName = 'audit-head';

/** Which controllers may have something to do after a request, each with the key to be tried where one is known. */
export function wokenBy({
  operation,
  path,
}: Pick<Request, 'operation' | 'path'>): readonly (readonly [name: string, key?: string])[] {
  if (operation === 'delete' && /^sys\/(mounts|auth)\//.test(path))
    return [[tokenExpiryName], [shreddedMountsName, all], [mountDeletionName]];
  if (operation !== 'write') return [];
  if (path === 'sys/apply')
    return [[auditHeadName, all], [tokenExpiryName], [shreddedMountsName, all], [mountDeletionName], [mountJobsName]];
  if (path.startsWith('auth/token/revoke')) return [[tokenExpiryName]];
  return /^sys\/(leases|revoke)/.test(path) ? [[tokenExpiryName], [leaseExpiryName]] : [];
}

/** Does somebody want leases to be tried again that could not be ended? */
export function isTidy({ operation, path }: Pick<Request, 'operation' | 'path'>): boolean {
  return operation === 'write' && path === 'sys/leases/tidy';
}

const tokensAtOnce = 200;

function tokenExpiry({ store, barrier, clock, forget }: BackgroundParts): Controller {
  return {
    name: tokenExpiryName,
    description: 'Removes tokens that are past their time, and what large revocations left.',
    async due(now) {
      const next = await store.read((tx) => nextTokenDue(barrier.view(tx, 'core')));
      return { keys: next !== null && next <= now ? [all] : [], after: null, next };
    },
    async reconcile() {
      const now = clock.now();
      const { nextDue } = await store.transact((tx) =>
        expireTokens(barrier.view(tx, 'core'), now, tokensAtOnce, (id) => forget(tx, id)),
      );
      return { again: nextDue };
    },
  };
}

const recordsAtOnce = 500;

function shreddedMounts({ store, barrier, clock }: BackgroundParts): Controller {
  return {
    name: shreddedMountsName,
    description: 'Deletes the ciphertext of mounts whose keys are gone.',
    due: async () => ({ keys: [all], after: null, next: null }),
    async reconcile() {
      const left = await barrier.purgeShredded(store, { limit: recordsAtOnce });
      return left === 0 ? done : { again: clock.now() };
    },
  };
}

const sinksEvery = 1000;

/** The log knows when each sink that failed is to be tried again. */
function auditSinks({ audit }: BackgroundParts): Controller {
  return {
    name: 'audit-sinks',
    description: 'Brings audit sinks back that failed.',
    async due(now) {
      const retryAt = audit.retryAt();
      return { keys: retryAt !== null && retryAt <= now ? [all] : [], after: null, next: now + sinksEvery };
    },
    async reconcile() {
      await audit.retry();
      return done;
    },
  };
}

const anchorEvery = { lines: 10_000, milliseconds: 60_000, look: 10_000 };

/** An anchor in the store bounds how much of the log could be cut off unnoticed. */
function auditHead({ clock, audit, rememberHead }: BackgroundParts): Controller {
  let rememberedAt = clock.now();
  return {
    name: auditHeadName,
    description: 'Anchors the head of the audit log in the store.',
    async due(now) {
      const lines = audit.linesSinceAnchor();
      const isDue = lines >= anchorEvery.lines || (lines > 0 && now - rememberedAt >= anchorEvery.milliseconds);
      return { keys: isDue ? [all] : [], after: null, next: now + anchorEvery.look };
    },
    async reconcile() {
      await rememberHead();
      rememberedAt = clock.now();
      return done;
    },
  };
}
