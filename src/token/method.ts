import type { MountType } from '../core/mount-type.ts';
import { createRoutes } from './create.ts';
import { lookupRoutes } from './lookup.ts';
import { renewRoutes } from './renew.ts';
import { revokeRoutes } from './revoke.ts';
import { readTokenRole, roleGrant, roleRoutes } from './role.ts';
import type { TokenDesk } from './tokens.ts';

/** The auth method that every store has, at `auth/token`. Its storage is the core's view. */
export function tokenMethod(desk: TokenDesk): MountType {
  return {
    type: 'token',
    description: 'token based credentials',
    routes: [...createRoutes(desk), ...lookupRoutes(desk), ...renewRoutes(desk), ...revokeRoutes(desk), ...roleRoutes],
    grant: async (core, role) => roleGrant(await readTokenRole(core, role)),
  };
}
