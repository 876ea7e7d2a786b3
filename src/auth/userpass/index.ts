import { bindingRename } from '../binding-rename.ts';
import type { AuthMethod } from '../method.ts';
import { userBinding } from './binding.ts';
import { loginRoute } from './login.ts';
import { moveUser, userGrant, userNamed, userRenewal, userRoutes } from './user.ts';

/** Logins of people, and of what can't do better, by name and password. */
export const userpass: AuthMethod = {
  type: 'userpass',
  description: 'Logins by user name and password',
  routes: [loginRoute, ...userRoutes],
  grant: userGrant,
  renewal: userRenewal,
  rename: bindingRename({ folder: 'users/', noun: 'user', find: userNamed, move: moveUser }),
  locksOut: true,
  binding: userBinding,
  kinds: [],
};
