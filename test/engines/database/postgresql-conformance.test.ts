import { GivenPostgresServer } from '../../databases/given-postgres-server.ts';
import type { Postgres } from '../../databases/postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import { conformance } from './conformance.ts';

const creation = [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`];
const schema = '"x""; DROP ROLE y;--"';

async function exists(server: Postgres, table: string): Promise<boolean> {
  return (await server.query('SELECT 1 FROM pg_tables WHERE tablename = $1', { values: [table] })).length > 0;
}

const given = process.env['POSTGRES_URL'] ?? '';

conformance<Postgres>({
  name: given === '' ? 'PostgreSQL' : 'the PostgreSQL of POSTGRES_URL',
  plugin: 'postgresql-database-plugin',
  start: () => (given === '' ? PostgresServer.start() : GivenPostgresServer.at(given)),
  creation,
  refusals: { password: /password authentication failed for user /, room: /too many clients/ },
  failing: {
    // It ends the transaction in which the user is made.
    creation: [...creation, 'COMMIT', `GRANT pg_read_all_stats TO "{{name}}"; SELECT '{{password}}`],
    refusal: /unterminated quoted string at or near "'\*\*\*/,
  },
  nonsense: {
    creation: [`CREATE ROLL "{{name}}" PASSWORD '{{password}}'`],
    others: ['DROP ROLL "{{name}}"'],
    refusal: /syntax error at or near "ROLL"/,
  },
  useless: ['SELECT 1'],
  hostileNames: [`x"; DROP ROLE y;--`, `x'; DROP ROLE y;--`, 'x\\"; SELECT 1;', '{{password}}', '$$; --', 'ünï cödé', '%s%I'],
  hostileSpaces: [
    {
      name: `a schema named ${schema}`,
      prepare: async (server) => {
        await server.query(`CREATE SCHEMA ${schema}`);
        await server.query(`CREATE TABLE ${schema}.t ()`);
      },
      creation: [
        ...creation,
        `GRANT USAGE ON SCHEMA ${schema} TO "{{name}}"`,
        `GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO "{{name}}"`,
        `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT SELECT ON TABLES TO "{{name}}"`,
      ],
      clean: async (server) => {
        await server.query(`DROP SCHEMA ${schema} CASCADE`);
      },
    },
  ],
  slow: {
    creation: [...creation, 'SELECT pg_sleep(60)'],
    underWay: async (server) => {
      const rows = await server.query(
        `SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()`,
      );
      return rows.length > 0;
    },
  },
  rollback: {
    statements: ['CREATE TABLE rolled_back ()'],
    async ran(server) {
      const ran = await exists(server, 'rolled_back');
      await server.query('DROP TABLE IF EXISTS rolled_back');
      return ran;
    },
  },
  removal: {
    statements: ['DROP ROLE "{{name}}"'],
    ofLogin: ['ALTER ROLE "{{name}}" NOLOGIN'],
    failing: {
      statements: ['ALTER ROLE "{{name}}" NOLOGIN', 'DROP TABLE no_such_table', 'DROP ROLE "{{name}}"'],
      repair: async (server) => {
        await server.query('CREATE TABLE no_such_table ()');
      },
    },
  },
  async expiry(server, name) {
    const [row] = await server.query<{ until: Date }>('SELECT rolvaliduntil AS until FROM pg_roles WHERE rolname = $1', {
      values: [name],
    });
    return row?.until.getTime() ?? 0;
  },
  endsSessions: true,
});
