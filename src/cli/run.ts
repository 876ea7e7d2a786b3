import { Fault } from '../base/error.ts';
import { ioReason } from '../base/io-reason.ts';
import { nearest } from '../base/nearest.ts';
import { variable } from '../client/variable.ts';
import { RequestError } from '../protocol/request-error.ts';
import { allCommands, type Listed } from './commands.ts';
import type { CliContext } from './context.ts';
import { commandHelp, familyHelp, mainHelp } from './help.ts';
import { printError, type ShownError } from './output.ts';
import { parseInvocation } from './parse.ts';
import { isNameLike } from './shown-word.ts';

/** Runs one command line (without the program's own name) and returns the exit code; throws nothing. */
export async function run(argv: readonly string[], world: Omit<CliContext, 'json' | 'encode'>): Promise<number> {
  const format = wantedFormat(argv, world.env);
  const context: CliContext = { ...world, json: format === 'json' || format === 'yaml', encode: await encoder(format) };
  try {
    if (!(formats as readonly string[]).includes(format))
      throw new Fault('usage', `the format ${isNameLike(format) ? `"${format}" ` : ''}is none of ${formats.join(', ')}`);
    return await dispatch(argv, context);
  } catch (error) {
    return fail(error, context);
  }
}

const formats = ['table', 'json', 'yaml'] as const;

/** Known before anything else is: an error in the command line itself is JSON too. */
function wantedFormat(argv: readonly string[], env: CliContext['env']): string {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  let format = variable(env, 'FORMAT')?.value.toLowerCase() ?? 'table';
  for (const [index, word] of words.entries()) {
    if (/^--?json(=true)?$/.test(word)) format = 'json';
    const named = /^--?format(?:=(.*))?$/s.exec(word);
    if (named !== null) format = named[1] ?? words[index + 1] ?? '';
  }
  return format;
}

async function encoder(format: string): Promise<CliContext['encode']> {
  if (format !== 'yaml') return (value) => `${JSON.stringify(value, null, 2)}\n`;
  const { stringify } = await import('yaml');
  return (value) => stringify(value, { lineWidth: 0 });
}

async function dispatch(argv: readonly string[], context: CliContext): Promise<number> {
  const [first] = argv;
  if (first === undefined || isHelpWord(first)) return showHelp(argv.slice(1), context, first !== undefined);
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

function isHelpWord(word: string): boolean {
  return word === 'help' || /^--?(help|h)$/.test(word);
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

/** The longest family (`kv`, `kv metadata`) whose words the arguments start with, or null. */
function findFamily(argv: readonly string[]): string | null {
  for (let words = 2; words > 0; words -= 1) {
    const name = argv.slice(0, words).join(' ');
    if (argv.length >= words && allCommands().some((command) => command.name.startsWith(`${name} `))) return name;
  }
  return null;
}

/** `secretctl help WORDS…`. Where nothing was asked for (`secretctl`), the help is an error's. */
async function showHelp(words: readonly string[], context: CliContext, asked: boolean): Promise<number> {
  const { terminal } = context;
  const listed = findCommand(words);
  const family = findFamily(words);
  if (words.length === 0) (asked ? terminal.out : terminal.err)(mainHelp());
  else if (listed !== null) terminal.out(commandHelp(await listed.load()));
  else if (family?.split(' ').length === words.length) terminal.out(familyHelp(family));
  else return unknownCommand(words, context);
  return asked ? 0 : 1;
}

function unknownCommand(argv: readonly string[], { terminal }: CliContext): number {
  const family = findFamily(argv);
  const rest = argv.slice(family === null ? 0 : family.split(' ').length);
  if (family !== null && rest.every((word) => word.startsWith('-'))) {
    const asked = rest.some(isHelpWord);
    (asked ? terminal.out : terminal.err)(familyHelp(family));
    return asked ? 0 : 1;
  }
  const [word = ''] = argv;
  if (word.startsWith('-')) {
    const option = word.replace(/=.*$/s, '');
    // Without what else was typed: a value may be a secret.
    const command = argv.map((_, index) => findCommand(argv.slice(index))).find((found) => found !== null);
    throw new Fault('usage', `options stand after the command: ${option}`, {
      hint: `Write: secretctl ${command?.name ?? 'COMMAND'} ${option} …`,
    });
  }
  const given = [...(family === null ? [] : [family]), rest[0] ?? ''].join(' ');
  const names = allCommands().map(({ name }) => name);
  const first = family === null ? names.map((name) => name.split(' ')[0] ?? '') : [];
  const near = nearest(given, names) ?? nearest(word, first);
  const shown = [...(family === null ? [] : [family]), ...(isNameLike(rest[0] ?? '') ? [rest[0] ?? ''] : [])].join(' ');
  throw new Fault('usage', shown === '' ? 'unknown command' : `unknown command "${shown}"`, {
    hint: near === null ? `See: secretctl ${family === null ? '' : `${family} `}-help` : `Did you mean "secretctl ${near}"?`,
  });
}

/** Says what went wrong, for a person or (`-json`) for a program. Exit code 1; 130 after Ctrl-C. */
function fail(error: unknown, context: CliContext): number {
  const ended = error instanceof Fault && (error.code === 'cancelled' || error.code === 'declined');
  if (ended && !context.json) context.terminal.err(`${error.message}\n`);
  else printError(context, describe(error));
  return error instanceof Fault && error.code === 'cancelled' ? 130 : 1;
}

function describe(error: unknown): ShownError {
  if (error instanceof Fault) return { code: error.code, message: error.message, hint: error.hint };
  if (error instanceof RequestError) return describeRefusal(error);
  if (isSystemError(error)) {
    const about = error.path === undefined ? 'the system refused what was asked of it' : `${error.path} can't be used`;
    return { code: 'file', message: `${about}: ${ioReason(error)}`, hint: null };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'internal',
    message: `internal error: ${message}`,
    hint: 'This is a defect of secretctl. Nothing was half done: a change is committed whole or not at all.',
  };
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

function describeRefusal(error: RequestError): ShownError {
  const code = `status-${error.status}`;
  const cause = error.cause instanceof Fault ? error.cause : null;
  if (error.status === 404 && error.errors.length === 0) return { code, message: 'there is nothing at this path', hint: null };
  const hint = cause?.hint ?? null;
  return { code, message: error.message, hint: hint !== null && error.message.includes(hint) ? null : hint };
}
