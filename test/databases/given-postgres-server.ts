import { Postgres } from './postgres.ts';
import { readServerAddress, type ServerAddress } from './server-address.ts';
import { Way } from './way.ts';

/** A server that was given by its URL, `postgresql://superuser:password@host:port`. It is down while nobody gets to it. */
export class GivenPostgresServer extends Postgres {
  readonly #way: Way;
  /** Who was there before. */
  #known: readonly string[] = [];

  private constructor(address: ServerAddress, way: Way) {
    super(address);
    this.#way = way;
  }

  static async at(text: string): Promise<GivenPostgresServer> {
    const address = readServerAddress(text, 5432);
    const server = new GivenPostgresServer(address, await Way.to(address.port, address.host));
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
  }
}
