import type { JsonObject } from '../../src/base/json.ts';
import { world, type World } from '../world.ts';
import type { Postgres } from './postgres.ts';

/** The statement of most roles. */
export const userCreation = [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`];

/**
 * A system with the engine at `database` and a connection `main` to a server, for every role. Its clock begins at that of
 * the machine, by which the server goes, unless `at` is given. `connection`: fields in place of the usual ones.
 */
export async function mountedPostgres(
  server: Postgres,
  { connection = {}, at }: { readonly connection?: JsonObject; readonly at?: World } = {},
): Promise<World> {
  const mounted = at ?? (await world({ time: Date.now() }));
  await mounted.write('sys/mounts/database', { type: 'database' });
  await mounted.write('database/config/main', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: server.url(),
    username: server.username,
    password: server.password,
    allowed_roles: '*',
    ...connection,
  });
  return mounted;
}
