import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { systemTimer } from '../../src/base/timer.ts';
import { defaultLimits, type HttpLimits } from '../../src/http/limits.ts';
import type { CertificateMaterial } from '../../src/http/certificate.ts';
import { listen, type Listener } from '../../src/http/listener.ts';
import type { Reply } from '../../src/protocol/reply.ts';
import type { Request } from '../../src/protocol/request.ts';
import type { RequestLine, Service } from '../../src/protocol/request-line.ts';

/** A line of the log. */
type LogLine = readonly [level: string, message: string, fields: Readonly<Record<string, unknown>>];

export interface Serving {
  readonly listener: Listener;
  readonly port: number;
  /** All requests that reached the service, in this order. */
  readonly requests: readonly Request[];
  readonly lines: readonly RequestLine[];
  readonly log: readonly LogLine[];
}

export interface ServingOptions {
  readonly limits?: Partial<HttpLimits>;
  readonly tls?: CertificateMaterial;
  readonly trustedProxies?: readonly string[];
  readonly socketPath?: string;
  readonly host?: string;
  readonly port?: number;
  /** Unless told, a reply shows what was asked. */
  readonly handle?: (request: Request) => Promise<Reply>;
  readonly admit?: Service['admit'];
  /** Unless told, no page of another site may call. */
  readonly crossOrigin?: Service['crossOrigin'];
  /** Unless told, whoever presents a token may. */
  readonly mayWrite?: Service['mayWrite'];
}

const open: Listener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close(0);
});

/** Serves over a real socket what the test says; closed when the test ends. */
export async function serving(options: ServingOptions = {}): Promise<Serving> {
  const requests: Request[] = [];
  const lines: RequestLine[] = [];
  const log: LogLine[] = [];
  const service: Service = {
    async admit(line) {
      lines.push(line);
      return (await options.admit?.(line)) ?? {};
    },
    crossOrigin: options.crossOrigin ?? (() => Promise.resolve(null)),
    mayWrite: options.mayWrite ?? (({ token }) => Promise.resolve(token !== null)),
    async handle(request) {
      requests.push(request);
      return options.handle === undefined ? shown(request) : options.handle(request);
    },
  };
  const listener = await listen(service, {
    address:
      options.socketPath === undefined
        ? { host: options.host ?? '127.0.0.1', port: options.port ?? 0 }
        : { socketPath: options.socketPath },
    tls: options.tls ?? null,
    limits: { ...defaultLimits, ...options.limits },
    trustedProxies: options.trustedProxies ?? [],
    clock: systemClock,
    timer: systemTimer,
    random: systemRandom,
    log: (level, message, fields = {}) => log.push([level, message, fields]),
  });
  open.push(listener);
  return { listener, port: Number(/:(\d+)$/.exec(listener.address)?.[1] ?? 0), requests, lines, log };
}

/** What was asked, as the data of a reply. */
export async function shown({ operation, path, data, token, wrapTtl }: Request): Promise<Reply> {
  return { data: { operation, path, data, token, wrapTtl } };
}

const pem = (name: string): string => readFileSync(join(import.meta.dirname, '../client/certificates', `${name}.pem`), 'utf8');

/** The certificate of this name with its key; `server` is one for localhost and 127.0.0.1. */
export function certificate(name: string): CertificateMaterial {
  return { cert: pem(name), key: pem(`${name}-key`) };
}

export const authority = pem('ca');
