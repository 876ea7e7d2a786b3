import { isJsonObject } from '../base/json.ts';
import type { Command } from './command.ts';
import { printJson } from './output.ts';
import { apiPath, type Asked, sessionCommand } from './session-command.ts';

export const pathHelp: Command = sessionCommand(
  {
    path: ['path-help'],
    summary: 'Show what a path of the API does',
    operands: 'PATH',
    arity: { min: 1, max: 1 },
    description: 'Shows the help of a path, as the server or store gives it: what it does and which parameters it takes.',
    examples: [{ command: 'secretctl path-help auth/approle/role/ci', explanation: 'What can be set of a role?' }],
    options: {},
  },
  (asked) => showHelp(asked, apiPath(asked.operands[0] ?? '').replace(/\/+$/, '')),
);

/** Prints the help of a path. */
export async function showHelp({ context, session }: Pick<Asked, 'context' | 'session'>, path: string): Promise<number> {
  const reply = await session.request('read', path, {}, { help: true });
  const shown = isJsonObject(reply.json) ? reply.json : (reply.data ?? {});
  if (context.json) printJson(context, shown);
  else context.terminal.out(`${String(shown.help ?? '').trimEnd()}\n`);
  return 0;
}
