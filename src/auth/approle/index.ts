import { bindingRename } from '../binding-rename.ts';
import type { AuthMethod } from '../method.ts';
import { appRoleBinding } from './binding.ts';
import { createMountKey } from './key.ts';
import { loginRole, loginRoute } from './login.ts';
import { roleFieldRoutes } from './role-field.ts';
import { moveRole, roleGrant, roleNamed, roleRenewal, roleRoutes } from './role.ts';
import { expireSecretIds, nextSecretIdDue } from './secret-id-records.ts';
import { secretIdRoutes } from './secret-id.ts';
import { tidyRoute } from './tidy.ts';

/** Logins of programs: a role id says who, a secret id proves it. */
export const approle: AuthMethod = {
  type: 'approle',
  description: 'Logins of programs by role id and secret id',
  routes: [loginRoute, ...roleRoutes, ...roleFieldRoutes, ...secretIdRoutes, tidyRoute],
  onMount: createMountKey,
  grant: roleGrant,
  loginRole,
  renewal: roleRenewal,
  rename: bindingRename({ folder: 'role/', noun: 'role', find: roleNamed, move: moveRole }),
  expiry: { next: nextSecretIdDue, expire: expireSecretIds },
  locksOut: true,
  binding: appRoleBinding,
  kinds: [],
};
