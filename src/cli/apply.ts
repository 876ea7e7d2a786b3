import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Fault } from '../base/error.ts';
import { toApplyBody } from '../plan/apply-body.ts';
import { isApplicable, type Plan, visibleChanges } from '../plan/plan.ts';
import { checkPlanBase, decodePlan, maxPlanFileBytes } from '../plan/plan-file.ts';
import type { Json, JsonObject } from '../base/json.ts';
import type { ApplyOutcome } from '../protocol/managed.ts';
import { applySummary } from '../plan/summary.ts';
import { type Command, type Options, storeOptions } from './command.ts';
import type { CliContext } from './context.ts';
import { localValues } from './local-values.ts';
import { printJson } from './output.ts';
import { showPlan } from './plan.ts';
import { planOptions, planRepo, takeSnapshot } from './planning.ts';
import { type Session, withSession } from './session.ts';
import { findWorkspace } from './workspace.ts';

const applyOptions = {
  'auto-approve': { type: 'flag', description: 'Do not ask.' },
  'allow-file': {
    type: 'list',
    value: 'DIR',
    description: 'Values may also be read from files below this directory; can be given several times.',
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
  options: { ...planOptions, ...applyOptions, ...storeOptions },
  run: (context, [file], options) =>
    withSession(context, options, ['apply'], (session) =>
      file === undefined ? planAndApply(context, session, options) : applyFile(context, session, options, file),
    ),
};

export const destroy: Command = {
  path: ['destroy'],
  summary: 'Destroy everything that this project manages',
  operands: '',
  arity: { min: 0, max: 0 },
  description:
    'Plans the deletion of every object that this project manages, shows it, asks and applies it. Protected objects are refused. The same as apply -destroy.',
  examples: [{ command: 'secretctl destroy -target=StaticSecret/kv/old', explanation: 'One object, and what needs it.' }],
  options: { ...planOptions, ...applyOptions, ...storeOptions },
  run: (context, _operands, options) =>
    withSession(context, options, ['destroy'], (session) => planAndApply(context, session, options.with('destroy', true))),
};

async function planAndApply(context: CliContext, session: Session, options: Options): Promise<number> {
  const planned = await planRepo(context, session, options);
  if (planned === null) return 1;
  const { plan, repo } = planned;
  if (plan.problems.length > 0 || !isApplicable(plan) || !context.json) showPlan(context, plan);
  if (plan.problems.length > 0) return 1;
  if (!isApplicable(plan)) return 0;
  if (!options.flag('auto-approve') && visibleChanges(plan).length > 0) await confirm(context, plan);
  return commit(context, session, plan, repo.root, options.list('allow-file'));
}

async function confirm(context: CliContext, plan: Plan): Promise<void> {
  const question =
    plan.mode === 'destroy'
      ? '\nDo you really want to destroy all of these objects?\n  There is no undo. Only "yes" is accepted to confirm.\n\n  Enter a value: '
      : '\nDo you want to perform these actions?\n  Only "yes" is accepted to approve.\n\n  Enter a value: ';
  const answer = await context.terminal.ask(question).catch((error: unknown) => {
    if (error instanceof Fault && error.code === 'not-interactive') {
      throw new Fault('not-interactive', 'there is nobody to approve the plan', {
        hint: 'Give -auto-approve, or apply a saved plan: secretctl plan -out=FILE, secretctl apply FILE',
      });
    }
    throw error;
  });
  if (answer.trim() !== 'yes') throw new Fault('cancelled', 'Cancelled. Nothing was changed.');
  context.terminal.err('\n');
}

async function applyFile(context: CliContext, session: Session, options: Options, file: string): Promise<number> {
  const plan = decodePlan(await planText(resolve(context.cwd, file), file));
  const { storeId, revision } = await takeSnapshot(session, {});
  checkPlanBase(plan, { storeId, revision });
  if (!isApplicable(plan)) {
    showPlan(context, plan);
    return 0;
  }
  return commit(context, session, plan, findWorkspace(context.cwd) ?? context.cwd, options.list('allow-file'));
}

async function planText(path: string, shown: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > maxPlanFileBytes) throw new Fault('plan-file', `${shown} is too large to be a plan`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('file', `${shown} can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}`);
  }
}

async function commit(
  context: CliContext,
  session: Session,
  plan: Plan,
  root: string,
  allowed: readonly string[],
): Promise<number> {
  // The last moment at which Ctrl-C means "nothing": the request that follows commits whole or not at all.
  context.interrupted.throwIfAborted();
  const body = await toApplyBody(plan, localValues(context, root, allowed));
  const reply = await session.request('write', 'sys/apply', body as unknown as JsonObject);
  const outcome = reply.data as unknown as ApplyOutcome;
  for (const warning of outcome.warnings) context.terminal.err(`Warning: ${warning}\n`);
  if (context.json) printJson(context, { ...outcome, summary: applySummary(plan, outcome) });
  else context.terminal.out(`\n${applySummary(plan, outcome)}\n`);
  return 0;
}
