import { Fault } from '../base/error.ts';
import { atPointer, isJsonObject, type Json, toPointer } from '../base/json.ts';
import { parseFieldPath } from '../kinds/field-path.ts';
import { shellWord } from '../base/shell-word.ts';
import { parseEndpoint } from '../client/endpoint.ts';
import type { Environment } from '../desired/environment.ts';
import type { Refactors } from '../desired/refactor.ts';
import type { Resource } from '../desired/resource.ts';
import type { LensMount } from '../kinds/kind.ts';
import { makePlan } from '../plan/make-plan.ts';
import type { Plan, PlanChange, PlanMode } from '../plan/plan.ts';
import { targetingSummary } from '../plan/notes.ts';
import { snapshotReads } from '../plan/snapshot.ts';
import { addressText, type Snapshot, type SnapshotBody } from '../protocol/managed.ts';
import type { Option, Options } from './command.ts';
import { configCommit } from './config-commit.ts';
import type { CliContext } from './context.ts';
import { managing } from './managing.ts';
import { loadRepo, type Repo, repoOptions, reportDiagnostics } from './repo.ts';
import type { Session } from './session.ts';

/** Options of every command that makes a plan. */
export const planOptions: Readonly<Record<string, Option>> = {
  ...repoOptions,
  target: { type: 'list', value: 'ADDRESS', description: 'Only this object and what it needs; can be given several times.' },
  replace: { type: 'list', value: 'ADDRESS', description: 'Delete and create this object anew; can be given several times.' },
  destroy: { type: 'flag', description: 'Plan to destroy everything that this project manages.' },
  'refresh-only': { type: 'flag', description: 'Only show what was changed outside of secretctl.' },
};

/** What a plan is made of besides the documents, for commands that add to them. */
export interface Addition {
  readonly imports: Refactors['imports'];
  readonly targets: readonly string[];
}

export interface Planned {
  readonly repo: Repo;
  readonly plan: Plan;
}

/** Plans the config repo of the current directory against an open store. Null: it has errors, which were printed. */
export async function planRepo(
  context: CliContext,
  session: Session,
  options: Options,
  addition?: (repo: Repo) => Addition,
): Promise<Planned | null> {
  const first = await takeSnapshot(session, {});
  const repo = await loadRepo(context, options, { engines: mounts(first.engines), methods: mounts(first.methods) });
  if (reportDiagnostics(context, repo.desired)) return null;
  const { project, resources, refactors, environment } = repo.desired;
  if (project === null) throw new Fault('diagnostics', 'the repo has no Project document');
  if (environment !== null) checkEnvironment(environment, session);
  const added = addition?.(repo) ?? { imports: [], targets: [] };
  const records = await takeSnapshot(session, { project: project.name, revision: first.revision });
  const reads = snapshotReads(
    {
      project: project.name,
      resources,
      refactors: { ...refactors, imports: [...refactors.imports, ...added.imports] },
      kinds: await context.kinds(),
    },
    records,
  );
  noteReads(context, session, reads.reads.length);
  // Without the project: its records are known, and the revision says that they still are.
  const snapshot = await takeSnapshot(session, {
    revision: records.revision,
    reads: reads.reads,
    ...(reads.asides.length === 0 ? {} : { asides: reads.asides }),
  });
  const plan = makePlan(reads, snapshot, {
    mode: modeOf(options),
    environment: environment?.name ?? null,
    commit: (await configCommit(repo.root, repo.tree.files)).id,
    targets: [...options.list('target'), ...added.targets],
    replace: options.list('replace'),
    maxDeletes: null,
  });
  const problems = [...plan.problems, ...(await sealedProblems(session, plan, resources))];
  // A person who gave no -target is told nothing of one.
  const notes = options.list('target').length > 0 ? plan.notes : plan.notes.filter(({ summary }) => summary !== targetingSummary);
  return { repo, plan: { ...plan, problems, notes } };
}

/**
 * An environment that names a server is planned and applied there and nowhere else. The name in the repo only guards: a
 * token goes where the person who has it says, not where a document does. Throws Fault `usage`.
 */
function checkEnvironment({ name, address }: Environment, { connection }: Session): void {
  if (address === null) return;
  const expected = parseEndpoint({ value: address, origin: `the address of the environment ${name}` }).address;
  if (connection.address === expected) return;
  throw new Fault(
    'usage',
    `the environment ${name} is the server ${expected}, and this command works on ${connection.address ?? 'the store of this workspace'}`,
    { hint: `Name the server too: -address=${expected}` },
  );
}

const manyReads = 1000;

/** Says where a plan is made, where that is not the store beside the repo, and that it takes a while. */
function noteReads({ terminal, json }: CliContext, { connection }: Session, reads: number): void {
  if (json) return;
  if (connection.address !== null) terminal.err(`Planning against ${connection.address}.\n`);
  if (reads >= manyReads && terminal.interactive) terminal.err(`Reading ${reads} objects…\n`);
}

function modeOf(options: Options): PlanMode {
  if (options.flag('destroy') && options.flag('refresh-only'))
    throw new Fault('usage', '-destroy and -refresh-only exclude each other');
  return options.flag('destroy') ? 'destroy' : options.flag('refresh-only') ? 'refresh-only' : 'normal';
}

export async function takeSnapshot(session: Session, body: Partial<SnapshotBody>): Promise<Snapshot> {
  const reply = managing(session, session.request('write', 'sys/managed/snapshot', body, { long: true }));
  return (await reply).data as unknown as Snapshot;
}

/** The mounts of a snapshot as the lenses take them. */
export function mounts(shown: Snapshot['engines']): ReadonlyMap<string, LensMount> {
  return new Map(Object.entries(shown));
}

/** Has the store check, without giving a value away, that the blocks which the plan writes open at their address and field. */
async function sealedProblems(session: Session, plan: Plan, resources: readonly Resource[]): Promise<Plan['problems']> {
  const blocks = plan.mode === 'refresh-only' ? [] : plan.changes.flatMap(sealedBlocks);
  if (blocks.length === 0) return [];
  const reply = await session.request('write', 'sys/managed/check-sealed', { blocks: blocks as unknown as Json });
  const verdicts = (reply.data?.verdicts ?? []) as readonly (string | null)[];
  const byAddress = new Map(resources.map((resource) => [addressText(resource.name), resource]));
  return blocks.flatMap(({ address, field }, index) => {
    const verdict = verdicts[index] ?? null;
    if (verdict === null) return [];
    const [verdictText = '', ...rest] = verdict.split('; ');
    const where = `${addressText(address)} ${field}`;
    const message = verdictText.includes(where) ? verdictText : `${where}: ${verdictText}`;
    const command = `secretctl encrypt -write ${shellWord(addressText(address))} ${shellWord(field)}`;
    const hint = rest
      .join('; ')
      .replace(`secretctl encrypt ${where}`, command)
      .replace(/secretctl encrypt$/, command);
    const pointer = toPointer(['spec', ...(parseFieldPath(field) ?? [])]);
    const place = byAddress.get(addressText(address))?.locate(pointer) ?? null;
    return [{ code: 'sealed' as const, address, message, hint: hint === '' ? null : hint, place }];
  });
}

function sealedBlocks({ address, requests }: PlanChange) {
  return requests.flatMap(({ data, values }) =>
    (values ?? []).flatMap(({ at, field }) => {
      const source = atPointer(data, at);
      return isJsonObject(source) && typeof source.sealed === 'string' ? [{ address, field, sealed: source.sealed }] : [];
    }),
  );
}
