import { createConnection, type ConnectionOptions, type RowDataPacket } from 'mysql2';
import type { ServerAddress } from './server-address.ts';
import type { Login, TestDatabase } from './test-database.ts';

/** A server that speaks as MySQL does, MariaDB too. It has a database `secretctl_test`. */
export abstract class MysqlServer implements TestDatabase {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly #host: string;

  protected constructor({ host, port, username, password }: ServerAddress) {
    this.#host = host;
    this.port = port;
    this.username = username;
    this.password = password;
  }

  abstract kill(how?: 'orderly' | 'crash'): Promise<void>;
  abstract run(): Promise<void>;
  abstract stop(): Promise<void>;

  url(port = this.port): string {
    return `{{username}}:{{password}}@tcp(127.0.0.1:${port})/`;
  }

  /** Rows of a statement as root, or as somebody else. */
  async query<T extends object>(sql: string, values: readonly string[] = [], as: ConnectionOptions = {}): Promise<readonly T[]> {
    const { rows, connection } = await this.#connect(sql, values, as);
    connection.destroy();
    return rows as unknown as readonly T[];
  }

  async users(): Promise<readonly string[]> {
    const rows = await this.query<{ name: string }>(`SELECT DISTINCT User AS name FROM mysql.user WHERE User <> '' ORDER BY 1`);
    return rows.map(({ name }) => name).filter((name) => name !== this.username && !/^(mysql|mariadb)\./.test(name));
  }

  async login(user: string, password: string): Promise<Login> {
    const { rows, connection } = await this.#connect('SELECT USER() AS name', [], { user, password });
    const name = String(rows[0]?.['name']);
    const ended = new Promise<void>((resolve) => connection.once('error', () => resolve()));
    return {
      user: name.slice(0, name.lastIndexOf('@')),
      ended,
      close: () => new Promise((resolve) => connection.end(() => resolve())),
    };
  }

  async removeUser(name: string): Promise<void> {
    await this.query(`DROP USER ?@'%'`, [name]);
  }

  async #connect(sql: string, values: readonly string[], as: ConnectionOptions) {
    const { username: user, password } = this;
    const connection = createConnection({ host: this.#host, port: this.port, user, password, ...as });
    const rows = await new Promise<readonly RowDataPacket[]>((resolve, reject) => {
      connection.on('error', reject);
      connection.query<RowDataPacket[]>(sql, [...values], (error, found) => (error === null ? resolve(found) : reject(error)));
    }).catch((error: unknown) => {
      connection.destroy();
      throw error;
    });
    return { rows, connection };
  }
}
