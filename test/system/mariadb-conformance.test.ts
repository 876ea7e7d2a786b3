import { MariadbServer } from '../databases/mariadb-server.ts';
import { conformance } from '../engines/database/conformance.ts';

const creation = [`CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`];
const database = '`x"; DROP USER ``y``;--\\\'`';

async function exists(server: MariadbServer, table: string): Promise<boolean> {
  return (await server.query('SELECT 1 FROM information_schema.TABLES WHERE TABLE_NAME = ?', [table])).length > 0;
}

conformance<MariadbServer>({
  name: 'MariaDB',
  plugin: 'mysql-database-plugin',
  start: () => MariadbServer.start(),
  creation,
  refusals: { password: /Access denied for user 'root'@'127.0.0.1'/, room: /Too many connections/ },
  failing: {
    creation: [...creation, `SELECT '{{password}}' FORM nowhere`],
    refusal: /You have an error in your SQL syntax.* near '/,
  },
  nonsense: { creation: [`CREATE USRE '{{name}}'@'%'`], refusal: /near 'USRE/ },
  hostileNames: [
    `x'@'%'; DROP USER y#`,
    `x"; DROP ROLE y;--`,
    'x\\',
    "x\\'; -- ",
    'x`; DROP USER y;',
    '{{password}}',
    'ünï cödé',
    '%_?@h',
  ],
  hostileSpaces: [
    {
      name: `a database named ${database}`,
      prepare: async (server) => {
        await server.query(`CREATE DATABASE ${database}`);
        await server.query(`CREATE TABLE ${database}.t (id int)`);
      },
      creation: [
        ...creation,
        `GRANT ALL ON ${database}.* TO '{{name}}'@'%' WITH GRANT OPTION; GRANT SELECT (id) ON ${database}.t TO '{{name}}'@'%'`,
      ],
      clean: async (server) => {
        await server.query(`DROP DATABASE ${database}`);
      },
    },
  ],
  slow: {
    creation: [...creation, 'DO SLEEP(60)'],
    underWay: async (server) => {
      const rows = await server.query(`SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DO SLEEP(60)%'`);
      return rows.length > 0;
    },
  },
  rollback: {
    statements: ['CREATE TABLE app.rolled_back (id int)'],
    async ran(server) {
      const ran = await exists(server, 'rolled_back');
      await server.query('DROP TABLE IF EXISTS app.rolled_back');
      return ran;
    },
  },
  removal: {
    statements: [`REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{{name}}'@'%'; DROP USER '{{name}}'@'%'`],
    failing: {
      statements: [`ALTER USER '{{name}}'@'%' ACCOUNT LOCK`, 'DROP TABLE app.no_such_table', `DROP USER '{{name}}'@'%'`],
      repair: async (server) => {
        await server.query('CREATE TABLE app.no_such_table (id int)');
      },
    },
  },
  expiry: null,
  endsSessions: true,
});
