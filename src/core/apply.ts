import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import { givingWay } from '../base/giving-way.ts';
import type { JsonObject } from '../base/json.ts';
import {
  addressText,
  type ApplyBody,
  type ApplyChange,
  type ApplyOutcome,
  type ApplyRequest,
  type ManagedRecord,
} from '../protocol/managed.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest, MissingMount, RequestError } from '../protocol/request-error.ts';
import type { Request } from '../protocol/request.ts';
import { seenDigest } from '../protocol/seen-digest.ts';
import type { Transaction, TransactionalStore } from '../storage/transaction.ts';
import { readApplyBody } from './apply-body.ts';
import { applyUnderLock } from './apply-lock.ts';
import { authenticate } from './authenticate.ts';
import type { Caller } from './caller.ts';
import { rememberApply } from './committed-apply.ts';
import {
  type Admission,
  admit,
  asRequestError,
  checkRequestPath,
  type CorridorParts,
  entryOf,
  innerRequest,
  openRun,
  perform,
  Refusal,
  type Run,
} from './corridor.ts';
import { checkOwner, managedRecords, recordPath } from './managed.ts';
import type { AuditEntry, AuditPort } from './ports.ts';
import { moveRevision } from './revision.ts';
import { recordDigest } from './record-digest.ts';
import { SealedBlocks } from './sealed-blocks.ts';
import { resolveValues } from './value.ts';

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
  await apply.audit.append([{ type: 'apply-begin', ...about, error: null, facts }]);

  const now = apply.clock.now();
  const blocks = new SealedBlocks();
  let entries: AuditEntry[] = [];
  let outcome: ApplyOutcome;
  try {
    outcome = await apply.store.transact(async (tx) => {
      entries = [];
      return inTransaction(apply, admission, body, { after, facts, now, blocks, entries }, tx);
    });
  } catch (error) {
    const shown = asRequestError(error);
    const denied: AuditEntry[] = error instanceof RefusedChange ? [{ ...error.entry, reply: null, error: shown.message }] : [];
    // What the medium may have kept is known at the next start, which then adds `apply-commit`.
    const unknown: JsonObject = error instanceof Fault && error.code === 'store-io' ? { outcome: 'unknown' } : {};
    await apply.audit.append([
      ...denied,
      { type: 'apply-abort', ...about, error: shown.message, quotable: request.data, facts: { ...facts, ...unknown } },
    ]);
    throw shown;
  }
  const commit: AuditEntry = { type: 'apply-commit', ...about, error: null, facts: { ...facts, revision: outcome.revision } };
  return { reply: { data: outcome as unknown as JsonObject }, entries: [...entries, commit] };
}

interface Progress {
  readonly after: number;
  readonly facts: JsonObject;
  readonly now: number;
  readonly blocks: SealedBlocks;
  readonly entries: AuditEntry[];
}

