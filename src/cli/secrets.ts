import { disableCommand, enableCommand, listCommand, type MountFamily, moveCommand, tuneCommand } from './mounts.ts';

const family: MountFamily = {
  word: 'secrets',
  noun: 'secret engine',
  api: 'sys/mounts',
  prefix: '',
  example: 'kv',
  more: { version: { type: 'number', value: 'N', description: 'The version of a kv engine: the same as -options=version=N.' } },
};

export const list = listCommand(family);
export const enable = enableCommand(family);
export const disable = disableCommand(family, 'all its secrets are destroyed, and the leases that it gave are revoked.');
export const tune = tuneCommand(family);
export const move = moveCommand(family);
