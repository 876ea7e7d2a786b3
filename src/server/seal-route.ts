import type { Route } from '../core/mount-type.ts';
import { noContent } from '../protocol/reply.ts';

/** `sys/seal`: who may do it is decided and audited as for any request; the node does it once this has succeeded. */
export const sealRoute: Route = {
  path: 'seal',
  summary: 'Drops the keys of the store: nothing is served until it is unsealed again.',
  operations: { write: { summary: 'Seals it.', sudo: true, handle: () => Promise.resolve(noContent) } },
};
