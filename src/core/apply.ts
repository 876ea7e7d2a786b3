import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import { givingWay } from '../base/giving-way.ts';
import type { JsonObject } from '../base/json.ts';
import { addressText, type ApplyBody, type ApplyOutcome, couldNotBeTried, wouldNotWork } from '../protocol/managed.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { readApplyBody } from './apply-body.ts';
import { applyChange, type Applying, checkSeen, RefusedChange } from './apply-change.ts';
import { applyUnderLock } from './apply-lock.ts';
import { writeAudit } from './write-audit.ts';
import { authenticate } from './authenticate.ts';
import { rememberApply } from './committed-apply.ts';
import { type Admission, admit, asRequestError, type CorridorParts, openRun, Refusal, type Run } from './corridor.ts';
import type { AuditEntry, AuditPort } from './ports.ts';
import { moveRevision } from './revision.ts';
import type { Verification } from './mount-type.ts';
import { type NamedVerification, Rehearsed, verifyAll } from './verification.ts';
import { SealedBlocks } from './sealed-blocks.ts';

export interface ApplyParts {
  readonly parts: CorridorParts;
  readonly store: TransactionalStore;
  readonly storeId: string;
  readonly audit: AuditPort;
  readonly clock: Clock;
}

export type ApplyAdmission = Admission & { readonly useTaken: boolean };

/** The body of an apply. Throws Refusal, which the audit log gets as that of any other request. */
export async function admittedBody({ request, verb, mount, audit }: ApplyAdmission): Promise<ApplyBody> {
  try {
    if (request.wrapTtl !== null) throw badRequest('the reply of an apply is not wrapped: leave the wrap TTL out');
    return await readApplyBody(request.data);
  } catch (error) {
    throw new Refusal(asRequestError(error), { verb, mount, auth: audit });
  }
}

export interface CommittedChanges {
  readonly reply: Reply;
  /** What the audit log must be told now: the entries of the changes and `apply-commit`. */
  readonly entries: readonly AuditEntry[];
}

/**
 * Commits all changes of an apply in one transaction, each request authorised as if the caller had sent it alone. The
 * audit log gets `apply-begin` before, and `apply-abort` where nothing was committed or nobody can know.
 */
export async function commitChanges(apply: ApplyParts, admission: ApplyAdmission, body: ApplyBody): Promise<CommittedChanges> {
  const { request } = admission;
  const facts = {
    apply: request.id,
    project: body.project,
    commit: body.commit,
    plan_digest: body.planDigest,
    base: body.base,
    ...(body.skipVerify === true ? { skip_verify: true } : {}),
    changes: body.changes.length,
  };
  const about = {
    request: { ...request, data: {} },
    verb: admission.verb,
    mount: admission.mount,
    auth: admission.audit,
    reply: null,
  };
  const after = apply.audit.position();
  await writeAudit(apply.audit, [{ type: 'apply-begin', ...about, error: null, facts }], 'so the apply is refused');

  const now = apply.clock.now();
  const blocks = new SealedBlocks();
  let entries: AuditEntry[] = [];
  let outcome: ApplyOutcome;
  try {
    const attempt = (verified: boolean): Promise<ApplyOutcome> =>
      apply.store.transact(async (tx) => {
        entries = [];
        return inTransaction(apply, admission, body, { after, facts, now, blocks, entries, verified }, tx);
      });
    try {
      outcome = await attempt(body.skipVerify === true);
    } catch (error) {
      if (!(error instanceof Rehearsed)) throw error;
      const said = await verifyAll(error.seen as readonly NamedVerification[]);
      outcome = await attempt(true);
      outcome = { ...outcome, warnings: [...outcome.warnings, ...said] };
    }
  } catch (error) {
    const shown = asRequestError(error);
    const denied: AuditEntry[] = error instanceof RefusedChange ? [{ ...error.entry, reply: null, error: shown.message }] : [];
    // What the medium may have kept is known at the next start, which then adds `apply-commit`.
    const unknown: JsonObject = error instanceof Fault && error.code === 'store-io' ? { outcome: 'unknown' } : {};
    const abort: AuditEntry = {
      type: 'apply-abort',
      ...about,
      error: shown.message,
      quotable: request.data,
      facts: { ...facts, ...unknown },
    };
    await writeAudit(apply.audit, [...denied, abort], `and the apply failed: ${shown.message}`);
    throw shown;
  }
  const commit: AuditEntry = { type: 'apply-commit', ...about, error: null, facts: { ...facts, revision: outcome.revision } };
  return { reply: { data: outcome as unknown as JsonObject }, entries: [...entries, commit] };
}

/** What all runs of the transaction share. */
interface Attempts {
  readonly after: number;
  readonly facts: JsonObject;
  readonly now: number;
  readonly blocks: SealedBlocks;
  /** Of the last run. */
  readonly entries: AuditEntry[];
  /** What it writes was checked against the outside, or shall not be. */
  readonly verified: boolean;
}

async function inTransaction(
  apply: ApplyParts,
  admission: ApplyAdmission,
  body: ApplyBody,
  { after, facts, now, blocks, entries, verified }: Attempts,
  tx: Transaction,
): Promise<ApplyOutcome> {
  const { parts } = apply;
  const { request } = admission;
  const run = await openRun(parts, tx, now);
  const caller = await authenticate(parts, run, request, admission.useTaken);
  await admit(parts, run, request, caller);
  await applyUnderLock(run.core, body.lock, caller, now);
  checkBase(apply, body, run);
  const collected = { warnings: [], outside: [], invariants: [], verifications: [] };
  const applying: Applying = { parts, run, request, caller, body, blocks, entries, ...collected };
  // Thousands of changes must not keep all other requests waiting.
  const readsGiveWay = givingWay(4);
  for (const change of body.changes) {
    await checkSeen(applying, change);
    await readsGiveWay();
  }
  const writesGiveWay = givingWay(1);
  for (const change of body.changes) {
    await writesGiveWay();
    await applyChange(applying, change);
  }
  for (const holds of applying.invariants) {
    await writesGiveWay();
    await holds();
  }
  if (!verified) await rehearse(applying);
  const revision = await moveRevision(run.core);
  await rememberApply(run.core, {
    id: request.id,
    after,
    facts: { ...facts, revision },
    changes: body.changes.map((change) => `${change.action} ${addressText(change.address)}`),
  });
  const { outside, warnings } = applying;
  return { revision, applied: body.changes.length, pending: outside.length, outside, warnings };
}

/** Throws what it has seen where something is to be checked outside: with all that the apply writes. */
async function rehearse({ verifications }: Applying): Promise<void> {
  const checks: NamedVerification[] = [];
  for (const { address, see } of verifications) {
    const check = await see();
    if (check === null) continue;
    const named: Verification = (signal, warn) => check(signal, (text) => warn(`${addressText(address)}: ${text}`));
    checks.push({ name: wouldNotWork(address), untried: couldNotBeTried(address), about: addressText(address), check: named });
  }
  if (checks.length > 0) throw new Rehearsed(checks);
}

function checkBase(apply: ApplyParts, body: ApplyBody, run: Run): void {
  if (body.storeId !== apply.storeId) {
    throw badRequest(`the plan was made against store ${body.storeId}, this is ${apply.storeId}; plan again against this store`);
  }
  if (body.base !== run.revision.revision) {
    throw new RequestError(
      409,
      `the plan is stale: it was made at config revision ${body.base}, the store is at ${run.revision.revision}; plan again`,
    );
  }
}