async function inTransaction(
  apply: ApplyParts,
  admission: ApplyAdmission,
  body: ApplyBody,
  progress: Progress,
  tx: Transaction,
): Promise<ApplyOutcome> {
  const { parts } = apply;
  const { request } = admission;
  const run = await openRun(parts, tx, progress.now);
  const caller = await authenticate(parts, run, request, admission.useTaken);
  await admit(parts, run, request, caller);
  await applyUnderLock(run.core, body.lock, caller, progress.now);
  checkBase(apply, body, run);
  // Thousands of changes must not keep all other requests waiting.
  const readsGiveWay = givingWay(4);
  for (const change of body.changes) {
    await checkSeen(parts, run, request, caller, change);
    await readsGiveWay();
  }
  const warnings: string[] = [];
  const writesGiveWay = givingWay(1);
  for (const change of body.changes) {
    await writesGiveWay();
    try {
      await applyChange(parts, run, request, caller, body, change, progress, warnings);
    } catch (error) {
      throw inChange(change, error);
    }
  }
  const revision = await moveRevision(run.core);
  await rememberApply(run.core, {
    id: request.id,
    after: progress.after,
    facts: { ...progress.facts, revision },
    changes: body.changes.map((change) => `${change.action} ${addressText(change.address)}`),
  });
  return { revision, applied: body.changes.length, pending: 0, warnings };
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

async function checkSeen(
  parts: CorridorParts,
  run: Run,
  outer: Request,
  caller: Caller | null,
  change: ApplyChange,
): Promise<void> {
  const replies: (JsonObject | null)[] = [];
  for (const read of change.reads)
    replies.push(await readReply(parts, run, innerRequest(outer, read.operation, read.path, {}), caller));
  if (seenDigest(replies) !== change.seen) {
    throw new RequestError(
      409,
      `the plan is stale: ${addressText(change.address)} was changed since the plan was made; plan again`,
    );
  }
}

/**
 * The data of one authorised read for a plan, or null for nothing there (also: no such mount). Other refusals are
 * thrown, also of a read whose reply may hold a secret.
 */
export async function readReply(
  parts: CorridorParts,
  run: Run,
  request: Request,
  caller: Caller | null,
): Promise<JsonObject | null> {
  checkRequestPath(request);
  try {
    const admission = await admit(parts, run, request, caller);
    if (admission.spec.forPlans !== true) throw badRequest('its reply may hold a secret, so it is read by a request of its own');
    return (await perform(admission, true)).data ?? null;
  } catch (error) {
    const shown = asRequestError(error);
    if (shown.status === 404 || shown instanceof MissingMount) return null;
    throw new RequestError(shown.status, `${request.operation} ${request.path}: ${shown.message}`, { cause: error });
  }
}

async function applyChange(
  parts: CorridorParts,
  run: Run,
  outer: Request,
  caller: Caller | null,
  body: ApplyBody,
  change: ApplyChange,
  progress: Progress,
  warnings: string[],
): Promise<void> {
  const records = managedRecords(run.core);
  const previous = await records.get(change.from ?? change.address);
  checkOwner(previous, change.from ?? change.address, body.project);
  checkProtection(change, previous);
  await admitRecord(parts, run, outer, caller, change);
  if (change.mark !== undefined && previous !== null) {
    throw badRequest(`${addressText(change.address)} is managed already, so its mark is what was applied`);
  }
  let mark = change.mark === undefined ? (previous?.mark ?? null) : change.mark;
  for (const planned of change.requests) {
    const sent = innerRequest(outer, planned.operation, planned.path, planned.data);
    checkRequestPath(sent);
    const admission = await admitChange(parts, run, sent, caller);
    const data = await resolveValues(planned, change.address, admission, progress.blocks);
    const request = { ...sent, data };
    // What a policy says of parameters holds for the body that is written, not for the sources in the one that was sent.
    const resolved = data === planned.data ? admission : await admitChange(parts, run, request, caller);
    const reply = await perform(resolved, true);
    refuseUndone(planned, reply);
    if (reply.mark !== undefined) mark = reply.mark;
    warnings.push(...(reply.warnings ?? []));
    const about = { request, ...entryOf(resolved) };
    progress.entries.push(
      { type: 'request', ...about, reply: null, error: null },
      { type: 'response', ...about, reply, error: null },
    );
  }
  if (change.from !== undefined) {
    const target = await records.get(change.address);
    if (target !== null) throw new RequestError(409, `${addressText(change.address)} is managed already`);
    await records.delete(change.from);
  }
  if (change.record === null) return records.delete(change.address);
  const record: ManagedRecord = {
    address: change.address,
    project: body.project,
    spec: change.record.spec,
    digest: recordDigest(change.record.spec),
    commit: body.commit,
    labels: change.record.labels,
    protect: change.record.protect,
    mark,
    appliedAt: new Date(progress.now).toISOString(),
  };
  await records.put(record);
}

/** Some routes say in a reply what others say in an error, such as 404 for a patch of a deleted secret. */
function refuseUndone({ operation, path }: ApplyRequest, { status = 200, warnings = [] }: Reply): void {
  if (status < 400) return;
  throw new RequestError(status, `${operation} ${path}: ${warnings.join(' ') || 'nothing there'}`);
}

function checkProtection(change: ApplyChange, previous: ManagedRecord | null): void {
  if (previous?.protect !== true) return;
  if (change.action !== 'delete' && change.action !== 'replace') return;
  throw badRequest(
    `${addressText(change.address)} is protected; to ${change.action} it, first apply it with "protect: false" in its metadata, as a change of its own`,
  );
}

/** The managed record is written under policy too, so that a token can be limited to some kinds, mounts or names. */
async function admitRecord(
  parts: CorridorParts,
  run: Run,
  outer: Request,
  caller: Caller | null,
  change: ApplyChange,
): Promise<void> {
  const operation = change.record === null ? 'delete' : 'write';
  const paths = [change.address, ...(change.from === undefined ? [] : [change.from])].map(
    (address) => `sys/managed/record/${recordPath(address)}`,
  );
  for (const path of paths) await admitChange(parts, run, innerRequest(outer, operation, path, {}), caller);
}

async function admitChange(parts: CorridorParts, run: Run, request: Request, caller: Caller | null): Promise<Admission> {
  try {
    const admission = await admit(parts, run, request, caller);
    // Nobody would count how often a login in an apply fails.
    if (admission.spec.unauthenticated === true) throw badRequest(`${request.path} changes nothing that an apply may`);
    return admission;
  } catch (error) {
    if (error instanceof Refusal) throw new RefusedChange(error.reply, { type: 'request', request, ...error.entry });
    throw error;
  }
}

/** One change's request was refused: the whole apply is, and the audit log names the request. */
class RefusedChange extends RequestError {
  readonly entry: Omit<AuditEntry, 'reply' | 'error'>;

  constructor(reply: RequestError, entry: Omit<AuditEntry, 'reply' | 'error'>) {
    super(reply.status, reply.errors, { cause: reply });
    this.entry = entry;
  }
}

function inChange(change: ApplyChange, error: unknown): unknown {
  const where = `${change.action} ${addressText(change.address)}`;
  if (error instanceof RefusedChange) {
    const { request } = error.entry;
    const reply = new RequestError(
      error.status,
      `${where}: ${request?.operation ?? ''} ${request?.path ?? ''}: ${error.message || 'nothing there'}`,
    );
    return new RefusedChange(reply, error.entry);
  }
  if (!(error instanceof RequestError)) return error;
  return new RequestError(error.status === 404 ? 400 : error.status, `${where}: ${error.message || 'nothing there'}`, {
    cause: error,
  });
}
