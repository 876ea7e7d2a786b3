import { connect, type Socket } from 'node:net';
import { connect as connectSecurely, type ConnectionOptions } from 'node:tls';

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A client that sends the bytes it is told, and takes answers apart strictly. */
export class RawClient {
  readonly socket: Socket;
  #received = '';
  #ended = false;
  #error: string | null = null;
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      this.#wake();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error.code ?? error.name;
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  static async open(target: number | string, tls?: ConnectionOptions): Promise<RawClient> {
    const to = typeof target === 'number' ? { port: target, host: '127.0.0.1' } : { path: target };
    const socket = tls === undefined ? connect(to) : connectSecurely({ ...to, ...tls });
    await new Promise<void>((resolve, reject) => {
      socket.once(tls === undefined ? 'connect' : 'secureConnect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Each piece in a packet of its own, as far as the system lets us say. */
  async send(...pieces: readonly (string | Buffer)[]): Promise<void> {
    for (const piece of pieces) {
      await new Promise<void>((resolve) => {
        this.socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece, () => resolve());
      });
      // The server reads in the same event loop.
      if (pieces.length > 1) for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #wake(): void {
    for (const waiter of this.#waiting.splice(0)) waiter();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next answer; null: the server closed the connection instead. `head`: it has no body. */
  async answer({ head = false } = {}): Promise<RawAnswer | null> {
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end === -1) {
        if (!this.#ended) {
          await this.#more();
          continue;
        }
        if (this.#received !== '') throw new Error(`half an answer: ${JSON.stringify(this.#received)}`);
        return null;
      }
      const [statusLine = '', ...lines] = this.#received.slice(0, end).split('\r\n');
      const status = Number(/^HTTP\/1\.1 (\d{3}) [A-Za-z -]*$/.exec(statusLine)?.[1]);
      if (!Number.isInteger(status)) throw new Error(`no status line: ${statusLine}`);
      const headers: Record<string, string> = {};
      for (const line of lines) {
        const [, name = '', value = ''] = /^([A-Za-z-]+): (.*)$/.exec(line) ?? [];
        if (name === '' || name.toLowerCase() in headers) throw new Error(`bad header: ${line}`);
        headers[name.toLowerCase()] = value;
      }
      const body = await this.#body(end + 4, headers, head || status === 204 || status === 100);
      if (body !== null) return { status, headers, body };
      if (this.#ended) throw new Error(`half a body after ${this.#error ?? 'an orderly end'}`);
      await this.#more();
    }
  }

  async #body(start: number, headers: Readonly<Record<string, string>>, none: boolean): Promise<string | null> {
    if (none) return this.#take(start, start);
    if (headers['transfer-encoding'] === 'chunked') return this.#chunks(start);
    const length = headers['content-length'];
    if (length === undefined) return this.#ended ? this.#take(start, this.#received.length) : null;
    return this.#received.length < start + Number(length) ? null : this.#take(start, start + Number(length));
  }

  #chunks(start: number): string | null {
    let body = '';
    for (let at = start; ;) {
      const lineEnd = this.#received.indexOf('\r\n', at);
      if (lineEnd === -1) return null;
      const size = Number.parseInt(this.#received.slice(at, lineEnd), 16);
      const next = lineEnd + 2 + size + 2;
      if (this.#received.length < next) return null;
      body += this.#received.slice(lineEnd + 2, lineEnd + 2 + size);
      at = next;
      if (size > 0) continue;
      this.#take(at, at);
      return body;
    }
  }

  #take(start: number, end: number): string {
    const body = this.#received.slice(start, end);
    this.#received = this.#received.slice(end);
    return body;
  }

  /** Waits until the server has closed the connection. Throws where it still sent something. */
  async closed(): Promise<void> {
    const last = await this.answer();
    if (last !== null) throw new Error(`an answer that nobody expected: ${JSON.stringify(last)}`);
  }

  end(): void {
    this.socket.destroy();
  }
}

/** Sends these bytes over a connection of their own: the answer, and whether the connection ended with it. */
export async function ask(
  port: number,
  bytes: string | Buffer,
  tls?: ConnectionOptions,
): Promise<RawAnswer & { closes: boolean }> {
  const client = await RawClient.open(port, tls);
  try {
    await client.send(bytes);
    const answer = await client.answer({ head: bytes.toString().startsWith('HEAD ') });
    if (answer === null) throw new Error('closed without an answer');
    return { ...answer, closes: answer.headers['connection'] === 'close' };
  } finally {
    client.end();
  }
}

/** A request with a Host header. */
export function request(method: string, target: string, headers: readonly string[] = [], body: string | null = null): string {
  const length = body === null ? [] : [`Content-Length: ${Buffer.byteLength(body, 'latin1')}`];
  return [`${method} ${target} HTTP/1.1`, 'Host: localhost', ...headers, ...length, '', body ?? ''].join('\r\n');
}

export function json(answer: RawAnswer): {
  readonly errors?: readonly string[];
  readonly data?: Readonly<Record<string, unknown>>;
} {
  return JSON.parse(Buffer.from(answer.body, 'latin1').toString()) as ReturnType<typeof json>;
}
