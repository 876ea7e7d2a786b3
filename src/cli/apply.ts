import { Fault } from '../base/error.ts';
import { toApplyBody } from '../plan/apply-body.ts';
import { isApplicable, type Plan, visibleChanges } from '../plan/plan.ts';
import { checkPlanBase } from '../plan/plan-file.ts';
import { applySummary } from '../plan/summary.ts';
import { type ApplyLock, underApplyLock } from './apply-lock.ts';
import { type Command, type Options, pickOptions, targetOptions } from './command.ts';
import type { CliContext } from './context.ts';
import { localValues } from './local-values.ts';
import { applyChecked } from './checked-apply.ts';
import { confirm } from './confirm.ts';
import { longestWait, outsideSummary, stillOutside, waitOutside } from './outside.ts';
import { printJson, printWarnings } from './output.ts';
import { readPlanFile, showPlan } from './plan.ts';
import { planOptions, planRepo, takeSnapshot } from './planning.ts';
import { loadRepo, type Repo } from './repo.ts';
import { type Session, withSession } from './session.ts';
import { findWorkspace, requireWorkspace } from './workspace.ts';

const applyOptions = {
  'auto-approve': { type: 'flag', description: 'Do not ask.' },
  wait: {
    type: 'flag',
    description: 'Wait until all is done that the apply leaves to be done outside, and fail where a step fails.',
  },
  'wait-timeout': { type: 'duration', value: 'DURATION', description: 'How long to wait at most (default 10m).' },
  'allow-file': {
    type: 'list',
    value: 'DIR',
    description: 'Values may also be read from files below this directory; can be given several times.',
  },
  'skip-verify': {
    type: 'flag',
    description: 'Do not try what is planned (does the database let us in?) before it is committed. The audit log notes it.',
  },
} as const;

export const apply: Command = {
  path: ['apply'],
  summary: 'Make the store as the documents say',
  operands: '[PLANFILE]',
  arity: { min: 0, max: 1 },
  description:
    'Plans, shows the plan, asks, and commits all its changes in one transaction, or none of them. With PLANFILE exactly what plan -out saved is applied, without asking; ' +
    'it is refused where the store was changed since.',
  examples: [
    { command: 'secretctl apply', explanation: 'Plan, ask, apply.' },
    { command: 'secretctl apply -auto-approve', explanation: 'For a machine.' },
    { command: 'secretctl apply plan.bin', explanation: 'What was planned and reviewed before.' },
  ],
  options: {
    ...pickOptions(planOptions, 'environment', 'var', 'var-file', 'target', 'replace', 'destroy'),
    ...applyOptions,
    ...targetOptions,
  },
  async run(context, [file], options) {
    if (file === undefined) {
      requireWorkspace(context);
      return withSession(context, options, ['apply'], (session) => planAndApply(context, session, options));
    }
    refuseWithFile(options);
    const plan = readPlanFile(context, file);
    return withSession(context, options, ['apply'], (session) => applySaved(context, session, options, plan));
  },
};

export const destroy: Command = {
  path: ['destroy'],
  summary: 'Destroy everything that this project manages',
  operands: '',
  arity: { min: 0, max: 0 },
  description:
    'Plans the deletion of every object that this project manages, shows it, asks and applies it. Protected objects are refused. The same as apply -destroy.',
  examples: [{ command: 'secretctl destroy -target=StaticSecret/kv/old', explanation: 'One object, and what needs it.' }],
  options: {
    ...pickOptions(planOptions, 'environment', 'var', 'var-file', 'target'),
    ...pickOptions(applyOptions, 'auto-approve', 'wait', 'wait-timeout'),
    ...targetOptions,
  },
  run(context, _operands, options) {
    requireWorkspace(context);
    return withSession(context, options, ['destroy'], (session) => planAndApply(context, session, options.with('destroy', true)));
  },
};

