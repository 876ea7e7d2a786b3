import { parseDuration } from '../base/duration.ts';
import { Fault } from '../base/error.ts';
import type { Reply } from '../protocol/reply.ts';
import { type Command, type Option, type Options, targetOptions } from './command.ts';
import type { CliContext } from './context.ts';
import { inOrder, printField, printJson, printWarnings, wireReply, wrapTable } from './output.ts';
import { type Session, withSession } from './session.ts';
import { wrapTtl } from './target.ts';

/** What a command that works on a store or a server was asked. */
export interface Asked {
  readonly context: CliContext;
  readonly session: Session;
  readonly operands: readonly string[];
  readonly options: Options;
}

/** A command that works on a store or a server. */
export function sessionCommand(command: Omit<Command, 'run'>, work: (asked: Asked) => Promise<number>): Command {
  return {
    ...command,
    options: { ...command.options, ...targetOptions },
    run: (context, operands, options) =>
      withSession(context, options, command.path, (session) => work({ context, session, operands, options })),
  };
}

/** Options of a command whose reply is shown as a whole. */
export const replyOptions: Readonly<Record<string, Option>> = {
  field: { type: 'text', value: 'NAME', description: 'Print only this field of the reply, raw.' },
  'wrap-ttl': {
    type: 'duration',
    value: 'DURATION',
    description: 'Get a token in place of the reply, with which it can be fetched once (secretctl unwrap; $VAULT_WRAP_TTL).',
  },
};

/** For how long the reply shall be wrapped, as the command line or the environment says. */
export function wrapping({ context, options }: Pick<Asked, 'context' | 'options'>): { readonly wrapTtl: number | null } {
  return { wrapTtl: wrapTtl(context, options, parseDuration) };
}

/** Says that something was done. Returns the exit code. */
export function success({ terminal, json }: CliContext, text: string): 0 {
  terminal.out(json ? '{}\n' : `Success! ${text}\n`);
  return 0;
}

/** Prints the place of a wrapped reply; null: it is not wrapped. Returns the exit code. */
export function printWrapped(context: CliContext, reply: Reply, field: string | undefined): number | null {
  if (reply.wrapInfo === undefined) return null;
  printWarnings(context, reply);
  if (field !== undefined) return printField(context, wrapTable(reply.wrapInfo), field);
  if (context.json) printJson(context, wireReply(reply));
  else context.terminal.out(inOrder(wrapTable(reply.wrapInfo)));
  return 0;
}

/** KEY=VALUE texts of an option as an object. Throws Fault `usage`. */
export function pairs(options: Options, name: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    options.list(name).map((item) => {
      const split = item.indexOf('=');
      if (split < 1) throw new Fault('usage', `-${name} is KEY=VALUE`);
      return [item.slice(0, split), item.slice(split + 1)] as const;
    }),
  );
}

/** The operand as a path of the API: without slashes at its start, and without `v1/`. */
export function apiPath(operand: string): string {
  return operand.replace(/^\/+/, '').replace(/^v1\//, '');
}
