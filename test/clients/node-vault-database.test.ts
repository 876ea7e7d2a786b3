import { PostgresServer } from '../databases/postgres-server.ts';
import { databaseOf, itGivesCredentials } from './database-credentials.ts';

const sql = `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`;
itGivesCredentials(
  'PostgreSQL',
  databaseOf('postgresql-database-plugin', [sql], () => PostgresServer.start()),
);
