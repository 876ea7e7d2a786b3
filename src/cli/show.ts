import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Fault } from '../base/error.ts';
import { type Command, targetOptions } from './command.ts';
import { readPlanFile, showPlan } from './plan.ts';
import { withSession } from './session.ts';
import { recordAt, showRecord } from './state.ts';

export const show: Command = {
  path: ['show'],
  summary: 'Show a saved plan, or a managed object',
  operands: 'PLANFILE|ADDRESS',
  arity: { min: 1, max: 1 },
  description: 'Shows a plan that plan -out saved (no store is needed), or the record of a managed object.',
  examples: [
    { command: 'secretctl show plan.bin', explanation: 'What was planned.' },
    { command: 'secretctl show -json plan.bin', explanation: 'In the shape of terraform show -json, for policy checks.' },
    { command: 'secretctl show SecretEngine/kv', explanation: 'What was applied last.' },
  ],
  options: targetOptions,
  async run(context, [operand = ''], options) {
    if (existsSync(resolve(context.cwd, operand))) {
      showPlan(context, readPlanFile(context, operand));
      return 0;
    }
    if (!operand.includes('/'))
      throw new Fault('usage', `${operand} is neither a file nor an address`, {
        hint: 'An address is Kind/name, or Kind/mount/name. See: secretctl state list',
      });
    return withSession(context, options, ['show'], async (session) => {
      await showRecord(context, await recordAt(session, operand));
      return 0;
    });
  },
};
