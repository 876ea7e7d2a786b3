import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { DgramSocket } from 'node-unix-socket';

export const certificates = resolve(import.meta.dirname, '../client/certificates');
const pem = (name: string) => readFileSync(join(certificates, name));

/** Something real that lines are sent to. */
export interface Receiver {
  /** HOST:PORT or a path. */
  readonly address: string;
  /** The packets (datagrams), or for a stream what it got as one. */
  packets(): readonly Buffer[];
  /** Resolves once the bytes that arrived satisfy the condition. */
  until(condition: (bytes: Buffer) => boolean): Promise<void>;
  /** A stream reads no more. */
  pause(): void;
  /** Ends every connection and stops listening. */
  stop(): Promise<void>;
  /** Listens again at the same address. */
  restart(): Promise<void>;
}

const newSocketPath = () => join(mkdtempSync(join(tmpdir(), 'secretctl-socket-')), 'log');

class Arrivals {
  readonly packets: Buffer[] = [];
  #waiting: (() => void)[] = [];

  add(packet: Buffer): void {
    this.packets.push(packet);
    for (const check of this.#waiting.splice(0)) check();
  }

  until(condition: (bytes: Buffer) => boolean): Promise<void> {
    return new Promise((done) => {
      const check = (): void => {
        if (condition(Buffer.concat(this.packets))) done();
        else this.#waiting.push(check);
      };
      check();
    });
  }
}

async function streamReceiver(make: (onSocket: (socket: Socket) => void) => Server, path: string | null): Promise<Receiver> {
  const arrivals = new Arrivals();
  const sockets = new Set<Socket>();
  let paused = false;
  const server = make((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    if (paused) socket.pause();
    else socket.on('data', (bytes: Buffer) => arrivals.add(bytes));
  });
  const listen = (port: number): Promise<void> =>
    new Promise((done) => (path === null ? server.listen(port, '127.0.0.1', done) : server.listen(path, done)));
  await listen(0);
  const port = path === null ? (server.address() as AddressInfo).port : 0;
  return {
    address: path ?? `127.0.0.1:${port}`,
    packets: () => [Buffer.concat(arrivals.packets)],
    until: (condition) => arrivals.until(condition),
    pause() {
      paused = true;
      for (const socket of sockets) socket.pause();
    },
    stop: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => done());
      }),
    restart: () => listen(port),
  };
}

export const tcpReceiver = (): Promise<Receiver> => streamReceiver((onSocket) => createServer(onSocket), null);
export const unixStreamReceiver = (): Promise<Receiver> => streamReceiver((onSocket) => createServer(onSocket), newSocketPath());

/** Shows the certificate of `name`; `askForClient`: takes only clients with a certificate of the test authority. */
export function tlsReceiver(name: 'server' | 'other' = 'server', askForClient = false): Promise<Receiver> {
  const options = { cert: pem(`${name}.pem`), key: pem(`${name}-key.pem`), ca: pem('ca.pem'), requestCert: askForClient };
  return streamReceiver((onSocket) => createTlsServer(options, onSocket).on('tlsClientError', () => undefined), null);
}

export async function udpReceiver(): Promise<Receiver> {
  const arrivals = new Arrivals();
  let port = 0;
  const open = () =>
    new Promise<ReturnType<typeof createSocket>>((done) => {
      const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
      socket.on('message', (packet) => arrivals.add(packet));
      socket.bind(port, '127.0.0.1', () => done(socket));
    });
  let socket = await open();
  port = socket.address().port;
  return {
    address: `127.0.0.1:${port}`,
    packets: () => arrivals.packets,
    until: (condition) => arrivals.until(condition),
    pause: () => undefined,
    stop: () => new Promise((done) => socket.close(done)),
    async restart() {
      socket = await open();
    },
  };
}

export function unixDatagramReceiver(): Promise<Receiver> {
  const arrivals = new Arrivals();
  const path = newSocketPath();
  const open = () => {
    rmSync(path, { force: true });
    const socket = new DgramSocket();
    socket.on('data', (packet: Buffer) => arrivals.add(Buffer.from(packet)));
    socket.on('error', () => undefined);
    socket.bind(path);
    return socket;
  };
  let socket = open();
  return Promise.resolve({
    address: path,
    packets: () => arrivals.packets,
    until: (condition) => arrivals.until(condition),
    pause: () => undefined,
    stop: () => Promise.resolve(socket.close()),
    restart: () => Promise.resolve(void (socket = open())),
  });
}

/** The messages of a stream with octet counting; what is not whole yet is left out. */
export function octetCountedMessages(stream: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < stream.byteLength;) {
    const space = stream.indexOf(0x20, at);
    if (space === -1) break;
    const length = Number(stream.subarray(at, space).toString('latin1'));
    if (!Number.isInteger(length) || length <= 0) throw new Error(`no octet count at ${at}`);
    if (space + 1 + length > stream.byteLength) break;
    messages.push(stream.subarray(space + 1, space + 1 + length));
    at = space + 1 + length;
  }
  return messages;
}

export interface SyslogMessage {
  readonly pri: number;
  readonly timestamp: string;
  readonly hostname: string;
  readonly appName: string;
  readonly procId: string;
  readonly msgId: string;
  readonly data: string;
  readonly text: Buffer;
}

/** Reads RFC 5424 strictly, as far as our messages use it. */
export function readSyslog(message: Buffer): SyslogMessage {
  const head = /^<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|\[[^\]]*\]) /.exec(message.toString('latin1'));
  if (head === null) throw new Error(`no message of RFC 5424: ${message.toString('latin1').slice(0, 200)}`);
  const [whole, pri, timestamp = '', hostname = '', appName = '', procId = '', msgId = '', data = ''] = head;
  return { pri: Number(pri), timestamp, hostname, appName, procId, msgId, data, text: message.subarray(whole.length) };
}

/** The lines that messages carry, parts joined. */
export function linesOf(messages: readonly Buffer[]): Buffer {
  const pieces: Buffer[] = [];
  for (const message of messages) {
    const { data, text } = readSyslog(message);
    pieces.push(text);
    const part = /^\[part@32473 line="\d+" n="(\d+)" of="(\d+)"\]$/.exec(data);
    if (part === null || part[1] === part[2]) pieces.push(Buffer.from('\n'));
  }
  return Buffer.concat(pieces);
}
