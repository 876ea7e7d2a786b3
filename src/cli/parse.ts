import { parseArgs } from 'node:util';
import { parseDuration } from '../base/duration.ts';
import { Fault } from '../base/error.ts';
import { nearest } from '../base/nearest.ts';
import { type Command, globalOptions, type Option, Options } from './command.ts';
import { isNameLike } from './shown-word.ts';

const shortNames: ReadonlyMap<string, string> = new Map([
  ['h', 'help'],
  ['f', 'force'],
]);

export interface Invocation {
  readonly operands: readonly string[];
  readonly options: Options;
}

/**
 * Parses what follows the words of a command. Every long option is accepted with one or two dashes and as
 * `-name=value`; the only short ones are `-h` and, where the command has `-force`, `-f`, so `-json` is never `-j -s -o -n`.
 * `--` ends the options. Throws Fault `usage`.
 */
export function parseInvocation(command: Command, argv: readonly string[]): Invocation {
  const known = { ...command.options, ...globalOptions };
  const { args, negative } = normalise(command, argv, known);
  let parsed;
  try {
    parsed = parseArgs({
      args,
      strict: true,
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(known).map(([name, option]) => [
          name,
          { type: option.type === 'flag' ? ('boolean' as const) : ('string' as const), multiple: option.type === 'list' },
        ]),
      ),
    });
  } catch (error) {
    throw usage(command, (error as Error).message.split('. ')[0] ?? 'the options cannot be read');
  }
  const values = new Map<string, string | boolean | number | readonly string[]>();
  for (const [name, value] of Object.entries(parsed.values)) {
    const option = known[name];
    if (option !== undefined && value !== undefined) values.set(name, typed(command, name, option, value));
  }
  for (const name of negative) values.set(name, false);
  const { min, max } = command.arity;
  const operands = parsed.positionals;
  if (values.get('help') !== true) {
    if (operands.length < min) throw usage(command, `${commandName(command)} needs ${command.operands}`);
    // What is too much is not repeated: a value may have been put in the wrong place.
    if (operands.length > max)
      throw usage(command, `${commandName(command)} takes ${max === 0 ? 'no operand' : `${command.operands} and nothing more`}`);
  }
  return { operands, options: new Options(values) };
}

export function commandName(command: { readonly path: readonly string[] }): string {
  return `secretctl ${command.path.join(' ')}`;
}

function usage(command: Command, message: string, hint: string | null = null): Fault {
  return new Fault('usage', message, { hint: hint ?? `See: ${commandName(command)} -help` });
}

/** Two dashes for every known option, `-flag=false` taken out, an unknown option refused with the nearest name. */
function normalise(
  command: Command,
  argv: readonly string[],
  known: Readonly<Record<string, Option>>,
): { args: string[]; negative: string[] } {
  const args: string[] = [];
  const negative: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const arg = argv[index] ?? '';
    if (arg === '--') return { args: [...args, ...argv.slice(index)], negative };
    const match = /^--?([A-Za-z][A-Za-z0-9-]*)(=([^]*))?$/.exec(arg);
    if (match === null) {
      args.push(arg);
      continue;
    }
    const [, word = '', assigned, value] = match;
    const name = shortNames.get(word) ?? word;
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (option === undefined) {
      const near = nearest(name, Object.keys(known));
      throw usage(
        command,
        isNameLike(word) ? `unknown option -${word}` : 'there is an unknown option',
        near === null ? null : `Did you mean -${near}?`,
      );
    }
    if (option.type === 'flag' && assigned !== undefined) {
      if (value === 'true') args.push(`--${name}`);
      else if (value === 'false') negative.push(name);
      else throw usage(command, `-${name} is a flag: it takes no value but true or false`);
    } else if (option.type === 'flag' || assigned !== undefined) {
      args.push(`--${name}${assigned ?? ''}`);
    } else {
      // Joined, so that a value which starts with a dash stays a value; but no value is the next option by mistake.
      const next = argv[index + 1];
      if (next === undefined || isOption(next, known))
        throw usage(command, `-${name} needs a value: -${name}=${option.value ?? 'VALUE'}`);
      args.push(`--${name}=${next}`);
      index += 1;
    }
  }
  return { args, negative };
}

function isOption(word: string, known: Readonly<Record<string, Option>>): boolean {
  const name = /^--?([A-Za-z][A-Za-z0-9-]*)(=|$)/.exec(word)?.[1];
  return name !== undefined && Object.hasOwn(known, name);
}

function typed(command: Command, name: string, option: Option, value: unknown): string | boolean | number | readonly string[] {
  const text = String(value);
  if (option.type === 'number') {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : null;
    if (number === null) throw usage(command, `-${name} must be a whole number`);
    return number;
  }
  if (option.type === 'duration') {
    const seconds = parseDuration(text);
    if (seconds === null || seconds < 0) throw usage(command, `-${name} must be a duration such as 30s or 5m`);
    return seconds;
  }
  return value as string | boolean | readonly string[];
}
