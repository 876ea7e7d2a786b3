import type { View } from '../../barrier/view.ts';
import { badRequest } from '../../protocol/request-error.ts';
import type { Connection } from './connection-record.ts';
import { databasePlugins, pluginNamed } from './plugins/index.ts';
import {
  LoginRefused,
  type ConnectionFields,
  type DatabasePlugin,
  type DatabaseSession,
  type StatementUse,
} from './plugins/plugin.ts';
import { rotationOf } from './rotation.ts';
import type { DatabaseSessions } from './sessions.ts';

/** The plug-in of a connection. Throws RequestError 400 for one that this build does not have. */
export function pluginOf({ plugin }: Pick<Connection, 'plugin'>): DatabasePlugin {
  const found = pluginNamed(plugin);
  if (found !== null) return found;
  const names = databasePlugins.map(({ name }) => name).join(', ');
  throw badRequest(`unknown database plugin "${plugin}"; there are ${names}`);
}

const uses = ['creation', 'revocation', 'rollback', 'renewal', 'rotation', 'rootRotation'] as const;

/** Throws RequestError 400 for statements that can't work, whatever is in the database. */
export function checkStatements(plugin: DatabasePlugin, lists: Partial<Readonly<Record<StatementUse, readonly string[]>>>): void {
  for (const use of uses) {
    const statements = lists[use];
    if (statements === undefined) continue;
    const wrong = plugin.checkStatements(use, statements).find(({ severity }) => severity !== 'warning');
    if (wrong !== undefined) throw badRequest([wrong.message, wrong.hint ?? []].flat().join(': '));
  }
}

export function fieldsOf({ url, username, password, details, maxOpen, maxIdle, maxLifetime }: Connection): ConnectionFields {
  return { url, username, password, details, maxOpen, maxIdle: maxIdle === 0 ? maxOpen : Math.max(0, maxIdle), maxLifetime };
}

/**
 * With what passwords a connection may be let in: its own, and while that is being changed the new one. So whatever became
 * of a change, it locks nobody out.
 */
export async function waysIn(storage: View, connection: Connection): Promise<readonly Connection[]> {
  const rotation = await rotationOf(storage, { kind: 'root', name: connection.name });
  if (rotation === null || rotation.username !== connection.username) return [connection];
  const { id, password } = rotation;
  return [connection, { ...connection, password, version: `${connection.version} ${id}` }];
}

/**
 * Works with the session of a connection. Who is refused, because its password has just been changed, tries the next way
 * in: nothing was done by then. `read` gives them as they are now. Throws LoginRefused where there is no other.
 */
export async function inSession<T>(
  sessions: DatabaseSessions,
  read: () => Promise<readonly Connection[]>,
  work: (session: DatabaseSession) => Promise<T>,
): Promise<T> {
  const tried = new Set<string>();
  let refusal = new LoginRefused(500, 'there is no way into the database');
  for (;;) {
    const way = (await read()).find(({ version }) => !tried.has(version));
    if (way === undefined) throw refusal;
    const { uid, version } = way;
    try {
      return await sessions.use({ uid, version, plugin: pluginOf(way) }, () => fieldsOf(way), work);
    } catch (error) {
      if (!(error instanceof LoginRefused)) throw error;
      refusal = error;
      tried.add(version);
      await sessions.changed(uid);
    }
  }
}
