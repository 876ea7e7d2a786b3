import { Agent, request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as SecureAgent, request as secureRequest, type RequestOptions } from 'node:https';
import { Fault } from '../base/error.ts';
import { ioReason } from '../base/io-reason.ts';
import { connectionFault, Failure, isOfScheme } from './failure.ts';
import { otherScheme } from './other-scheme.ts';
import type { Proxy } from './proxy.ts';
import type { ClientSettings } from './settings.ts';
import { TunnelAgent } from './tunnel.ts';

/** One HTTP request. */
export interface WireRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Begins at `/v1/`, percent-encoded, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream is sent as it comes, and needs `content-length` among the headers where its length is known. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
  /** For the whole of it, answer included. Milliseconds. */
  readonly timeout: number;
  /** Ends it early. */
  readonly signal: AbortSignal | null;
}

/** The head of an answer. Its body must be read to its end, or the connection is of no more use. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Throws Failure where it breaks off. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Connections to one server, kept for the next request. */
export class Wire {
  readonly #settings: ClientSettings;
  readonly #agent: Agent | SecureAgent;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.#agent = agentOf(settings);
  }

  /** Throws Failure where no answer comes. */
  async send(asked: WireRequest): Promise<WireAnswer> {
    const { endpoint } = this.#settings;
    const request = this.#start(asked);
    let sent = false;
    let ended: Fault | null = null;
    const failure = (error: unknown): Failure => new Failure(ended ?? connectionFault(error, endpoint), sent);
    const end = (fault: Fault): void => {
      ended = fault;
      request.destroy();
    };
    const limit = AbortSignal.timeout(asked.timeout);
    const onLimit = (): void => end(timeoutFault(endpoint.address, asked.timeout));
    const onAbort = (): void => end(new Fault('cancelled', 'Interrupted.'));
    limit.addEventListener('abort', onLimit);
    asked.signal?.addEventListener('abort', onAbort);
    request.on('close', () => {
      limit.removeEventListener('abort', onLimit);
      asked.signal?.removeEventListener('abort', onAbort);
    });
    request.on('socket', (socket) => {
      if (request.reusedSocket || !socket.connecting) sent = true;
      else socket.once(endpoint.secure ? 'secureConnect' : 'connect', () => (sent = true));
    });
    if (asked.signal?.aborted === true) onAbort();
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request.on('error', (error) => {
        if (error instanceof Fault) return reject(new Failure(error, sent));
        const { proxy } = this.#settings;
        if (ended !== null || proxy !== null || !isOfScheme(error)) return reject(failure(error));
        void otherScheme(endpoint).then((other) => reject(other === null ? failure(error) : new Failure(other, sent)));
      });
      request.on('response', resolve);
      write(request, asked.body).catch((error: unknown) => {
        ended = error instanceof Fault ? error : new Fault('file', `what was to be sent can't be read: ${ioReason(error)}`);
        request.destroy();
        reject(failure(error));
      });
    });
    // Whoever reads the body hears of it there.
    answer.on('error', () => undefined);
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: bodyOf(answer, failure) };
  }

  close(): void {
    this.#agent.destroy();
  }

  #start({ method, path, headers }: WireRequest): ClientRequest {
    const { endpoint, proxy } = this.#settings;
    const target = `${endpoint.basePath}${path}`;
    const common = { method, headers, agent: this.#agent };
    if (endpoint.socketPath !== null) return httpRequest({ ...common, socketPath: endpoint.socketPath, path: target });
    if (endpoint.secure) return secureRequest({ ...common, host: endpoint.host, port: endpoint.port, path: target });
    if (proxy === null) return httpRequest({ ...common, host: endpoint.host, port: endpoint.port, path: target });
    return throughProxy(
      common,
      proxy,
      `${endpoint.address.slice(0, endpoint.address.length - endpoint.basePath.length)}${target}`,
    );
  }
}

async function* bodyOf(answer: IncomingMessage, failure: (error: unknown) => Failure): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of answer) yield chunk as Uint8Array;
  } catch (error) {
    throw failure(error);
  }
}

/** A proxy for plain HTTP is asked for the whole address. */
function throughProxy(
  { headers, ...common }: Pick<RequestOptions, 'method' | 'agent'> & Pick<WireRequest, 'headers'>,
  proxy: Proxy,
  url: string,
): ClientRequest {
  const send = proxy.secure ? secureRequest : httpRequest;
  return send({
    ...common,
    host: proxy.host,
    port: proxy.port,
    path: url,
    headers: {
      ...headers,
      host: new URL(url).host,
      ...(proxy.authorization === null ? {} : { 'proxy-authorization': proxy.authorization }),
    },
  });
}

function agentOf({ endpoint, tls, proxy }: ClientSettings): Agent | SecureAgent {
  const kept = { keepAlive: true, maxSockets: 16 };
  if (!endpoint.secure) return proxy?.secure === true ? new SecureAgent(kept) : new Agent(kept);
  const options = {
    ...kept,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: tls.verify,
    ...(tls.ca === null ? {} : { ca: [...tls.ca] }),
    ...(tls.cert === null || tls.key === null ? {} : { cert: tls.cert, key: tls.key }),
    ...(tls.serverName === null ? {} : { servername: tls.serverName }),
  } as const;
  return proxy === null ? new SecureAgent(options) : new TunnelAgent(options, proxy, endpoint);
}

async function write(request: ClientRequest, body: WireRequest['body']): Promise<void> {
  if (body === null || body instanceof Uint8Array) {
    request.end(body ?? undefined);
    return;
  }
  for await (const chunk of body) {
    if (request.destroyed) return;
    if (!request.write(chunk)) await drained(request);
  }
  request.end();
}

async function drained(request: ClientRequest): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      request.off('drain', done);
      request.off('close', done);
      resolve();
    };
    request.on('drain', done);
    request.on('close', done);
  });
}

function timeoutFault(address: string, milliseconds: number): Fault {
  return new Fault('timeout', `${address} did not answer within ${milliseconds / 1000} s`, {
    hint: 'How long to wait is said by VAULT_CLIENT_TIMEOUT.',
  });
}
