import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/error.ts';
import type { Json, JsonObject } from '../base/json.ts';
import type { Random } from '../base/random.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import { version } from '../base/version.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Operation } from '../protocol/request.ts';
import { type Answer, replyOf } from './answer.ts';
import { Failure } from './failure.ts';
import { isRetried, waitBefore } from './retry.ts';
import type { ClientSettings } from './settings.ts';
import { Wire, type WireAnswer, type WireRequest } from './wire.ts';

/** What a client asks of a server. */
export interface Ask {
  readonly operation: Operation;
  /** Without `/v1/` and without a leading slash. */
  readonly path: string;
  /** The body of a write or a patch; the query of all else. */
  readonly data: JsonObject;
  /** Null: none is sent. */
  readonly token: string | null;
  /** Seconds for which the reply shall be wrapped; null: it is not. */
  readonly wrapTtl?: number | null;
  /** It may take minutes: a large apply, a rewrap. */
  readonly long?: boolean;
}

/** What a client needs of the world. */
export interface ClientParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Resolves after so many milliseconds; rejects when the signal is aborted. */
  sleep(milliseconds: number, signal: AbortSignal | null): Promise<unknown>;
  /** Ends what changes nothing, and the waiting between two tries. What changes something runs to its end. */
  readonly interrupted: AbortSignal | null;
}

const maxAnswerBytes = 256 * 1024 * 1024;
const longTimeout = 15 * 60_000;

/**
 * A client of the Vault HTTP API. It follows no redirect, so that no token goes to another place than the one that was
 * named, and none of its errors holds a token or a body.
 */
export class Client {
  readonly #settings: ClientSettings;
  readonly #parts: ClientParts;
  readonly #wire: Wire;
  readonly #bucket: TokenBucket | null;

  constructor(settings: ClientSettings, parts: ClientParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#wire = new Wire(settings);
    const { rateLimit: limit } = settings;
    this.#bucket =
      limit === null
        ? null
        : new TokenBucket({ capacity: limit.burst, fillTime: (limit.burst / limit.rate) * 1000 }, parts.clock.now());
  }

  /** As people write it. */
  get address(): string {
    return this.#settings.endpoint.address;
  }

  /**
   * Sends one request and reads its reply. Throws RequestError where the server refuses it, Fault `unreachable`, `tls`
   * or `timeout` where it was not carried out, and `outcome-unknown` where nobody can know.
   */
  async request(ask: Ask): Promise<Reply> {
    const idempotent = ask.operation === 'read' || ask.operation === 'list';
    const answer = await this.#tries(this.#wireRequest(ask), idempotent);
    return replyOf(answer, this.address);
  }

  /** A body that is no JSON, as it comes: a snapshot. Throws as `request` does. */
  async download(path: string, token: string | null): Promise<AsyncIterable<Uint8Array>> {
    const asked = this.#wireRequest({ operation: 'read', path, data: {}, token, long: true });
    const answer = await known(this.#attempt(asked, true), true);
    if (answer.status === 200) return faultsOf(answer.body);
    replyOf(await known(read(answer), true), this.address);
    throw new Fault('request-failed', `${this.address} answers ${answer.status} where it should give ${path}`);
  }

  /** Sends a body that is no JSON. Throws as `request` does. */
  async upload(path: string, token: string | null, body: AsyncIterable<Uint8Array>, length: number): Promise<Reply> {
    const asked = this.#wireRequest({ operation: 'write', path, data: {}, token, long: true });
    const headers = { ...asked.headers, 'content-type': 'application/octet-stream', 'content-length': String(length) };
    const answer = this.#attempt({ ...asked, headers, body, method: 'POST' }, false).then(read);
    return replyOf(await known(answer, false), this.address);
  }

  /** Gives the connections back. */
  close(): void {
    this.#wire.close();
  }

  #wireRequest({ operation, path, data, token, wrapTtl = null, long = false }: Ask): WireRequest {
    const bodied = operation === 'write' || operation === 'patch';
    const body = bodied ? Buffer.from(JSON.stringify(data)) : null;
    const query = bodied ? '' : queryOf(operation === 'list' ? { ...data, list: true } : data);
    const { timeout, timeoutChosen } = this.#settings;
    return {
      method: ({ read: 'GET', list: 'GET', write: 'PUT', patch: 'PATCH', delete: 'DELETE' } as const)[operation],
      path: `/v1/${path.split('/').map(encodeURIComponent).join('/')}${query}`,
      headers: {
        'user-agent': `secretctl/${version()}`,
        'x-vault-request': 'true',
        ...(token === null ? {} : { 'x-vault-token': token }),
        ...(wrapTtl === null ? {} : { 'x-vault-wrap-ttl': String(wrapTtl) }),
        ...(body === null
          ? {}
          : {
              'content-type': operation === 'patch' ? 'application/merge-patch+json' : 'application/json',
              'content-length': String(body.byteLength),
            }),
      },
      body,
      timeout: long && !timeoutChosen ? longTimeout : timeout,
      signal: operation === 'read' || operation === 'list' ? this.#parts.interrupted : null,
    };
  }

