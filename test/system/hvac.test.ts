import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectRoot } from '../cli/workspace.ts';
import { startedServer, type StartedServer } from '../clients/started-server.ts';

// Needs a Python that has the package hvac: the one that SECRETCTL_PYTHON names, or the one that is called python3.

let server: StartedServer;
beforeAll(async () => {
  server = await startedServer();
});
afterAll(() => server.stop());

interface Result {
  readonly ran: number;
  readonly skipped: number;
  readonly failed: readonly string[];
}

it('hvac, the client of Python, works unmodified: mounts, KV, policies, tokens, logins, wrapping, identity, leases, quotas', () => {
  const { stdout, stderr } = spawnSync(
    process.env['SECRETCTL_PYTHON'] ?? 'python3',
    [join(projectRoot, 'test/clients/hvac_client.py'), server.address, server.rootToken],
    { encoding: 'utf8', timeout: 100_000 },
  );
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`the script did not end: ${stderr}`);
  const result = JSON.parse(last) as Result;
  expect(result.failed.join('\n')).toBe('');
  expect(result.skipped).toBe(0);
  expect(result.ran).toBeGreaterThanOrEqual(36);
});
