import { MongodbServer } from '../databases/mongodb-server.ts';
import { PostgresServer } from '../databases/postgres-server.ts';
import { databaseOf, itGivesCredentials } from './database-credentials.ts';

const sql = `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`;
const roles = '{"db": "admin", "roles": [{"role": "readWrite"}, {"role": "read", "db": "shop"}]}';

itGivesCredentials(
  'PostgreSQL',
  databaseOf('postgresql-database-plugin', [sql], () => PostgresServer.start()),
);
itGivesCredentials(
  'MongoDB (its stand-in, unless there is a server)',
  databaseOf('mongodb-database-plugin', [roles], () => MongodbServer.start()),
);
