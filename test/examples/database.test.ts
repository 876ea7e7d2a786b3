import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { consoles, expectShown, printedBy } from '../transcript.ts';

const root = resolve(import.meta.dirname, '../..');
const shownIn = (file: string): readonly string[] => consoles(readFileSync(resolve(root, file), 'utf8'));

test('a newcomer gets a login of the database by one command, and sees it gone', { timeout: 180_000 }, () => {
  const printed = printedBy('examples/database/run.mjs');
  expect(printed).toContain('Done: no login is left behind.');
  // In the order in which a terminal shows it, though it is said on both outputs.
  expect(printed.indexOf('Planning against ')).toBeLessThan(printed.indexOf('Apply complete!'));
  expectShown(printed, shownIn('examples/database/README.md'), 5);
  expectShown(
    printed,
    shownIn('README.md').filter((block) => block.includes('database/creds')),
    2,
  );
});
