import { request as httpRequest } from 'node:http';
import { Agent, request as secureRequest, type AgentOptions } from 'node:https';
import type { Socket } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import type { Duplex } from 'node:stream';
import { Fault } from '../base/error.ts';
import type { Endpoint } from './endpoint.ts';
import type { Proxy } from './proxy.ts';

/** Connections to one server by TLS through a proxy, which is asked to let them through (CONNECT). */
export class TunnelAgent extends Agent {
  readonly #proxy: Proxy;
  readonly #endpoint: Endpoint;

  constructor(options: AgentOptions, proxy: Proxy, endpoint: Endpoint) {
    super(options);
    this.#proxy = proxy;
    this.#endpoint = endpoint;
  }

  override createConnection(
    options: ConnectionOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    const proxy = this.#proxy;
    const { host, port } = this.#endpoint;
    const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const send = proxy.secure ? secureRequest : httpRequest;
    const asked = send({
      host: proxy.host,
      port: proxy.port,
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...(proxy.authorization === null ? {} : { 'proxy-authorization': proxy.authorization }) },
      agent: false,
    });
    const fail = (error: Error): void => callback?.(error, null as never);
    asked.on('error', () => fail(new ProxyError('the proxy does not answer')));
    asked.on('response', () => fail(new ProxyError('the proxy does not know CONNECT')));
    asked.on('connect', (answer, socket: Socket, head) => {
      if (answer.statusCode !== 200) {
        socket.destroy();
        fail(new ProxyError(`the proxy refuses (${answer.statusCode ?? 0})`));
        return;
      }
      if (head.length > 0) socket.unshift(head);
      const secured = connect({ ...options, socket });
      callback?.(null, secured);
    });
    asked.end();
    return undefined;
  }
}

class ProxyError extends Fault {
  constructor(message: string) {
    super('unreachable', message, {
      hint: 'Which proxy is used is said by VAULT_PROXY_ADDR or HTTPS_PROXY, and where none is by NO_PROXY.',
    });
  }
}
