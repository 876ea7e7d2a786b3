import { GivenMysqlServer } from '../databases/given-mysql-server.ts';
import { MariadbServer } from '../databases/mariadb-server.ts';
import type { MysqlServer } from '../databases/mysql-server.ts';
import { conformance } from '../engines/database/conformance.ts';

/** A server to use in place of one of our own: `mysql://root:password@host:port`. */
const given = process.env['MYSQL_URL'] ?? '';
const creation = [`CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`];
const database = '`x"; DROP USER ``y``;--\\\'`';

async function exists(server: MysqlServer, table: string): Promise<boolean> {
  return (await server.query('SELECT 1 FROM information_schema.TABLES WHERE TABLE_NAME = ?', [table])).length > 0;
}

conformance<MysqlServer>({
  name: given === '' ? 'MariaDB' : 'the MySQL of MYSQL_URL',
  plugin: 'mysql-database-plugin',
  start: () => (given === '' ? MariadbServer.start() : GivenMysqlServer.at(given)),
  creation,
  refusals: { password: /Access denied for user 'root'@/, room: given === '' ? /Too many connections/ : null },
  failing: {
    creation: [...creation, `SELECT '{{password}}' FORM nowhere`],
    refusal: /You have an error in your SQL syntax.* near '/,
  },
  nonsense: {
    creation: [`CREATE USRE '{{name}}'@'%' IDENTIFIED BY '{{password}}'`],
    others: [`DROP USRE '{{name}}'`],
    refusal: /near 'USRE/,
  },
  useless: ['DO 1'],
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
    statements: ['CREATE TABLE secretctl_test.rolled_back (id int)'],
    async ran(server) {
      const ran = await exists(server, 'rolled_back');
      await server.query('DROP TABLE IF EXISTS secretctl_test.rolled_back');
      return ran;
    },
  },
  removal: {
    statements: [`REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{{name}}'@'%'; DROP USER '{{name}}'@'%'`],
    ofLogin: [`ALTER USER '{{name}}'@'%' ACCOUNT LOCK`],
    failing: {
      statements: [
        `ALTER USER '{{name}}'@'%' ACCOUNT LOCK`,
        'DROP TABLE secretctl_test.no_such_table',
        `DROP USER '{{name}}'@'%'`,
      ],
      repair: async (server) => {
        await server.query('CREATE TABLE secretctl_test.no_such_table (id int)');
      },
    },
  },
  expiry: null,
  endsSessions: true,
});
