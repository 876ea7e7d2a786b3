import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { kinds } from '../src/catalog.ts';
import { allCommands } from '../src/cli/commands.ts';
import { declaredWorkspace } from './cli/workspace.ts';
import { consoles, expectShown, printedBy, transcript } from './transcript.ts';

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

const blocks = consoles(readme);

test('what the README shows of the quickstart is what the quickstart prints', { timeout: 240_000 }, () => {
  expectShown(
    printedBy('examples/quickstart/run.mjs'),
    blocks.filter((block) => !/secretctl (validate|server)|database\/creds/.test(block)),
    5,
  );
});

test('what the README shows of a server is what its example prints', { timeout: 240_000 }, () => {
  expectShown(
    printedBy('examples/server/run.mjs'),
    blocks.filter((block) => block.includes('secretctl server')),
    5,
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
