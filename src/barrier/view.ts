import type { Json } from '../base/json.ts';

/**
 * Encrypted storage below one prefix, bound to one transaction: all that an engine, an auth method or a noun of the
 * core ever sees of the store. Paths are relative, without a leading slash. A record that does not open (altered,
 * moved, of an unknown key) throws Fault `corrupt-record`: it is never taken for absent.
 */
export interface View {
  /** The opened record, or null where there is none. */
  get(path: string): Promise<ViewRecord | null>;
  /** The record's JSON, or null where there is none. */
  getJson<T = Json>(path: string): Promise<T | null>;
  put(path: string, value: Uint8Array): Promise<void>;
  /** Objects are stored with the order of their members. */
  putJson(path: string, value: unknown): Promise<void>;
  delete(path: string): Promise<void>;
  /** Deletes every record whose path starts with `prefix`; returns how many. */
  deleteAll(prefix: string): Promise<number>;
  /**
   * The names right below a folder (`''` or ending in `/`), in byte order: records as they are, folders with a
   * trailing `/`. `after` and `limit` page over these names. Skips over a folder's content without reading it.
   */
  children(folder: string, options?: { readonly after?: string; readonly limit?: number }): Promise<string[]>;
  /** Whole paths that start with `prefix`, in byte order. */
  scan(prefix: string, options?: { readonly after?: string; readonly limit?: number }): Promise<string[]>;
  /** A view of what lies below `prefix` (which ends in `/`). */
  below(prefix: string): View;
}

export interface ViewRecord {
  readonly value: Uint8Array;
  /** The sequence of the commit that wrote it; `pendingVersion` for this transaction's own write. */
  readonly version: number;
}
