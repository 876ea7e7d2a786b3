import { Fault } from '../base/error.ts';
import { atPointer, isJsonObject, type Json, type JsonObject, pointerTokens } from '../base/json.ts';
import { addressText, type ApplyBody, type ApplyChange, type ApplyRequest, type ManagedAddress } from '../protocol/managed.ts';
import { isApplicable, type Plan, type PlanChange } from './plan.ts';
import { planDigest } from './plan-file.ts';
import { withValueAt } from './pointer.ts';

/** A value source that only the person who applies can resolve. */
export interface LocalSource {
  readonly address: ManagedAddress;
  /** The spec field that it is for: `data.api_key`. */
  readonly field: string;
  readonly source: { readonly fromEnv: string } | { readonly fromFile: string };
}

/** Gives the value of a local source. It throws a Fault that names the variable or file, and never quotes a value. */
export type ResolveLocal = (source: LocalSource) => Promise<Json> | Json;

/**
 * The body of `sys/apply` for a plan. Only values that are written are resolved, so a variable that no change needs
 * may be unset. The body holds secrets from here on: it goes to the store and nowhere else. Throws Fault
 * `plan-refused` for a plan with problems or without anything to do. `skipVerify`: see ApplyBody.
 */
export async function toApplyBody(
  plan: Plan,
  resolve: ResolveLocal,
  { skipVerify = false }: { readonly skipVerify?: boolean } = {},
): Promise<ApplyBody> {
  if (plan.problems.length > 0) {
    throw new Fault('plan-refused', `the plan has problems: ${plan.problems.map(({ message }) => message).join('; ')}`);
  }
  if (!isApplicable(plan)) throw new Fault('plan-refused', 'the plan has nothing to apply');
  const changes: ApplyChange[] = [];
  for (const change of plan.changes) changes.push(await toApplyChange(change, resolve));
  return {
    project: plan.project,
    storeId: plan.storeId,
    base: plan.revision,
    commit: plan.commit,
    planDigest: planDigest(plan),
    ...(skipVerify ? { skipVerify } : {}),
    changes,
  };
}

async function toApplyChange(change: PlanChange, resolve: ResolveLocal): Promise<ApplyChange> {
  const requests: ApplyRequest[] = [];
  for (const request of change.requests) requests.push(await withLocalValues(request, change.address, resolve));
  return {
    address: change.address,
    // A record that changes without any request is all there is to some updates; the name of it tells the audit log so.
    action: change.action,
    ...(change.from === null ? {} : { from: change.from }),
    reads: change.reads,
    seen: change.seen,
    requests,
    record: change.action === 'delete' || change.action === 'forget' ? null : recordOf(change),
    ...(change.mark === undefined ? {} : { mark: change.mark }),
  };
}

function recordOf({ address, after }: PlanChange): ApplyChange['record'] {
  if (after === null) throw new TypeError(`a change of ${addressText(address)} that keeps its record has nothing to record`);
  return { spec: after.spec, labels: after.labels, protect: after.protect };
}

async function withLocalValues(request: ApplyRequest, address: ManagedAddress, resolve: ResolveLocal): Promise<ApplyRequest> {
  let data: JsonObject = request.data;
  for (const { at, field } of request.values ?? []) {
    const source = localSource(atPointer(data, at));
    if (source === null) continue;
    const literal = await resolve({ address, field, source });
    data = withValueAt(data, pointerTokens(at), { literal });
  }
  return { ...request, data };
}

function localSource(source: Json | undefined): LocalSource['source'] | null {
  if (!isJsonObject(source)) return null;
  if (typeof source['fromEnv'] === 'string') return { fromEnv: source['fromEnv'] };
  return typeof source['fromFile'] === 'string' ? { fromFile: source['fromFile'] } : null;
}
