import type { Engine } from '../engine.ts';
import { connectionRoutes } from './connection.ts';
import { databaseConnectionKind } from './connection-kind.ts';
import { credsRoute, userLeases } from './creds.ts';
import { databaseRoleKind } from './role-kind.ts';
import { roleRoutes } from './role.ts';
import { DatabaseSessions } from './sessions.ts';
import { staticRoleRoutes } from './static-role.ts';

/** Users of databases: made for whoever asks and removed when their time is over, or kept with passwords that change. */
export const database: Engine = {
  ...over(new DatabaseSessions()),
  kinds: [databaseConnectionKind, databaseRoleKind],
  start() {
    const sessions = new DatabaseSessions();
    return { ...over(sessions), close: () => sessions.close() };
  },
};

function over(sessions: DatabaseSessions) {
  return {
    type: 'database',
    description: 'Users of databases, with leases',
    routes: [...connectionRoutes(sessions), ...roleRoutes, ...staticRoleRoutes, credsRoute(sessions)],
    leases: userLeases(sessions),
  };
}
