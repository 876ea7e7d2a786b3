import { nearest } from '../base/nearest.ts';
import { type Command, targetOptions } from './command.ts';
import type { CliContext } from './context.ts';
import { asText, readNamedText } from './files.ts';
import { nothing, printJson } from './output.ts';
import { type Session, withSession } from './session.ts';

export const list: Command = {
  path: ['policy', 'list'],
  summary: 'List the policies',
  operands: '',
  arity: { min: 0, max: 0 },
  examples: [{ command: 'secretctl policy list', explanation: 'Their names.' }],
  options: targetOptions,
  run: (context, _operands, options) =>
    withSession(context, options, ['policy', 'list'], async (session) => {
      const names = await session.list('sys/policies/acl');
      if (context.json) printJson(context, names);
      else context.terminal.out(names.map((name) => `${name}\n`).join(''));
      return 0;
    }),
};

export const read: Command = {
  path: ['policy', 'read'],
  summary: 'Print a policy',
  operands: 'NAME',
  arity: { min: 1, max: 1 },
  description: 'Prints a policy as the store has it. Exit code 2: there is none.',
  examples: [{ command: 'secretctl policy read payments-read', explanation: 'Its rules.' }],
  options: targetOptions,
  run: (context, [name = ''], options) =>
    withSession(context, options, ['policy', 'read'], async (session) => {
      const data = await session.read(`sys/policies/acl/${name}`);
      if (data === null) return nothing(context, `There is no policy ${name}.`, await nearPolicy(session, name));
      if (context.json) printJson(context, data);
      else context.terminal.out(`${String(data.policy).trimEnd()}\n`);
      return 0;
    }),
};

/** Whoever may list the policies is told which one was meant. */
async function nearPolicy(session: Session, name: string): Promise<string | null> {
  const names = await session.list('sys/policies/acl').catch(() => []);
  const near = nearest(name, names);
  return near === null ? null : `Did you mean ${near}?`;
}

export const write: Command = {
  path: ['policy', 'write'],
  summary: 'Write a policy by hand',
  operands: 'NAME FILE|-',
  arity: { min: 2, max: 2 },
  description:
    'Writes a policy from a file or standard input. A policy that a config repo manages is changed there: a change by hand is drift, and the next apply undoes it.',
  examples: [
    { command: 'secretctl policy write ci ci.hcl', explanation: 'From a file.' },
    { command: 'secretctl policy read old | secretctl policy write new -', explanation: 'A copy of another one.' },
  ],
  options: targetOptions,
  run: async (context, [name = '', file = ''], options) => {
    // Before the store is opened: `policy read … | policy write … -` waits for the other end of the pipe.
    const policy = await policyText(context, file);
    return withSession(context, options, ['policy', 'write'], async (session) => {
      await session.request('write', `sys/policies/acl/${name}`, { policy });
      context.terminal.out(context.json ? '{}\n' : `Success! Uploaded policy: ${name}\n`);
      return 0;
    });
  },
};

async function policyText(context: CliContext, file: string): Promise<string> {
  return file === '-' ? asText(await context.terminal.input(1024 * 1024), 'standard input') : readNamedText(context, file);
}

export const remove: Command = {
  path: ['policy', 'delete'],
  summary: 'Delete a policy by hand',
  operands: 'NAME',
  arity: { min: 1, max: 1 },
  description: 'Deletes a policy. What it granted ends with the next request of every token that has it.',
  examples: [{ command: 'secretctl policy delete old', explanation: 'A policy that nothing manages.' }],
  options: targetOptions,
  run: (context, [name = ''], options) =>
    withSession(context, options, ['policy', 'delete'], async (session) => {
      await session.request('delete', `sys/policies/acl/${name}`);
      context.terminal.out(context.json ? '{}\n' : `Success! Deleted policy (if it existed): ${name}\n`);
      return 0;
    }),
};
