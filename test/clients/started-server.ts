import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../cli/workspace.ts';

/** A server that a client of others talks to. */
export interface StartedServer {
  readonly address: string;
  readonly rootToken: string;
  stop(): Promise<void>;
}

/**
 * Starts the built program's development server in a process of its own, or takes the one named by the environment:
 * with SECRETCTL_CLIENTS_ADDRESS and SECRETCTL_CLIENTS_TOKEN the same tests judge any server of this API.
 */
export async function startedServer(): Promise<StartedServer> {
  const { SECRETCTL_CLIENTS_ADDRESS: address, SECRETCTL_CLIENTS_TOKEN: token = 'root' } = process.env;
  if (address !== undefined) return { address, rootToken: token, stop: async () => {} };
  const port = await freePort();
  const options = ['-dev', '-dev-root-token-id=root', `-dev-listen-address=127.0.0.1:${port}`];
  return { rootToken: 'root', ...(await started(port, options, 200)) };
}

/** Starts a server on a store that is not there yet: clients initialize and unseal it. */
export async function emptyServer(): Promise<Omit<StartedServer, 'rootToken'>> {
  const port = await freePort();
  const store = mkdtempSync(join(tmpdir(), 'secretctl-clients-'));
  const settings =
    'storage: { type: lmdb, path: store }\nseal: { type: shamir }\n' +
    'audit:\n  file: { type: file, path: audit.log }\n' +
    `server:\n  listeners:\n    - address: 127.0.0.1:${port}\n`;
  writeFileSync(join(store, 'settings.yaml'), settings);
  const server = await started(port, [`-store=${store}`], 501);
  return {
    address: server.address,
    async stop() {
      await server.stop();
      rmSync(store, { recursive: true, force: true });
    },
  };
}

/** A server process, once its health has this status. */
async function started(port: number, options: readonly string[], health: number): Promise<Omit<StartedServer, 'rootToken'>> {
  const child = spawn(process.execPath, [join(projectRoot, 'dist/main.js'), 'server', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const address = `http://127.0.0.1:${port}`;
  while (!(await answers(address, health))) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${said}`);
  }
  return {
    address,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function answers(address: string, status: number): Promise<boolean> {
  try {
    return (await fetch(`${address}/v1/sys/health`)).status === status;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return false;
  }
}

/** A port of the loopback that nobody listened on a moment ago. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const bound = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (bound === null || typeof bound === 'string') throw new Error('no port of the loopback is free');
  return bound.port;
}
