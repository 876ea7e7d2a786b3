import type { Clock } from '../base/clock.ts';
import type { JsonObject } from '../base/json.ts';
import type { Random } from '../base/random.ts';
import type { View } from '../barrier/view.ts';
import type { Fields } from '../protocol/field.ts';
import type { Operation, Request } from '../protocol/request.ts';
import type { Reply } from '../protocol/reply.ts';
import type { RequestError } from '../protocol/request-error.ts';
import type { Caller } from './caller.ts';
import type { Issue, LeaseHandler } from './lease.ts';
import type { Background, MountJobs } from './mount-jobs.ts';

/** What an engine or an auth method is to the core: a type with routes. Both contracts extend it. */
export interface MountType {
  /** As in `type: kv`. */
  readonly type: string;
  readonly description: string;
  /** The routes of every mount of this type, unless `routesFor` says otherwise. */
  readonly routes: readonly Route[];
  /** The routes of one mount, where its options choose among several sets (the two versions of `kv`). */
  routesFor?(options: Readonly<Record<string, string>>): readonly Route[];
  /**
   * Checks the options that a new or tuned mount shall have (`{version: "2"}`) and fills in defaults. `current` are
   * those that a tuned mount has; null: it is new. Throws RequestError 400.
   */
  options?(
    options: Readonly<Record<string, string>>,
    current: Readonly<Record<string, string>> | null,
  ): Readonly<Record<string, string>>;
  /** Writes what a new mount must hold, in the transaction that creates it. */
  onMount?(context: RouteContext): Promise<void>;
  /**
   * Brings what a mount holds into the form that its new options want, in the transaction that tunes it; `context.mount`
   * has the present ones. Returns what whoever tunes should know. Throws RequestError 400.
   */
  onTune?(context: RouteContext, options: Readonly<Record<string, string>>): Promise<readonly string[]>;
  /**
   * The mark (see Reply.mark) of the object at a path inside the mount, without its secret: for drift of objects
   * that have no readable metadata. Null: no such object.
   */
  observe?(context: RouteContext, path: string): Promise<Observation | null>;
  /** Renames objects inside a mount with all that their documents do not hold (versions, secret ids). */
  readonly rename?: Rename;
  /**
   * An auth method's word on whether the role that granted a login still stands, asked at each use of its tokens:
   * when its grant expires (milliseconds since the epoch), `never`, or null: the role is gone.
   */
  grant?(storage: View, role: string): Promise<number | 'never' | null>;
  /**
   * What the role says now about a token of its logins that is to be renewed. Null: the role is gone. Throws
   * RequestError 400 where the token may not be renewed for another reason.
   */
  renewal?(storage: View, role: string, token: RenewedToken): Promise<RenewalTerms | null>;
  /**
   * The role for which a login at a path inside the mount asks, as far as its body says so and whether it succeeds or
   * not: quotas count by it. Null: no role, or no login. Absent: nobody logs in with a role here.
   */
  loginRole?(storage: View, path: string, data: JsonObject): Promise<string | null>;
  /**
   * What mounts of this type hold open (connections) as long as a system runs: the type bound to them. Made once for each
   * system, and closed with it. Absent: it holds nothing.
   */
  start?(background: Background): StartedType;
  /**
   * What a mount holds that nobody else knows, for whoever would remove it: `the passwords of 2 static roles`. Null: nothing.
   */
  onlyHere?(storage: View): Promise<string | null>;
  /** How its leases end, where it gives any. */
  readonly leases?: LeaseHandler;
  /** What it does in the background besides. */
  readonly jobs?: MountJobs;
  /** What is past its time in a mount of this type, and removed in the background. */
  readonly expiry?: MountExpiry;
  /** Its logins name users, who are locked out for a while after too many failures (see Services.beginLogin). */
  readonly locksOut?: boolean;
}

/** See MountType.start: what it has in place of the type's own. */
interface StartedType extends Pick<MountType, 'routes' | 'leases' | 'jobs'> {
  close(): Promise<void>;
}

/** The removal of what is past its time and does not work anyway, from an index in the storage of the mount. */
export interface MountExpiry {
  /** When the next thing is due, in milliseconds since the epoch (0: at once); null: there is none. */
  next(storage: View): Promise<number | null>;
  /** Removes about `limit` records of what is due at `now`; gives what `next` says then. */
  expire(storage: View, now: number, limit: number): Promise<number | null>;
}

/** How an engine or auth method renames an object; `from` and `to` are paths inside the mount. */
export interface Rename {
  /**
   * What the caller must be allowed besides (paths of the API inside the mount): a rename shows and gives nobody what
   * reading here and writing there would not.
   */
  needs(mount: Mount, from: string, to: string): readonly { readonly operation: Operation; readonly path: string }[];
  /** Throws RequestError 404 where there is nothing to rename, 400 where something is at `to`. */
  perform(context: RouteContext, from: string, to: string): Promise<Reply>;
}

