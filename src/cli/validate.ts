import { summary } from '../desired/render.ts';
import type { Command } from './command.ts';
import { printJson } from './output.ts';
import { errorsOf, loadRepo, repoOptions, reportDiagnostics } from './repo.ts';

export const validate: Command = {
  path: ['validate'],
  summary: 'Check the documents without a store',
  operands: '',
  arity: { min: 0, max: 0 },
  description: 'Checks every document of the repo and reports all findings at once. Needs no store and no token.',
  examples: [{ command: 'secretctl validate -environment=production', explanation: 'As they are in one environment.' }],
  options: repoOptions,
  async run(context, _operands, options) {
    const { desired } = await loadRepo(context, options, null);
    const errors = errorsOf(desired).length;
    if (context.json) {
      printJson(context, { valid: errors === 0, documents: desired.resources.length, diagnostics: desired.diagnostics });
      return errors === 0 ? 0 : 1;
    }
    if (reportDiagnostics(context, desired)) return 1;
    context.terminal.out(
      `Success! The configuration is valid: ${desired.resources.length} ${desired.resources.length === 1 ? 'object' : 'objects'}.${desired.diagnostics.length === 0 ? '' : ` ${summary(desired.diagnostics)}`}\n`,
    );
    return 0;
  },
};
