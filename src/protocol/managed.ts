import type { Json, JsonObject } from '../base/json.ts';
import type { OutsideStep } from './reply.ts';

/** What the store remembers of each object that a config repo manages: there is no other state file. */
export interface ManagedRecord {
  readonly address: ManagedAddress;
  /** The project that owns it. */
  readonly project: string;
  /** The normalised spec last applied; a value source stands as its redacted form (see `RedactedSource`). */
  readonly spec: JsonObject;
  /** `sha256:<hex>` over the canonical JSON of `spec`. */
  readonly digest: string;
  /** The config commit (or digest of the documents) that was applied. */
  readonly commit: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly protect: boolean;
  /** The mark (see Reply.mark) of the secret part that the last apply or rotation wrote; null: it has none. */
  readonly mark: string | null;
  /** RFC 3339. */
  readonly appliedAt: string;
}

/** Kind, mount (null: at the top) and name. */
export interface ManagedAddress {
  readonly kind: string;
  readonly mount: string | null;
  readonly name: string;
}

/** `Kind/[mount/]name`, for display and input. */
export function addressText(address: ManagedAddress): string {
  return address.mount === null ? `${address.kind}/${address.name}` : `${address.kind}/${address.mount}/${address.name}`;
}

/**
 * A value source as it may be shown and stored: a sealed block by the digest of its ciphertext, the others by their
 * parameters. Never a value, never a digest of one.
 */
export type RedactedSource =
  | { readonly sealed: `sha256:${string}` }
  | { readonly generate: JsonObject }
  | { readonly fromEnv: string; readonly version: number }
  | { readonly fromFile: string; readonly version: number };

/** `POST sys/managed/snapshot`: everything that a plan needs, read at one config revision. */
export interface SnapshotBody {
  readonly project: string;
  /** Reads of the kinds' lenses; each is authorised as if it were sent alone. */
  readonly reads: readonly { readonly operation: 'read' | 'list'; readonly path: string }[];
  /** Reads that no plan depends on: one that is refused is null. */
  readonly asides?: SnapshotBody['reads'];
  /** Where given, the snapshot is refused (409) unless the store still is at this revision. */
  readonly revision?: number;
}

export interface Snapshot {
  readonly storeId: string;
  readonly revision: number;
  /** The project's records; those of other projects only as `foreign`. */
  readonly managed: readonly ManagedRecord[];
  /** Addresses that another project owns, with its name. */
  readonly foreign: readonly { readonly address: ManagedAddress; readonly project: string }[];
  readonly engines: Readonly<Record<string, { readonly type: string; readonly options: Readonly<Record<string, string>> }>>;
  readonly methods: Readonly<Record<string, { readonly type: string; readonly options: Readonly<Record<string, string>> }>>;
  /** The types that mounts of this store can have; absent: it does not say. */
  readonly types?: { readonly engines: readonly string[]; readonly methods: readonly string[] };
  /** In the order of `reads`; null: 404. */
  readonly replies: readonly (JsonObject | null)[];
  /** In the order of `asides`; null: 404, or refused. Absent: this store knows none. */
  readonly asides?: readonly (JsonObject | null)[];
}

/** `POST sys/apply`: all changes of a plan, committed together or not at all. */
export interface ApplyBody {
  readonly project: string;
  readonly storeId: string;
  /** The config revision the plan was made at; another one refuses the apply (409). */
  readonly base: number;
  readonly commit: string;
  /** `sha256:<hex>` of the plan, for the audit log. */
  readonly planDigest: string;
  /** The id of the apply lock under which it runs; without one it is refused (409) where somebody holds the lock. */
  readonly lock?: string;
  /** True: what is planned is not checked against the outside (is the database reachable?) before it is committed. */
  readonly skipVerify?: boolean;
  readonly changes: readonly ApplyChange[];
}

/** How the refusal of an apply begins that says why one of its objects would not work outside. */
export function wouldNotWork(address: ManagedAddress): string {
  return `${addressText(address)} would not work: `;
}

/** And that of one which could not be tried, as what it needs outside does not answer. */
export function couldNotBeTried(address: ManagedAddress): string {
  return `${addressText(address)} could not be tried: `;
}

/** Who plans and applies now, as `sys/managed/lock` shows it. */
export interface ApplyLock {
  readonly id: string;
  /** What the token of the holder is called. */
  readonly holder: string;
  /** Who they say they are, and what they do; empty: they do not say. */
  readonly who: string;
  readonly command: string;
  /** Which process it is, for others on its machine; absent: they do not say. */
  readonly process?: string;
  /** RFC 3339. */
  readonly created: string;
  readonly expires: string;
}

export type ChangeAction = 'create' | 'update' | 'replace' | 'delete' | 'import' | 'move' | 'forget' | 'record';

export interface ApplyChange {
  readonly address: ManagedAddress;
  /** `record`: nothing live changes, the managed record does (labels, protection, commit of an import). */
  readonly action: ChangeAction;
  /** For a move: where the record was. */
  readonly from?: ManagedAddress;
  /** The lens's reads and `seenDigest` of their replies when the plan was made: a condition of the commit. */
  readonly reads: readonly { readonly operation: 'read' | 'list'; readonly path: string }[];
  readonly seen: string;
  readonly requests: readonly ApplyRequest[];
  /** The record to keep afterwards; null: none (delete, forget). */
  readonly record: Pick<ManagedRecord, 'spec' | 'labels' | 'protect'> | null;
  /** Keeps the mark of the present record (or, for an import, takes `mark`) where no request writes a new one. */
  readonly mark?: string | null;
}

export interface ApplyRequest {
  readonly operation: 'write' | 'patch' | 'delete';
  readonly path: string;
  readonly data: JsonObject;
  /** Where in `data` a value source stands, and which field of the spec it belongs to. */
  readonly values?: readonly { readonly at: string; readonly field: string }[];
}

/** The answer of `sys/apply`. */
export interface ApplyOutcome {
  readonly revision: number;
  readonly applied: number;
  /** How many external steps the background has to do yet. */
  readonly pending: number;
  /** Which they are: `sys/managed/outside` says how they stand. */
  readonly outside: readonly (OutsideStep & { readonly address: ManagedAddress })[];
  readonly warnings: readonly string[];
}

/** How an external step stands that is not done. */
export interface OutsideState {
  /** How many things are left to do. */
  readonly left: number;
  /** Why the last try failed, which is tried again; null: it did not. Holds no secret. */
  readonly problem: string | null;
}

/** The plaintext of a sealed block: it is bound to the one field for which it was made. */
export interface SealedPayload {
  readonly v: 1;
  readonly address: readonly [kind: string, mount: string | null, name: string];
  readonly field: string;
  readonly value: Json;
}
