import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
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
  const rootToken = 'root';
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      join(projectRoot, 'dist/main.js'),
      'server',
      '-dev',
      `-dev-root-token-id=${rootToken}`,
      `-dev-listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: '/nonexistent' } },
  );
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const server = {
    address: `http://127.0.0.1:${port}`,
    rootToken,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
  while (!(await isUp(server.address))) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${said}`);
  }
  return server;
}

async function isUp(address: string): Promise<boolean> {
  try {
    return (await fetch(`${address}/v1/sys/health`)).status === 200;
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
