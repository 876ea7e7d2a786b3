import { statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Fault } from '../base/error.ts';
import { writeReason } from '../base/io-reason.ts';
import type { Paint } from '../plan/paint.ts';
import type { Plan } from '../plan/plan.ts';
import { isApplicable, visibleChanges } from '../plan/plan.ts';
import { decodePlan, encodePlan, maxPlanFileBytes } from '../plan/plan-file.ts';
import { renderPlanJson } from '../plan/render-json.ts';
import { renderPlanText } from '../plan/render-text.ts';
import { type Command, type Options, pickOptions, targetOptions } from './command.ts';
import type { CliContext } from './context.ts';
import { readNamedFile } from './files.ts';
import { printJson } from './output.ts';
import { planOptions, planRepo } from './planning.ts';
import { withSession } from './session.ts';
import { requireWorkspace } from './workspace.ts';

const exitOption = {
  'detailed-exitcode': { type: 'flag', description: 'Exit with 2 where there is something to do, 0 where there is nothing.' },
} as const;

export const plan: Command = {
  path: ['plan'],
  summary: 'Show what an apply would change',
  operands: '',
  arity: { min: 0, max: 0 },
  description:
    'Compares what the documents declare with what was applied last and with what is live, and shows what an apply would do. It changes nothing.\n' +
    'Exit codes: 0 planned, 1 an error; with -detailed-exitcode 2 where there is something to do.',
  examples: [
    { command: 'secretctl plan', explanation: 'What would change?' },
    { command: 'secretctl plan -out=plan.bin && secretctl apply plan.bin', explanation: 'Apply exactly what was shown.' },
    { command: 'secretctl plan -target=Policy/payments-read', explanation: 'One object and what it needs.' },
  ],
  options: {
    ...planOptions,
    ...exitOption,
    out: { type: 'text', value: 'FILE', description: 'Save the plan; it holds no secret.' },
    ...targetOptions,
  },
  run: (context, _operands, options) => runPlan(context, options, ['plan']),
};

export const drift: Command = {
  path: ['drift'],
  summary: 'Show what was changed outside of secretctl',
  operands: '',
  arity: { min: 0, max: 0 },
  description:
    'Compares what is live with what was applied last; the same as plan -refresh-only.\nExit codes: 0 shown, 1 an error; with -detailed-exitcode 2 where something was changed.',
  examples: [{ command: 'secretctl drift -detailed-exitcode', explanation: 'For a check that runs every night.' }],
  options: { ...pickOptions(planOptions, 'environment', 'var', 'var-file', 'target'), ...exitOption, ...targetOptions },
  run: (context, _operands, options) => runPlan(context, options.with('refresh-only', true), ['drift']),
};

async function runPlan(context: CliContext, options: Options, words: readonly string[]): Promise<number> {
  requireWorkspace(context);
  return withSession(context, options, words, async (session) => {
    const planned = await planRepo(context, session, options);
    if (planned === null) return 1;
    showPlan(context, planned.plan);
    if (planned.plan.problems.length > 0) return 1;
    const out = options.text('out');
    if (out !== undefined) await savePlan(context, planned.plan, out);
    return options.flag('detailed-exitcode') && hasSomething(planned.plan) ? 2 : 0;
  });
}

/** Is there anything that a person should look at? Records that are only brought up to date do not count. */
function hasSomething(made: Plan): boolean {
  return made.mode === 'refresh-only' ? made.drift.length > 0 : visibleChanges(made).length > 0;
}

/** Shows a plan on standard output; for a person one that can't be applied is an error, and goes where errors go. */
export function showPlan(context: CliContext, made: Plan): void {
  const { terminal } = context;
  if (context.json) printJson(context, renderPlanJson(made));
  else if (made.problems.length > 0) terminal.err(renderPlanText(made, terminal.errorColour ? ansi : undefined));
  else terminal.out(renderPlanText(made, terminal.colour ? ansi : undefined));
}

/** The plan of a file that a person named. Throws Fault `file` or `plan-file`. */
export function readPlanFile(context: CliContext, file: string): Plan {
  const path = resolve(context.cwd, file);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxPlanFileBytes)
    throw new Fault('plan-file', `${file} is too large to be a plan`);
  const bytes = readNamedFile(context, file);
  return decodePlan(new TextDecoder().decode(bytes));
}

const codes = {
  create: '32',
  update: '33',
  delete: '31',
  forget: '36',
  bold: '1',
  faint: '2',
  warning: '1;33',
  error: '1;31',
} as const;
export const ansi: Paint = (style, text) => `\u001b[${codes[style]}m${text}\u001b[0m`;

async function savePlan(context: CliContext, made: Plan, out: string): Promise<void> {
  try {
    await writeFile(resolve(context.cwd, out), encodePlan(made), { mode: 0o600 });
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('file', `the plan can't be saved to ${out}: ${writeReason(error)}`, { cause: error });
  }
  if (context.json) return;
  const next = isApplicable(made)
    ? `To apply exactly these actions, run:\n  secretctl apply ${out}`
    : 'There is nothing in it to apply.';
  context.terminal.out(`\nSaved the plan to: ${out}\n\n${next}\n`);
}