/** Seconds; 0: not set. */
export interface RenewalTerms {
  readonly ttl: number;
  readonly maxTtl: number;
  readonly period: number;
}

/** A token that is to be renewed, as the role that gave it must know it. */
export interface RenewedToken {
  readonly policies: readonly string[];
}

export interface Observation {
  readonly mark: string;
}

/**
 * One path of a mount. Segments of `path`: a literal, `:name` (one identifier, else the route does not match) or
 * `:name*` as the last (the rest of the path, at least one segment, of any canonical form; a list request passes it
 * without the trailing slash, and `''` for the folder itself: LIST of `metadata/` on `metadata/:path*`, of the mount's
 * root on `:path*`).
 * Among the routes of a mount the first match in the order of the list wins.
 */
export interface Route {
  readonly path: string;
  readonly summary: string;
  readonly operations: Partial<Readonly<Record<Operation, OperationSpec>>>;
  /** Decides `create` or `update` for a write; a route without it is always `update`. */
  exists?(context: RouteContext): Promise<boolean>;
}

export interface OperationSpec {
  readonly summary: string;
  /** Declared fields of the body; read them with `readFields`. Used for help and the OpenAPI document too. */
  readonly fields?: Fields;
  /** Needs the `sudo` capability besides the verb's. */
  readonly sudo?: boolean;
  /** Answers without a token (logins). */
  readonly unauthenticated?: boolean;
  /** Any valid token may ask: the handler answers only what the caller's own policies show. */
  readonly selfAuthorising?: boolean;
  /** Changes configuration: a success moves the config revision. */
  readonly configures?: boolean;
  /**
   * A plan may read it with others in one request (`sys/managed/snapshot`, the conditions of an apply), whose audit
   * entry does not name each of them: its reply holds no secret.
   */
  readonly forPlans?: boolean;
  /**
   * Its body may hold secret values of an object, so an apply resolves value sources in it. In other bodies they are
   * refused, else a value could be read where it was not sealed for.
   */
  readonly valuesOf?: ValuePlace;
  /**
   * Its reply may hold what nobody gets again and nothing works without: it is given also where the audit log took the
   * entry of the request and not that of the reply.
   */
  readonly irreplaceable?: boolean;
  /**
   * Names of members of its body, at any depth, that the audit log shows as they are: what is asked for, never a secret.
   */
  readonly shown?: readonly string[];
  /**
   * Slow work that `handle` needs and that is done once, before its transaction: the hash of a password. Reads what it
   * must in a transaction of its own and gives back the work; what that gives is `prepared` in the context of every run
   * of `handle`. Between the two the store may have changed. Throws RequestError to refuse.
   */
  prepare?(context: RouteContext): Promise<() => Promise<unknown>>;
  /**
   * Checks what `handle` wrote against the outside, before it is committed: `see` is called in a transaction that is then
   * thrown away, and what it gives runs outside of any.
   */
  readonly verify?: {
    /** `apply`: requests alone are not checked, as clients of the API expect. */
    readonly when: 'always' | 'apply';
    /** Null: there is nothing to check. Throws RequestError to refuse. */
    see(context: RouteContext): Promise<Verification | null>;
  };
  /**
   * Checks what must be so at the end of the transaction of `handle`, and is called there: of an apply, when all of its
   * changes are made, in whatever order. Throws RequestError to refuse.
   */
  holds?(context: RouteContext): Promise<void>;
  /**
   * Called after the commit of `handle`, outside of it: waits for what that has the background do, and gives the reply
   * that says what became of it. `context` reads nothing any more. Throws RequestError; the commit stays.
   */
  settle?(context: RouteContext, reply: Reply): Promise<Reply>;
  /**
   * Makes something outside that the caller gets a lease of. Called in the transaction that begins the lease, in place of
   * `handle`, perhaps more than once. Throws RequestError to refuse.
   */
  issue?(context: RouteContext): Promise<Issue>;
  /**
   * Does the work in the caller's transaction: it may run again after a conflict, so it has no external effect.
   * Throws RequestError to refuse; then nothing it wrote is kept, unless it is a RecordedRefusal.
   */
  handle(context: RouteContext): Promise<Reply>;
}

/**
 * Throws RequestError where what is planned would not work. Ends within its signal, and leaves nothing behind. `warn`
 * takes what is to be said of what works.
 */
export type Verification = (signal: AbortSignal, warn: (text: string) => void) => Promise<void>;

/** Where the secret values of an object stand in the request that writes it. */
export interface ValuePlace {
  /** The kind of the object's document. An engine and an auth method may have one path. */
  readonly kind: string;
  /** The parameter of the route that is the object's name. */
  readonly name: string;
  /** JSON pointers of what holds them, and which nobody reads who may not read them; `''`: the whole body. */
  readonly within: readonly string[];
}

