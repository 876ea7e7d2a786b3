import { itGivesCredentials } from '../clients/database-credentials.ts';
import { MariadbServer } from '../databases/mariadb-server.ts';

itGivesCredentials('MariaDB', async () => {
  const server = await MariadbServer.start();
  return {
    connection: {
      plugin_name: 'mysql-database-plugin',
      connection_url: server.url(),
      username: server.username,
      password: server.password,
    },
    creation: [`CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`],
    async whoAmI(username, password) {
      const login = await server.login(username, password);
      await login.close();
      return login.user;
    },
    stop: () => server.stop(),
  };
});
