import { Fault } from '../base/error.ts';
import { nearest } from '../base/nearest.ts';
import { RequestError } from '../protocol/request-error.ts';
import { allCommands, type Listed } from './commands.ts';
import type { CliContext } from './context.ts';
import { commandHelp, familyHelp, mainHelp } from './help.ts';
import { parseInvocation } from './parse.ts';

/** Runs one command line (without the program's own name) and returns the exit code; throws nothing. */
export async function run(argv: readonly string[], world: Omit<CliContext, 'json'>): Promise<number> {
  const context: CliContext = { ...world, json: argv.some((arg) => /^--?json(=true)?$/.test(arg)) };
  try {
    return await dispatch(argv, context);
  } catch (error) {
    return fail(error, context);
  }
}

async function dispatch(argv: readonly string[], context: CliContext): Promise<number> {
  const [first] = argv;
  if (first === undefined || /^--?(help|h)$/.test(first) || first === 'help') {
    return showHelp(argv.slice(1), context, first !== undefined);
  }
  const listed = findCommand(argv);
  if (listed === null) return unknownCommand(argv, context);
  const command = await listed.load();
  const { operands, options } = parseInvocation(command, argv.slice(command.path.length));
  if (options.flag('help')) {
    context.terminal.out(commandHelp(command));
    return 0;
  }
  return command.run(context, operands, options);
}

/** The longest command whose words the arguments start with. */
function findCommand(argv: readonly string[]): Listed | null {
  for (let words = 3; words > 0; words -= 1) {
    const name = argv.slice(0, words).join(' ');
    const listed = allCommands().find((candidate) => candidate.name === name);
    if (listed !== undefined) return listed;
  }
  return null;
}

async function showHelp(words: readonly string[], context: CliContext, asked: boolean): Promise<number> {
  const listed = words.length === 0 ? null : findCommand(words);
  if (listed !== null) context.terminal.out(commandHelp(await listed.load()));
  else if (words[0] !== undefined && isFamily(words[0])) context.terminal.out(familyHelp(words[0]));
  else if (asked) context.terminal.out(mainHelp());
  else context.terminal.err(mainHelp());
  return asked ? 0 : 1;
}

function isFamily(word: string): boolean {
  return allCommands().some(({ name }) => name.startsWith(`${word} `));
}

function unknownCommand(argv: readonly string[], context: CliContext): number {
  const [word = ''] = argv;
  if (isFamily(word)) {
    const rest = argv.slice(1).filter((arg) => !/^--?help$/.test(arg));
    const asked = argv.length > 1 && rest.length === 0;
    if (asked || rest.length === 0) {
      (asked ? context.terminal.out : context.terminal.err)(familyHelp(word));
      return asked ? 0 : 1;
    }
  }
  const names = allCommands().map(({ name }) => name);
  const given = isFamily(word) ? argv.slice(0, 2).join(' ') : word;
  const near = nearest(given, names) ?? nearest(word, names);
  throw new Fault('usage', `unknown command "${given}"`, {
    hint: near === null ? 'See: secretctl -help' : `Did you mean "secretctl ${near}"?`,
  });
}

/** Says what went wrong, for a person or (`-json`) for a program. Exit code 1; 130 after Ctrl-C. */
function fail(error: unknown, context: CliContext): number {
  const { terminal, json } = context;
  if (error instanceof Fault && error.code === 'cancelled') {
    terminal.err(`${error.message}\n`);
    return 130;
  }
  const shown = describe(error);
  if (json) terminal.err(`${JSON.stringify({ error: shown })}\n`);
  else {
    const label = terminal.colour ? '\u001b[1;31mError:\u001b[0m' : 'Error:';
    terminal.err(`${label} ${shown.message}\n${shown.hint === null ? '' : `${shown.hint}\n`}`);
  }
  return 1;
}

function describe(error: unknown): { code: string; message: string; hint: string | null } {
  if (error instanceof Fault) return { code: error.code, message: error.message, hint: error.hint };
  if (error instanceof RequestError) return describeRefusal(error);
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'internal',
    message: `internal error: ${message}`,
    hint: 'This is a defect of secretctl. Nothing was half done: a change is committed whole or not at all.',
  };
}

function describeRefusal(error: RequestError): { code: string; message: string; hint: string | null } {
  const code = `status-${error.status}`;
  if (error.status === 403) {
    return {
      code,
      message: error.message,
      hint: 'The token is unknown, expired, or its policies do not allow this. See: secretctl token lookup, secretctl token capabilities PATH',
    };
  }
  if (error.status === 404 && error.errors.length === 0) return { code, message: 'nothing there', hint: null };
  const cause = error.cause instanceof Fault ? error.cause : null;
  return {
    code,
    message: error.message,
    hint: cause !== null && !error.message.includes(cause.hint ?? '\u0000') ? cause.hint : null,
  };
}
