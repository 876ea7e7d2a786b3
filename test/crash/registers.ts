import { canonicalJson, type Json, type JsonObject } from '../../src/base/json.ts';

/**
 * What a store holds, as the oracle sees it: a value for each object that there is. Names are `policy/…`, `mount/…`,
 * `kv1/<mount>/<key>`, `kv2/<mount>/<key>`, `record/<address>` and `token/<id of the call that made it>`.
 */
export type Registers = ReadonlyMap<string, Json>;

/** Registers that get a value, or (null) cease to be. */
export type Changes = ReadonlyMap<string, Json | null>;

export function after(state: Registers, changes: Changes): Registers {
  const next = new Map(state);
  for (const [name, value] of changes) {
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  return next;
}

/** A secret of KV 2 as its history of versions. A value is kept though it is deleted, for it can be undeleted. */
export interface Kv2 {
  readonly current: number;
  readonly versions: Readonly<Record<string, Kv2Version>>;
}

export interface Kv2Version {
  /** Null: destroyed. */
  readonly value: JsonObject | null;
  readonly deleted: boolean;
}

const keptVersions = 10;

/** With one more version. Null: the secret is new. */
export function written(secret: Kv2 | null, value: JsonObject): Kv2 {
  const current = (secret?.current ?? 0) + 1;
  const versions: Record<string, Kv2Version> = { ...secret?.versions, [current]: { value, deleted: false } };
  const kept = Object.entries(versions).filter(([number]) => Number(number) > current - keptVersions);
  return { current, versions: Object.fromEntries(kept) };
}

export function currentValue(secret: Kv2 | null): JsonObject | null {
  const version = secret?.versions[secret.current];
  return version === undefined || version.deleted ? null : version.value;
}

export function withVersions(secret: Kv2, numbers: readonly number[], change: (version: Kv2Version) => Kv2Version): Kv2 {
  const versions: Record<string, Kv2Version> = { ...secret.versions };
  for (const number of numbers) if (versions[number] !== undefined) versions[number] = change(versions[number]);
  return { ...secret, versions };
}

/** The register as it can be seen from outside, in canonical form: no value of a deleted version, no parent of a token. */
export function visible(name: string, value: Json | undefined): string {
  if (value === undefined) return 'absent';
  if (name.startsWith('token/')) return canonicalJson({ uses: (value as JsonObject).uses ?? 0 });
  if (!name.startsWith('kv2/')) return canonicalJson(value);
  const secret = value as unknown as Kv2;
  const versions = Object.entries(secret.versions).map(([number, { value: kept, deleted }]) => [
    number,
    kept === null ? 'destroyed' : deleted ? 'deleted' : kept,
  ]);
  return canonicalJson({ current: secret.current, versions: Object.fromEntries(versions) as JsonObject });
}
