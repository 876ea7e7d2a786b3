import type { Json, JsonObject } from '../../src/base/json.ts';
import { kinds } from '../../src/catalog.ts';
import { type Desired, loadDesired } from '../../src/desired/load.ts';
import type { SourceFile } from '../../src/desired/source-file.ts';
import { type LocalSource, toApplyBody } from '../../src/plan/apply-body.ts';
import { makePlan, type PlanOptions } from '../../src/plan/make-plan.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { decodePlan, encodePlan } from '../../src/plan/plan-file.ts';
import { snapshotReads } from '../../src/plan/snapshot.ts';
import type { ApplyBody, ApplyOutcome, Snapshot } from '../../src/protocol/managed.ts';
import type { World } from '../world.ts';

/** Values of variables and files of whoever applies. */
export type LocalValue = (source: { readonly fromEnv?: string; readonly fromFile?: string }) => Json;

async function snapshot(world: World, body: JsonObject): Promise<Snapshot> {
  return (await world.write('sys/managed/snapshot', body)).data as unknown as Snapshot;
}

/** What documents say, with the mounts that the store has. */
async function load(world: World, files: readonly SourceFile[]): Promise<Desired> {
  const { engines, methods } = await snapshot(world, {});
  const liveMounts = { engines: new Map(Object.entries(engines)), methods: new Map(Object.entries(methods)) };
  return loadDesired(files, { kinds, environment: null, variables: [], liveMounts });
}

const usual: PlanOptions = { mode: 'normal', environment: null, commit: 'c0ffee', targets: [], replace: [], maxDeletes: null };

/** Plans as the command line does, and gives the plan as it comes back from a file. Throws where a document is wrong. */
export async function planFor(world: World, files: readonly SourceFile[], options: Partial<PlanOptions> = {}): Promise<Plan> {
  const { diagnostics, resources, refactors, project } = await load(world, files);
  if (diagnostics.length > 0)
    throw new Error(`${JSON.stringify(diagnostics, null, 1)}\n${files.map(({ text }) => text).join('\n')}`);
  const input = { project: project?.name ?? '', resources, refactors, kinds };
  const reads = snapshotReads(input, await snapshot(world, { project: input.project }));
  const { revision } = reads.records;
  const seen = await snapshot(world, { project: input.project, revision, reads: reads.reads as unknown as Json });
  const plan = makePlan(reads, seen, { ...usual, ...options });
  return plan.problems.length > 0 ? plan : decodePlan(encodePlan(plan));
}

export function bodyOf(plan: Plan, value: LocalValue): Promise<ApplyBody> {
  return toApplyBody(plan, ({ source }: LocalSource) => value(source));
}

export async function send(world: World, body: ApplyBody): Promise<ApplyOutcome> {
  return (await world.write('sys/apply', body as unknown as JsonObject)).data as unknown as ApplyOutcome;
}
