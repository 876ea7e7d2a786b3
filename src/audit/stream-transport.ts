import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Fault } from '../base/error.ts';
import { ioReason } from '../base/io-reason.ts';
import { aborted, connectionReason, type Connection, type Transport } from './connection.ts';
import { SinkFailure } from './sink.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Files in PEM; read for each connection, so that new ones count from the next. */
export interface TlsFiles {
  /** The authorities whose receivers are trusted; null: those of Node. */
  readonly caFile: string | null;
  /** Ours, where the receiver asks for one. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** The name that the receiver's certificate must have; null: the host. */
  readonly serverName: string | null;
}

const keepAliveMilliseconds = 30_000;

export function tcpTransport({ host, port }: Address): Transport {
  return streamTransport(`tcp ${host}:${port}`, 'connect', async () => (await import('node:net')).connect({ host, port }));
}

export function unixStreamTransport(path: string): Transport {
  return streamTransport(`unix ${path}`, 'connect', async () => (await import('node:net')).connect({ path }));
}

/** TLS 1.2 or later. The receiver must show a certificate that is trusted and has its name. */
export function tlsTransport({ host, port }: Address, files: TlsFiles): Transport {
  return streamTransport(`tls ${host}:${port}`, 'secureConnect', async () => {
    const { connect } = await import('node:tls');
    const { isIP } = await import('node:net');
    const name = files.serverName ?? host;
    const options: ConnectionOptions = { host, port, minVersion: 'TLSv1.2', rejectUnauthorized: true };
    // An address is no server name (RFC 6066), but the certificate has to bear it all the same.
    if (isIP(name) === 0) options.servername = name;
    if (files.caFile !== null) options.ca = pem(files.caFile);
    if (files.certFile !== null) options.cert = pem(files.certFile);
    if (files.keyFile !== null) options.key = pem(files.keyFile);
    return connect(options);
  });
}

function pem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Fault('audit-unavailable', `${path} cannot be read: ${ioReason(error)}`, { cause: error });
  }
}

function streamTransport(label: string, ready: 'connect' | 'secureConnect', dial: () => Promise<Socket>): Transport {
  return {
    label,
    async connect(signal) {
      const socket = await dial();
      const abort = (): void => void socket.destroy(aborted());
      signal.addEventListener('abort', abort, { once: true });
      try {
        await new Promise<void>((resolve, reject) => {
          socket.once(ready, resolve);
          socket.once('error', reject);
          socket.once('close', () => reject(new Error('the receiver closed the connection')));
          if (signal.aborted) abort();
        });
      } catch (error) {
        socket.on('error', () => undefined);
        socket.destroy();
        throw error;
      } finally {
        signal.removeEventListener('abort', abort);
      }
      return new StreamConnection(socket);
    },
  };
}

class StreamConnection implements Connection {
  broken: string | null = null;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.removeAllListeners('error');
    socket.on('error', (error) => this.#break(connectionReason(error)));
    // A receiver says nothing; if it ends its side it is about to go.
    socket.on('end', () => this.#break('the receiver closed the connection'));
    socket.on('close', () => this.#break('the connection is closed'));
    socket.resume();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMilliseconds);
  }

  send(packets: readonly Uint8Array[]): Promise<void> {
    const [only] = packets;
    const bytes = packets.length === 1 && only !== undefined ? only : Buffer.concat(packets);
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(new SinkFailure('unknown', connectionReason(error), { cause: error }));
        else resolve();
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve();
      this.#socket.once('close', () => resolve());
      this.#socket.destroySoon();
    });
  }

  abort(): void {
    this.#socket.destroy(aborted());
  }

  #break(reason: string): void {
    this.broken ??= reason;
  }
}