/** What was decided when a plan was saved can't be decided again. */
function refuseWithFile(options: Options): void {
  const given = Object.keys(planOptions).find((name) => options.given(name));
  if (given !== undefined)
    throw new Fault('usage', `-${given} can't be given with a saved plan, which says already what is to be done`, {
      hint: 'Give it to: secretctl plan -out=FILE',
    });
}

function planAndApply(context: CliContext, session: Session, options: Options): Promise<number> {
  return underApplyLock(context, session, options.flag('destroy') ? 'destroy' : 'apply', async (lock) => {
    const planned = await planRepo(context, session, options);
    if (planned === null) return 1;
    const { plan, repo } = planned;
    if (plan.problems.length > 0 || !isApplicable(plan) || !context.json) showPlan(context, plan);
    if (plan.problems.length > 0) return 1;
    if (!isApplicable(plan)) return 0;
    if (!options.flag('auto-approve') && visibleChanges(plan).length > 0) await lock.apart(() => approve(context, plan));
    return commit(context, session, lock, { plan, repo, root: async () => repo.root, options });
  });
}

async function approve(context: CliContext, plan: Plan): Promise<void> {
  const otherwise = 'Give -auto-approve, or apply a saved plan: secretctl plan -out=FILE, secretctl apply FILE';
  // With -json nothing was shown that a person could approve.
  if (context.json) throw new Fault('not-interactive', 'with -json nobody is asked to approve the plan', { hint: otherwise });
  const question =
    plan.mode === 'destroy'
      ? 'Do you really want to destroy all of these objects? There is no undo.'
      : 'Do you want to perform these actions?';
  await confirm(context, question, otherwise);
}

function applySaved(context: CliContext, session: Session, options: Options, plan: Plan): Promise<number> {
  return underApplyLock(context, session, 'apply', async (lock) => {
    const { storeId, revision } = await takeSnapshot(session, {});
    checkPlanBase(plan, { storeId, revision });
    if (!isApplicable(plan)) {
      showPlan(context, plan);
      return 0;
    }
    return commit(context, session, lock, { plan, repo: null, root: () => rootOf(context, options, plan), options });
  });
}

/** The repo that a saved plan was made of: files that it names lie there. Throws Fault `plan-refused` in any other place. */
async function rootOf(context: CliContext, options: Options, { project }: Plan): Promise<string> {
  const root = findWorkspace(context.cwd);
  const found = root === null ? null : (await loadRepo(context, options, null)).desired.project?.name;
  if (root !== null && found === project) return root;
  throw new Fault('plan-refused', `the plan takes values from files of the repo of the project ${project}, and this is not it`, {
    hint: 'Apply it in that repo. Nothing was changed.',
  });
}

interface Approved {
  readonly plan: Plan;
  /** Null: it was saved, and where its documents are now is not known. */
  readonly repo: Repo | null;
  /** The folder in which the files lie that the plan names. */
  root(): Promise<string>;
  readonly options: Options;
}

async function commit(
  context: CliContext,
  session: Session,
  lock: ApplyLock,
  { plan, repo, root, options }: Approved,
): Promise<number> {
  // The last moment at which Ctrl-C means "nothing": the request that follows commits whole or not at all.
  if (context.interrupted.aborted) throw new Fault('cancelled', 'Interrupted. Nothing was changed.');
  const skipVerify = options.flag('skip-verify');
  const body = await toApplyBody(plan, localValues(context, root, options.list('allow-file')), { skipVerify });
  const outcome = await applyChecked(context, lock, plan, body, repo);
  if (outcome === null) return 1;
  printWarnings(context, outcome);
  if (!context.json) context.terminal.out(`\n${applySummary(plan, outcome)}\n${outsideSummary(outcome)}`);
  const wait = options.flag('wait') && outcome.pending > 0;
  const left = wait ? await waitOutside(context, session, outcome, options.number('wait-timeout') ?? longestWait) : null;
  if (context.json) printJson(context, { ...outcome, summary: applySummary(plan, outcome), ...(left === null ? {} : { left }) });
  if (left === null || left.length === 0) return 0;
  throw stillOutside(left, session.connection.store === null);
}
