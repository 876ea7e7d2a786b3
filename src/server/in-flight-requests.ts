import type { Clock } from '../base/clock.ts';
import { instantText } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import type { Route } from '../core/mount-type.ts';
import type { Operation, Request } from '../protocol/request.ts';

const verbs: Readonly<Record<Operation, string>> = { read: 'GET', list: 'LIST', write: 'PUT', patch: 'PATCH', delete: 'DELETE' };

/** What the server is doing at the moment, for operators who look for what takes long. */
export class InFlightRequests {
  readonly #clock: Clock;
  /** Since when, in milliseconds since the epoch. */
  readonly #since = new Map<Request, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request begins; call the result when it is answered. */
  begin(request: Request): () => void {
    this.#since.set(request, this.#clock.now());
    return () => void this.#since.delete(request);
  }

  /** `sys/in-flight-req`, in the form of the Vault API. It tells paths, no data and no token. */
  route(): Route {
    return {
      path: 'in-flight-req',
      summary: 'The requests that are being carried out.',
      operations: {
        read: { summary: 'Shows each with its path, and when it began.', handle: async () => ({ json: this.#shown() }) },
      },
    };
  }

  #shown(): JsonObject {
    return Object.fromEntries(
      [...this.#since].map(([{ id, operation, path, remote }, since]) => [
        id,
        {
          start_time: instantText(since),
          client_remote_address: remote === null ? '' : addressText(remote.address, remote.port),
          request_path: `/v1/${path}`,
          request_method: verbs[operation],
          client_id: '',
        },
      ]),
    );
  }
}

const addressText = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
