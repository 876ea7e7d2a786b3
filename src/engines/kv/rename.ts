import type { Rename } from '../../core/mount-type.ts';
import { badRequest, notFound } from '../../protocol/request-error.ts';
import { noContent } from '../../protocol/reply.ts';
import { deleteKey, loadKey, loadValue, saveKey, saveValue } from './key-store.ts';
import { kvVersion } from './options.ts';
import { renameStored } from './version-1.ts';

/** A secret under another path, with all its versions and their times: nothing is read by anyone and none is new. */
export const renameSecret: Rename = {
  needs: ({ options }, from, to) =>
    kvVersion(options) === '2'
      ? [
          { operation: 'read', path: `data/${from}` },
          { operation: 'delete', path: `metadata/${from}` },
          { operation: 'write', path: `data/${to}` },
          { operation: 'write', path: `metadata/${to}` },
        ]
      : [
          { operation: 'read', path: from },
          { operation: 'delete', path: from },
          { operation: 'write', path: to },
        ],
  async perform(context, from, to) {
    if (kvVersion(context.mount.options) === '1') return renameStored(context, from, to);
    const { storage } = context;
    const key = await loadKey(storage, from);
    if (key === null) throw notFound();
    if ((await loadKey(storage, to)) !== null) throw badRequest(`there is a secret at ${to} already`);
    for (const [number, version] of Object.entries(key.versions)) {
      if (!version.destroyed) await saveValue(storage, to, Number(number), await loadValue(storage, from, Number(number)));
    }
    await saveKey(storage, to, key);
    await deleteKey(storage, from, key);
    return noContent;
  },
};
