import type { Json, JsonObject } from '../base/json.ts';

/** The token part of a reply, in the names of the Vault API. */
export interface ReplyAuth {
  readonly client_token: string;
  readonly accessor: string;
  readonly policies: readonly string[];
  readonly token_policies: readonly string[];
  readonly identity_policies: readonly string[];
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly lease_duration: number;
  readonly renewable: boolean;
  readonly entity_id: string;
  readonly token_type: 'service' | 'batch';
  readonly orphan: boolean;
  readonly num_uses: number;
}

/** Where a wrapped reply can be fetched, once. */
export interface WrapInfo {
  readonly token: string;
  /** Of the wrapping token. */
  readonly accessor: string;
  /** Seconds. */
  readonly ttl: number;
  /** Milliseconds since the epoch. */
  readonly creationTime: number;
  /** The path of the request whose reply it is. */
  readonly creationPath: string;
  /** The accessor of the token inside, or '': it holds none. */
  readonly wrappedAccessor: string;
}

/** Bytes in place of JSON: metrics, a snapshot. */
export interface ReplyBody {
  readonly contentType: string;
  readonly bytes: Uint8Array | AsyncIterable<Uint8Array>;
}

/** What the corridor answers. Errors are thrown as RequestError, not returned. */
export interface Reply {
  /** 200 unless told; 204 where there is nothing to say to clients (its warnings are for callers in this process); 404 for the deleted version of a KV 2 secret, which has data. */
  readonly status?: number;
  readonly data?: JsonObject | null;
  readonly auth?: ReplyAuth | null;
  readonly warnings?: readonly string[];
  readonly leaseId?: string;
  /** Seconds. */
  readonly leaseDuration?: number;
  readonly renewable?: boolean;
  /** In place of all else: the reply waits in the cubbyhole of a wrapping token. */
  readonly wrapInfo?: WrapInfo;
  /** The whole body, without the envelope (sys/seal-status, sys/health and their like). */
  readonly json?: Json;
  /** The whole body, which is no JSON. */
  readonly body?: ReplyBody;
  /**
   * An opaque mark of the object version that this write made. It never reaches a client; an apply keeps it in the
   * managed record, and a later observation with another mark is drift.
   */
  readonly mark?: string;
  /** What this write has left to be done outside, in the background. It never reaches a client; an apply tells of it. */
  readonly outside?: readonly OutsideStep[];
}

/** Something that is done outside of the store after a commit. */
export interface OutsideStep {
  /** For people: `change the password of "app"`. */
  readonly what: string;
  /** The id of the mount that does it, and which of its steps it is, in the words of its type. */
  readonly mount: string;
  readonly key: string;
}

export const noContent: Reply = { status: 204 };
