import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'secretctl-deployment-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const containerfile = readFileSync(join(root, 'examples/server/Containerfile'), 'utf8');
const unit = readFileSync(join(root, 'examples/server/secretctl.service'), 'utf8');

test('An image is built of what the container file names, of the packages of the lock file, and of nothing else of the folder', () => {
  const copied = [...containerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) => names.split(' '));
  expect(copied).toEqual(expect.arrayContaining(['package-lock.json', 'src']));
  expect(copied.filter((name) => name === '.' || name.startsWith('.git') || name.startsWith('.secretctl'))).toEqual([]);
  expect(containerfile).not.toContain('npm install');
  for (const name of copied) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const run = (...words: string[]): string => execFileSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
  run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--incremental', 'false', '--tsBuildInfoFile', 'null');
  rmSync(join(folder, 'src'), { recursive: true });
  expect(run('dist/main.js', 'version')).toMatch(/^secretctl \d/);
  // It reads the schemas of the package.
  expect(run('dist/main.js', 'init', 'workspace')).toContain('workspace');
});

test('The systemd unit and the container start the server on the store that they make, as no root and with no debugger', () => {
  expect(unit).toMatch(/^ExecStart=\/usr\/bin\/secretctl server -store \/var\/lib\/secretctl\/store$/m);
  expect(unit).toMatch(/^StateDirectory=secretctl$/m);
  expect(unit).toMatch(/^StateDirectoryMode=0700$/m);
  expect(unit).toMatch(/^User=secretctl$/m);
  for (const line of ['UnsetEnvironment=NODE_OPTIONS', 'LimitCORE=0', 'MemorySwapMax=0', 'NoNewPrivileges=yes', 'RemoveIPC=yes'])
    expect(unit.split('\n')).toContain(line);
  // Code is generated at run time in Node: a unit that forbids it does not start.
  expect(unit).not.toMatch(/^MemoryDenyWriteExecute=yes$/m);
  expect(containerfile).toMatch(/^USER 8200:8200$/m);
  expect(containerfile).toMatch(/^CMD \["server", "-store", "\/store"\]$/m);
});
