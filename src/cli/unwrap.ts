import { Fault } from '../base/error.ts';
import { asText } from './files.ts';
import { type Command, pickOptions, targetOptions } from './command.ts';
import { authTable, keyValues, printField, printJson, printWarnings, wireReply } from './output.ts';
import { withSession } from './session.ts';
import { replyOptions } from './session-command.ts';

export const unwrap: Command = {
  path: ['unwrap'],
  summary: 'Fetch a wrapped reply, once',
  operands: '[TOKEN|-]',
  arity: { min: 0, max: 1 },
  description:
    'Fetches what waits behind a wrapping token; the token is used up by that. Without an operand the calling token is the wrapping token. ' +
    'Other users of the machine can see command lines: with - the token is asked for, or read from standard input.',
  examples: [{ command: 'secretctl unwrap -field=secret_id -', explanation: 'One field of what was wrapped.' }],
  options: { ...pickOptions(replyOptions, 'field'), ...targetOptions },
  async run(context, [operand], options) {
    const { terminal } = context;
    const given =
      operand !== '-'
        ? operand
        : terminal.interactive
          ? await terminal.ask('Wrapping token: ', { hidden: true })
          : asText(await terminal.input(4096), 'standard input');
    if (given?.trim() === '') throw new Fault('usage', 'the wrapping token is empty');
    return withSession(context, options, ['unwrap'], async (session) => {
      // By the wrapping token itself: whoever has it needs no other.
      const reply = await session.request('write', 'sys/wrapping/unwrap', {}, given === undefined ? {} : { token: given.trim() });
      printWarnings(context, reply);
      const shown = reply.auth ? authTable(reply.auth) : (reply.data ?? {});
      const field = options.text('field');
      if (field !== undefined) return printField(context, shown, field);
      if (context.json) printJson(context, wireReply(reply));
      else terminal.out(keyValues(shown));
      return 0;
    });
  },
};
