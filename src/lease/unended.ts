import { instantText } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { type Run, runOf } from '../core/corridor.ts';
import { deletingMount, deletingMounts } from '../core/deleting-mounts.ts';
import type { FailingLease } from '../core/lease.ts';
import { countedAt, countLeases } from '../core/lease-count.ts';
import { mountRoute } from '../core/mount-index.ts';
import type { MountType, Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import { handlerOf, issued } from './handler.ts';
import { FailingLeases } from './failing.ts';
import { Leases } from './leases.ts';
import type { LeaseRecord } from './record.ts';

const typeFields = {
  type: {
    type: 'string',
    description:
      '`irrevocable`: leases that could not be ended for long; `failing`: all that could not be ended. To be counted also `all`: all leases and tokens.',
    default: '',
  },
  include_child_namespaces: { type: 'bool', description: 'Accepted for compatibility: there are no namespaces.' },
  limit: { type: 'string', description: 'At most this many; `none`: all. 10,000 unless told.', default: '' },
} as const satisfies Fields;

/** `sys/leases` and `sys/leases/count`. `engines`: the types whose mounts give leases. */
export function unendedRoutes(engines: readonly MountType[]): readonly Route[] {
  return [
    {
      path: 'leases',
      summary: 'Leases that could not be ended.',
      operations: {
        read: {
          summary: 'Lists them with their errors.',
          fields: typeFields,
          sudo: true,
          handle: (context) => listUnended(engines, context),
        },
      },
    },
    {
      path: 'leases/count',
      summary: 'How many leases there are, or could not be ended.',
      operations: { read: { summary: 'Counts them by mount.', fields: typeFields, handle: count } },
    },
  ];
}

/** Why a lease could not be ended, for whoever asks. */
export function shownFailing({ attempts, error, nextAttempt, irrevocable }: FailingLease): JsonObject {
  return { attempts, error, next_attempt: nextAttempt === null ? null : instantText(nextAttempt), irrevocable };
}

const mostShown = 10_000;

/** One that could not be ended, and why. */
interface Unended {
  readonly record: LeaseRecord;
  readonly failing: FailingLease | null;
}

/** Those that could not be ended, of the wanted type. */
async function unended(context: RouteContext): Promise<readonly Unended[]> {
  const { type, limit } = readFields(typeFields, context.data);
  if (type !== 'irrevocable' && type !== 'failing') throw notFound();
  if (limit !== '' && limit !== 'none' && !/^\d+$/.test(limit))
    throw badRequest(`invalid 'limit' provided: ${JSON.stringify(limit)}`);
  const most = limit === 'none' ? Infinity : limit === '' ? mostShown : Number(limit);
  const { core } = runOf(context);
  const failing = new FailingLeases(core);
  if (type === 'failing') return failing.first(most, context.now);
  const records = await new Leases(core).irrevocable(most, context.now);
  return Promise.all(records.map(async (record) => ({ record, failing: await failing.why(record, context.now) })));
}

async function listUnended(engines: readonly MountType[], context: RouteContext): Promise<Reply> {
  const { core, mounts } = runOf(context);
  const leases: JsonObject[] = [];
  for (const { record, failing } of await unended(context)) {
    const mount = mounts.byId(record.mountId) ?? (await deletingMount(core, record.mountId));
    const what = (mount === null ? null : handlerOf(engines, mount))?.describe?.(issued(record)) ?? null;
    const why = failing === null ? { error: 'what it stands for has not answered for a day' } : shownFailing(failing);
    leases.push({ lease_id: record.id, what, ...why });
  }
  return { data: { lease_count: leases.length, leases } };
}

async function count(context: RouteContext): Promise<Reply> {
  const { type } = readFields(typeFields, context.data);
  return type === 'all' ? countAll(context) : countUnended(context);
}

/** Read from the counts, however many there are. */
async function countAll(context: RouteContext): Promise<Reply> {
  const { core, mounts } = runOf(context);
  const total = await countLeases(core, { of: 'all' });
  const counts: Record<string, number> = {};
  let left = total;
  for (const mount of mounts.all()) {
    const here = await countLeases(core, { of: 'mount', mount: countedAt(mount) });
    if (here > 0) counts[`${mountRoute(mount)}/`] = here;
    left -= here;
  }
  for (const id of left > 0 ? await deletingMounts(core, null, mostShown) : []) {
    const here = await countLeases(core, { of: 'mount', mount: id });
    if (here === 0) continue;
    const path = await pathOf(runOf(context), id);
    counts[path] = (counts[path] ?? 0) + here;
    left -= here;
  }
  // What a disabled auth method gave, which is being removed.
  if (left > 0) counts['gone'] = left;
  return { data: { lease_count: total, counts } };
}

async function countUnended(context: RouteContext): Promise<Reply> {
  const records = (await unended(context)).map(({ record }) => record);
  const counts: Record<string, number> = {};
  const paths = new Map<string, string>();
  for (const { mountId } of records) {
    const path = paths.get(mountId) ?? (await pathOf(runOf(context), mountId));
    paths.set(mountId, path);
    counts[path] = (counts[path] ?? 0) + 1;
  }
  return { data: { lease_count: records.length, counts } };
}

/** One that was disabled, and whose leases are yet to be ended outside, by the path that it had. */
async function pathOf({ core, mounts }: Run, mountId: string): Promise<string> {
  const mount = mounts.byId(mountId);
  if (mount !== null) return `${mountRoute(mount)}/`;
  const deleting = await deletingMount(core, mountId);
  return deleting === null ? 'gone' : `${mountRoute(deleting)}/ (disabled)`;
}
