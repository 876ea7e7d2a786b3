import type { JsonObject } from '../../src/base/json.ts';
import type { Place } from '../../src/desired/diagnostic.ts';
import type { Refactors } from '../../src/desired/refactor.ts';
import type { Resource } from '../../src/desired/resource.ts';
import type { Kind, LensContext, ResourceName } from '../../src/kinds/kind.ts';
import { toApplyBody } from '../../src/plan/apply-body.ts';
import { fieldsOfKind, namedReferences } from '../../src/plan/fields.ts';
import { makePlan, type PlanOptions } from '../../src/plan/make-plan.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { snapshotReads } from '../../src/plan/snapshot.ts';
import { modelKinds } from './model-kinds.ts';
import type { ModelStore } from './model-store.ts';

const place: Place = { file: 'repo.yaml', line: 3, column: 9, endColumn: 12 };
const noMounts: LensContext = { engines: new Map(), methods: new Map() };

/** `Kind/name`, or of what lives in a mount `Kind/mount/name` with a mount of one segment (or `a:b` for `a/b`). */
export function name(text: string): ResourceName {
  const [kind = '', ...rest] = text.split('/');
  return kind === 'StaticSecret' || kind === 'Role'
    ? { kind, mount: (rest[0] ?? '').replaceAll(':', '/'), name: rest.slice(1).join('/') }
    : { kind, mount: null, name: rest.join('/') };
}

export interface Wanted {
  readonly spec?: JsonObject;
  readonly labels?: Readonly<Record<string, string>>;
  readonly protect?: boolean;
  readonly ignoreChanges?: readonly string[];
}

/** A document as the desired layer hands it on. */
export function resource(text: string, wanted: Wanted = {}): Resource {
  const address = name(text);
  const kind = modelKinds.find((one) => one.kind === address.kind) as Kind;
  const spec = kind.normalize(
    { ...wanted.spec, ...(address.mount === null ? {} : { engine: address.mount }) },
    address,
    noMounts,
  );
  return {
    name: address,
    labels: wanted.labels ?? {},
    protect: wanted.protect ?? false,
    ignoreChanges: wanted.ignoreChanges ?? [],
    spec,
    references: namedReferences(spec, fieldsOfKind(kind)).map((found) => ({ kind: found.kind, mount: null, name: found.text })),
    origin: { file: 'repo.yaml', document: 0, forEachKey: null },
    locate: () => place,
  };
}

export interface Refactoring {
  readonly move?: readonly (readonly [from: string, to: string])[];
  readonly import?: readonly (readonly [to: string, id: string])[];
  readonly forget?: readonly string[];
}

function refactors({ move = [], import: imports = [], forget = [] }: Refactoring = {}): Refactors {
  const locate = (): Place => place;
  return {
    moves: move.map(([from, to]) => ({ from: name(from), to: name(to), locate })),
    imports: imports.map(([to, id]) => ({ to: name(to), id, locate })),
    forgets: forget.map((target) => ({ target: name(target), locate })),
  };
}

const usual: PlanOptions = { mode: 'normal', environment: null, commit: 'c0ffee', targets: [], replace: [], maxDeletes: null };

/** Plans as the command line does: two snapshots, then the plan. */
export function plan(
  store: ModelStore,
  resources: readonly Resource[],
  options: Partial<PlanOptions> & { readonly refactors?: Refactoring; readonly project?: string } = {},
): Plan {
  const { refactors: refactoring, project = 'acme', ...others } = options;
  const input = { project, resources, refactors: refactors(refactoring), kinds: modelKinds };
  const reads = snapshotReads(input, store.snapshot([], project));
  return makePlan(reads, store.snapshot(reads.reads, project), { ...usual, ...others });
}

/** Applies a plan; one without anything to do is left alone. */
export async function apply(store: ModelStore, made: Plan): Promise<void> {
  if (made.problems.length === 0 && made.changes.length === 0) return;
  store.apply(await toApplyBody(made, ({ source }) => `local ${Object.values(source).join('')}`));
}

export async function planAndApply(
  store: ModelStore,
  resources: readonly Resource[],
  options: Parameters<typeof plan>[2] = {},
): Promise<Plan> {
  const made = plan(store, resources, options);
  await apply(store, made);
  return made;
}

/** `action address` of what people see, in the order of the apply. */
export function actions(made: Plan): readonly string[] {
  return made.changes
    .filter(({ silent }) => !silent)
    .map(
      ({ action, address }) =>
        `${action} ${[address.kind, address.mount, address.name].filter((part) => part !== null).join('/')}`,
    );
}
