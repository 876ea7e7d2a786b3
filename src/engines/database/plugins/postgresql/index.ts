import type { DatabasePlugin } from '../plugin.ts';
import { PostgresqlSession } from './session.ts';
import { checkSettings, destinationOf, postgresqlFields } from './settings.ts';

export const postgresql: DatabasePlugin = {
  name: 'postgresql-database-plugin',
  aliases: [],
  fields: postgresqlFields,
  secretFields: ['private_key'],
  usernameTemplate:
    '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) | truncate 63 }}',
  longestUsername: 63,
  check: checkSettings,
  destination: destinationOf,
  open: (connection) => new PostgresqlSession(connection),
};
