import { MysqlServer } from './mysql-server.ts';
import { readServerAddress, type ServerAddress } from './server-address.ts';
import { Way } from './way.ts';

/** A server that was given by its URL, `mysql://root:password@host:port`. It is down while nobody gets to it. */
export class GivenMysqlServer extends MysqlServer {
  readonly #way: Way;
  /** Who was there before. */
  #known: readonly string[] = [];

  private constructor(address: ServerAddress, way: Way) {
    super(address);
    this.#way = way;
  }

  static async at(text: string): Promise<GivenMysqlServer> {
    const address = readServerAddress(text, 3306);
    const server = new GivenMysqlServer(address, await Way.to(address.port, address.host));
    await server.query('CREATE DATABASE IF NOT EXISTS secretctl_test');
    server.#known = await server.users();
    return server;
  }

  override url(port = this.#way.port): string {
    return super.url(port);
  }

  override async users(): Promise<readonly string[]> {
    return (await super.users()).filter((name) => !this.#known.includes(name));
  }

  async kill(): Promise<void> {
    await this.#way.close();
  }

  async run(): Promise<void> {
    await this.#way.open();
  }

  async stop(): Promise<void> {
    await this.#way.close();
    await this.query('DROP DATABASE IF EXISTS secretctl_test');
  }
}
