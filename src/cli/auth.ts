import { tokenTypeOption, mountPath } from './mount-settings.ts';
import { disableCommand, enableCommand, listCommand, type MountFamily, moveCommand, tuneCommand } from './mounts.ts';
import { showHelp } from './path-help.ts';
import { sessionCommand } from './session-command.ts';

const family: MountFamily = {
  word: 'auth',
  noun: 'auth method',
  api: 'sys/auth',
  prefix: 'auth/',
  example: 'approle',
  more: tokenTypeOption,
};

export const list = listCommand(family);
export const enable = enableCommand(family);
export const disable = disableCommand(family, 'its roles and users are destroyed, and the tokens that it gave are revoked.');
export const tune = tuneCommand(family);
export const move = moveCommand(family);

export const help = sessionCommand(
  {
    path: ['auth', 'help'],
    summary: 'Show how to log in with an auth method',
    operands: 'PATH',
    arity: { min: 1, max: 1 },
    description: 'Shows the help of an auth method as the server or store gives it.',
    examples: [{ command: 'secretctl auth help userpass', explanation: 'What it is and what it takes.' }],
    options: {},
  },
  (asked) => showHelp(asked, `auth/${mountPath(asked.operands[0]).replace(/^auth\//, '')}`),
);
