import { version as packageVersion } from '../base/version.ts';
import type { Command } from './command.ts';
import { printJson } from './output.ts';

export const version: Command = {
  path: ['version'],
  summary: 'Print the version',
  operands: '',
  arity: { min: 0, max: 0 },
  examples: [{ command: 'secretctl version -json', explanation: 'With that of Node and the platform.' }],
  options: {},
  run(context) {
    if (context.json)
      printJson(context, {
        version: packageVersion(),
        node: process.versions.node,
        platform: process.platform,
        arch: process.arch,
      });
    else context.terminal.out(`secretctl ${packageVersion()}\n`);
    return Promise.resolve(0);
  },
};
