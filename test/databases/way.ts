import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server that can be blocked: what is asked still arrives there, but no answer comes back. */
export class Way {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #blocked = false;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** `target`: the port of a server here, or a server elsewhere; `at`: the port of the way, any unless told. */
  static async to(target: number | Target, at = 0): Promise<Way> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
    const way = new Way(server);
    const end = typeof target === 'number' ? { port: target, host: '127.0.0.1' } : target;
    server.on('connection', (client) => way.#join(client, end));
    return way;
  }

  block(): void {
    this.#blocked = true;
  }

  unblock(): void {
    this.#blocked = false;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, { port, host }: Target): void {
    const server = connect(port, host);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (data) => server.write(data));
    server.on('data', (data) => {
      if (!this.#blocked) client.write(data);
    });
  }
}

interface Target {
  readonly port: number;
  readonly host: string;
}
