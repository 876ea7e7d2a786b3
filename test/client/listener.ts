import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A request as it arrived. */
interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server of the tests, which answers as they say and remembers what came. */
export interface Listener {
  readonly address: string;
  readonly port: number;
  readonly arrived: readonly Arrived[];
  close(): Promise<void>;
}

export type Answering = (request: Arrived, response: ServerResponse, incoming: IncomingMessage) => void;

const open: Listener[] = [];
afterAll(async () => {
  for (const listener of open) await listener.close();
});

export const pem = (name: string): string => join(import.meta.dirname, 'certificates', `${name}.pem`);
const text = (name: string): string => readFileSync(pem(name), 'utf8');

/** Options of a TLS server with the certificate of this name. */
export function secured(name: string, more: ServerOptions = {}): ServerOptions {
  return { key: text(`${name}-key`), cert: text(name), ...more };
}

/** Listens on a free port of the loopback, or on a socket. */
export async function listen(
  answer: Answering,
  { tls = null, socket = null }: { readonly tls?: ServerOptions | null; readonly socket?: string | null } = {},
): Promise<Listener> {
  const arrived: Arrived[] = [];
  const onRequest = (incoming: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming;
      const request = { method, url, headers, body: Buffer.concat(chunks).toString() };
      arrived.push(request);
      answer(request, response, incoming);
    });
  };
  const server = tls === null ? createServer(onRequest) : createSecureServer(tls, onRequest);
  // A client that turns away from a certificate is what a test wants.
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => {
    if (socket === null) server.listen(0, '127.0.0.1', resolve);
    else server.listen(socket, resolve);
  });
  const port = socket === null ? (server.address() as AddressInfo).port : 0;
  const listener: Listener = {
    address: socket === null ? `${tls === null ? 'http' : 'https'}://127.0.0.1:${port}` : `unix://${socket}`,
    port,
    arrived,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  open.push(listener);
  return listener;
}

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** The envelope of the API around some data. */
export function enveloped(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return {
    request_id: 'b3b7d1c0-0000-4000-8000-000000000000',
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: null,
    wrap_info: null,
    warnings: null,
    auth: null,
    ...members,
  };
}
