import type { JsonObject } from '../base/json.ts';

/**
 * What a client asks. POST and PUT are both `write`; the route's existence check decides whether a policy sees
 * `create` or `update`.
 */
export type Operation = 'read' | 'list' | 'write' | 'patch' | 'delete';

/** Where a request came from. */
export interface Remote {
  readonly address: string;
  readonly port: number;
}

/** The one form in which everything reaches `core.handle`: an HTTP call, a CLI command, a change of an apply. */
export interface Request {
  /** A UUID, unique to this request; audit lines and replies carry it. */
  readonly id: string;
  readonly operation: Operation;
  /** Canonical (see base/name.ts), without `/v1/` and without a leading slash. A list path may end in `/`. */
  readonly path: string;
  /** The JSON body, or the query of a read. Empty object for none. */
  readonly data: JsonObject;
  /** The token as presented, or null. */
  readonly token: string | null;
  /** Null for an embedded command: it runs in the process that owns the store. */
  readonly remote: Remote | null;
  /** Seconds for which the reply shall be wrapped, or null. */
  readonly wrapTtl: number | null;
  /**
   * The HTTP headers by lower-case name, without those that carry a token: for the audit log, which shows those that
   * are configured, and for mounts that let some through. Absent where there is no HTTP.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** The caller asks what this path is for (`?help=1`), and nothing else; `operation` is `read`. */
  readonly help?: true;
  /** The bytes of a body that is no JSON (a snapshot to restore), to be read once. `data` is empty then. */
  readonly body?: AsyncIterable<Uint8Array>;
}
