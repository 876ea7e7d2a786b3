import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { kinds } from '../src/catalog.ts';
import { allCommands } from '../src/cli/commands.ts';

const root = resolve(import.meta.dirname, '..');
const readme = readFileSync(resolve(root, 'README.md'), 'utf8');

test('the README names every kind of document', () => {
  const named = new Set(
    [...readme.matchAll(/^\| ((?:`[A-Za-z]+`(?:, )?)+) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    ),
  );
  expect([...named].sort()).toEqual([...kinds.map(({ kind }) => kind), 'Project', 'Environment', 'Refactor'].sort());
});

test('the README lists exactly the commands that there are', () => {
  const cells = readme.slice(readme.indexOf('## Commands'), readme.indexOf('## What holds')).matchAll(/`([^`]+)`/g);
  const named = [...cells]
    .map(([, text = '']) => text)
    .filter((text) => /^[a-z]/.test(text) && !text.startsWith('secretctl'))
    .flatMap((text) => {
      const words = text.split(' ');
      const last = words.pop() ?? '';
      return last.split('·').map((end) => [...words, end].join(' '));
    });
  const known = allCommands().map(({ name }) => name);
  expect(known.filter((name) => !named.includes(name))).toEqual([]);
  expect(named.filter((name) => !known.includes(name) && name !== 'plan')).toEqual([]);
});

test('what the README shows of the quickstart is what the quickstart prints', { timeout: 240_000 }, () => {
  const printed = execFileSync(process.execPath, ['examples/quickstart/run.mjs'], { cwd: root, encoding: 'utf8' });
  const blocks = [...readme.matchAll(/```console\n([^]*?)```/g)].map(([, block = '']) => block);
  const lines = blocks
    .filter((block) => !block.includes('REF001'))
    .flatMap((block) => block.split('\n'))
    .filter((line) => line !== '' && !line.startsWith('$ '));
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.filter((line) => !printed.includes(line.trim()))).toEqual([]);
});
