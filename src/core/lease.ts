import type { JsonObject } from '../base/json.ts';
import type { View } from '../barrier/view.ts';
import type { Reply } from '../protocol/reply.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { Mount, RouteContext } from './mount-type.ts';

/** What `sys/leases/lookup` tells of a lease. Times in milliseconds since the epoch. */
export interface ShownLease {
  readonly id: string;
  /** The path of the request that gave it. */
  readonly path: string;
  readonly issuedAt: number;
  /** Null: it does not expire. */
  readonly expiresAt: number | null;
  readonly lastRenewal: number | null;
  readonly renewable: boolean;
  /** It stands no more, and what it stood for outside could not be ended. Absent: that is not so. */
  readonly failing?: FailingLease;
}

/** Why what a lease stood for is still there. */
export interface FailingLease {
  /** How often it could not be ended, although its target answered. */
  readonly attempts: number;
  /** Holds no secret. */
  readonly error: string;
  /** When it is tried next, in milliseconds since the epoch; null: as soon as its target answers. */
  readonly nextAttempt: number | null;
  /** It counts as irrevocable: it is tried once a day, and a person has to look at it. */
  readonly irrevocable: boolean;
}

/** What a lease lets its source know before it is renewed in a transaction: it is handed back to `renew`. */
export type Renewal = () => Promise<unknown>;

/**
 * Who keeps leases: the tokens, each of which is one below the path that gave it, and the lease noun, for those of
 * engines. A lease's id is the path of the request that gave it, `/`, and a last segment of its own.
 */
export interface LeaseSource {
  /** Null: no lease of this source, or none that still stands or could not be ended. */
  find(context: RouteContext, id: string): Promise<ShownLease | null>;
  /** The names right below a folder of ids (`''` or ending in `/`), sorted; folders with a trailing `/`. */
  children(context: RouteContext, folder: string): Promise<readonly string[]>;
  /**
   * What must happen outside before a lease of this source is renewed; null: nothing, or it has no such lease. Throws
   * RequestError 400.
   */
  prepareRenewal?(context: RouteContext, id: string, increment: number): Promise<Renewal | null>;
  /**
   * Renews a lease of this source; null: it has no such lease. `context.prepared` is what the work of `prepareRenewal`
   * gave. Throws RequestError 400.
   */
  renew(context: RouteContext, id: string, increment: number): Promise<Reply | null>;
  /**
   * Ends a lease of this source; an unknown one is no error. With the commit it stands no more. False: what it stands
   * for outside is yet to be ended, in the background.
   */
  revoke(context: RouteContext, id: string): Promise<boolean>;
  /**
   * Ends every lease at or below a path, as `revoke` does, however many there are. `force`: forgets them even where what
   * they stand for outside cannot be ended.
   */
  revokePrefix(context: RouteContext, prefix: string, force: boolean): Promise<boolean>;
}

/** What is leased, and for how long. Durations in seconds. */
export interface LeaseTerms {
  /** Which of the engine's leases it is, in its own words. */
  readonly kind: string;
  /**
   * Where what it stands for is, as an identifier: leases of one target fail together, and are ended a few at a time.
   */
  readonly target: string;
  /** What the engine needs to end it: of the time of issue, so that a changed role does not matter. */
  readonly data: JsonObject;
  readonly ttl: number;
  /** Renewals never go beyond so many seconds from the issue. */
  readonly maxTtl: number;
  readonly renewable: boolean;
}

/**
 * Something outside that is to be made for a caller. Its lease is durable before it is made, and ended where it is not
 * known to have been made and told.
 */
export interface Issue {
  readonly lease: LeaseTerms;
  /** Called in the transaction that begins the lease, which ends in `LeaseHandler.ended`. */
  begun?(issued: IssuedLease): Promise<void>;
  /**
   * Makes it, within the time of `signal`. `expiresAt` is by the wall clock, for whoever outside goes by it. Throws
   * RequestError where that failed; what was made by then is ended.
   */
  make(issued: IssuedLease, expiresAt: number, signal: AbortSignal): Promise<void>;
  /** The reply, without its lease. */
  readonly reply: Reply;
}

/** A lease as the engine that gave it gets it back. */
export interface IssuedLease {
  readonly id: string;
  readonly kind: string;
  readonly data: JsonObject;
  /** True: a crash came between the intent and its confirmation, so what it stands for may or may not exist. */
  readonly pending: boolean;
}

/** How an engine ends and renews what its leases stand for outside. */
export interface LeaseHandler {
  /** Where what a lease stands for is, for a person (`connection "main"`). Holds no secret. */
  place?(lease: IssuedLease): string;
  /**
   * Ends it; ended already, or never begun, is success. Called outside of any transaction, perhaps more than once.
   * Throws where it could not be ended: it is tried again, later each time, for as long as it takes. The message is kept
   * and shown, so it holds no secret. TargetUnavailable: so would all others of this target. `signal` aborts when it
   * takes too long.
   */
  revoke(lease: IssuedLease, mount: MountAccess, signal: AbortSignal): Promise<void>;
  /** What it stands for, in words that hold no secret: `user "v-app-…" of the connection "main"`. */
  describe?(lease: IssuedLease): string;
  /** Called in the transaction that forgets a lease which has ended: what the mount keeps of it goes with it. */
  ended?(lease: IssuedLease, storage: View): Promise<void>;
  /** For how long the role says now that such a lease lives, in seconds. Throws RequestError 400: the role is gone. */
  renewal?(lease: IssuedLease, storage: View, mount: Mount): Promise<{ readonly ttl: number; readonly maxTtl: number }>;
  /**
   * Lets what it stands for live on until `expiresAt` (by the wall clock, as in `Issue.make`), before the lease itself does. Throws RequestError where it could
   * not: the lease is then not renewed.
   */
  renew?(lease: IssuedLease, expiresAt: number, mount: MountAccess, signal: AbortSignal): Promise<void>;
}

/** What leases stand for does not answer at all: trying the next one would be in vain. */
export class TargetUnavailable extends RequestError {}

/** A mount, and its storage in a transaction of its own that only reads. */
export interface MountAccess {
  readonly mount: Mount;
  /** It was disabled, and stays only until its leases have ended: nothing in it can be changed. Absent: false. */
  readonly deleting?: boolean;
  read<T>(work: (storage: View) => Promise<T>): Promise<T>;
}
