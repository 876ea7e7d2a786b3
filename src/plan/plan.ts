import type { JsonObject } from '../base/json.ts';
import type { LensRead } from '../kinds/kind.ts';
import type { ApplyRequest, ChangeAction, ManagedAddress } from '../protocol/managed.ts';
import type { PlanNote, PlanProblem } from './problem.ts';

/**
 * What an apply will do, and nothing else: it can be saved, shown and applied later. It holds no secret: values stand
 * as sealed blocks (ciphertext), parameters of generated values, or names of variables and files.
 */
export interface Plan {
  readonly project: string;
  /** The Environment document; null: none. */
  readonly environment: string | null;
  /** The config commit, or the digest of uncommitted documents. */
  readonly commit: string;
  readonly storeId: string;
  /** The config revision that it was made at. */
  readonly revision: number;
  readonly mode: PlanMode;
  /** The addresses it is limited to, as they were given; empty: not limited. */
  readonly targets: readonly string[];
  /** In the order in which they are made. */
  readonly changes: readonly PlanChange[];
  /** What differs from what was applied last, by address. */
  readonly drift: readonly Drift[];
  /** Declared objects that stay as they are, by address. */
  readonly unchanged: readonly ManagedAddress[];
  /** Mounts that no document declares and no project manages. */
  readonly unmanaged: readonly ManagedAddress[];
  readonly notes: readonly PlanNote[];
  /** Where there is one, the plan can't be applied. */
  readonly problems: readonly PlanProblem[];
}

export type PlanMode = 'normal' | 'destroy' | 'refresh-only';

export interface PlanChange {
  readonly address: ManagedAddress;
  readonly action: ChangeAction;
  /** Where the object and its record are now, if that is elsewhere. */
  readonly from: ManagedAddress | null;
  /** As it was given; null: not an import. */
  readonly importId: string | null;
  /** Only the store's record is brought up to date with what is so already: nothing to show. */
  readonly silent: boolean;
  /** The object differs afterwards from what it is now: always, except of an import, a move or a forget as such. */
  readonly modifies: boolean;
  readonly reason: ChangeReason | null;
  /** As it is now; null: absent. */
  readonly before: ShownObject | null;
  /** As it will be, and as it will be recorded; null: absent, or managed no more. */
  readonly after: ShownObject | null;
  /** Fields (JSON pointers into spec) that only the store can tell, once they are there. */
  readonly unknown: readonly string[];
  readonly secrets: readonly SecretField[];
  /** The fields (JSON pointers into spec) because of which it is replaced. */
  readonly replacePaths: readonly string[];
  /** What follows from it elsewhere, as the end of a sentence: `revokes 41 leases`. */
  readonly consequences: readonly string[];
  /** The condition of the apply: these reads still answer what has this digest (see seenDigest). */
  readonly reads: readonly LensRead[];
  readonly seen: string;
  readonly requests: readonly ApplyRequest[];
  /** The mark that an adopted object has now; undefined: the record's own stays. */
  readonly mark?: string | null;
}

export type ChangeReason =
  // deleted since it was applied
  | 'deleted-outside'
  // no document declares it
  | 'not-declared'
  // a field changes that can't be changed in place
  | 'cannot-update'
  // -replace
  | 'requested'
  // it lives in a mount that is replaced
  | 'with-mount';

/** An object as a plan shows it: normalised, value sources in their redacted form. */
export interface ShownObject {
  readonly spec: JsonObject;
  readonly labels: Readonly<Record<string, string>>;
  readonly protect: boolean;
}

/** A field that holds a value source. */
export interface SecretField {
  /** A JSON pointer into spec. */
  readonly at: string;
  /** `changed`: the value will be written. */
  readonly state: 'changed' | 'unchanged';
}

/** An object that somebody changed without an apply. */
export interface Drift {
  readonly address: ManagedAddress;
  readonly action: 'update' | 'delete';
  /** As it was applied last. */
  readonly before: ShownObject;
  /** As it is; null: deleted. */
  readonly after: ShownObject | null;
  readonly secrets: readonly SecretField[];
  /** This plan has a change because of it, or of the same object. */
  readonly relevant: boolean;
  /** Who did it and when (RFC 3339), where the audit log says so. */
  readonly by?: { readonly who: string; readonly at: string };
}

/** Is there anything for an apply to do? A record that is brought up to date counts. */
export function isApplicable(plan: Plan): boolean {
  return plan.problems.length === 0 && plan.mode !== 'refresh-only' && plan.changes.length > 0;
}

/** The changes that people see. An empty list: "No changes." */
export function visibleChanges(plan: Plan): readonly PlanChange[] {
  return plan.changes.filter((change) => !change.silent);
}
