import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { matchesPath } from '../../src/desired/path-pattern.ts';
import { readSources } from '../../src/desired/source.ts';
import { runs } from '../kinds/property.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'secretctl-source-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string | Uint8Array = `# ${path}\n`): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function project(exclude: readonly string[] = []): void {
  write(
    'secretctl.yaml',
    `apiVersion: secretctl/v1\nkind: Project\nmetadata: { name: a }\nspec: { exclude: ${JSON.stringify(exclude)} }\n`,
  );
}

async function paths(): Promise<readonly string[]> {
  const { files, diagnostics } = await readSources(root);
  expect(diagnostics).toEqual([]);
  return files.map(({ path }) => path);
}

describe('the files of a repo', () => {
  test('are the YAML files below its root, sorted, without dot-folders, node_modules and links', async () => {
    project();
    for (const path of [
      'b.yaml',
      'a/z.yml',
      'a/B.YAML',
      'c.json',
      '.github/x.yaml',
      '.hidden.yaml',
      'node_modules/y.yaml',
      'a/node_modules/y.yaml',
    ])
      write(path);
    write('../outside-of-it.yaml');
    symlinkSync(join(root, '..'), join(root, 'linked'));
    symlinkSync(join(root, 'b.yaml'), join(root, 'link.yaml'));
    expect(await paths()).toEqual(['a/B.YAML', 'a/z.yml', 'b.yaml', 'secretctl.yaml']);
    rmSync(join(root, '../outside-of-it.yaml'));
  });

  test('leave out what the Project excludes, but never the Project', async () => {
    project(['examples', 'a/*.vars.yaml', '**/skip/**', 'secretctl.yaml']);
    for (const path of ['examples/a.yaml', 'a/x.vars.yaml', 'a/x.yaml', 'b/skip/c/d.yaml', 'b/c.yaml']) write(path);
    expect(await paths()).toEqual(['a/x.yaml', 'b/c.yaml', 'secretctl.yaml']);
  });

  test('keep their text as it is', async () => {
    project();
    write('a.yaml', 'a: "ü🔑"\r\n');
    const { files } = await readSources(root);
    expect(files[0]).toEqual({ path: 'a.yaml', text: 'a: "ü🔑"\r\n' });
  });
});

describe('a file that cannot be read as it is', () => {
  test('of 50 MB is refused without being read', async () => {
    project();
    write('big.yaml');
    truncateSync(join(root, 'big.yaml'), 50_000_000);
    const { files, diagnostics } = await readSources(root);
    expect(files[0]).toEqual({ path: 'big.yaml', text: '', refused: true });
    expect(diagnostics).toMatchObject([{ code: 'FILE001', file: 'big.yaml', line: 0, message: 'the file is larger than 4 MiB' }]);
  });

  test('is refused where it is not UTF-8, at the first wrong byte', async () => {
    project();
    write('latin1.yaml', Buffer.from('a: b\nname: caf\u00e9\n', 'latin1'));
    write('utf16.yaml', Buffer.from('\ufeffa: b\n', 'utf16le'));
    const { diagnostics } = await readSources(root);
    expect(diagnostics).toMatchObject([
      { code: 'FILE002', line: 2, column: 10 },
      { code: 'FILE002', file: 'utf16.yaml' },
    ]);
  });

  test('is told of where it begins with a byte order mark', async () => {
    project();
    write('bom.yaml', '\ufeffa: b\n');
    const { files, diagnostics } = await readSources(root);
    expect(diagnostics).toMatchObject([{ code: 'FILE003', file: 'bom.yaml', line: 1, column: 1 }]);
    expect(files[0]?.text).toBe('a: b\n');
  });

  test('is told of where it is missing or forbidden', async () => {
    const { files, diagnostics } = await readSources(root);
    expect(diagnostics).toMatchObject([
      { code: 'FILE005', file: 'secretctl.yaml', message: 'the file cannot be read: it does not exist' },
    ]);
    expect(files).toMatchObject([{ path: 'secretctl.yaml', refused: true }]);
    project();
    write('secret.yaml');
    chmodSync(join(root, 'secret.yaml'), 0);
    const again = await readSources(root);
    // Root may read everything.
    expect(again.diagnostics).toMatchObject(process.getuid?.() === 0 ? [] : [{ code: 'FILE005' }]);
  });

  test('a repo of too many or too large files is not read to its end', async () => {
    project();
    for (let index = 0; index < 10; index++) write(`${index}.yaml`);
    const limits = { fileBytes: 1000, totalBytes: 10_000, files: 5 };
    expect((await readSources(root, limits)).diagnostics).toMatchObject([{ code: 'FILE004' }]);
    expect((await readSources(root, { ...limits, files: 50, totalBytes: 100 })).diagnostics).toMatchObject([{ code: 'FILE004' }]);
  });
});

describe('a pattern', () => {
  test.each([
    ['a', 'a', true],
    ['a/', 'a', true],
    ['a', 'a/b', false],
    ['*', 'a', true],
    ['*', 'a/b', false],
    ['a*c', 'abc', true],
    ['a*c', 'ac', true],
    ['a*c', 'abd', false],
    ['*.vars.yaml', 'x.vars.yaml', true],
    ['**', 'a/b/c', true],
    ['**/c', 'c', true],
    ['**/c', 'a/b/c', true],
    ['a/**/d', 'a/d', true],
    ['a/**/d', 'a/b/c/d', true],
    ['a/**/d', 'b/d', false],
    ['a.b', 'axb', false],
  ])('%s matches %s: %s', (pattern, path, matches) => {
    expect(matchesPath(pattern, path)).toBe(matches);
  });

  test('means the same as a regular expression, and is decided without backtracking', () => {
    const segment = fc.stringMatching(/^[ab*]{1,4}$/);
    fc.assert(
      fc.property(
        fc.array(fc.oneof(segment, fc.constant('**')), { minLength: 1, maxLength: 4 }),
        fc.array(fc.stringMatching(/^[ab]{1,4}$/), { minLength: 1, maxLength: 5 }),
        (pattern, path) => {
          const expression = pattern
            .map((part) => (part === '**' ? '(?:[^/]+/)*' : `${part.replaceAll(/\*+/g, '[^/]*')}/`))
            .join('');
          expect(matchesPath(pattern.join('/'), path.join('/'))).toBe(new RegExp(`^${expression}$`).test(`${path.join('/')}/`));
        },
      ),
      runs(500, 50_000),
    );
    expect(matchesPath(`${'*a'.repeat(100)}b`, 'a'.repeat(200))).toBe(false);
  });
});