/** What a handler gets. It lives for one run of one request. */
export interface RouteContext {
  readonly request: Request;
  /** The values of the route's `:name` segments. */
  readonly params: Readonly<Record<string, string>>;
  readonly data: JsonObject;
  /** The mount's own storage (for `sys/` routes: the core's), bound to the transaction. */
  readonly storage: View;
  readonly mount: Mount;
  /** Null for an unauthenticated request. */
  readonly caller: Caller | null;
  /** The time at which the request was taken in; the same for all of its runs. Milliseconds since the epoch. */
  readonly now: number;
  readonly random: Random;
  /** Password policies, the minting of tokens and what else the core lends to plug-ins. */
  readonly services: Services;
  /** What the `prepare` of the operation gave. */
  readonly prepared?: unknown;
}

export interface Services {
  readonly clock: Clock;
  /** A password from a named password policy of the store; null: the built-in one. Throws RequestError 400 for an unknown one. */
  generatePassword(context: RouteContext, policy: string | null): Promise<string>;
  /** Random text of a charset. Throws RequestError 400 for an unknown charset or a bad length. */
  generateFromCharset(random: Random, parameters: { readonly length: number; readonly charset?: string }): string;
  /** Makes the token of a successful login; the reply's auth part. */
  issueToken(context: RouteContext, login: Login): Promise<Reply>;
  /**
   * To be called before it is looked at what somebody presents, again in each transaction of one login. Throws
   * RequestError 403 where the name has failed too often: what was presented then has no effect on the answer.
   */
  beginLogin(context: RouteContext, name: LoginName): Promise<LoginAttempt>;
}

/** By what the failures of logins at one mount are counted. */
export interface LoginName {
  /** In its one canonical form: the same by which the user is found. */
  readonly name: string;
  /** Whether there is such a user. Those who do not exist are locked out too, else a lock would tell. */
  readonly known: boolean;
}

/** A login whose outcome is counted, in one transaction. */
export interface LoginAttempt {
  /** Counts the failure and gives back `refusal` in the form in which it must be thrown for that to be kept. */
  failed(refusal: RequestError): Promise<RequestError>;
  /** Forgets the failures before. */
  succeeded(): Promise<void>;
}

/** What an auth method found out about who logs in. Durations in seconds, 0 for "not set". */
export interface Login {
  /** The binding (role) that granted this, in the words of `MountType.grant`, or null: its removal or expiry ends the token. */
  readonly role: string | null;
  readonly displayName: string;
  readonly policies: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly ttl: number;
  readonly maxTtl: number;
  readonly explicitMaxTtl: number;
  readonly period: number;
  readonly numUses: number;
  readonly boundCidrs: readonly string[];
  readonly noDefaultPolicy: boolean;
  readonly type: 'service' | 'batch';
  readonly renewable: boolean;
  /** Who logged in, in the words of the method: identity makes an entity of it. Null: nobody in particular. */
  readonly alias: LoginAlias | null;
}

/** The name under which an auth method knows somebody, lasting over logins (a role id, a user name). */
export interface LoginAlias {
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A mounted engine or auth method. */
export interface Mount {
  /** A UUID; the mount's storage and data key hang on it, not on the path. */
  readonly id: string;
  readonly class: 'secret' | 'auth' | 'system';
  /** Without trailing slash; an auth method's without the `auth/` prefix. */
  readonly path: string;
  readonly type: string;
  readonly accessor: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
  readonly config: MountConfig;
  readonly local: boolean;
  readonly sealWrap: boolean;
  readonly externalEntropyAccess?: boolean;
}

/** The TTL, in seconds, of what neither a mount nor a role limits: 768 hours, as the Vault API has it. */
export const systemLeaseTtl = 768 * 3600;

/** What `tune` changes. Seconds; 0: the system's default. */
export interface MountConfig {
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
  readonly forceNoCache: boolean;
  readonly listingVisibility: string;
  readonly tokenType: string;
  readonly auditNonHmacRequestKeys: readonly string[];
  readonly auditNonHmacResponseKeys: readonly string[];
  readonly passthroughRequestHeaders: readonly string[];
  readonly allowedResponseHeaders: readonly string[];
  /** Null or absent: as the system has it. */
  readonly userLockout?: UserLockout | null;
}

/** When the users of an auth method are locked out; durations in seconds. 0: the system's default. */
export interface UserLockout {
  /** How many failures lock. */
  readonly threshold: number;
  /** How long after the last failure a lock ends. */
  readonly duration: number;
  /** How long after the last failure the count starts anew. */
  readonly counterReset: number;
  readonly disabled: boolean;
}
