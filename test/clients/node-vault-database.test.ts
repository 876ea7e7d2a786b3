import { PostgresServer } from '../databases/postgres-server.ts';
import { itGivesCredentials, type ClientDatabase } from './database-credentials.ts';

async function postgresql(): Promise<ClientDatabase> {
  const server = await PostgresServer.start();
  return {
    connection: {
      plugin_name: 'postgresql-database-plugin',
      connection_url: server.url(),
      username: 'postgres',
      password: server.password,
    },
    creation: [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`],
    async whoAmI(user, password) {
      const [row] = await server.query<{ name: string }>('SELECT current_user AS name', { user, password });
      return row?.name ?? '';
    },
    stop: () => server.stop(),
  };
}

itGivesCredentials('PostgreSQL', postgresql);
