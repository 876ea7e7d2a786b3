import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonObject } from '../base/json.ts';
import { publicUuid } from '../base/random.ts';
import { badRequest, RequestError } from '../protocol/request-error.ts';
import type { Remote } from '../protocol/request.ts';
import { type Answer, errorAnswer, replyAnswer } from './answer.ts';
import { type Asked, readRequestLine } from './asked.ts';
import { BodyInMemory } from './body.ts';
import type { Connection } from './connection.ts';
import { defectFields } from './defect.ts';
import { readHeaders, type RequestHeaders } from './headers.ts';
import { parseJsonBody } from './json-body.ts';
import { JsonScan } from './json-scan.ts';
import { formData, parseParameters } from './query.ts';
import { forwardedRemote } from './remote.ts';
import { writeAnswer } from './write-answer.ts';

const mergePatch = 'application/merge-patch+json';
const form = 'application/x-www-form-urlencoded';

/** Their bodies hold a whole configuration. */
function isBulk(path: string): boolean {
  return path === 'sys/apply' || path.startsWith('sys/managed/');
}

/** Their bodies are bytes, of any length. */
const streamed = new Set(['sys/storage/snapshot', 'sys/storage/raft/snapshot', 'sys/storage/raft/snapshot-force']);

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/** One request and its answer. */
export class Exchange {
  /** When it is given up. Milliseconds since the epoch. */
  deadline = Infinity;
  readonly #connection: Connection;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #method: string;
  /** The client waits for a word before it sends the body. */
  readonly #awaited: boolean;
  readonly #id: string;
  #body: BodyInMemory | null = null;
  /** Why it is refused whatever it asks. */
  #refusal: RequestError | null = null;
  #admitted: Readonly<Record<string, string>> | null = null;
  #answered = false;
  #late = false;

  constructor(connection: Connection, message: IncomingMessage, response: ServerResponse, method: string, awaited: boolean) {
    this.#connection = connection;
    this.#message = message;
    this.#response = response;
    this.#method = method;
    this.#awaited = awaited;
    this.#id = publicUuid(connection.door.random);
    response.on('close', () => connection.finished(this));
  }

  get complete(): boolean {
    return this.#message.complete;
  }

  begin(): void {
    const { clock, limits } = this.#connection.door;
    this.deadline = clock.now() + limits.requestTimeout;
    this.#connection.door.inFlight.begin();
    void this.#run();
  }

  /** To be called before it has begun, or while its body is being read. */
  refuse(status: number, message: string): void {
    this.#refusal ??= new RequestError(status, message);
    this.#body?.abort(this.#refusal);
  }

  /** Its time is up. What it does goes on; nobody waits for it. */
  expire(): void {
    this.deadline = Infinity;
    if (this.#body !== null) this.#body.abort(new RequestError(408, 'the body did not come in time'));
    else {
      this.#late = true;
      const seconds = Math.round(this.#connection.door.limits.requestTimeout / 1000);
      this.#answer(
        errorAnswer(new RequestError(504, `no answer within ${seconds} seconds; what was asked may still be carried out`)),
      );
    }
  }

  async #run(): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.#work();
    } catch (error) {
      answer = errorAnswer(error instanceof RequestError ? error : this.#defect(error));
    }
    this.#connection.door.inFlight.end();
    this.#answer(answer);
  }

