import type { Json, JsonObject } from '../../base/json.ts';
import type { Route, RouteContext } from '../../core/mount-type.ts';
import { noContent, type Reply } from '../../protocol/reply.ts';
import { badRequest, RequestError } from '../../protocol/request-error.ts';
import { type AppRole, changeRole, existingRole, noneAsNull, readRole, roleFields, shownRole } from './role.ts';

/** `role/<name>/<path>` reads, writes and resets the field `name`, which older clients call `alias`. */
interface RoleField {
  readonly path: string;
  readonly name: keyof typeof roleFields;
  readonly alias?: keyof typeof roleFields;
  readonly unset: Json;
}

const roleField: readonly RoleField[] = [
  { path: 'policies', name: 'token_policies', alias: 'policies', unset: [] },
  { path: 'secret-id-bound-cidrs', name: 'secret_id_bound_cidrs', unset: [] },
  { path: 'token-bound-cidrs', name: 'token_bound_cidrs', unset: [] },
  { path: 'bind-secret-id', name: 'bind_secret_id', unset: true },
  { path: 'secret-id-num-uses', name: 'secret_id_num_uses', unset: 0 },
  { path: 'secret-id-ttl', name: 'secret_id_ttl', unset: 0 },
  { path: 'period', name: 'token_period', alias: 'period', unset: 0 },
  { path: 'token-num-uses', name: 'token_num_uses', unset: 0 },
  { path: 'token-ttl', name: 'token_ttl', unset: 0 },
  { path: 'token-max-ttl', name: 'token_max_ttl', unset: 0 },
];

/** A path of its own for the older name of a field, which is in no other place. */
const boundCidrList: RoleField = { path: 'bound-cidr-list', name: 'bound_cidr_list', unset: [] };

/** The fields of a role that have a path of their own. */
export const roleFieldRoutes: readonly Route[] = [
  ...roleField.map((field) => routeOf(field, async (context) => shown(await existingRole(context), field))),
  routeOf(boundCidrList, async (context) => ({
    data: { bound_cidr_list: noneAsNull((await existingRole(context)).secretIdBoundCidrs) },
    warnings: ['The "bound_cidr_list" field is deprecated and will be removed. Please use "secret_id_bound_cidrs" instead.'],
  })),
  {
    path: 'role/:role/local-secret-ids',
    summary: 'Whether the secret ids of a role are local to a cluster.',
    operations: {
      read: {
        summary: 'Reads it.',
        handle: async (context) => ({ data: { local_secret_ids: (await existingRole(context)).localSecretIds } }),
      },
    },
  },
  {
    path: 'role/:role/role-id',
    summary: 'The role id, which a login names the role by. It is not secret, but there is no need to spread it.',
    operations: {
      read: { summary: 'Reads it.', handle: async (context) => ({ data: { role_id: (await existingRole(context)).roleId } }) },
      write: {
        summary: 'Sets it.',
        fields: { role_id: { ...roleFields.role_id, required: true } },
        configures: true,
        handle: async (context) => {
          if (context.data['role_id'] === undefined || context.data['role_id'] === '') throw badRequest('missing role_id');
          return change(context, await writableRole(context), { role_id: context.data['role_id'] });
        },
      },
    },
  },
];

function shown(role: AppRole, { name, alias }: RoleField): Reply {
  const fields = shownRole(role);
  const value = name === 'token_bound_cidrs' && role.token.boundCidrs.length === 0 ? null : fields[name];
  const older = alias === undefined ? undefined : fields[alias];
  return { data: { [name]: value ?? null, ...(alias === undefined || older === undefined ? {} : { [alias]: older }) } };
}

function routeOf({ path, name, alias, unset }: RoleField, read: (context: RouteContext) => Promise<Reply>): Route {
  const names = alias === undefined ? [name] : [name, alias];
  return {
    path: `role/:role/${path}`,
    summary: roleFields[name].description,
    operations: {
      read: { summary: 'Reads it.', handle: read },
      write: {
        summary: 'Sets it.',
        fields: Object.fromEntries(names.map((member) => [member, roleFields[member]])),
        configures: true,
        handle: async (context) => {
          const role = await writableRole(context);
          const sent = names.flatMap((member) => {
            const value = context.data[member] ?? null;
            return value === null ? [] : [[member, value] as const];
          });
          if (sent.length === 0) throw badRequest(`missing ${name}`);
          return change(context, role, Object.fromEntries(sent));
        },
      },
      delete: {
        summary: 'Sets it to its default.',
        configures: true,
        handle: async (context) => {
          const role = await readRole(context);
          return role === null ? noContent : change(context, role, { [name]: unset });
        },
      },
    },
  };
}

async function change(context: RouteContext, role: AppRole, sent: JsonObject) {
  const warnings = await changeRole(context, role, sent);
  return warnings.length > 0 ? { warnings } : noContent;
}

async function writableRole(context: RouteContext): Promise<AppRole> {
  const role = await readRole(context);
  if (role === null) throw new RequestError(404, `role "${context.params['role'] ?? ''}" does not exist`);
  return role;
}
