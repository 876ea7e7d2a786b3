import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

/** Before all tests: those that start processes run what was built from the present sources, never an older build. */
export function setup(): void {
  const root = resolve(import.meta.dirname, '..');
  execFileSync(process.execPath, [resolve(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
}
