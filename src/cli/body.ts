import { Fault } from '../base/error.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import type { CliContext } from './context.ts';
import { asText, readNamedText } from './files.ts';

const inputLimit = 32 * 1024 * 1024;

/**
 * The body that operands say: `key=value`, `key=@file`, `key=-` (standard input; a person is asked instead, unseen),
 * `@file.json` or `-` (a JSON object). A key that is given twice becomes a list. `@` and `-` keep a secret out of the
 * process list. Throws Fault `usage` or `file`.
 */
export async function readBody(context: CliContext, operands: readonly string[]): Promise<JsonObject> {
  const { terminal } = context;
  const body = new Map<string, Json>();
  const add = (key: string, value: Json): void => {
    const present = body.get(key);
    if (present === undefined) body.set(key, value);
    else body.set(key, Array.isArray(present) ? [...(present as readonly Json[]), value] : [present, value]);
  };
  const merge = (object: JsonObject): void => Object.entries(object).forEach(([key, value]) => body.set(key, value));
  let stdinTaken = false;
  const stdin = async (): Promise<string> => {
    if (stdinTaken) throw new Fault('usage', 'standard input can be read once only');
    stdinTaken = true;
    return asText(await terminal.input(inputLimit), 'standard input');
  };
  const typed = async (key: string): Promise<string> => {
    if (terminal.interactive) return terminal.ask(`Value of ${key}: `, { hidden: true });
    const value = await stdin();
    noteLineBreak(context, key, value);
    return value;
  };
  for (const [index, operand] of operands.entries()) {
    if (operand === '-') merge(jsonObject(await stdin(), 'standard input'));
    else if (operand.startsWith('@'))
      merge(jsonObject(readNamedText(context, operand.slice(1), 'the file behind @'), operand.slice(1)));
    else {
      const split = operand.indexOf('=');
      if (split < 1)
        throw new Fault('usage', `${ordinal(index + 1)} value is not KEY=VALUE`, {
          hint: 'Write KEY=VALUE, KEY=@FILE, KEY=- for standard input, or @FILE.json for a whole object.',
        });
      const key = operand.slice(0, split);
      const value = operand.slice(split + 1);
      if (value === '-') add(key, await typed(key));
      else if (value.startsWith('@')) add(key, fileValue(context, key, value.slice(1)));
      else add(key, value.startsWith('\\@') ? value.slice(1) : value);
    }
  }
  return Object.fromEntries(body);
}

/** `echo` adds a line break that nobody sees and every login fails with. */
export function noteLineBreak(context: CliContext, what: string, value: string): void {
  if (value.endsWith('\n') && value.length > 1)
    context.terminal.err(
      `Note: the value of ${what} ends in a line break, which is part of it. To leave it out: printf %s VALUE | secretctl …\n`,
    );
}

/** Throws Fault `file` without the name where there is no such file: it may be a secret that starts with `@`. */
function fileValue(context: CliContext, key: string, path: string): string {
  try {
    return readNamedText(context, path, `the file of ${key}`);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault('file', error.message, { hint: `A value that starts with @ is written: ${key}=\\@…`, cause: error });
  }
}

/** `the 1st`, `the 2nd`: an operand that is wrong is not repeated, since it may be a secret. */
function ordinal(number: number): string {
  const suffix = ['th', 'st', 'nd', 'rd'][number % 100 > 10 && number % 100 < 14 ? 0 : number % 10] ?? 'th';
  return `the ${number}${suffix}`;
}

function jsonObject(text: string, from: string): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Fault('usage', `${from} holds no JSON`);
  }
  if (!isJsonObject(parsed)) throw new Fault('usage', `${from} holds JSON that is no object`);
  return parsed;
}
