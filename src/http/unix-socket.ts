import { chmodSync, lstatSync, statSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { Fault } from '../base/error.ts';

/** What the smallest of the systems we know takes (macOS; Linux has 107), in bytes. */
const maxPathBytes = 103;

/**
 * Lets a server listen on a unix socket that only this user can reach: its folder must be theirs alone, the socket has
 * mode 0600. A socket that a dead server left is removed. Throws Fault `listen`.
 */
export async function listenOnUnixSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > maxPathBytes) {
    throw new Fault('listen', `the path of the socket is longer than ${maxPathBytes} bytes: ${path}`);
  }
  const folder = dirname(path);
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) throw new Fault('listen', `the folder of the socket is not there: ${folder}`);
  if ((found.mode & 0o077) !== 0) {
    throw new Fault('listen', `others can enter ${folder}, the folder of the socket`, { hint: `Run: chmod 700 ${folder}` });
  }
  await removeStaleSocket(path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  chmodSync(path, 0o600);
}

async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Fault('listen', `${path} is there and is no socket`);
  if (await somebodyListens(path)) throw new Fault('listen', `another server listens on ${path}`);
  unlinkSync(path);
}

function somebodyListens(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(new Fault('listen', `it can't be told whether somebody listens on ${path}: ${error.code ?? error.name}`));
    });
  });
}
