import type { Json } from '../../src/base/json.ts';
import { type Address, type Source, textOf } from './declared.ts';
import type { Type, Values } from './fields.ts';

/** One version of a secret. */
export interface Version {
  /** Tells this write from every other one. */
  readonly id: number;
  /** Milliseconds since the epoch; null: never. */
  readonly deletionAt: number | null;
  readonly destroyed: boolean;
  readonly data: Readonly<Record<string, Json>>;
}

/** An object of the store, managed or not. */
export interface Live {
  readonly address: Address;
  readonly type: Type;
  /** Every readable field. */
  readonly values: Values;
  /** Of a secret, by number; one of version 1 has only a version 1. */
  readonly versions: ReadonlyMap<number, Version>;
  /** The number of the newest version; 0: there is none. */
  readonly current: number;
}

/** The source of a secret field, and the text by which it is told from others. */
export interface AppliedSource {
  readonly source: Source;
  readonly text: string;
}

/** What was applied last, of an object that is managed. */
export interface Recorded {
  readonly address: Address;
  readonly type: Type;
  readonly values: Values;
  readonly sources: ReadonlyMap<string, AppliedSource>;
  readonly prune: boolean;
  readonly roleId: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly protect: boolean;
  /** The write of the secret's values; null: none. */
  readonly wrote: number | null;
  /** What was ignored at the last apply: of these fields the record tells nothing. */
  readonly ignored: readonly string[];
}

/** What the store holds, kept by whoever changes it, and never read from it. */
export interface Model {
  readonly live: Map<string, Live>;
  readonly records: Map<string, Recorded>;
  /** The last number given to a write. */
  writes: number;
}

export function emptyModel(): Model {
  return { live: new Map(), records: new Map(), writes: 0 };
}

export function copyOf(model: Model): Model {
  return { live: new Map(model.live), records: new Map(model.records), writes: model.writes };
}

export function currentOf({ versions, current }: Live): Version | null {
  return versions.get(current) ?? null;
}

/** Can the newest version of a secret be read? */
export function isReadable(live: Live, now: number): boolean {
  const version = currentOf(live);
  return version !== null && !version.destroyed && (version.deletionAt === null || version.deletionAt > now);
}

/** A secret with one more version, as the store keeps it. */
export function withVersion(model: Model, live: Live, data: Readonly<Record<string, Json>>, now: number): Live {
  model.writes += 1;
  const age = Number(live.values.deleteVersionAfter ?? 0);
  const version: Version = { id: model.writes, deletionAt: age === 0 ? null : now + age * 1000, destroyed: false, data };
  if (live.type === 'secret1') return { ...live, versions: new Map([[1, version]]), current: 1 };
  const keep = Number(live.values.maxVersions ?? 0) || 10;
  const current = live.current + 1;
  const versions = new Map([...live.versions, [current, version] as const].filter(([number]) => number > current - keep));
  return { ...live, versions, current };
}

/** A secret with one of its versions changed. */
export function withChangedVersion(live: Live, number: number, change: (version: Version) => Version): Live {
  const version = live.versions.get(number);
  return version === undefined ? live : { ...live, versions: new Map(live.versions).set(number, change(version)) };
}

/** What lives in a mount. */
export function contentsOf(model: Model, mount: Address): readonly Live[] {
  return [...model.live.values()].filter(({ address }) => {
    const around = mountOf(address);
    return around !== null && textOf(around) === textOf(mount);
  });
}

export function put(model: Model, live: Live): void {
  model.live.set(textOf(live.address), live);
}

export function isMount({ kind }: Address): boolean {
  return kind === 'SecretEngine' || kind === 'AuthMethod';
}

/** The mount that an object lives in. */
export function mountOf({ kind, mount }: Address): Address | null {
  if (mount === null) return null;
  return { kind: kind === 'AuthBinding' ? 'AuthMethod' : 'SecretEngine', mount: null, name: mount };
}