  async #tries(asked: WireRequest, idempotent: boolean): Promise<Answer> {
    const { maxRetries } = this.#settings;
    for (let tries = 1; ; tries += 1) {
      let answer: Answer & { readonly retryAfter: string | undefined };
      try {
        answer = await read(await this.#attempt(asked, idempotent));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        const final = tries > maxRetries || error.fault.code === 'tls' || error.fault.code === 'cancelled';
        if (final || !isRetried({ status: null, sent: error.sent, idempotent, sealed: false })) throw faultOf(error, idempotent);
        await this.#pause(tries, undefined);
        continue;
      }
      const sealed = answer.status === 503 && Buffer.from(answer.body).includes('Vault is sealed');
      if (tries > maxRetries || !isRetried({ status: answer.status, sent: true, idempotent, sealed })) return answer;
      await this.#pause(tries, answer.retryAfter);
    }
  }

  /** One try. Throws Failure, or Fault for a redirect. */
  async #attempt(asked: WireRequest, idempotent: boolean): Promise<WireAnswer> {
    await this.#turn();
    const answer = await this.#wire.send(asked);
    if (answer.status >= 300 && answer.status < 400) {
      await drain(answer);
      throw redirected(answer, this.address, idempotent);
    }
    return answer;
  }

  async #turn(): Promise<void> {
    if (this.#bucket === null) return;
    const { clock, sleep, interrupted } = this.#parts;
    while (!this.#bucket.take(clock.now())) await sleep(Math.max(1, this.#bucket.wait(clock.now(), 1)), interrupted);
  }

  async #pause(next: number, retryAfter: string | undefined): Promise<void> {
    const { clock, random, sleep, interrupted } = this.#parts;
    try {
      await sleep(waitBefore(next, retryAfter, clock.now(), random), interrupted);
    } catch {
      throw new Fault('cancelled', 'Interrupted.');
    }
  }
}

/** Throws Fault `usage` for a value that a query can't carry. */
function queryOf(data: JsonObject): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(data)) {
    for (const item of Array.isArray(value) ? (value as readonly Json[]) : [value]) {
      if (typeof item === 'object')
        throw new Fault('usage', `${name} is no text or number, so it can't stand in the query of a request`);
      query.append(name, String(item));
    }
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}

async function read(answer: WireAnswer): Promise<Answer & { readonly retryAfter: string | undefined }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.byteLength;
    if (size > maxAnswerBytes) throw new Fault('request-failed', `the answer is larger than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  const { status, headers } = answer;
  return { status, body: Buffer.concat(chunks), contentType: headers['content-type'] ?? '', retryAfter: headers['retry-after'] };
}

async function drain(answer: WireAnswer): Promise<void> {
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.byteLength;
    if (size > 1024 * 1024) return;
  }
}

/** What failed, as a Fault that says whether it may have been carried out. */
async function known<T>(work: Promise<T>, idempotent: boolean): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof Failure ? faultOf(error, idempotent) : error;
  }
}

async function* faultsOf(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw error instanceof Failure ? error.fault : error;
  }
}

function faultOf({ fault, sent }: Failure, idempotent: boolean): Fault {
  if (idempotent || !sent || fault.code === 'tls') return fault;
  return new Fault('outcome-unknown', `${fault.message}; the request may have been carried out`, {
    hint: 'See what it did before you send it again.',
  });
}

/** A token is for the server that it was given for: where else a request should go is for a person to decide. */
function redirected({ status, headers }: WireAnswer, address: string, idempotent: boolean): Fault {
  let to = 'elsewhere';
  try {
    to = new URL(headers.location ?? '', address.startsWith('unix:') ? undefined : address).origin;
  } catch {
    // What is no address is not repeated.
  }
  return new Fault('request-failed', `${address} redirects to ${to} (${status}), and redirects are not followed`, {
    hint: `If that is a server you trust, name it: -address=${to === 'elsewhere' ? 'ADDRESS' : to}${idempotent ? '' : '. Nothing was changed.'}`,
  });
}