  async #work(): Promise<Answer> {
    if (this.#refusal !== null) throw this.#refusal;
    const { service, limits, budget } = this.#connection.door;
    const message = this.#message;
    const headers = readHeaders(message, limits.maxHeaders);
    const asked = readRequestLine(this.#method, message.url ?? '', limits.maxParameters);
    const { operation, path } = asked;
    const remote = this.#remote(headers);
    this.#admitted = await service.admit({ operation, path, remote, token: headers.token });
    const takesBody = !asked.help && (operation === 'write' || operation === 'patch');
    // Where nobody reads it, it is read all the same: behind it the next request begins.
    if (!takesBody && hasBody(message))
      await this.#readBytes(new BodyInMemory(message, limits.maxAnonymousBodyBytes, budget, null));
    const common = {
      id: this.#id,
      operation,
      path,
      token: headers.token,
      remote,
      wrapTtl: headers.wrapTtl,
      headers: headers.others,
    };
    if (asked.help) return replyAnswer(this.#id, path, await service.handle({ ...common, data: {}, help: true }));
    if (!takesBody) {
      return replyAnswer(this.#id, path, await service.handle({ ...common, data: asked.data }));
    }
    if (streamed.has(path)) {
      return replyAnswer(this.#id, path, await service.handle({ ...common, data: {}, body: this.#stream() }));
    }
    const data = await this.#readData(asked, headers);
    return replyAnswer(this.#id, path, await service.handle({ ...common, data }));
  }

  #remote({ others }: RequestHeaders): Remote | null {
    const { peer, behindProxy, door } = this.#connection;
    const forwardedFor = others['x-forwarded-for'];
    if (!behindProxy || peer === null || forwardedFor === undefined) return peer;
    return forwardedRemote(forwardedFor, peer, door.trustedProxies);
  }

  async #readData({ operation, path }: Asked, { mediaType, token }: RequestHeaders): Promise<JsonObject> {
    const { limits, budget } = this.#connection.door;
    const message = this.#message;
    if (operation === 'patch' && mediaType !== mergePatch) {
      if (mediaType === '') throw badRequest(`PATCH requires Content-Type of ${mergePatch}`);
      throw new RequestError(415, `PATCH requires Content-Type of ${mergePatch}, provided ${mediaType}`);
    }
    const scan = new JsonScan({
      tokens: isBulk(path) ? limits.maxBulkJsonTokens : limits.maxJsonTokens,
      depth: limits.maxJsonDepth,
    });
    const mayBeForm = mediaType === form;
    const limit = token === null ? limits.maxAnonymousBodyBytes : limits.maxBodyBytes;
    const bytes = await this.#readBytes(new BodyInMemory(message, limit, budget, mayBeForm ? null : (chunk) => scan.feed(chunk)));
    if (mayBeForm) {
      const first = bytes.toString('latin1', 0, 512).trimStart();
      if (first !== '' && first[0] !== '{' && first[0] !== '[') {
        return formData(parseParameters(bytes.toString('latin1'), limits.maxParameters));
      }
      scan.feed(bytes);
    }
    return parseJsonBody(bytes, scan);
  }

  async #readBytes(body: BodyInMemory): Promise<Buffer> {
    const { clock, limits } = this.#connection.door;
    body.checkLength();
    if (this.#refusal !== null) throw this.#refusal;
    if (this.#awaited) this.#response.writeContinue();
    this.#body = body;
    this.deadline = clock.now() + limits.bodyTimeout;
    try {
      return await body.read();
    } finally {
      this.#body = null;
      this.deadline = clock.now() + limits.requestTimeout;
    }
  }

  /** Pieces of the body as they come. A client that sends nothing for a while loses the connection. */
  async *#stream(): AsyncGenerator<Uint8Array> {
    const { clock, limits } = this.#connection.door;
    if (this.#awaited) this.#response.writeContinue();
    // Whoever stops reading still answers.
    for await (const chunk of this.#message.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      this.deadline = clock.now() + limits.requestTimeout;
      yield chunk;
    }
  }

  /** What a client must not see. */
  #defect(error: unknown): RequestError {
    this.#connection.door.log('error', 'a request failed', { request: this.#id, ...defectFields(error) });
    return new RequestError(500, 'internal error');
  }

  #answer(answer: Answer): void {
    if (this.#answered) return;
    this.#answered = true;
    const connection = this.#connection;
    const { door } = connection;
    const message = this.#message;
    const incomplete = !message.complete;
    if (incomplete) connection.linger();
    // Where a request is malformed, or asks for an upgrade that is not made, it is open where the next one begins.
    const malformed = answer.status === 400 && this.#admitted === null;
    const doubtful = malformed || this.#refusal !== null || message.headers.upgrade !== undefined;
    connection.closing = incomplete || doubtful || this.#late || connection.isLast();
    const options = { more: this.#admitted, secure: door.secure, close: connection.closing };
    writeAnswer(this.#response, answer, options)?.catch((error: unknown) => {
      this.#defect(error);
      // The client sees that it got half of it.
      this.#response.destroy();
    });
  }
}
