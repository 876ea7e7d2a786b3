import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import type { Timer } from '../base/timer.ts';
import type { Service } from '../protocol/service.ts';
import { BufferBudget } from './body.ts';
import { Connection } from './connection.ts';
import type { Door, HttpLog } from './door.ts';
import { Exchange } from './exchange.ts';
import type { HttpLimits } from './limits.ts';
import { onParseFailure, type ParseFailure } from './parse-failure.ts';
import { refuseConnection } from './refuse-connection.ts';
import { listenOnUnixSocket } from './unix-socket.ts';

/** PEM texts. */
export interface CertificateMaterial {
  /** The certificate and its intermediates. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Only clients with a certificate of these authorities get in; absent: any client. */
  readonly clientCa?: string | Buffer;
  /** TLSv1.2 unless told. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

export interface ListenerOptions {
  /** Port 0: a free one. */
  readonly address: { readonly host: string; readonly port: number } | { readonly socketPath: string };
  /** Null: plain HTTP. */
  readonly tls: CertificateMaterial | null;
  readonly limits: HttpLimits;
  /** Blocks of addresses (CIDR) whose `X-Forwarded-For` counts. */
  readonly trustedProxies: readonly string[];
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  readonly log: HttpLog;
}

export interface Listener {
  /** As bound: `http://127.0.0.1:8200`, `https://…`, or `unix:///path`. */
  readonly address: string;
  /** For the connections that come from now on. Throws Fault `listen` for what is no certificate with its key. */
  reloadCertificate(material: CertificateMaterial): void;
  /** Takes in nothing new, waits at most so many milliseconds for what is under way, then cuts what is left. */
  close(graceMs: number): Promise<void>;
  /** Requests that are being carried out. */
  inFlight(): number;
}

/** Serves `service` over HTTP/1.1. Throws Fault `listen` where the address can't be had. */
export async function listen(service: Service, options: ListenerOptions): Promise<Listener> {
  const { tls, limits, timer, clock, log } = options;
  const door: Door = {
    service,
    limits,
    budget: new BufferBudget(limits.maxBufferedBytes),
    trustedProxies: options.trustedProxies,
    secure: tls !== null,
    clock,
    random: options.random,
    log,
    draining: false,
    inFlight: 0,
  };
  const interval = Math.max(
    20,
    Math.min(1000, limits.headersTimeout / 4, limits.bodyTimeout / 4, limits.requestTimeout / 4, limits.idleTimeout / 4),
  );
  const common: ServerOptions = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeout,
    requestTimeout: 0,
    keepAliveTimeout: limits.idleTimeout,
    connectionsCheckingInterval: interval,
    requireHostHeader: false,
    insecureHTTPParser: false,
  };
  const server: Server | SecureServer =
    tls === null
      ? createServer(common)
      : createSecureServer({ ...common, ...contextOf(tls), handshakeTimeout: limits.handshakeTimeout });
  server.timeout = Math.max(limits.idleTimeout, limits.requestTimeout * 2);
  server.maxConnections = limits.maxConnections;
  // Headers are counted by us: this one would drop what is too many in silence.
  server.maxHeadersCount = 0;
  // A client that ends its side after the request still gets the answer.
  (server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;

  const connections = new Map<Duplex, Connection>();
  const event = tls === null ? 'connection' : 'secureConnection';
  const attach = server.listeners(event)[0] as (this: Server, socket: Socket) => void;
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => {
    connections.set(socket, new Connection(door, socket, (again) => attach.call(server, again)));
    socket.once('close', () => connections.delete(socket));
  });
  const serve =
    (awaited: boolean) =>
    (message: IncomingMessage, response: ServerResponse): void => {
      const connection = connections.get(message.socket);
      if (connection === undefined || connection.deaf) return;
      const isList = connection.nextIsList;
      connection.nextIsList = false;
      const method = isList ? 'LIST' : (message.method ?? '');
      connection.add(new Exchange(connection, message, response, method, awaited));
    };
  server.on('request', serve(false));
  server.on('checkContinue', serve(true));
  server.on('clientError', (failure: ParseFailure, socket: Duplex) => {
    const connection = connections.get(socket);
    if (connection === undefined) socket.destroy();
    else onParseFailure(connection, failure);
  });
  server.on('connect', (_message, socket: Duplex) => {
    const connection = connections.get(socket);
    if (connection === undefined) socket.destroy();
    else refuseConnection(connection, 405, 'unsupported operation');
  });

  const address = await bind(server, options);
  let cancelSweep = (): void => undefined;
  const sweep = (): void => {
    const now = clock.now();
    for (const connection of connections.values()) connection.sweep(now);
    cancelSweep = timer.after(interval, sweep);
  };
  cancelSweep = timer.after(interval, sweep);

  return {
    address,
    reloadCertificate(material) {
      if (!('setSecureContext' in server)) throw new Fault('listen', 'this listener has no certificate');
      server.setSecureContext(contextOf(material));
    },
    inFlight: () => door.inFlight,
    async close(graceMs) {
      door.draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections.values()) connection.closeIfSilent();
      const cancel: (() => void)[] = [];
      const late = new Promise<void>((resolve) => cancel.push(timer.after(graceMs, resolve)));
      await Promise.race([closed, late]);
      for (const socket of connections.keys()) socket.destroy();
      for (const action of cancel) action();
      await closed;
      cancelSweep();
    },
  };
}

/** Throws Fault `listen`, which quotes no key. */
function contextOf({ cert, key, clientCa, minVersion }: CertificateMaterial): SecureContextOptions & object {
  const options = {
    cert,
    key,
    minVersion: minVersion ?? 'TLSv1.2',
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  } as const;
  try {
    createSecureContext(options);
  } catch (error) {
    throw new Fault('listen', `the certificate and key can't be used: ${(error as { code?: string }).code ?? 'unreadable'}`, {
      hint: 'Both are PEM files, and the key must be that of the first certificate.',
    });
  }
  return options;
}

async function bind(server: Server | SecureServer, { address, tls }: ListenerOptions): Promise<string> {
  if ('socketPath' in address) {
    await listenOnUnixSocket(server, address.socketPath);
    return `unix://${address.socketPath}`;
  }
  const { host, port } = address;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new Fault('listen', `can't listen on ${host}:${port}: ${error.code ?? error.name}`));
    });
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  const shown = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return `${tls === null ? 'http' : 'https'}://${shown}:${bound.port}`;
}
