import type { DatabasePlugin } from '../plugin.ts';
import { dialect } from './dialect.ts';
import { PostgresqlSession } from './session.ts';
import { sqlProblems } from '../sql-statements.ts';
import { addressText, checkSettings, destinationOf, postgresqlFields, urlOf } from './settings.ts';

const example = `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`;

export const postgresql: DatabasePlugin = {
  name: 'postgresql-database-plugin',
  aliases: [],
  fields: postgresqlFields,
  secretFields: ['private_key'],
  usernameTemplate:
    '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) | truncate 63 }}',
  longestUsername: 63,
  check: checkSettings,
  checkUrl: (url, username) => void urlOf({ url, username, password: '' }),
  checkStatements: (use, statements) => sqlProblems(use, statements, { dialect, example, expires: true }),
  destination: destinationOf,
  address: addressText,
  open: (connection) => new PostgresqlSession(connection),
};
