import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import type { Timer } from '../base/timer.ts';
import type { Service } from '../protocol/request-line.ts';
import { type Address, bind } from './bind.ts';
import { BufferBudget } from './body.ts';
import { type CertificateMaterial, contextOptions } from './certificate.ts';
import { Connection } from './connection.ts';
import type { Door, HttpLog } from './door.ts';
import { Exchange } from './exchange.ts';
import { InFlight } from './in-flight.ts';
import type { HttpLimits } from './limits.ts';
import { onParseFailure, type ParseFailure } from './parse-failure.ts';
import { refuseConnection } from './refuse-connection.ts';
import { weightOf } from './weight.ts';

export interface ListenerOptions {
  readonly address: Address;
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
  /**
   * Takes in nothing new, waits at most so many milliseconds for what is under way, also where its client is gone, and
   * then cuts what is left.
   */
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
    waiting: new BufferBudget(limits.maxWaitingBytes),
    trustedProxies: options.trustedProxies,
    secure: tls !== null,
    clock,
    random: options.random,
    log,
    inFlight: new InFlight(),
    draining: false,
  };
  const patience = Math.min(limits.headersTimeout, limits.bodyTimeout, limits.requestTimeout, limits.idleTimeout);
  const interval = Math.max(20, Math.min(1000, patience / 4));
  const server = createServerOf(tls, limits, interval);
  const connections = new Map<Duplex, Connection>();
  takeConnections(server, tls === null ? 'connection' : 'secureConnection', door, connections);
  takeRequests(server, connections);
  // Of those that still shake hands nothing else is known.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  const address = await bind(server, options.address, tls === null ? 'http' : 'https');
  // Too many open files, say: it goes on with those that it has.
  server.on('error', (error: NodeJS.ErrnoException) =>
    log('warn', 'a connection was not accepted', { error: error.code ?? error.name }),
  );
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
      server.setSecureContext(contextOptions(material));
    },
    inFlight: () => door.inFlight.count,
    async close(graceMs) {
      door.draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections.values()) connection.closeIfUnused();
      const known = new Set([...connections.values()].map(({ socket }) => endOf(socket)));
      for (const socket of sockets) if (!known.has(endOf(socket))) socket.destroy();
      let cancel = (): void => undefined;
      const late = new Promise<void>((resolve) => (cancel = timer.after(graceMs, resolve)));
      await Promise.race([Promise.all([closed, door.inFlight.none()]), late]);
      cancel();
      for (const socket of sockets) socket.destroy();
      await closed;
      cancelSweep();
    },
  };
}

/** The other end of a connection: the same of a TLS socket and of the socket below it. */
function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** `interval`: of Node's own look at how long headers take. Milliseconds. */
function createServerOf(tls: CertificateMaterial | null, limits: HttpLimits, interval: number): Server | SecureServer {
  const options: ServerOptions = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeout,
    // Of the body we take care.
    requestTimeout: 0,
    keepAliveTimeout: limits.idleTimeout,
    connectionsCheckingInterval: interval,
    requireHostHeader: false,
    insecureHTTPParser: false,
  };
  const server =
    tls === null
      ? createServer(options)
      : createSecureServer({ ...options, ...contextOptions(tls), handshakeTimeout: limits.handshakeTimeout });
  // Without a byte in either direction: longer than a request may take.
  server.timeout = Math.max(limits.idleTimeout, limits.requestTimeout * 2);
  server.maxConnections = limits.maxConnections;
  // Headers are counted by us: this one would drop what is too many in silence.
  server.maxHeadersCount = 0;
  // A client that ends its side behind the request still gets the answer.
  (server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
  return server;
}

/** Puts our view of a connection between the server and Node's parser. */
function takeConnections(server: Server, event: string, door: Door, connections: Map<Duplex, Connection>): void {
  const attach = server.listeners(event)[0] as (this: Server, socket: Socket) => void;
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => {
    connections.set(socket, new Connection(door, socket, (again) => attach.call(server, again)));
    socket.once('close', () => connections.delete(socket));
  });
}

function takeRequests(server: Server, connections: ReadonlyMap<Duplex, Connection>): void {
  const take = (message: IncomingMessage, response: ServerResponse, awaited: boolean): Exchange | null => {
    const connection = connections.get(message.socket);
    if (connection === undefined) return null;
    if (connection.deaf) {
      connection.ignore(weightOf(message));
      return null;
    }
    const method = connection.nextIsList ? 'LIST' : (message.method ?? '');
    connection.nextIsList = false;
    connection.verbIsCut = false;
    const exchange = new Exchange(connection, message, response, method, awaited);
    connection.add(exchange);
    return exchange;
  };
  server.on('request', (message, response) => take(message, response, false));
  server.on('checkContinue', (message, response) => take(message, response, true));
  // Node would answer by itself, past all that is counted by connection.
  server.on('checkExpectation', (message: IncomingMessage, response: ServerResponse) => {
    take(message, response, false)?.refuse(417, 'nothing but "Expect: 100-continue" is met here');
  });
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
}
