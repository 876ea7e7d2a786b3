import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { authMethods } from '../src/auth/index.ts';
import { engines } from '../src/engines/index.ts';
import { sealTypes } from '../src/seal/registry.ts';

const root = resolve(import.meta.dirname, '../src');

/**
 * The layers, from the bottom up: a folder may import from what stands in an earlier row, and from itself. Folders of
 * one row do not know each other.
 */
const layers: readonly (readonly string[])[] = [
  ['base'],
  ['protocol'],
  ['kinds', 'crypto'],
  ['desired', 'storage'],
  ['plan', 'barrier'],
  ['seal'],
  ['core'],
  ['token', 'policy', 'audit', 'identity', 'quota', 'lease', 'lockout', 'ceremony'],
  ['engines', 'auth'],
  ['client'],
  ['http', 'server', 'reconciler', 'cli'],
  ['.'],
];
// Blind to each other although their rows would allow it: desired state knows nothing of how bytes are kept.
const pure = ['kinds', 'desired', 'plan'];
const stored = ['crypto', 'storage', 'barrier', 'seal'];
const strangers = (a: string, b: string): boolean =>
  (pure.includes(a) && stored.includes(b)) || (stored.includes(a) && pure.includes(b));

interface Import {
  readonly from: string;
  readonly to: string;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

const files = sourceFiles(root).map((path) => relative(root, path));

/** Imports and re-exports inside src; `types`: those that are erased too; `lazy`: also `import()`. */
function importsOf(file: string, { types, lazy }: { types: boolean; lazy: boolean }): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found: Import[] = [];
  const pattern = /(?:^|\n)(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?'(\.[^']+)'|import\('(\.[^']+)'\)/g;
  for (const [, type, fixed, dynamic] of text.matchAll(pattern)) {
    if (type !== undefined && !types) continue;
    if (dynamic !== undefined && !lazy) continue;
    const target = fixed ?? dynamic ?? '';
    if (target.endsWith('.ts')) found.push({ from: file, to: relative(root, resolve(root, dirname(file), target)) });
  }
  return found;
}

const folderOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '.') : '.');
const rankOf = (file: string): number => layers.findIndex((row) => row.includes(folderOf(file)));

test('every folder of src has its place among the layers', () => {
  expect(files.filter((file) => rankOf(file) === -1)).toEqual([]);
});

test('imports point only downwards, and neighbours do not know each other', () => {
  const all = files.flatMap((file) => importsOf(file, { types: true, lazy: true }));
  expect(all.length).toBeGreaterThan(files.length);
  const wrong = all
    .filter(({ from, to }) => folderOf(from) !== folderOf(to))
    .filter(({ from, to }) => rankOf(to) >= rankOf(from) || strangers(folderOf(from), folderOf(to)));
  expect(wrong).toEqual([]);
});

test('plug-ins of one kind never import each other', () => {
  const wrong = files
    .filter((file) => /^(engines|auth)\/[^/]+\//.test(file))
    .flatMap((file) => importsOf(file, { types: true, lazy: true }))
    .filter(({ from, to }) => /^(engines|auth)\/[^/]+\//.test(to) && from.split('/')[1] !== to.split('/')[1]);
  expect(wrong).toEqual([]);
});

test('no file imports itself through others', () => {
  const edges = new Map(files.map((file) => [file, importsOf(file, { types: false, lazy: false }).map(({ to }) => to)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

test('each registry lists exactly the folders or files that stand beside it', () => {
  const folders = (path: string): string[] =>
    readdirSync(join(root, path)).filter((name) => statSync(join(root, path, name)).isDirectory());
  expect(engines.map(({ type }) => type).sort()).toEqual(folders('engines').sort());
  expect(authMethods.map(({ type }) => type).sort()).toEqual(folders('auth').sort());
  expect(sealTypes.map(({ type }) => type).every((type) => files.includes(`seal/${type}.ts`))).toBe(true);
});

test('a file is one idea: 400 lines at most, and few above 300', () => {
  const lengths = files.map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length }));
  expect(lengths.filter(({ lines }) => lines > 400)).toEqual([]);
  expect(lengths.filter(({ lines }) => lines > 300).length).toBeLessThanOrEqual(Math.ceil(files.length * 0.05));
});

test('no folder or file is named after nothing in particular', () => {
  const vague = /(^|\/)(utils?|helpers?|common|misc|shared|types|constants|manager|service)(\/|\.ts$|-)/;
  expect(files.filter((file) => vague.test(file))).toEqual([]);
});
