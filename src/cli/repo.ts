import { Fault } from '../base/error.ts';
import type { Diagnostic } from '../desired/diagnostic.ts';
import { type Desired, loadDesired, type LoadOptions } from '../desired/load.ts';
import { renderDiagnostics, summary } from '../desired/render.ts';
import { readSources, type SourceTree } from '../desired/source.ts';
import type { VariableInput } from '../desired/variables.ts';
import { readVariablesFile } from '../desired/variables-file.ts';
import type { Option, Options } from './command.ts';
import type { CliContext } from './context.ts';
import { readNamedText } from './files.ts';
import { requireWorkspace } from './workspace.ts';

/** Options of every command that reads the config repo. */
export const repoOptions: Readonly<Record<string, Option>> = {
  environment: { type: 'text', value: 'NAME', description: 'The Environment document whose variables and patches count.' },
  var: { type: 'list', value: 'NAME=VALUE', description: 'The value of a declared variable; can be given several times.' },
  'var-file': { type: 'list', value: 'FILE', description: 'A YAML file with values of variables; can be given several times.' },
};

// A repo with thousands of findings has one cause; -json shows them all.
const shownDiagnostics = 100;

/** The files of the config repo and what they say. */
export interface Repo {
  readonly root: string;
  readonly tree: SourceTree;
  readonly desired: Desired;
}

/** Reads and checks the config repo of the current directory. Findings are not thrown: they stand in `desired`. */
export async function loadRepo(context: CliContext, options: Options, liveMounts: LoadOptions['liveMounts']): Promise<Repo> {
  const root = requireWorkspace(context);
  const tree = await readSources(root);
  const variables: VariableInput[] = [];
  const extra: Diagnostic[] = [];
  for (const file of options.list('var-file')) {
    const read = readVariablesFile(file, readNamedText(context, file));
    variables.push(...read.variables);
    extra.push(...read.diagnostics);
  }
  for (const assignment of options.list('var')) {
    const split = assignment.indexOf('=');
    if (split < 1) throw new Fault('usage', '-var is NAME=VALUE');
    variables.push({ name: assignment.slice(0, split), value: assignment.slice(split + 1), origin: '-var' });
  }
  const desired = loadDesired(tree.files, {
    kinds: await context.kinds(),
    environment: options.text('environment') ?? null,
    variables,
    liveMounts,
  });
  return { root, tree, desired: { ...desired, diagnostics: [...extra, ...tree.diagnostics, ...desired.diagnostics] } };
}

export function errorsOf(desired: Desired): readonly Diagnostic[] {
  return desired.diagnostics.filter(({ severity }) => severity === 'error');
}

/** Prints all findings. True: one of them is an error, so nothing more may happen. */
export function reportDiagnostics(context: CliContext, desired: Desired): boolean {
  const { diagnostics } = desired;
  if (diagnostics.length > 0) {
    // A program finds `error` wherever something went wrong; warnings alone are none.
    const error = { code: 'diagnostics', message: summary(diagnostics), hint: null };
    if (context.json)
      context.terminal.err(`${JSON.stringify({ ...(errorsOf(desired).length > 0 ? { error } : {}), diagnostics })}\n`);
    else context.terminal.err(renderDiagnostics(diagnostics, { colour: context.terminal.errorColour, limit: shownDiagnostics }));
  }
  return errorsOf(desired).length > 0;
}
