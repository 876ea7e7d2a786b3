import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
let copy = '';

function run(program: string, args: readonly string[], cwd: string): string {
  return execFileSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, XDG_CONFIG_HOME: join(copy, 'config') },
    stdio: 'pipe',
  });
}

const secretctl = (line: string, cwd: string): string =>
  run(process.execPath, [join(copy, 'dist/main.js'), ...line.split(' ')], cwd);

function contents(folder: string): Map<string, string> {
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(copy, path), readFileSync(path, 'utf8')]),
  );
}

// The steps of CONTRIBUTING.md, on a copy of the source.
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'secretctl-kind-'));
  for (const name of ['src', 'schemas', 'package.json', 'tsconfig.json', 'tsconfig.build.json'])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

describe('a new kind', () => {
  test(
    'is its folder, one line in the registry and the generated schemas, and is planned and applied like any other',
    { timeout: 240_000 },
    () => {
      const before = new Map([...contents(join(copy, 'src')), ...contents(join(copy, 'schemas'))]);

      mkdirSync(join(copy, 'src/engines/notes'));
      for (const name of ['index.ts', 'note-kind.ts']) {
        cpSync(join(root, 'test/kinds/added-kind', `${name}.txt`), join(copy, 'src/engines/notes', name));
      }
      const registry = join(copy, 'src/engines/index.ts');
      const lines = readFileSync(registry, 'utf8')
        .replace(
          "import { kv } from './kv/index.ts';",
          "import { kv } from './kv/index.ts';\nimport { notes } from './notes/index.ts';",
        )
        .replace('[cubbyhole, database, kv]', '[cubbyhole, database, kv, notes]');
      writeFileSync(registry, lines);
      run(
        process.execPath,
        [
          join(root, 'node_modules/typescript/bin/tsc'),
          '-p',
          'tsconfig.build.json',
          '--incremental',
          'false',
          '--tsBuildInfoFile',
          'null',
        ],
        copy,
      );
      run(process.execPath, ['dist/generate-schemas.js'], copy);

      const after = new Map([...contents(join(copy, 'src')), ...contents(join(copy, 'schemas'))]);
      const changed = [...after].filter(([path, text]) => before.get(path) !== text).map(([path]) => path);
      expect(changed.sort()).toEqual([
        'schemas/note.json',
        'schemas/secretctl.json',
        'src/engines/index.ts',
        'src/engines/notes/index.ts',
        'src/engines/notes/note-kind.ts',
      ]);

      const workspace = join(copy, 'workspace');
      secretctl(`init ${workspace}`, copy);
      writeFileSync(
        join(workspace, 'notes.yaml'),
        `apiVersion: secretctl/v1
kind: SecretEngine
metadata: { name: notes }
spec: { type: notes }
---
apiVersion: secretctl/v1
kind: Note
metadata: { name: first }
spec: { engine: notes, text: hello }
`,
      );
      expect(secretctl('plan', workspace)).toContain('# Note/notes/first will be created');
      secretctl('apply -auto-approve', workspace);
      expect(secretctl('read -field=text notes/note/first', workspace)).toBe('hello');
      expect(secretctl('plan', workspace)).toContain('No changes.');
      secretctl('write notes/note/first text=changed', workspace);
      expect(secretctl('drift', workspace)).toContain('Note/notes/first has changed');
      expect(secretctl('encrypt -help', workspace)).toContain('Usage:');
    },
  );
});
