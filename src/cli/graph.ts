import { addressText } from '../protocol/managed.ts';
import type { Command } from './command.ts';
import { printJson } from './output.ts';
import { loadRepo, repoOptions, reportDiagnostics } from './repo.ts';

export const graph: Command = {
  path: ['graph'],
  summary: 'Print what depends on what, for Graphviz',
  operands: '',
  arity: { min: 0, max: 0 },
  description:
    'Prints the references between the declared objects in the DOT language: an arrow points to what an object needs. Needs no store.',
  examples: [{ command: 'secretctl graph | dot -Tsvg > graph.svg', explanation: 'A picture.' }],
  options: repoOptions,
  async run(context, _operands, options) {
    const { desired } = await loadRepo(context, options, null);
    if (reportDiagnostics(context, desired)) return 1;
    const objects = desired.resources.map(({ name, references }) => ({
      address: addressText(name),
      needs: references.map(addressText),
    }));
    if (context.json) {
      printJson(context, objects);
      return 0;
    }
    const lines = objects.flatMap(({ address, needs }) => [
      `  ${JSON.stringify(address)};`,
      ...needs.map((need) => `  ${JSON.stringify(address)} -> ${JSON.stringify(need)};`),
    ]);
    context.terminal.out(
      `digraph secretctl {\n  rankdir = "LR";\n  node [shape = box];\n${lines.join('\n')}${lines.length === 0 ? '' : '\n'}}\n`,
    );
    return 0;
  },
};
