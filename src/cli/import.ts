import { Fault } from '../base/error.ts';
import { nearest } from '../base/nearest.ts';
import { toApplyBody } from '../plan/apply-body.ts';
import { isApplicable } from '../plan/plan.ts';
import { addressText } from '../protocol/managed.ts';
import { underApplyLock } from './apply-lock.ts';
import { type Command, type Options, pickOptions, targetOptions } from './command.ts';
import { applyChecked } from './checked-apply.ts';
import { confirm } from './confirm.ts';
import type { CliContext } from './context.ts';
import { writeDocument } from './import-document.ts';
import { localValues } from './local-values.ts';
import { printJson } from './output.ts';
import { showPlan } from './plan.ts';
import { type Addition, planOptions, planRepo } from './planning.ts';
import { loadRepo, type Repo } from './repo.ts';
import { type Session, withSession } from './session.ts';
import { managedRecords } from './state.ts';
import { requireWorkspace } from './workspace.ts';

export const importCommand: Command = {
  path: ['import'],
  summary: 'Adopt an object that exists already',
  operands: 'ADDRESS [ID]',
  arity: { min: 1, max: 2 },
  description:
    'Takes an object that was made by hand under management. Its document declares what it shall be; where there is none, one that says what the object is now is written to imported/, for you to edit and to move where you like. ' +
    'Shows what adopting the object changes, asks, and applies that alone. ' +
    'ID is the name that the object has in the store, where the kind asks for one. In a repo that several people use, an import in a Refactor document says the same with a review.',
  examples: [
    { command: 'secretctl import SecretEngine/legacy-kv', explanation: 'Adopt the mount at legacy-kv/.' },
    { command: 'secretctl import Policy/ci', explanation: 'Adopt a policy that somebody wrote by hand.' },
  ],
  options: {
    ...pickOptions(planOptions, 'environment', 'var', 'var-file'),
    'auto-approve': { type: 'flag', description: 'Do not ask.' },
    ...targetOptions,
  },
  run(context, [operand = '', id], options) {
    requireWorkspace(context);
    return withSession(context, options, ['import'], (session) => adopt(context, session, options, operand, id));
  },
};

async function adopt(
  context: CliContext,
  session: Session,
  options: Options,
  operand: string,
  id: string | undefined,
): Promise<number> {
  const record = (await managedRecords(session)).find(({ address }) => addressText(address) === operand);
  if (record !== undefined)
    throw new Fault('usage', `${operand} is managed already, by the project ${record.project}`, {
      hint: `What was applied to it: secretctl state show ${operand}`,
    });
  return underApplyLock(context, session, 'import', async (lock) => {
    const written = await declare(context, session, options, operand);
    if (written !== null && !context.json) context.terminal.err(`No document declares ${operand}: wrote ${written}.\n\n`);
    const planned = await planRepo(context, session, options, (repo) => adoption(repo, operand, id));
    if (planned === null) return 1;
    const { plan, repo } = planned;
    if (!context.json || plan.problems.length > 0) showPlan(context, plan);
    if (plan.problems.length > 0) return 1;
    if (!isApplicable(plan)) return 0;
    if (!options.flag('auto-approve')) await lock.apart(() => confirm(context, 'Do you want to perform these actions?'));
    if (context.interrupted.aborted) throw new Fault('cancelled', 'Interrupted. Nothing was changed.');
    const body = await toApplyBody(
      plan,
      localValues(context, async () => repo.root, []),
    );
    const outcome = await applyChecked(context, lock, plan, body, repo);
    if (outcome === null) return 1;
    if (context.json) printJson(context, { ...outcome, document: written });
    else context.terminal.out(`\nImport complete! ${operand} is managed by this project now.\n`);
    return 0;
  });
}

/** Sees to it that a document declares the object. Returns the file that it had to write, or null. */
async function declare(context: CliContext, session: Session, options: Options, operand: string): Promise<string | null> {
  const repo = await loadRepo(context, options, null);
  return repo.desired.origins.has(operand) ? null : writeDocument(context, session, repo, operand);
}

function adoption(repo: Repo, operand: string, id: string | undefined): Addition {
  const { resources } = repo.desired;
  const resource = resources.find(({ name }) => addressText(name) === operand);
  if (resource === undefined) {
    const near = nearest(
      operand,
      resources.map(({ name }) => addressText(name)),
    );
    throw new Fault('usage', `no document declares ${operand}`, {
      hint: near === null ? 'Write its document first: it says what the object shall be.' : `Did you mean ${near}?`,
    });
  }
  return {
    imports: [{ to: resource.name, id: id ?? resource.name.name, locate: () => resource.locate('/metadata/name') }],
    targets: [operand],
  };
}
