import type { Socket } from 'node:net';
import type { Connection, RowDataPacket } from 'mysql2';
import type { ClientSettings } from './settings.ts';

/**
 * What a session is set to before anything else: strings are read as `fillIn` writes them, GRANT makes no user by itself
 * (where a server could still do that), and no statement waits for a lock for a day.
 */
const prologue = `SET SESSION lock_wait_timeout = 30, sql_mode = CONCAT_WS(',', 'STRICT_TRANS_TABLES',
  IF(FIND_IN_SET('NO_AUTO_CREATE_USER', @@SESSION.sql_mode) > 0, 'NO_AUTO_CREATE_USER', NULL))`;

/** One connection to a server. What it throws is the driver's. */
export class Client {
  readonly #connection: Connection;
  readonly #socket: Socket;

  private constructor(connection: Connection, socket: Socket) {
    this.#connection = connection;
    this.#socket = socket;
  }

  static async open(settings: ClientSettings, signal: AbortSignal): Promise<Client> {
    const { createConnection } = await import('mysql2');
    signal.throwIfAborted();
    const socket = settings.socket();
    const connection = createConnection({ ...settings.options, stream: () => socket });
    // One that ends is told by what is under way or comes next; an `error` without a listener ends the process.
    connection.on('error', () => undefined);
    const client = new Client(connection, socket);
    try {
      await client.until(signal, async () => {
        await new Promise<void>((resolve, reject) => {
          connection.connect((error) => (error === null ? resolve() : reject(error)));
        });
        await client.query(prologue);
      });
    } catch (error) {
      client.destroy();
      throw error;
    }
    return client;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.readable && this.#socket.writable;
  }

  async answers(signal: AbortSignal): Promise<boolean> {
    const answer = new Promise<boolean>((resolve) => {
      this.#connection.ping((error) => resolve(error === null));
    });
    return this.until(signal, () => answer);
  }

  /** The rows that a statement gives. */
  query(sql: string, values: readonly string[] = []): Promise<readonly RowDataPacket[]> {
    return new Promise((resolve, reject) => {
      this.#connection.query<RowDataPacket[]>(sql, [...values], (error, rows) => {
        if (error === null) resolve(Array.isArray(rows) ? rows : []);
        else reject(error);
      });
    });
  }

  /** Has the server read a statement without running it. */
  parse(sql: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#connection.prepare(sql, (error, statement) => {
        if (error !== null) {
          reject(Object.assign(error, { sql }));
          return;
        }
        statement.close();
        resolve();
      });
    });
  }

  /** Work that ends with the signal: what waits for an answer then fails. */
  async until<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const abort = (): void => {
      this.#socket.destroy(new Error('it did not answer in time'));
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await work();
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Takes leave of the server, and does not wait for it. */
  end(): void {
    if (this.isOpen) this.#connection.end(() => undefined);
    else this.destroy();
  }

  destroy(): void {
    this.#connection.destroy();
    this.#socket.destroy();
  }
}
