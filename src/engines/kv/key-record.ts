import type { JsonObject } from '../../base/json.ts';
import { badRequest } from '../../protocol/request-error.ts';
import type { KvConfig } from './config.ts';

/** Everything about the secret at one path of a KV 2 mount except its values. Times are milliseconds since the epoch. */
export interface KeyRecord {
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The number of the newest version; 0: none was written yet. */
  readonly current: number;
  /** The smallest number that trimming has left, 0 before the first trim. */
  readonly oldest: number;
  readonly versions: Readonly<Record<string, VersionRecord>>;
  /** 0: what the mount says. */
  readonly maxVersions: number;
  readonly casRequired: boolean;
  /** Seconds; 0: what the mount says. */
  readonly deleteVersionAfter: number;
  /** Null: none; never an empty object. */
  readonly customMetadata: Readonly<Record<string, string>> | null;
}

export interface VersionRecord {
  readonly createdAt: number;
  /** From this moment on the version reads as deleted. It may lie ahead. Null: never. */
  readonly deletionAt: number | null;
  /** The value is gone for good. */
  readonly destroyed: boolean;
}

const defaultMaxVersions = 10;

export function newKey(now: number): KeyRecord {
  return {
    createdAt: now,
    updatedAt: now,
    current: 0,
    oldest: 0,
    versions: {},
    maxVersions: 0,
    casRequired: false,
    deleteVersionAfter: 0,
    customMetadata: null,
  };
}

export function versionOf(key: KeyRecord, number: number): VersionRecord | null {
  return Object.hasOwn(key.versions, number) ? (key.versions[number] ?? null) : null;
}

/** Can the value of this version be read? */
export function isLive(version: VersionRecord, now: number): boolean {
  return !version.destroyed && (version.deletionAt === null || version.deletionAt > now);
}

/** The key with one more version, and the numbers of those versions that made room for it. */
export function addVersion(
  key: KeyRecord,
  config: KvConfig,
  now: number,
): { readonly key: KeyRecord; readonly trimmed: readonly number[] } {
  const current = key.current + 1;
  const versions: Record<string, VersionRecord> = {
    ...key.versions,
    [current]: { createdAt: now, deletionAt: deletionAt(key, config, now), destroyed: false },
  };
  const keep = Math.max(key.maxVersions, config.maxVersions) || defaultMaxVersions;
  const oldest = current - key.oldest >= keep ? current - keep + 1 : key.oldest;
  const trimmed = Object.keys(versions)
    .map(Number)
    .filter((number) => number < oldest);
  for (const number of trimmed) delete versions[number];
  return { key: { ...key, current, oldest, versions, updatedAt: now }, trimmed };
}

/** The key with those of `numbers` soft-deleted that are live. */
export function deleteVersions(key: KeyRecord, numbers: readonly number[], now: number): KeyRecord {
  return changeVersions(key, numbers, (version) => (isLive(version, now) ? { ...version, deletionAt: now } : version));
}

/** The key with those of `numbers` readable again that are not destroyed; their time to be deleted starts anew. */
export function undeleteVersions(key: KeyRecord, numbers: readonly number[], config: KvConfig, now: number): KeyRecord {
  return changeVersions(key, numbers, (version) => ({ ...version, deletionAt: deletionAt(key, config, now) }));
}

/** The key with those of `numbers` marked whose values are destroyed. */
export function destroyVersions(key: KeyRecord, numbers: readonly number[]): KeyRecord {
  return changeVersions(key, numbers, (version) => ({ ...version, destroyed: true }));
}

/** The mark (see Reply.mark) of the current version, or null where there is none. */
export function markOf(key: KeyRecord): string | null {
  const version = versionOf(key, key.current);
  return version === null ? null : `${key.current}@${timeText(version.createdAt)}`;
}

/** What a reply says about one version. */
export function versionReply(key: KeyRecord, number: number, version: VersionRecord): JsonObject {
  return { version: number, ...versionTimes(version), custom_metadata: key.customMetadata };
}

export function versionTimes(version: VersionRecord): JsonObject {
  return { created_time: timeText(version.createdAt), deletion_time: timeText(version.deletionAt), destroyed: version.destroyed };
}

/** RFC 3339, or the empty text for "never". */
export function timeText(time: number | null): string {
  return time === null ? '' : new Date(time).toISOString();
}

/**
 * Checks the options of a data write. `cas` is compared with the number of the newest version, whether it still can be
 * read or not; 0 means "there is none". Throws RequestError 400.
 */
export function checkCas(options: JsonObject | undefined, key: KeyRecord | null, config: KvConfig): void {
  if (options === undefined || !Object.hasOwn(options, 'cas')) {
    if (config.casRequired || key?.casRequired === true) throw badRequest('check-and-set parameter required for this call');
    return;
  }
  const sent = options['cas'];
  // As the Vault API has it, null is 0 and digits are a number.
  const cas = typeof sent === 'object' && sent !== null ? NaN : Number(sent);
  if (!Number.isSafeInteger(cas)) throw badRequest('error parsing check-and-set parameter');
  if (cas !== (key?.current ?? 0)) throw badRequest('check-and-set parameter did not match the current version');
}

/** The shorter of the mount's and the key's `delete_version_after` decides, once, when the version is made. */
function deletionAt(key: KeyRecord, config: KvConfig, now: number): number | null {
  if (config.deleteVersionAfter < 0) return null;
  const limits = [config.deleteVersionAfter, key.deleteVersionAfter].filter((seconds) => seconds > 0);
  return limits.length === 0 ? null : now + Math.min(...limits) * 1000;
}

function changeVersions(
  key: KeyRecord,
  numbers: readonly number[],
  change: (version: VersionRecord) => VersionRecord,
): KeyRecord {
  const versions = { ...key.versions };
  for (const number of numbers) {
    const version = versionOf(key, number);
    if (version !== null && !version.destroyed) versions[number] = change(version);
  }
  return { ...key, versions };
}
