import { join } from 'node:path';
import { formatSource } from '../desired/format.ts';
import { readSources } from '../desired/source.ts';
import type { Command } from './command.ts';
import { replaceFile } from './files.ts';
import { printJson } from './output.ts';
import { requireWorkspace } from './workspace.ts';

export const fmt: Command = {
  path: ['fmt'],
  summary: 'Bring the documents into the canonical form',
  operands: '',
  arity: { min: 0, max: 0 },
  description:
    'Formats every document of the repo; comments stay. Prints the names of the files it changed. Files with errors are left alone (exit code 1).\nWith -check nothing is written; exit code 3 where a file would change.',
  examples: [
    { command: 'secretctl fmt', explanation: 'Every document of the repo.' },
    { command: 'secretctl fmt -check', explanation: 'For CI.' },
  ],
  options: { check: { type: 'flag', description: 'Only say which files would change.' } },
  async run(context, _operands, options) {
    const root = requireWorkspace(context);
    const { files } = await readSources(root);
    const changed: string[] = [];
    const broken: string[] = [];
    for (const file of files) {
      const formatted = formatSource(file);
      if (formatted === null) broken.push(file.path);
      else if (formatted !== file.text) {
        changed.push(file.path);
        if (!options.flag('check')) await replaceFile(join(root, file.path), formatted);
      }
    }
    if (context.json) printJson(context, { changed, broken });
    else context.terminal.out(changed.map((path) => `${path}\n`).join(''));
    for (const path of broken) context.terminal.err(`${path} has errors and was left alone; see: secretctl validate\n`);
    if (broken.length > 0) return 1;
    return options.flag('check') && changed.length > 0 ? 3 : 0;
  },
};
