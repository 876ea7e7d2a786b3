import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fromUtf8 } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import type { CliContext } from './context.ts';

const inputLimit = 32 * 1024 * 1024;

/**
 * The body that operands say: `key=value`, `key=@file`, `key=-` (standard input), `@file.json` or `-` (a JSON object).
 * A key that is given twice becomes a list. `@` and `-` keep a secret out of the process list. Throws Fault `usage`.
 */
export async function readBody(context: CliContext, operands: readonly string[]): Promise<JsonObject> {
  const body: Record<string, Json> = {};
  const add = (key: string, value: Json): void => {
    const present = body[key];
    body[key] =
      present === undefined ? value : Array.isArray(present) ? [...(present as readonly Json[]), value] : [present, value];
  };
  let stdinTaken = false;
  const stdin = async (): Promise<string> => {
    if (stdinTaken) throw new Fault('usage', 'standard input can be read once only');
    stdinTaken = true;
    return decode(await context.terminal.input(inputLimit), 'standard input');
  };
  for (const operand of operands) {
    if (operand === '-') Object.assign(body, jsonObject(await stdin(), 'standard input'));
    else if (operand.startsWith('@')) Object.assign(body, jsonObject(readText(context, operand.slice(1)), operand.slice(1)));
    else {
      const split = operand.indexOf('=');
      if (split < 1)
        throw new Fault('usage', `${JSON.stringify(operand)} is not KEY=VALUE`, {
          hint: 'Write KEY=VALUE, KEY=@FILE, KEY=- for standard input, or @FILE.json for a whole object.',
        });
      const key = operand.slice(0, split);
      const value = operand.slice(split + 1);
      if (value === '-') add(key, await stdin());
      else if (value.startsWith('@')) add(key, readText(context, value.slice(1)));
      else add(key, value.startsWith('\\@') ? value.slice(1) : value);
    }
  }
  return body;
}

function readText(context: CliContext, path: string): string {
  try {
    return decode(readFileSync(resolve(context.cwd, path)), path);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('file', `${path} can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}`);
  }
}

function decode(bytes: Uint8Array, from: string): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new Fault('usage', `${from} is not UTF-8 text`, { hint: 'Encode it first, for example as base64.' });
  }
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
