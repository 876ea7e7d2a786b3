import { isDeepStrictEqual } from 'node:util';
import { resolve } from 'node:path';
import { parsePolicy } from '../policy/hcl.ts';
import type { Command } from './command.ts';
import { Fault } from '../base/error.ts';
import { readNamedText, replaceFile } from './files.ts';
import { printJson } from './output.ts';

export const fmt: Command = {
  path: ['policy', 'fmt'],
  summary: 'Bring a policy file into the canonical form',
  operands: 'FILE',
  arity: { min: 1, max: 1 },
  description:
    'Checks a policy file and indents it anew; words and comments stay. Needs no store.\nWith -check nothing is written; exit code 3 where the file would change.',
  examples: [{ command: 'secretctl policy fmt ci.hcl', explanation: 'In place.' }],
  options: { check: { type: 'flag', description: 'Only say whether the file would change.' } },
  async run(context, [file = ''], options) {
    const text = readNamedText(context, file);
    const formatted = formatPolicy(text, file);
    const changed = formatted !== text;
    if (changed && !options.flag('check')) await replaceFile(resolve(context.cwd, file), formatted);
    if (context.json) printJson(context, { changed: changed ? [file] : [] });
    else if (changed) context.terminal.out(`${file}\n`);
    return changed && options.flag('check') ? 3 : 0;
  },
};

/** The text indented by the depth of its brackets. Throws Fault `file` for one that is no policy. */
function formatPolicy(text: string, file: string): string {
  const rules = rulesOf(text, file);
  const lines: string[] = [];
  let state: LineState = { depth: 0, inComment: false };
  for (const line of text.trimEnd().split('\n')) {
    const trimmed = line.trim();
    const next = scan(state, trimmed);
    // Blank lines part one rule from the next, once.
    if (state.inComment) lines.push(line.trimEnd());
    else if (trimmed !== '') lines.push('  '.repeat(Math.max(0, state.depth - closing(trimmed))) + spaced(trimmed));
    else if (lines.length > 0 && lines.at(-1) !== '') lines.push('');
    state = next;
  }
  const formatted = `${lines.join('\n')}\n`;
  // A form of text that the walk above does not know is left as it is.
  return isDeepStrictEqual(rulesOf(formatted, file), rules) ? formatted : text;
}

function rulesOf(text: string, file: string) {
  try {
    return parsePolicy(text);
  } catch (error) {
    throw new Fault('file', `${file} is no policy: ${(error as Error).message}`);
  }
}

interface LineState {
  readonly depth: number;
  readonly inComment: boolean;
}

/** How many brackets a line closes before it holds anything else. */
function closing(line: string): number {
  return /^[\]})]*/.exec(line)?.[0].length ?? 0;
}

const token = /"(?:[^"\\]|\\.)*"|\/\*|\*\/|\/\/.*|#.*|[[\]{}]/g;

function scan(state: LineState, line: string): LineState {
  let { depth, inComment } = state;
  for (const [found] of line.matchAll(token)) {
    if (inComment) inComment = found !== '*/';
    else if (found === '/*') inComment = true;
    else if (found === '{' || found === '[') depth += 1;
    else if (found === '}' || found === ']') depth -= 1;
  }
  return { depth, inComment };
}

/** One space around the first `=` and before a brace that opens. */
function spaced(line: string): string {
  return line.replace(/^([\w-]+|"[^"]*")\s*=\s*/, '$1 = ').replace(/^([\w-]+)\s+("[^"]*")\s*\{/, '$1 $2 {');
}
