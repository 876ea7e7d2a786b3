import type { Route } from '../../core/mount-type.ts';
import { expireSecretIds } from './secret-id-records.ts';

export const tidyRoute: Route = {
  path: 'tidy/secret-id',
  summary: 'Deletes secret ids that are past their time; they do not work anyway.',
  operations: {
    write: {
      summary: 'Deletes them.',
      handle: async ({ storage, now }) => {
        const due = await expireSecretIds(storage, now);
        return {
          status: 202,
          warnings: [
            due === null || due > now
              ? 'Tidy operation finished'
              : 'Tidy operation deleted as much as one request may; call it again for the rest',
          ],
        };
      },
    },
  },
};
