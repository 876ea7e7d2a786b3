import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Fault } from '../base/error.ts';
import { ioReason, writeReason } from '../base/io-reason.ts';
import { type Command, targetOptions } from './command.ts';
import { confirm } from './confirm.ts';
import { printJson, printWarnings } from './output.ts';
import { withServer } from './operator-unseal.ts';
import { sessionOf } from './session.ts';
import { success } from './session-command.ts';

const snapshotPath = 'sys/storage/snapshot';

export const save: Command = {
  path: ['operator', 'snapshot', 'save'],
  summary: 'Save a snapshot of a served store',
  operands: 'FILE',
  arity: { min: 1, max: 1 },
  description:
    'Saves the whole store as it is at one moment, while it is used. The snapshot is encrypted as the store is: it opens under the seal of this store and no other. Needs sudo on sys/storage/snapshot.',
  examples: [{ command: 'secretctl operator snapshot save backup.snap', explanation: 'For a backup.' }],
  options: targetOptions,
  run: (context, [file = ''], options) =>
    withServer(context, options, ['operator', 'snapshot', 'save'], async (connection) => {
      const { client } = connection;
      if (client === null) throw new Error('a server is reached by a client');
      const { token } = await sessionOf(context, connection).token();
      const path = resolve(context.cwd, file);
      const beside = `${path}.${process.pid}.new`;
      const bytes = await client.download(snapshotPath, token);
      try {
        await pipeline(bytes, createWriteStream(beside, { mode: 0o600, flags: 'wx', flush: true }));
        await rename(beside, path);
      } catch (error) {
        await rm(beside, { force: true });
        if (error instanceof Fault) throw error;
        throw new Fault('file', `the snapshot can't be saved to ${file}: ${writeReason(error)}`);
      }
      const { size } = statSync(path);
      if (context.json) printJson(context, { file, bytes: size });
      else context.terminal.out(`Success! Saved a snapshot of ${size} bytes to: ${file}\n`);
      return 0;
    }),
};

export const restore: Command = {
  path: ['operator', 'snapshot', 'restore'],
  summary: 'Put a snapshot in the place of a served store',
  operands: 'FILE',
  arity: { min: 1, max: 1 },
  description:
    'Puts a snapshot of the same store in its place. What was written since is lost; the file that was there is kept beside.\n' +
    'What was revoked since works again: tokens and secret ids until they expire, users and policies that were deleted, old passwords; after a rekey it is the old unseal shares and recovery keys that open the store. Revoke, and rekey, again what must not come back. ' +
    'The server seals itself and opens the restored store as at a start. ' +
    'Needs sudo on sys/storage/snapshot; asks first unless -auto-approve is given.',
  examples: [{ command: 'secretctl operator snapshot restore backup.snap', explanation: 'Back to what was.' }],
  options: { 'auto-approve': { type: 'flag', description: 'Do not ask.' }, ...targetOptions },
  async run(context, [file = ''], options) {
    const path = resolve(context.cwd, file);
    const length = sizeOf(path, file);
    return withServer(context, options, ['operator', 'snapshot', 'restore'], async (connection) => {
      const { client } = connection;
      if (client === null) throw new Error('a server is reached by a client');
      const { token } = await sessionOf(context, connection).token();
      if (!options.flag('auto-approve'))
        await confirm(
          context,
          `Do you want to put ${file} in the place of the store of ${client.address}? What was written since it was saved is lost, and what was revoked since works again: tokens, policies, unseal shares.`,
        );
      const reply = await client.upload(snapshotPath, token, createReadStream(path), length);
      printWarnings(context, reply);
      if (context.json) {
        printJson(context, reply.data ?? {});
        return 0;
      }
      return success(context, 'The snapshot is in place. Where the seal needs shares: secretctl operator unseal');
    });
  },
};

function sizeOf(path: string, file: string): number {
  try {
    return statSync(path).size;
  } catch (error) {
    throw new Fault('file', `${file} can't be read: ${ioReason(error)}`);
  }
}
