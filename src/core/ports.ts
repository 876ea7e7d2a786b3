import type { Json, JsonObject } from '../base/json.ts';
import type { Random } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import type { Request } from '../protocol/request.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Acl, Caller } from './caller.ts';
import type { Transaction } from '../storage/transaction.ts';
import type { IssuedLease, LeaseTerms } from './lease.ts';
import type { Login, LoginAlias, LoginAttempt, LoginName, Mount, RouteContext } from './mount-type.ts';

/** How the core asks for tokens. Implemented in token/, wired by compose.ts. */
export interface TokenPort {
  /**
   * What a presented token stands for, or null: unknown, expired, revoked, used up, or presented from an address
   * outside of its CIDRs. Costs one hash and one or two reads; never trusts memory of an earlier transaction.
   * `useTaken`: this request has taken its use already, so a token without further uses still counts.
   */
  find(view: View, token: string, remote: Request['remote'], now: number, useTaken: boolean): Promise<FoundToken | null>;
  /** Takes one use of a limited token, in a transaction of its own before the request is handled. False: none left. */
  takeUse(view: View, tokenId: string): Promise<boolean>;
  /** Makes and stores the token of a login; returns the reply's auth part. */
  issue(context: RouteContext, login: Login): Promise<Reply>;
  /**
   * Has every token that a mount issued cleaned up (it is being unmounted): none of them works without the mount. The
   * cleaning itself is done by later runs of `expireTokens`.
   */
  revokeMount(view: View, mountId: string): Promise<void>;
}

interface FoundToken extends Omit<Caller, 'policies' | 'entityId' | 'acl'> {
  /** The id of the entity behind it as it was when the token was made; '': none. */
  readonly entityId: string;
  /** True: each request must take a use first. */
  readonly limitedUses: boolean;
  /** True: no use is left after this request. */
  readonly lastUse: boolean;
  /**
   * The bindings on which it rests, its own and those of its ancestors: all are checked at each use
   * (`MountType.grant`). Empty: made directly, and from nothing that a binding gave.
   */
  readonly grants: readonly Grant[];
}

/** The binding (role) of a mount that gave a token. */
export interface Grant {
  readonly mountId: string;
  readonly role: string;
}

/** How the core asks who stands behind a token. Implemented in identity/. */
export interface IdentityPort {
  /**
   * The entity of a token as this transaction sees it, with its groups: what was true of it a moment ago does not
   * count. Null: it is gone or disabled, so its tokens do not work.
   */
  resolve(core: View, entityId: string): Promise<Identity | null>;
  /**
   * The id of the entity that the mount with this accessor knows under an alias; one is made where there is none.
   * Throws RequestError 403 where it is disabled, 400 for a name that can't be one.
   */
  entityOf(context: RouteContext, mountAccessor: string, alias: LoginAlias): Promise<string>;
}

/** Who somebody is, as far as policies ask. */
export interface Identity {
  readonly entity: IdentityEntity;
  /** Every group that it is a member of, directly or through other groups. */
  readonly groups: readonly IdentityGroup[];
  /** The policies of the entity and of its groups, sorted. */
  readonly policies: readonly string[];
  /** Changes whenever anything of the above does. Null: the transaction itself has changed it, and may come to nothing. */
  readonly stamp: string | null;
}

interface IdentityEntity {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly aliases: readonly IdentityAlias[];
}

interface IdentityAlias {
  readonly id: string;
  readonly name: string;
  readonly mountAccessor: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly customMetadata: Readonly<Record<string, string>>;
}

interface IdentityGroup {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** How the core leases what engines make outside. Implemented in lease/. */
export interface LeasePort {
  /** Notes that something is about to be made. Throws RequestError 429 where a quota allows no more leases. */
  begin(context: RouteContext, core: View, terms: LeaseTerms): Promise<BegunLease>;
  /** It is made; null: the lease is being ended meanwhile, or gone. The seconds that are left of it. */
  activate(core: View, id: string, now: number): Promise<number | null>;
  /** Whether it was made or not, nobody gets it: it is ended as soon as possible. */
  abandon(tx: Transaction, core: View, id: string, now: number): Promise<void>;
  /** How many leases of a mount have not ended yet, and why the last that could not be ended was not; null: none failed. */
  standing(core: View, mountId: string): Promise<{ readonly count: number; readonly problem: string | null }>;
}

/** A lease whose intent is noted. */
export interface BegunLease {
  readonly issued: IssuedLease;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly renewable: boolean;
}

/** How the core keeps a reply for one reader. Implemented in token/. */
export interface WrappingPort {
  /**
   * Puts a reply behind a new token that opens it once, in the transaction of its request; returns what is answered in
   * its place. `ttl` in seconds. Throws RequestError 400 for one that is too long.
   */
  wrap(context: RouteContext, reply: Reply, ttl: number): Promise<Reply>;
}

/** How the core asks for policies. Implemented in policy/. */
export interface PolicyPort {
  /**
   * The compiled union of policies by name. `generation` is the version of the store's configuration in this
   * transaction: compiled sets are remembered for one generation only. An unknown name grants nothing. `identity` fills
   * in templated paths; null: they grant nothing.
   */
  acl(view: View, names: readonly string[], generation: number, identity: Identity | null): Promise<Acl>;
  generatePassword(context: RouteContext, policy: string | null): Promise<string>;
  /** Random text for `generate: {length, charset}`. Throws RequestError 400 for an unknown charset or a bad length. */
  generateFromCharset(random: Random, parameters: { readonly length: number; readonly charset?: string }): string;
}

/** How the core counts failed logins. Implemented in lockout/. */
export interface LockoutPort {
  /** See Services.beginLogin. */
  begin(context: RouteContext, name: LoginName): Promise<LoginAttempt>;
}

/** How the core writes the audit log. Implemented in audit/. */
export interface AuditPort {
  /**
   * Writes entries to every enabled sink and resolves when at least one has made them durable. Throws Fault
   * `audit-unavailable` where none could: the request is then refused. Entries of concurrent calls share a sync.
   */
  append(entries: readonly AuditEntry[]): Promise<void>;
  /** The number of the last line that is durable; 0: none. */
  position(): number;
}

/** An entry before hashing and chaining: values in the clear. It must not outlive the call. */
export interface AuditEntry {
  readonly type: 'request' | 'response' | 'apply-begin' | 'apply-commit' | 'apply-abort' | 'system';
  readonly request: Request | null;
  /** What the policy sees (`create` or `update`), where it is known. */
  readonly verb: string | null;
  readonly mount: Mount | null;
  readonly auth: AuditAuth | null;
  /** See OperationSpec. */
  readonly shown?: readonly string[];
  readonly reply: Reply | null;
  readonly error: string | null;
  /** What `error` may quote besides the request's own data: an entry shows nothing of it. */
  readonly quotable?: JsonObject;
  /** Facts of the entry's own type (plan digest, counts): written as they are, so they hold no secret. */
  readonly facts?: JsonObject;
}

export interface AuditAuth {
  readonly accessor: string;
  readonly displayName: string;
  readonly policies: readonly string[];
  readonly tokenPolicies: readonly string[];
  readonly tokenType: string;
  readonly entityId: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly granting: readonly Json[];
}
