import { instantText } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import type { LeaseSource, Renewal, ShownLease } from '../core/lease.ts';
import type { OperationSpec, Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { pageFields, readPage } from '../protocol/page.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound, RequestError } from '../protocol/request-error.ts';
import type { DroppedLeases } from './dropped.ts';
import type { EndNow } from './end-now.ts';
import { shownFailing } from './unended.ts';
import { standingRoute } from './standing-route.ts';

const leaseField = { lease_id: { type: 'string', description: 'The id of the lease.', default: '' } } as const satisfies Fields;
const renewFields = {
  ...leaseField,
  increment: { type: 'duration', description: 'For how long; as it was given unless told.', default: 0 },
} as const satisfies Fields;
const syncField = {
  sync: {
    type: 'bool',
    description:
      'Wait for up to a minute until what engines have made outside is ended, and fail where it cannot be; without it five seconds. An answer of 202 says that it is yet to be ended, in the background. From the answer on nothing works that is revoked, with it and without.',
    default: false,
  },
} as const satisfies Fields;
const revokeFields = { ...leaseField, ...syncField } as const satisfies Fields;
/** `sys/leases/…`, and the older paths which clients still use. */
export function leaseRoutes(
  sources: readonly LeaseSource[],
  endNow: EndNow,
  dropped: DroppedLeases,
  unended: readonly Route[],
): readonly Route[] {
  const lookup = (context: RouteContext): Promise<Reply> => lookupLease(sources, context);
  const renewing: Pick<OperationSpec, 'fields' | 'prepare' | 'handle'> = {
    fields: renewFields,
    prepare: (context) => prepareRenewal(sources, context),
    handle: (context) => renewLease(sources, context),
  };
  const settled = (revoked: Parameters<EndNow>[0], context: RouteContext, reply: Reply): Promise<Reply> =>
    reply.status === queued.status ? ended(endNow, revoked, context) : Promise.resolve(reply);
  const revoking: Pick<OperationSpec, 'fields' | 'handle' | 'settle'> = {
    fields: revokeFields,
    handle: (context) => revokeLease(sources, context),
    settle: (context, reply) => settled({ id: leaseIdOf(context) }, context, reply),
  };
  const below = (force: boolean): Pick<OperationSpec, 'fields' | 'sudo' | 'handle' | 'settle'> => ({
    fields: syncField,
    sudo: true,
    handle: (context) => revokeBelow(sources, context, force),
    async settle(context, reply) {
      const { prefix = '' } = context.params;
      const answer = await settled({ prefix, until: context.now }, context, reply);
      const left = force ? dropped.since(prefix, context.now) : null;
      return left === null ? answer : withLeft(answer, left);
    },
  });
  const write = (path: string, summary: string, spec: Omit<OperationSpec, 'summary'>): Route => ({
    path,
    summary,
    operations: { write: { summary, ...spec } },
  });
  const list: OperationSpec = {
    summary: 'Lists them.',
    fields: pageFields,
    sudo: true,
    handle: (context) => listLeases(sources, context),
  };
  return [
    standingRoute,
    ...unended,
    {
      path: 'leases/lookup',
      summary: 'One lease, or the leases below a path.',
      operations: { write: { summary: 'Describes a lease.', fields: leaseField, handle: lookup }, list },
    },
    { path: 'leases/lookup/:prefix*', summary: 'The leases below a path.', operations: { list } },
    ...['leases/', ''].flatMap((folder) => [
      write(`${folder}renew`, 'Renews a lease.', renewing),
      write(`${folder}renew/:lease_id*`, 'Renews a lease.', renewing),
      write(`${folder}revoke`, 'Ends a lease.', revoking),
      write(`${folder}revoke/:lease_id*`, 'Ends a lease.', revoking),
      write(`${folder}revoke-prefix/:prefix*`, 'Ends all leases below a path.', below(false)),
      write(`${folder}revoke-force/:prefix*`, 'Forgets all leases below a path, also those that cannot be ended.', below(true)),
    ]),
    write('leases/tidy', 'Looks for leases that are past their time.', {
      handle: () =>
        Promise.resolve({
          status: 202,
          warnings: [
            'What is past its time is being ended, and what could not be ended is tried again: leases are found by an index.',
          ],
        }),
    }),
  ];
}

function leaseIdOf(context: RouteContext): string {
  const id = context.params.lease_id ?? readFields(leaseField, context.data).lease_id;
  if (id === '') throw badRequest('lease_id must be specified');
  return id;
}

async function lookupLease(sources: readonly LeaseSource[], context: RouteContext): Promise<Reply> {
  const id = leaseIdOf(context);
  for (const source of sources) {
    const lease = await source.find(context, id);
    if (lease !== null) return { data: shown(lease, context.now) };
  }
  throw badRequest('invalid lease');
}

function shown(lease: ShownLease, now: number): JsonObject {
  return {
    id: lease.id,
    path: lease.path,
    issue_time: instantText(lease.issuedAt),
    expire_time: lease.expiresAt === null ? null : instantText(lease.expiresAt),
    last_renewal: lease.lastRenewal === null ? null : instantText(lease.lastRenewal),
    renewable: lease.renewable,
    ttl: lease.expiresAt === null ? 0 : Math.max(0, Math.floor((lease.expiresAt - now) / 1000)),
    ...(lease.failing === undefined ? {} : { state: 'ending', ...shownFailing(lease.failing) }),
  };
}

async function listLeases(sources: readonly LeaseSource[], context: RouteContext): Promise<Reply> {
  const { after = '', limit } = readPage(context.data);
  const prefix = context.params.prefix ?? '';
  const names = new Set<string>();
  for (const source of sources)
    for (const name of await source.children(context, prefix === '' ? '' : `${prefix}/`)) names.add(name);
  const keys = [...names]
    .sort()
    .filter((name) => name > after)
    .slice(0, limit);
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}

/** What must happen outside comes first: a lease that lives longer than what it stands for would be a promise not kept. */
async function prepareRenewal(sources: readonly LeaseSource[], context: RouteContext): Promise<Renewal> {
  const [id, increment] = wantedRenewal(context);
  for (const source of sources) {
    const renewal = await source.prepareRenewal?.(context, id, increment);
    if (renewal !== undefined && renewal !== null) return renewal;
  }
  return () => Promise.resolve();
}

function wantedRenewal(context: RouteContext): readonly [id: string, increment: number] {
  const id = leaseIdOf(context);
  const { increment } = readFields(renewFields, context.data);
  if (increment < 0) throw badRequest('increment must be positive');
  return [id, increment];
}

async function renewLease(sources: readonly LeaseSource[], context: RouteContext): Promise<Reply> {
  const [id, increment] = wantedRenewal(context);
  for (const source of sources) {
    const reply = await source.renew(context, id, increment);
    if (reply !== null) return reply;
  }
  throw badRequest('lease not found');
}

async function revokeLease(sources: readonly LeaseSource[], context: RouteContext): Promise<Reply> {
  const id = leaseIdOf(context);
  let ended = true;
  for (const source of sources) ended = (await source.revoke(context, id)) && ended;
  return ended ? noContent : queued;
}

async function revokeBelow(sources: readonly LeaseSource[], context: RouteContext, force: boolean): Promise<Reply> {
  let ended = true;
  for (const source of sources) ended = (await source.revokePrefix(context, context.params.prefix ?? '', force)) && ended;
  return ended ? noContent : queued;
}

const queued: Reply = {
  status: 202,
  warnings: ['What engines have made outside for these leases is yet to be ended: that is queued, and done in the background.'],
};

/** What was left behind is told in any case, and more may be while it is queued. */
function withLeft({ status, warnings = [] }: Reply, left: NonNullable<ReturnType<DroppedLeases['since']>>): Reply {
  return { status: status === queued.status ? queued.status : 200, data: left.data, warnings: [...warnings, ...left.warnings] };
}

/** Waits until the background has tried to end what leases stand for: without `sync` no longer than clients wait. */
async function ended(endNow: EndNow, revoked: Parameters<EndNow>[0], context: RouteContext): Promise<Reply> {
  const { sync } = readFields(syncField, context.data);
  const outcome = await endNow(revoked, sync ? 60_000 : 5_000);
  if (outcome === 'ended') return noContent;
  if (sync && outcome !== 'waiting') throw new RequestError(500, `it is not ended yet, and tried again: ${outcome.problem}`);
  return queued;
}
