import type { Route } from '../../core/mount-type.ts';
import { mountHash } from './key.ts';
import { tidySecretIds } from './secret-id-records.ts';

export const tidyRoute: Route = {
  path: 'tidy/secret-id',
  summary: 'Deletes secret ids that are past their time; they do not work anyway.',
  operations: {
    write: {
      summary: 'Deletes them.',
      handle: async ({ storage, now }) => {
        const { accessor } = await mountHash(storage);
        const done = await tidySecretIds(storage, now, accessor);
        return {
          status: 202,
          warnings: [
            done ? 'Tidy operation finished' : 'Tidy operation deleted as much as one request may; call it again for the rest',
          ],
        };
      },
    },
  },
};
