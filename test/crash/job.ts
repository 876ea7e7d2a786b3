import type { JsonObject } from '../../src/base/json.ts';
import type { ApplyChange, ApplyRequest } from '../../src/protocol/managed.ts';
import type { Operation } from '../../src/protocol/request.ts';

/** What children/worker.mjs is told, as one line of JSON. */
export interface Job {
  /** A `.secretctl` directory and where its static key is. */
  readonly directory: string;
  readonly configDirectory: string;
  /** Lanes run side by side; the steps of a lane run one after the other. */
  readonly lanes: readonly (readonly Step[])[];
  /** Null: live on to an orderly close. */
  readonly death: Death | null;
}

/** Where a worker kills itself: at the n-th commit that writes, or the n-th batch that the audit file gets. */
export type Death =
  | { readonly what: 'commit'; readonly number: number; readonly when: 'before' | 'after' }
  | { readonly what: 'append'; readonly number: number; readonly when: 'before' | 'torn' | 'after' };

/** One call, or applies that are planned together and then sent at once. */
export type Step = PlainCall | { readonly applies: readonly ApplyCall[] };

export interface PlainCall {
  readonly id: number;
  readonly operation: Operation;
  readonly path: string;
  /** A member `{$token: id}` or `{$accessor: id}` stands for what an earlier call of this job has made. */
  readonly data: JsonObject;
  readonly token: string | Made;
}

export type Made = { readonly $token: number } | { readonly $accessor: number };

export interface ApplyCall {
  readonly id: number;
  readonly apply: {
    readonly project: string;
    readonly commit: string;
    readonly planDigest: string;
    /** How many revisions after the one that its plan saw the apply names: 0, 1 to follow another apply at once, -1 to be late. */
    readonly ahead: -1 | 0 | 1;
    readonly changes: readonly PlannedChange[];
    /** Members of the body that replace the right ones. */
    readonly malformed: JsonObject;
    readonly token: string;
  };
}

/** A change whose requests depend on whether the object is there; null: nothing is to be done then. */
export interface PlannedChange extends Pick<ApplyChange, 'address' | 'reads' | 'record'> {
  readonly absent: readonly ApplyRequest[] | null;
  readonly present: readonly ApplyRequest[] | null;
}

/** What the worker prints behind `answer <id>`. */
export interface Answer {
  /** Below 300 for a success, that of the RequestError for a refusal, null for anything else. */
  readonly status: number | null;
  readonly message?: string;
  readonly data?: JsonObject | null;
  readonly auth?: { readonly client_token: string; readonly accessor: string } | null;
  /** How many requests the apply held. */
  readonly requests?: number;
  readonly counts: Counts;
}

/** Commits that wrote, and batches written to the audit file, since the worker opened the store. */
export interface Counts {
  readonly commit: number;
  readonly append: number;
}
