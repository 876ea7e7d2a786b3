import type { Socket } from 'node:dgram';
import { stat } from 'node:fs/promises';
import { aborted, connectionReason, orAborted, sendFailure, type Connection, type Transport } from './connection.ts';
import type { Address } from './stream-transport.ts';

/** Nothing tells whether a datagram arrives; that nobody listens at all is noticed with the next one. */
export function udpTransport({ host, port }: Address): Transport {
  return {
    label: `udp ${host}:${port}`,
    async connect(signal) {
      const { createSocket } = await import('node:dgram');
      const { lookup } = await import('node:dns/promises');
      const { address, family } = await orAborted(lookup(host), signal);
      const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
      try {
        await orAborted(
          new Promise<void>((resolve, reject) => {
            socket.once('error', reject);
            socket.connect(port, address, () => resolve());
          }),
          signal,
        );
      } catch (error) {
        socket.on('error', () => undefined);
        socket.close();
        throw error;
      }
      return datagrams(udpPort(socket));
    },
  };
}

/** `/dev/log` and its like. */
export function unixDatagramTransport(path: string): Transport {
  return {
    label: `unix ${path}`,
    async connect() {
      if (!(await stat(path)).isSocket()) throw new Error('what is there is no socket');
      // Node has no datagrams over unix sockets.
      const { DgramSocket } = await import('node-unix-socket');
      const socket = new DgramSocket();
      return datagrams({
        send: (packet, done) => {
          const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
          socket.sendTo(bytes, 0, bytes.byteLength, path, (error) => done(error ?? null));
        },
        onError: (call) => socket.on('error', call),
        close: () => socket.close(),
      });
    },
  };
}

interface DatagramPort {
  send(packet: Uint8Array, done: (error: Error | null) => void): void;
  onError(call: (error: unknown) => void): void;
  close(): void;
}

function udpPort(socket: Socket): DatagramPort {
  socket.removeAllListeners('error');
  return {
    send: (packet, done) => socket.send(packet, (error) => done(error ?? null)),
    onError: (call) => socket.on('error', call),
    close: () => void socket.close(),
  };
}

function datagrams(port: DatagramPort): Connection {
  let broken: string | null = null;
  let giveUp: (() => void) | null = null;
  let open = true;
  port.onError((error) => (broken ??= connectionReason(error)));
  const end = (): void => {
    broken ??= 'the connection is closed';
    if (open) port.close();
    open = false;
  };
  return {
    get broken() {
      return broken;
    },
    send: (packets) =>
      new Promise((resolve, reject) => {
        let sent = 0;
        giveUp = () => reject(sendFailure(1, aborted()));
        for (const packet of packets) {
          port.send(packet, (error) => {
            if (error !== null) reject(sendFailure(sent, error));
            else if (++sent === packets.length) resolve();
          });
        }
      }),
    close: async () => end(),
    abort() {
      end();
      giveUp?.();
    },
  };
}
