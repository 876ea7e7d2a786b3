import { atPointer, isJsonObject, type Json, type JsonObject, pointerTokens } from '../base/json.ts';
import { addressText, type ManagedAddress } from '../protocol/managed.ts';
import { type Drift, isApplicable, type Plan, type PlanChange, type SecretField, type ShownObject } from './plan.ts';
import type { PlanProblem } from './problem.ts';
import { withValueAt } from './pointer.ts';

/**
 * A plan for programs, in the shape of `terraform show -json`. `before` and `after` are documents without a name
 * (`{metadata, spec}`); in the place of a secret stands `{"secret": …}` with what its source is, never a value.
 * Objects that stay as they are have an address and `["no-op"]`, nothing else.
 */
export function renderPlanJson(plan: Plan): JsonObject {
  return {
    format_version: '1.0',
    project: plan.project,
    environment: plan.environment,
    commit: plan.commit,
    store: { id: plan.storeId, revision: plan.revision },
    mode: plan.mode,
    targets: plan.targets,
    resource_changes: [...plan.changes.map(jsonChange), ...plan.unchanged.map(jsonUnchanged)],
    resource_drift: plan.drift.map(jsonDrift),
    unmanaged: plan.unmanaged.map(addressText),
    warnings: plan.notes.map(({ summary, detail }) => ({ summary, detail })),
    errors: plan.problems.map(jsonProblem),
    applyable: isApplicable(plan),
    complete: plan.targets.length === 0,
    errored: plan.problems.length > 0,
  };
}

export function jsonProblem({ code, address, message, hint, place }: PlanProblem): JsonObject {
  return {
    code,
    address: address === null ? null : addressText(address),
    message,
    hint,
    place: place === null ? null : { file: place.file, line: place.line, column: place.column },
  };
}

function identity(address: ManagedAddress): JsonObject {
  return { address: addressText(address), mode: 'managed', type: address.kind, mount: address.mount, name: address.name };
}

function jsonChange(change: PlanChange): JsonObject {
  const { secrets, replacePaths, importId, from, reason, consequences } = change;
  return {
    ...identity(change.address),
    ...(from === null ? {} : { previous_address: addressText(from) }),
    change: {
      actions: actionsOf(change),
      before: document(change.before, secrets),
      after: document(change.after, secrets),
      after_unknown:
        change.unknown.length === 0
          ? {}
          : { spec: Object.fromEntries(change.unknown.map((at) => [pointerTokens(at)[0] ?? '', true])) },
      ...(replacePaths.length === 0 ? {} : { replace_paths: replacePaths.map((at) => ['spec', ...pointerTokens(at)]) }),
      ...(importId === null ? {} : { importing: { id: importId } }),
    },
    ...(reason === null ? {} : { action_reason: reason.replaceAll('-', '_') }),
    ...(consequences.length === 0 ? {} : { consequences }),
  };
}

function actionsOf({ action, silent, modifies }: PlanChange): readonly string[] {
  if (silent) return ['no-op'];
  if (action === 'replace') return ['delete', 'create'];
  if (action === 'create' || action === 'delete' || action === 'forget') return [action];
  return [modifies ? 'update' : 'no-op'];
}

function jsonUnchanged(address: ManagedAddress): JsonObject {
  return { ...identity(address), change: { actions: ['no-op'] } };
}

function jsonDrift(drift: Drift): JsonObject {
  const { before, after, secrets, action, relevant, by } = drift;
  return {
    ...identity(drift.address),
    change: { actions: [action], before: document(before, secrets), after: document(after, secrets) },
    relevant,
    ...(by === undefined ? {} : { changed_by: { who: by.who, at: by.at } }),
  };
}

function document(shown: ShownObject | null, secrets: readonly SecretField[]): Json {
  if (shown === null) return null;
  let spec = shown.spec;
  for (const { at, state } of secrets) {
    const source = atPointer(spec, at);
    if (source !== undefined) spec = withValueAt(spec, pointerTokens(at), { secret: { ...fingerprint(source), state } });
  }
  return { metadata: { labels: shown.labels, protect: shown.protect }, spec };
}

/** A sealed block by the digest of its ciphertext, the others by their parameters. */
function fingerprint(source: Json): JsonObject {
  if (!isJsonObject(source)) return {};
  const { sealed, ...parameters } = source;
  return sealed === undefined ? parameters : { fingerprint: sealed };
}
