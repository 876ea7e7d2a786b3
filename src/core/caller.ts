import type { JsonObject } from '../base/json.ts';

/** Who asks: what the token says, resolved once per request. */
export interface Caller {
  /** The keyed hash under which the token is stored. */
  readonly tokenId: string;
  readonly accessor: string;
  readonly displayName: string;
  /** Policies of the token itself, sorted. */
  readonly tokenPolicies: readonly string[];
  /** These, and those of its entity and of the groups that that is in, sorted. */
  readonly policies: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Of the entity behind the token as it is now; '': there is none. */
  readonly entityId: string;
  readonly tokenType: 'service' | 'batch';
  /**
   * The token at whose end the leases end that it gets: itself, or the parent of a batch token, of which nothing is
   * stored. Null: an orphan of these, whose leases end by its time alone.
   */
  readonly leaseOwner: string | null;
  /** Milliseconds since the epoch; null: never. */
  readonly expiresAt: number | null;
  readonly acl: Acl;
}

/** Capabilities as policies name them. */
export type Capability = 'create' | 'read' | 'update' | 'delete' | 'list' | 'sudo' | 'deny' | 'patch' | 'root';

/** The compiled policies of a caller. Pure: the same question gets the same answer. */
export interface Acl {
  /**
   * May the caller do this? `verb` is the capability that the operation needs. `data` is checked against parameter
   * rules, `wrapTtl` (seconds, null: not wrapped) against wrapping rules. `sudo`: the path needs `sudo` besides.
   */
  allows(question: AclQuestion): AclAnswer;
  /** The capabilities on a path, sorted; `['deny']` for none, `['root']` for the root policy. */
  capabilities(path: string): readonly Capability[];
  /** May the caller do anything at all at or below `prefix` (`kv/`)? Decides who may know that a mount exists. */
  reaches(prefix: string): boolean;
}

export interface AclQuestion {
  readonly verb: 'create' | 'read' | 'update' | 'delete' | 'list' | 'patch';
  readonly path: string;
  readonly data: JsonObject;
  readonly wrapTtl: number | null;
  readonly sudo: boolean;
}

export interface AclAnswer {
  readonly allowed: boolean;
  /** The policies whose rule decided, for the audit line. */
  readonly granting: readonly { readonly name: string; readonly type: 'acl' }[];
}
