import pg from 'pg';
import type { ServerAddress } from './server-address.ts';
import type { Login, TestDatabase } from './test-database.ts';

/** A PostgreSQL server, as the tests use it. */
export abstract class Postgres implements TestDatabase {
  readonly username: string;
  readonly password: string;
  readonly #address: ServerAddress;

  constructor(address: ServerAddress) {
    this.#address = address;
    this.username = address.username;
    this.password = address.password;
  }

  get port(): number {
    return this.#address.port;
  }

  get #host(): { readonly host: string; readonly port: number } {
    return { host: this.#address.host, port: this.#address.port };
  }

  url(port = this.port): string {
    return `postgresql://{{username}}:{{password}}@127.0.0.1:${port}/postgres`;
  }

  /** Rows of a query as the superuser, or as somebody else. */
  async query<T extends pg.QueryResultRow>(
    text: string,
    { values = [], user = this.username, password = this.password, database = 'postgres' }: QueryOptions = {},
  ): Promise<readonly T[]> {
    const client = new pg.Client({ ...this.#host, user, password, database });
    await client.connect();
    try {
      return (await client.query<T>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  async users(): Promise<readonly string[]> {
    const rows = await this.query<{ name: string }>(
      `SELECT rolname AS name FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%' AND rolname <> $1 ORDER BY 1`,
      { values: [this.username] },
    );
    return rows.map(({ name }) => name);
  }

  async login(user: string, password: string): Promise<Login> {
    const client = new pg.Client({ ...this.#host, user, password, database: 'postgres' });
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query<{ name: string }>('SELECT current_user AS name');
    return { user: rows[0]?.name ?? '', ended, close: () => client.end() };
  }

  async removeUser(name: string): Promise<void> {
    await this.query(`DROP ROLE ${pg.escapeIdentifier(name)}`);
  }

  abstract kill(how?: 'orderly' | 'crash'): Promise<void>;
  abstract run(): Promise<void>;
  abstract stop(): Promise<void>;
}

interface QueryOptions {
  readonly values?: readonly unknown[];
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
}
