import { runOf } from '../core/corridor.ts';
import type { MountType, Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';
import { leaseCountRoutes } from './lease-count.ts';
import {
  deleteRateLimit,
  readQuotaConfig,
  readRateLimit,
  readRateLimits,
  writeQuotaConfig,
  writeRateLimit,
  type RateLimit,
} from './record.ts';
import { refuseSecond, routeOf, shownPath, targetOf } from './target.ts';

const configFields = {
  rate_limit_exempt_paths: { type: 'strings', description: 'Paths that no rate limit counts for.', default: [] },
  absolute_rate_limit_exempt_paths: {
    type: 'strings',
    description: 'More of them: where there are no namespaces, each path is absolute.',
    default: [],
  },
  enable_rate_limit_audit_logging: { type: 'bool', description: 'Write refusals to the audit log.', default: false },
  enable_rate_limit_response_headers: { type: 'bool', description: 'Tell clients what is left of their quota.', default: false },
} as const satisfies Fields;

const limitFields = {
  type: { type: 'string', description: 'rate-limit.' },
  path: {
    type: 'string',
    description: 'A mount, or a path in one, perhaps with * at its end; empty: all requests.',
    default: '',
  },
  role: { type: 'string', description: 'Only logins of this role of the auth method at path.', default: '' },
  rate: { type: 'any', description: 'How many requests a client may send in an interval.' },
  interval: { type: 'duration', description: 'The interval; a second unless told.', default: 0 },
  block_interval: { type: 'duration', description: 'How long a client that came too often is refused altogether.', default: 0 },
  inheritable: { type: 'bool', description: 'Accepted for compatibility: there are no namespaces.' },
} as const satisfies Fields;

/** `sys/quotas/…`. `methods` are the auth methods. */
export function quotaRoutes(methods: readonly MountType[]): readonly Route[] {
  return [
    {
      path: 'quotas/config',
      summary: 'What holds for all quotas.',
      operations: {
        read: { summary: 'Reads it.', forPlans: true, handle: readConfig },
        write: { summary: 'Replaces it as a whole.', fields: configFields, configures: true, handle: writeConfig },
      },
    },
    {
      path: 'quotas/rate-limit',
      summary: 'The rate-limit quotas.',
      operations: { list: { summary: 'Lists their names.', handle: list } },
    },
    {
      path: 'quotas/rate-limit/:name',
      summary: 'One rate-limit quota: so many requests of each client in an interval.',
      exists: async (context) => (await shownLimit(context)) !== null,
      operations: {
        read: { summary: 'Reads it.', forPlans: true, handle: read },
        write: {
          summary: 'Makes or replaces it.',
          fields: limitFields,
          configures: true,
          handle: (context) => write(methods, context),
          holds: isAlone,
        },
        delete: { summary: 'Deletes it.', configures: true, handle: remove },
      },
    },
    ...leaseCountRoutes(methods),
  ];
}

const nameOf = (context: RouteContext): string => context.params.name ?? '';

async function readConfig(context: RouteContext): Promise<Reply> {
  const config = await readQuotaConfig(runOf(context).core);
  return {
    data: {
      absolute_rate_limit_exempt_paths: config.absoluteExemptPaths ?? [],
      enable_rate_limit_audit_logging: config.auditLogging,
      enable_rate_limit_response_headers: config.responseHeaders,
      rate_limit_exempt_paths: config.exemptPaths,
    },
  };
}

async function writeConfig(context: RouteContext): Promise<Reply> {
  const body = readFields(configFields, context.data);
  await writeQuotaConfig(runOf(context).core, {
    exemptPaths: body.rate_limit_exempt_paths,
    absoluteExemptPaths: body.absolute_rate_limit_exempt_paths,
    auditLogging: body.enable_rate_limit_audit_logging,
    responseHeaders: body.enable_rate_limit_response_headers,
  });
  return noContent;
}

async function list(context: RouteContext): Promise<Reply> {
  const limits = await readRateLimits(runOf(context).core);
  const { mounts } = runOf(context);
  const keys = limits.filter((limit) => routeOf(limit, mounts) !== null).map(({ name }) => name);
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}

async function read(context: RouteContext): Promise<Reply> {
  const shown = await shownLimit(context);
  if (shown === null) throw notFound();
  const { limit, route } = shown;
  return {
    data: {
      block_interval: limit.blockInterval,
      inheritable: limit.inheritable,
      interval: limit.interval,
      name: limit.name,
      path: shownPath(route, limit),
      rate: limit.rate,
      role: limit.role,
      type: 'rate-limit',
    },
  };
}

/** A quota whose mount is gone is gone too. */
async function shownLimit(context: RouteContext): Promise<{ readonly limit: RateLimit; readonly route: string } | null> {
  const limit = await readRateLimit(runOf(context).core, nameOf(context));
  const route = limit === null ? null : routeOf(limit, runOf(context).mounts);
  return limit === null || route === null ? null : { limit, route };
}

async function write(methods: readonly MountType[], context: RouteContext): Promise<Reply> {
  const body = readFields(limitFields, context.data);
  const rate = typeof body.rate === 'string' && body.rate.trim() !== '' ? Number(body.rate) : body.rate;
  if (typeof rate !== 'number' || !Number.isFinite(rate) || rate <= 0) throw badRequest("'rate' is invalid");
  if (body.interval < 0) throw badRequest("'interval' is invalid");
  if (body.block_interval < 0) throw badRequest("'block' is invalid");
  const target = targetOf(context, methods, nameOf(context), body);
  const limit: RateLimit = {
    ...target,
    rate,
    interval: body.interval === 0 ? 1 : body.interval,
    blockInterval: body.block_interval,
  };
  await writeRateLimit(runOf(context).core, limit);
  return noContent;
}

async function isAlone(context: RouteContext): Promise<void> {
  const { core, mounts } = runOf(context);
  refuseSecond(await readRateLimits(core), nameOf(context), mounts);
}

async function remove(context: RouteContext): Promise<Reply> {
  await deleteRateLimit(runOf(context).core, nameOf(context));
  return noContent;
}
