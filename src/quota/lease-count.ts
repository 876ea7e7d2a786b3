import type { JsonObject } from '../base/json.ts';
import type { View } from '../barrier/view.ts';
import { runOf, type Run } from '../core/corridor.ts';
import { countedAt, countLeases, type Counted } from '../core/lease-count.ts';
import { mountRoute } from '../core/mount-index.ts';
import type { MountTable } from '../core/mount-table.ts';
import type { Mount, MountType, Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest, notFound, RequestError } from '../protocol/request-error.ts';
import { type Rule, Rules } from './rules.ts';
import { mountOf, refuseSecond, routeOf, shownPath, targetOf, type QuotaTarget } from './target.ts';

/** A lease-count quota: so many leases at a time. The record `quotas/lease-count/<name>` of the core's view. */
interface LeaseCountQuota extends QuotaTarget {
  readonly maxLeases: number;
}

const folder = 'quotas/lease-count/';
/**
 * Refuses a lease where the most specific quota for it allows no more. Called in the transaction that begins the lease:
 * of those that begin at the same time no more are admitted than the quota allows. `path`: of the request, inside the
 * mount; `role`: of the login that it is; null: none. Throws RequestError 429.
 */
export async function admitLease({ core, mounts }: Run, mount: Mount, path: string, role: string | null): Promise<void> {
  const names = await core.children(folder);
  if (names.length === 0) return;
  const rules = new Rules(await rulesOf(core, mounts, names));
  const whole = `${mountRoute(mount)}/${path}`;
  const quota = rules.find(whole, role);
  const counted = quota === null ? null : countedBy(quota, mounts);
  if (quota === null || counted === null || (await countLeases(core, counted)) < quota.maxLeases) return;
  throw new RequestError(
    429,
    `request path ${JSON.stringify(whole)}: lease count quota exceeded: the quota ${JSON.stringify(quota.name)} allows ${quota.maxLeases} at a time; leases must end first, or its max_leases must be raised`,
  );
}

async function rulesOf(core: View, mounts: MountTable, names: readonly string[]): Promise<readonly Rule<LeaseCountQuota>[]> {
  const rules: Rule<LeaseCountQuota>[] = [];
  for (const name of names) {
    const limit = await readQuota(core, name);
    const route = limit === null ? null : routeOf(limit, mounts);
    // A quota goes with its mount.
    if (limit !== null && route !== null) rules.push({ limit, route });
  }
  return rules;
}

/** Null: its mount is gone. */
function countedBy(quota: LeaseCountQuota, mounts: MountTable): Counted | null {
  const mount = mountOf(quota, mounts);
  if (mount === 'everything') return { of: 'all' };
  if (mount === null) return null;
  if (quota.role !== '') return { of: 'role', mount: countedAt(mount), role: quota.role };
  if (quota.suffix !== '') return { of: 'path', mount: countedAt(mount), path: quota.suffix };
  return { of: 'mount', mount: countedAt(mount) };
}

async function readQuota(core: View, name: string): Promise<LeaseCountQuota | null> {
  return core.getJson<LeaseCountQuota>(folder + name);
}

async function readQuotas(core: View): Promise<LeaseCountQuota[]> {
  const quotas: LeaseCountQuota[] = [];
  for (const name of await core.children(folder)) {
    const quota = await readQuota(core, name);
    if (quota !== null) quotas.push(quota);
  }
  return quotas;
}

const fields = {
  type: { type: 'string', description: 'lease-count.' },
  path: {
    type: 'string',
    description: 'A mount, or a path in one, perhaps with * at its end; empty: all leases.',
    default: '',
  },
  role: { type: 'string', description: 'Only logins of this role of the auth method at path.', default: '' },
  max_leases: { type: 'int', description: 'How many leases there may be at a time.', default: 0 },
  inheritable: { type: 'bool', description: 'Accepted for compatibility: there are no namespaces.' },
} as const satisfies Fields;

/** `sys/quotas/lease-count/…`. `methods` are the auth methods. */
export function leaseCountRoutes(methods: readonly MountType[]): readonly Route[] {
  return [
    {
      path: 'quotas/lease-count',
      summary: 'The lease-count quotas.',
      operations: { list: { summary: 'Lists their names.', handle: list } },
    },
    {
      path: 'quotas/lease-count/:name',
      summary: 'One lease-count quota: so many leases and tokens at a time.',
      exists: async (context) => (await standing(context)) !== null,
      operations: {
        read: { summary: 'Reads it, with how many leases it counts now.', handle: read },
        write: {
          summary: 'Makes or replaces it.',
          fields,
          configures: true,
          handle: (context) => write(methods, context),
          holds: isAlone,
        },
        delete: { summary: 'Deletes it.', configures: true, handle: remove },
      },
    },
    {
      path: 'quotas/lease-count/:name/config',
      summary: 'What is configured of a lease-count quota.',
      operations: {
        read: { summary: 'Reads it, without what leases and logins change.', forPlans: true, handle: readConfigured },
      },
    },
  ];
}

const nameOf = (context: RouteContext): string => context.params['name'] ?? '';

async function list(context: RouteContext): Promise<Reply> {
  const { core, mounts } = runOf(context);
  const quotas = await readQuotas(core);
  const keys = quotas.filter((quota) => routeOf(quota, mounts) !== null).map(({ name }) => name);
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}

async function read(context: RouteContext): Promise<Reply> {
  const found = await standing(context);
  if (found === null) throw notFound();
  const { core, mounts } = runOf(context);
  const counted = countedBy(found.quota, mounts);
  return { data: { counter: counted === null ? 0 : await countLeases(core, counted), ...configured(found) } };
}

async function readConfigured(context: RouteContext): Promise<Reply> {
  const found = await standing(context);
  if (found === null) throw notFound();
  return { data: configured(found) };
}

interface Standing {
  readonly quota: LeaseCountQuota;
  readonly route: string;
}

function configured({ quota, route }: Standing): JsonObject {
  return {
    inheritable: quota.inheritable,
    max_leases: quota.maxLeases,
    name: quota.name,
    path: shownPath(route, quota),
    role: quota.role,
    type: 'lease-count',
  };
}

/** A quota whose mount is gone is gone too. */
async function standing(context: RouteContext): Promise<Standing | null> {
  const { core, mounts } = runOf(context);
  const quota = await readQuota(core, nameOf(context));
  const route = quota === null ? null : routeOf(quota, mounts);
  return quota === null || route === null ? null : { quota, route };
}

async function write(methods: readonly MountType[], context: RouteContext): Promise<Reply> {
  const body = readFields(fields, context.data);
  if (body.max_leases <= 0) throw badRequest("'max_leases' is invalid: at least one lease must be allowed");
  const target = targetOf(context, methods, nameOf(context), body);
  const { core } = runOf(context);
  await core.putJson(folder + target.name, { ...target, maxLeases: body.max_leases } satisfies LeaseCountQuota);
  return noContent;
}

async function isAlone(context: RouteContext): Promise<void> {
  const { core, mounts } = runOf(context);
  refuseSecond(await readQuotas(core), nameOf(context), mounts);
}

async function remove(context: RouteContext): Promise<Reply> {
  await runOf(context).core.delete(folder + nameOf(context));
  return noContent;
}
