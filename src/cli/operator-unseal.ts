import { isJsonObject, type JsonObject } from '../base/json.ts';
import { Fault } from '../base/error.ts';
import type { Reply } from '../protocol/reply.ts';
import { asText } from './files.ts';
import { type Command, targetOptions } from './command.ts';
import { reachServer, type Connection } from './connection.ts';
import type { CliContext } from './context.ts';
import type { Options } from './command.ts';
import { printJson } from './output.ts';
import { sessionOf } from './session.ts';
import { success } from './session-command.ts';
import { sealText } from './status.ts';

/** Does something on a server; a store that no server owns is not kept open, so there is nothing to do it on. Throws Fault `usage`. */
export async function withServer<T>(
  context: CliContext,
  options: Options,
  words: readonly string[],
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await reachServer(context, options);
  if (connection === null)
    throw new Fault('usage', `${words.join(' ')} is for a server, and none owns this store`, {
      hint: 'Start one with secretctl server, or name one with -address.',
    });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** Sends a request without a token, or with the caller's, and returns what it answers, with or without an envelope. */
export async function bare(reply: Promise<Reply>): Promise<JsonObject> {
  const { json, data } = await reply;
  return isJsonObject(json) ? json : (data ?? {});
}

/** A share or key that stands in no command line: asked for unseen, or read from standard input. */
export async function readKey({ terminal }: CliContext, operand: string | undefined, question: string): Promise<string> {
  const given =
    operand !== undefined && operand !== '-'
      ? operand
      : terminal.interactive
        ? await terminal.ask(question, { hidden: true })
        : asText(await terminal.input(4096), 'standard input');
  if (given.trim() === '') throw new Fault('usage', 'the share is empty');
  return given.trim();
}

export const unseal: Command = {
  path: ['operator', 'unseal'],
  summary: 'Give a server a share of its seal',
  operands: '[SHARE|-]',
  arity: { min: 0, max: 1 },
  description:
    'Gives a sealed server one share; with enough of them it opens its store. Needs no token. Other users of the machine can see command lines: without an operand the share is asked for, or read from standard input.',
  examples: [
    { command: 'secretctl operator unseal', explanation: 'Asks for a share.' },
    { command: 'secretctl operator unseal -reset', explanation: 'Forget the shares given so far.' },
  ],
  options: {
    reset: { type: 'flag', description: 'Forget the shares given so far.' },
    migrate: { type: 'flag', description: 'The share is of the seal that is migrated from.' },
    ...targetOptions,
  },
  async run(context, [operand], options) {
    const body: JsonObject = options.flag('reset')
      ? { reset: true }
      : { key: await readKey(context, operand, 'Share: '), ...(options.flag('migrate') ? { migrate: true } : {}) };
    return withServer(context, options, ['operator', 'unseal'], async (connection) => {
      const seal = await bare(sessionOf(context, connection).request('write', 'sys/unseal', body, { token: null }));
      if (context.json) printJson(context, seal);
      else context.terminal.out(sealText(seal));
      return 0;
    });
  },
};

export const seal: Command = {
  path: ['operator', 'seal'],
  summary: 'Have a server drop its keys',
  operands: '',
  arity: { min: 0, max: 0 },
  description: 'Seals a server: it serves nothing until it is unsealed again. Needs sudo on sys/seal.',
  examples: [{ command: 'secretctl operator seal', explanation: 'In an emergency.' }],
  options: targetOptions,
  run: (context, _operands, options) =>
    withServer(context, options, ['operator', 'seal'], async (connection) => {
      await sessionOf(context, connection).request('write', 'sys/seal');
      return success(context, 'The server is sealed.');
    }),
};
