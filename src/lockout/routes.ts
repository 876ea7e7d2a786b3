import { givingWay } from '../base/giving-way.ts';
import type { JsonObject } from '../base/json.ts';
import type { View } from '../barrier/view.ts';
import { runOf } from '../core/corridor.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { type Failures, failuresPath, knownFolder } from './failures.ts';
import { isLocked, lockoutTerms } from './lockout.ts';

const listFields = {
  mount_accessor: { type: 'string', description: 'Only the users of the auth method with this accessor.', default: '' },
} as const satisfies Fields;

/** `sys/locked-users`: who is locked out, and letting them in again. */
export const lockoutRoutes: readonly Route[] = [
  {
    path: 'locked-users',
    summary: 'The users who are locked out after too many failed logins.',
    operations: { read: { summary: 'Lists them by auth method.', fields: listFields, handle: list } },
  },
  {
    path: 'locked-users/:accessor/unlock/:alias*',
    summary: 'One user of an auth method, by the name that logins give: a user name, a role id.',
    operations: { write: { summary: 'Forgets the failed logins.', handle: unlock } },
  },
];

const lockouts = (context: RouteContext): View => runOf(context).core.below('lockout/');

async function list(context: RouteContext): Promise<Reply> {
  const { mount_accessor: wanted } = readFields(listFields, context.data);
  const view = lockouts(context);
  const known = await view.children(knownFolder);
  const accessors = wanted === '' ? known.map((name) => name.slice(0, -1)) : [wanted];
  const byMount: { mount_accessor: string; counts: number; alias_identifiers: readonly string[] }[] = [];
  for (const accessor of accessors) {
    const names = await lockedNames(context, view, accessor);
    if (names.length > 0 || wanted !== '')
      byMount.push({ mount_accessor: accessor, counts: names.length, alias_identifiers: names });
  }
  byMount.sort((a, b) => b.counts - a.counts);
  const total = byMount.reduce((sum, { counts }) => sum + counts, 0);
  const root: JsonObject = { namespace_id: 'root', namespace_path: '', counts: total, mount_accessors: byMount };
  return { data: { by_namespace: [root], total } };
}

async function lockedNames(context: RouteContext, view: View, accessor: string): Promise<readonly string[]> {
  const mount = runOf(context).mounts.byAccessor(accessor);
  const terms = mount === null ? null : lockoutTerms(mount.config);
  if (terms === null) return [];
  const names: string[] = [];
  const giveWay = givingWay(64);
  for (const hash of await view.children(`${knownFolder}${accessor}/`)) {
    await giveWay();
    const failures = await view.getJson<Failures>(`${knownFolder}${accessor}/${hash}`);
    if (failures !== null && isLocked(failures, terms, context.now)) names.push(failures.name);
  }
  return names.sort();
}

async function unlock(context: RouteContext): Promise<Reply> {
  const { accessor = '', alias = '' } = context.params;
  const view = lockouts(context);
  const path = await failuresPath(view, accessor, alias, true);
  if (path !== null) await view.delete(path);
  return noContent;
}
