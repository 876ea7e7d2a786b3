import { Fault } from '../base/error.ts';
import { nearest } from '../base/nearest.ts';
import { toApplyBody } from '../plan/apply-body.ts';
import { isApplicable } from '../plan/plan.ts';
import { addressText } from '../protocol/managed.ts';
import type { JsonObject } from '../base/json.ts';
import { type Command, storeOptions } from './command.ts';
import { localValues } from './local-values.ts';
import { printJson } from './output.ts';
import { showPlan } from './plan.ts';
import { type Addition, planOptions, planRepo } from './planning.ts';
import type { Repo } from './repo.ts';
import { withSession } from './session.ts';

export const importCommand: Command = {
  path: ['import'],
  summary: 'Adopt an object that exists already',
  operands: 'ADDRESS [ID]',
  arity: { min: 1, max: 2 },
  description:
    'Takes an object that was made by hand under management: the document must be there already, and declares what the object shall be. Shows what adopting it changes, asks, and applies that alone. ' +
    'ID is the name that the object has in the store, where the kind asks for one. In a repo that several people use, an import in a Refactor document says the same with a review.',
  examples: [{ command: 'secretctl import SecretEngine/legacy-kv', explanation: 'Adopt the mount at legacy-kv/.' }],
  options: { ...planOptions, 'auto-approve': { type: 'flag', description: 'Do not ask.' }, ...storeOptions },
  run: (context, [operand = '', id], options) =>
    withSession(context, options, ['import'], async (session) => {
      const planned = await planRepo(context, session, options, (repo) => adoption(repo, operand, id));
      if (planned === null) return 1;
      const { plan, repo } = planned;
      if (!context.json || plan.problems.length > 0) showPlan(context, plan);
      if (plan.problems.length > 0) return 1;
      if (!isApplicable(plan)) return 0;
      if (!options.flag('auto-approve')) {
        const answer = await context.terminal.ask('\nDo you want to perform these actions? Only "yes" is accepted to approve: ');
        if (answer.trim() !== 'yes') throw new Fault('cancelled', 'Cancelled. Nothing was changed.');
      }
      const reply = await session.request(
        'write',
        'sys/apply',
        (await toApplyBody(plan, localValues(context, repo.root, []))) as unknown as JsonObject,
      );
      if (context.json) printJson(context, reply.data ?? {});
      else context.terminal.out(`\nImport complete! ${operand} is managed by this project now.\n`);
      return 0;
    }),
};

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
