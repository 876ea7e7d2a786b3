import { instantText } from '../../base/instant.ts';
import type { Route, RouteContext } from '../../core/mount-type.ts';
import type { Reply } from '../../protocol/reply.ts';
import { badRequest } from '../../protocol/request-error.ts';
import { allows, connectionNamed, notAllowed } from './connection-record.ts';
import { rotationOf } from './rotation.ts';
import { shownTimes } from './rotation-times.ts';
import { staticCredentialOf, staticRoleNamed } from './static-account.ts';

export const staticCredsRoute: Route = {
  path: 'static-creds/:name',
  summary: 'The user of a static role.',
  operations: { read: { summary: 'Gives its name and present password, without a lease.', handle: present } },
};

async function present({ storage, params, now }: RouteContext): Promise<Reply> {
  const { name = '' } = params;
  const role = await staticRoleNamed(storage, name);
  const credential = await staticCredentialOf(storage, name);
  if (role === null || credential === null) throw badRequest(`unknown role: ${name}`);
  const connection = await connectionNamed(storage, role.connection);
  if (connection === null) throw badRequest(`failed to find entry for connection with name: "${role.connection}"`);
  if (!allows(connection, name)) throw notAllowed(connection, name);
  const { password, rotatedAt, next } = credential;
  const rotation = await rotationOf(storage, { kind: 'role', name });
  if (password === null) {
    const why = rotation?.error === null || rotation === null ? '' : `: ${rotation.error}`;
    throw badRequest(
      `the password of "${role.username}" is not known before it is changed, which is due at ${instantText(next)}${why}; rotate-role/${name} changes it now`,
    );
  }
  return {
    data: {
      username: role.username,
      password,
      last_vault_rotation: rotatedAt === null ? null : instantText(rotatedAt),
      ...shownTimes(role.times),
      ttl: Math.max(0, Math.floor((next - now) / 1000)),
    },
    ...(rotation?.needsOperator === true
      ? {
          warnings: [
            `nobody knows whether this password holds: ${rotation.error ?? ''}. See rotations, and set the password in the database`,
          ],
        }
      : {}),
  };
}
