import { instantText } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent } from '../protocol/reply.ts';
import { notFound, RequestError } from '../protocol/request-error.ts';
import type { ControllerStatus, ReconcilerPort } from './controller.ts';
import type { Route } from './mount-type.ts';

const runFields = {
  key: { type: 'string', description: 'Also try this key at once; without it what is due, and what has failed.' },
} as const satisfies Fields;

/** `sys/reconciler`: the background tasks, what they do and what became of it. */
export function reconcilerRoutes(reconciler: ReconcilerPort): readonly Route[] {
  return [
    {
      path: 'reconciler',
      summary: 'The background tasks of this server.',
      operations: {
        read: {
          summary: 'Shows what each waits for, when it runs next, and how its last runs ended.',
          handle: () =>
            Promise.resolve({
              data: {
                state: reconciler.state,
                reason: reconciler.reason,
                controllers: Object.fromEntries(reconciler.status().map((status) => [status.name, shown(status)])),
              },
            }),
        },
      },
    },
    {
      path: 'reconciler/:name/run',
      summary: 'Has a background task look at once for what is due.',
      operations: {
        write: {
          summary: 'Wakes it.',
          fields: runFields,
          sudo: true,
          handle: ({ params, data }) => {
            const { name = '' } = params;
            const { key } = readFields(runFields, data);
            if (!reconciler.status().some((status) => status.name === name)) throw notFound();
            if (!(key === undefined ? reconciler.retry(name) : reconciler.wake(name, key))) {
              throw new RequestError(503, `no background task runs in this process: ${reconciler.reason ?? 'it is no server'}`);
            }
            return Promise.resolve(noContent);
          },
        },
      },
    },
  ];
}

function shown(status: ControllerStatus): JsonObject {
  const time = (moment: number | null) => (moment === null ? null : instantText(moment));
  return {
    description: status.description,
    queue_depth: status.depth,
    running: status.running,
    failing: status.failing,
    troubles: status.troubles.map(({ of, since, error }): JsonObject => ({ of, since: instantText(since), error })),
    oldest_since: time(status.oldestSince),
    successes: status.successes,
    failures: status.failures,
    last_success: time(status.lastSuccess),
    last_failure: time(status.lastFailure),
    last_error: status.lastError,
    next_run: time(status.nextRun),
  };
}
