import { lstatSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { Fault } from '../base/error.ts';

/**
 * Does a server listen on a unix socket? Throws Fault `unreachable` where the socket may be somebody else's: a token
 * goes to the owner of the folder only. `owner`: the id of the only user who may that be; null: any.
 */
export async function listensOn(socketPath: string, owner: number | null = null): Promise<boolean> {
  const found = lstatSync(socketPath, { throwIfNoEntry: false });
  if (found === undefined || !found.isSocket()) return false;
  const folder = statSync(dirname(socketPath));
  if (found.uid !== folder.uid || (folder.mode & 0o022) !== 0)
    throw new Fault('unreachable', `the socket ${socketPath} is not used: others than the owner of its folder may have made it`, {
      hint: 'Only the owner of the store may write to its folder.',
    });
  if (owner !== null && found.uid !== owner)
    throw new Fault('unreachable', `the socket ${socketPath} is not used: it belongs to another user, who would get your token`, {
      hint: `If that is meant, name the store: -store ${dirname(socketPath)}`,
    });
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
