import { callerToken } from './caller-token.ts';
import { type Command, pickOptions, targetOptions } from './command.ts';
import { printJson } from './output.ts';
import { targetOf } from './target.ts';
import { storeDirectory } from './workspace.ts';

export const printToken: Command = {
  path: ['print', 'token'],
  summary: 'Print the token that commands work with',
  operands: '',
  arity: { min: 0, max: 0 },
  description:
    'Prints the token that the other commands would send: that of the environment, or that of the last login. Asks no server.',
  examples: [{ command: 'curl -H "X-Vault-Token: $(secretctl print token)" …', explanation: 'For another program.' }],
  options: pickOptions(targetOptions, 'store', 'address'),
  async run(context, _operands, options) {
    const storeId =
      targetOf(context, options).kind === 'server'
        ? null
        : (await (await context.stores()).locate(storeDirectory(context, options))).storeId;
    const { token } = await callerToken(context, storeId);
    if (context.json) printJson(context, { token });
    else context.terminal.out(`${token}\n`);
    return 0;
  },
};
