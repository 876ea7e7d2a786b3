import type { Background } from '../../core/mount-jobs.ts';
import type { Engine } from '../engine.ts';
import { connectionRoutes } from './connection.ts';
import { databaseConnectionKind } from './connection-kind.ts';
import { renameConnection } from './connection-rename.ts';
import { credsRoute, userLeases } from './creds.ts';
import { onlyHere } from './only-here.ts';
import { databaseRoleKind } from './role-kind.ts';
import { roleRoutes } from './role.ts';
import { rotationJobs } from './rotation-jobs.ts';
import { rotationRoutes } from './rotation-routes.ts';
import { DatabaseSessions } from './sessions.ts';
import { staticCredsRoute } from './static-creds.ts';
import { databaseStaticRoleKind } from './static-role-kind.ts';
import { staticRoleRoutes } from './static-role.ts';

/** Users of databases: made for whoever asks and removed when their time is over, or kept with passwords that change. */
export const database: Engine = {
  ...over(new DatabaseSessions(), null),
  kinds: [databaseConnectionKind, databaseRoleKind, databaseStaticRoleKind],
  start(background) {
    const sessions = new DatabaseSessions();
    return { ...over(sessions, background), close: () => sessions.close() };
  },
};

/** `background` null: it is only described. */
function over(sessions: DatabaseSessions, background: Background | null) {
  return {
    type: 'database',
    description: 'Users of databases, with leases',
    routes: [
      ...connectionRoutes(sessions, background),
      ...roleRoutes,
      ...staticRoleRoutes(background),
      ...rotationRoutes(background),
      credsRoute(sessions, background),
      staticCredsRoute,
    ],
    leases: userLeases(sessions),
    onlyHere,
    rename: renameConnection,
    jobs: rotationJobs(sessions),
  };
}
