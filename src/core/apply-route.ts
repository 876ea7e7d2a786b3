import type { Fields } from '../protocol/field.ts';
import type { Admission } from './corridor.ts';
import type { Route } from './mount-type.ts';

const fields = {
  project: { type: 'string', description: 'The project whose plan this is.', required: true },
  storeId: { type: 'string', description: 'The store the plan was made against.', required: true },
  base: { type: 'int', description: 'The config revision the plan was made at.', required: true },
  commit: { type: 'string', description: 'The config commit, or the digest of the documents.', required: true },
  planDigest: { type: 'string', description: 'sha256:<hex> of the plan.', required: true },
  lock: { type: 'string', description: 'The apply lock under which it runs; it ends with the apply.' },
  changes: { type: 'any', description: 'The changes: see ApplyChange.', required: true },
} as const satisfies Fields;

/**
 * `sys/apply`. Its work is not done by a handler of one request but by `Applies`, which runs many of them in one
 * transaction; the route is there for authorisation, help and the OpenAPI document.
 */
export const applyRoute: Route = {
  path: 'apply',
  summary: 'Commits all changes of a plan together, or none.',
  operations: {
    write: {
      summary: 'Applies a plan.',
      fields,
      configures: true,
      handle: () => Promise.reject(new Error('sys/apply runs as a transaction of its own')),
    },
  },
};

export function isApply(admission: Admission): boolean {
  return admission.route === applyRoute;
}
