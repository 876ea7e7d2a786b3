import type { JsonObject } from '../base/json.ts';
import {
  addressText,
  type ApplyBody,
  type ApplyChange,
  type ApplyOutcome,
  type ApplyRequest,
  type ManagedAddress,
  type ManagedRecord,
} from '../protocol/managed.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';
import type { Request } from '../protocol/request.ts';
import { seenDigest } from '../protocol/seen-digest.ts';
import type { Caller } from './caller.ts';
import {
  type Admission,
  admit,
  checkRequestPath,
  type CorridorParts,
  entryOf,
  innerRequest,
  perform,
  Refusal,
  type Run,
} from './corridor.ts';
import type { Verification } from './mount-type.ts';
import { checkOwner, managedRecords, recordPath } from './managed.ts';
import { readReply } from './plan-read.ts';
import type { AuditEntry } from './ports.ts';
import { recordDigest } from './record-digest.ts';
import type { SealedBlocks } from './sealed-blocks.ts';
import { resolveValues } from './value.ts';

/** One run of the transaction of an apply, as its changes see it. */
export interface Applying {
  readonly parts: CorridorParts;
  readonly run: Run;
  /** The apply itself, in whose name every change asks. */
  readonly request: Request;
  readonly caller: Caller | null;
  readonly body: ApplyBody;
  readonly blocks: SealedBlocks;
  /** What the changes leave here: the entries of their requests, for when all is committed, and their warnings. */
  readonly entries: AuditEntry[];
  readonly warnings: string[];
  readonly outside: ApplyOutcome['outside'][number][];
  /** What must be so when all changes are made. Throws what refuses the whole apply. */
  readonly invariants: (() => Promise<void>)[];
  /** And what is to be checked outside before the commit, when all changes are written. */
  readonly verifications: { readonly address: ManagedAddress; see(): Promise<Verification | null> }[];
}

/** Throws RequestError 409 unless what a change rests on is as the plan saw it. */
export async function checkSeen({ parts, run, request, caller }: Applying, change: ApplyChange): Promise<void> {
  const replies: (JsonObject | null)[] = [];
  for (const read of change.reads)
    replies.push(await readReply(parts, run, innerRequest(request, read.operation, read.path, {}), caller));
  if (seenDigest(replies) !== change.seen) {
    throw new RequestError(
      409,
      `the plan is stale: ${addressText(change.address)} was changed since the plan was made; plan again`,
    );
  }
}

/** Does one change, each of its requests authorised as if the caller had sent it alone. Throws what refuses the whole apply. */
export async function applyChange(applying: Applying, change: ApplyChange): Promise<void> {
  try {
    await changeObject(applying, change);
  } catch (error) {
    throw inChange(change, error);
  }
}

async function changeObject(applying: Applying, change: ApplyChange): Promise<void> {
  const { run, request: outer, body } = applying;
  // Whose object it is, and how it is protected, is for those who may write its record.
  await admitRecord(applying, change);
  const records = managedRecords(run.core);
  const previous = await records.get(change.from ?? change.address);
  checkOwner(previous, change.from ?? change.address, body.project);
  checkProtection(change, previous);
  if (change.mark !== undefined && previous !== null) {
    throw badRequest(`${addressText(change.address)} is managed already, so its mark is what was applied`);
  }
  let mark = change.mark === undefined ? (previous?.mark ?? null) : change.mark;
  for (const planned of change.requests) {
    const sent = innerRequest(outer, planned.operation, planned.path, planned.data);
    checkRequestPath(sent);
    const admission = await admitChange(applying, sent);
    const data = await resolveValues(planned, change.address, admission, applying.blocks);
    const request = { ...sent, data };
    // What a policy says of parameters holds for the body that is written, not for the sources in the one that was sent.
    const resolved = data === planned.data ? admission : await admitChange(applying, request);
    const reply = await perform(resolved, true);
    refuseUndone(planned, reply);
    if (reply.mark !== undefined) mark = reply.mark;
    const { verify, holds } = resolved.spec;
    if (holds !== undefined) {
      applying.invariants.push(() =>
        holds(resolved.context).catch((error: unknown) => {
          throw inChange(change, error);
        }),
      );
    }
    if (verify !== undefined) {
      applying.verifications.push({
        address: change.address,
        see: () => verify.see(resolved.context),
      });
    }
    applying.warnings.push(...(reply.warnings ?? []));
    applying.outside.push(...(reply.outside ?? []).map((step) => ({ ...step, address: change.address })));
    const about = { request, ...entryOf(resolved) };
    applying.entries.push(
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
    appliedAt: new Date(run.now).toISOString(),
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
async function admitRecord(applying: Applying, change: ApplyChange): Promise<void> {
  const operation = change.record === null ? 'delete' : 'write';
  const paths = [change.address, ...(change.from === undefined ? [] : [change.from])].map(
    (address) => `sys/managed/record/${recordPath(address)}`,
  );
  for (const path of paths) await admitChange(applying, innerRequest(applying.request, operation, path, {}));
}

async function admitChange({ parts, run, caller }: Applying, request: Request): Promise<Admission> {
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
export class RefusedChange extends RequestError {
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
