import type { Refactors } from '../desired/refactor.ts';
import type { Resource } from '../desired/resource.ts';
import type { Kind, ResourceName } from '../kinds/kind.ts';
import { addressText, type ManagedRecord, type Snapshot } from '../protocol/managed.ts';
import { addressKey, bareAddress, compareKeys } from './address.ts';
import { fieldsOfKind, type FieldNode } from './fields.ts';
import { currentAddresses, type CurrentAddress } from './move.ts';
import type { PlanProblem } from './problem.ts';

/** What a plan is made for: the desired state of one project, in one environment. */
export interface PlanInput {
  readonly project: string;
  readonly resources: readonly Resource[];
  readonly refactors: Refactors;
  readonly kinds: readonly Kind[];
}

/** A kind with its fields, which are read from its schema once per plan. */
export interface PlannedKind {
  readonly kind: Kind;
  readonly fields: FieldNode;
}

/** One address with all that is known of it before anything is compared. */
export interface Subject extends PlannedKind {
  /** Identifies `address` (see addressKey). */
  readonly key: string;
  /** Where it shall be. */
  readonly address: ResourceName;
  /** Where the object and its record are now; another address than `address` while a move is pending. */
  readonly origin: ResourceName;
  /** Where a pending move of its mount takes it; the same as `origin` where there is none. */
  readonly via: ResourceName;
  /** Null: no document declares it. */
  readonly desired: Resource | null;
  /** Null: no record of this project. */
  readonly record: ManagedRecord | null;
  /** What an `import` entry names; it counts only while there is no record. */
  readonly importId: string | null;
  readonly forget: boolean;
  /** The other project that manages it. */
  readonly foreign: string | null;
}

export interface Subjects {
  /** In the order of their keys. */
  readonly all: readonly Subject[];
  readonly byKey: ReadonlyMap<string, Subject>;
  readonly problems: readonly PlanProblem[];
}

/** Every address that documents declare or records name, after the moves that are pending. */
export function collectSubjects(input: PlanInput, snapshot: Snapshot): Subjects {
  const kinds = new Map(input.kinds.map((kind) => [kind.kind, { kind, fields: fieldsOfKind(kind) }]));
  const problems: PlanProblem[] = [];
  const known = snapshot.managed.filter((record) => {
    if (kinds.has(record.address.kind)) return true;
    problems.push(unknownKind(record));
    return false;
  });
  const current = currentAddresses(known, input.refactors.moves, kinds);
  problems.push(...current.problems);

  const desired = new Map(input.resources.map((resource) => [addressKey(resource.name), resource]));
  const imports = new Map(input.refactors.imports.map(({ to, id }) => [addressKey(to), id]));
  // By their texts, as moves are.
  const forgets = new Set(input.refactors.forgets.map(({ target }) => addressText(target)));
  const foreign = new Map(snapshot.foreign.map(({ address, project }) => [addressKey(address), project]));

  const byKey = new Map<string, Subject>();
  const add = (key: string, found: CurrentAddress | null, resource: Resource | null): void => {
    const name = resource?.name ?? found?.address;
    const planned = name === undefined ? undefined : kinds.get(name.kind);
    if (name === undefined || planned === undefined) return;
    const address = bareAddress(name);
    byKey.set(key, {
      kind: planned.kind,
      fields: planned.fields,
      key,
      address,
      origin: found?.origin ?? address,
      via: found?.via ?? address,
      desired: resource,
      record: found?.record ?? null,
      importId: imports.get(key) ?? null,
      forget: found !== null && [found.address, found.origin].some((one) => forgets.has(addressText(one))),
      foreign: foreign.get(key) ?? null,
    });
  };
  for (const [key, found] of current.byKey) add(key, found, desired.get(key) ?? null);
  for (const [key, resource] of desired) if (!byKey.has(key)) add(key, null, resource);
  const all = [...byKey.values()].sort((a, b) => compareKeys(a.key, b.key));
  return { all, byKey, problems };
}

function unknownKind({ address }: ManagedRecord): PlanProblem {
  return {
    code: 'unknown-kind',
    address: bareAddress(address),
    message: `${addressText(address)} is managed by this project, and this program knows no kind "${address.kind}"`,
    hint: 'use the version of secretctl that applied it, or a newer one',
    place: null,
  };
}
