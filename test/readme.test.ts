import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { kinds } from '../src/catalog.ts';
import { allCommands } from '../src/cli/commands.ts';
import { declaredWorkspace } from './cli/workspace.ts';

const root = resolve(import.meta.dirname, '..');
const readme = readFileSync(resolve(root, 'README.md'), 'utf8');

test('the README names every kind of document', () => {
  const named = new Set(
    [...readme.matchAll(/^\| ((?:`[A-Za-z]+`(?:, )?)+) +\|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    ),
  );
  expect([...named].sort()).toEqual([...kinds.map(({ kind }) => kind), 'Project', 'Environment', 'Refactor'].sort());
});

test('the README lists exactly the commands that there are', () => {
  const table =
    readme
      .slice(readme.indexOf('## Commands'))
      .match(/^\|.*\|$/gm)
      ?.join('\n') ?? '';
  const named = [...table.matchAll(/`([^`]+)`/g)].flatMap(([, text = '']) => {
    const words = text.split(' ');
    const last = words.pop() ?? '';
    return last.split('·').map((end) => [...words, end].join(' '));
  });
  expect(named).toEqual(allCommands().map(({ name }) => name));
});

const blocks = [...readme.matchAll(/```console\n([^]*?)```/g)].map(([, block = '']) => block);

/** The commands of a block, each with the lines that it prints. */
function transcript(block: string): { command: string; lines: string[] }[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...lines] = part.split('\n');
      return { command, lines: lines.filter((line) => line !== '') };
    });
}

/** Insists that an example prints what the README shows of it, in this order. */
function expectPrinted(example: string, shown: readonly string[]): void {
  const printed = execFileSync(process.execPath, [example], { cwd: root, encoding: 'utf8' });
  const steps = shown.flatMap(transcript);
  expect(steps.length).toBeGreaterThan(4);
  let at = 0;
  for (const { command, lines } of steps) {
    for (const line of [`$ ${command}`, ...lines]) {
      // An option more is no other command: the quickstart saves the plan that the README shows. Times differ.
      const next = printed.indexOf(line.trim(), at);
      expect([line, next]).not.toEqual([line, -1]);
      at = next;
    }
  }
}

test('what the README shows of the quickstart is what the quickstart prints', { timeout: 240_000 }, () => {
  expectPrinted(
    'examples/quickstart/run.mjs',
    blocks.filter((block) => !/secretctl (validate|server)/.test(block)),
  );
});

test('what the README shows of a server is what its example prints', { timeout: 240_000 }, () => {
  expectPrinted(
    'examples/server/run.mjs',
    blocks.filter((block) => block.includes('secretctl server')),
  );
});

test('the finding that the README shows is what validate prints', async () => {
  const [block = ''] = blocks.filter((text) => text.includes('secretctl validate'));
  const lines = transcript(block).flatMap((step) => step.lines);
  const workspace = await declaredWorkspace();
  workspace.edit('bindings.yaml', 'payments-read', 'payments-raed');
  const { code, err } = await workspace.run('validate');
  expect([code, lines.length, err.split('\n').slice(0, lines.length)]).toEqual([1, 4, lines]);
});
