import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { consoles, expectShown, printedBy } from '../transcript.ts';

const folder = resolve(import.meta.dirname, '../../examples/database');

test('a newcomer gets a login of the database by one command, and sees it gone', { timeout: 180_000 }, () => {
  const printed = printedBy('examples/database/run.mjs');
  expect(printed).toContain('Done: no login is left behind.');
  expectShown(printed, consoles(readFileSync(resolve(folder, 'README.md'), 'utf8')), 5);
});
