import type { IncomingMessage, ServerResponse } from 'node:http';
import { publicUuid } from '../base/random.ts';
import { RequestError } from '../protocol/request-error.ts';
import type { Remote, Request } from '../protocol/request.ts';
import { type Answer, errorAnswer, replyAnswer } from './answer.ts';
import { type Asked, readRequestLine } from './asked.ts';
import { IncomingBody } from './body.ts';
import type { Connection } from './connection.ts';
import { crossOriginHeaders, originOf, preflightAnswer } from './cors.ts';
import { defectFields } from './defect.ts';
import { readHeaders, type RequestHeaders } from './headers.ts';
import { forwardedRemote } from './remote.ts';
import { readData } from './request-data.ts';
import { weightOf } from './weight.ts';
import { writeAnswer } from './write-answer.ts';

/** Their bodies are bytes, of any length. */
const streamed = new Set(['sys/storage/snapshot', 'sys/storage/raft/snapshot', 'sys/storage/raft/snapshot-force']);

function takesBody({ operation, help }: Asked): boolean {
  return !help && (operation === 'write' || operation === 'patch');
}

/** One request and its answer. */
export class Exchange {
  /** When it is given up. Milliseconds since the epoch. */
  deadline = Infinity;
  readonly #connection: Connection;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #method: string;
  readonly #body: IncomingBody;
  readonly #id: string;
  /** Headers for the answer; null: it was not admitted yet. */
  #admitted: Readonly<Record<string, string>> | null = null;
  #answered = false;
  #late = false;

  /** `awaited`: the client waits for a word before it sends the body. */
  constructor(connection: Connection, message: IncomingMessage, response: ServerResponse, method: string, awaited: boolean) {
    this.#connection = connection;
    this.#message = message;
    this.#response = response;
    this.#method = method;
    this.#body = new IncomingBody(message, response, connection.door.budget, awaited);
    this.#id = publicUuid(connection.door.random);
    response.on('close', () => connection.finished(this));
  }

  /** About how many bytes it takes up while it waits. */
  get weight(): number {
    return weightOf(this.#message);
  }

  /** Nothing more comes that belongs to it. */
  get complete(): boolean {
    return this.#message.complete;
  }

  begin(): void {
    this.#patience(this.#connection.door.limits.requestTimeout);
    this.#connection.door.inFlight.begin();
    void this.#run();
  }

  /** Refuses it whatever it asks, as long as its body is not read. */
  refuse(status: number, message: string): void {
    this.#body.refuse(new RequestError(status, message));
  }

  /** Its time is up. What it does goes on; nobody waits for it. */
  expire(): void {
    this.deadline = Infinity;
    if (this.#body.reading) {
      this.refuse(408, 'the body did not come in time');
      return;
    }
    this.#late = true;
    const seconds = Math.round(this.#connection.door.limits.requestTimeout / 1000);
    this.#answer(errorAnswer(new RequestError(504, `no answer within ${seconds} seconds; what was asked may still be done`)));
  }

  async #run(): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.#carryOut();
    } catch (error) {
      answer = errorAnswer(error instanceof RequestError ? error : this.#defect(error));
      // The parser, which may be in the middle of the request, gets to the end of what has come of it.
      await Promise.resolve();
    }
    this.#connection.door.inFlight.end();
    this.#answer(answer);
  }

  /** Throws RequestError; anything else is a defect. */
  async #carryOut(): Promise<Answer> {
    const { door, behindProxy } = this.#connection;
    const headers = readHeaders(this.#message, door.limits.maxHeaders, behindProxy);
    const { token, wrapTtl, others } = headers;
    const origin = originOf(others);
    const asksForTerms = this.#method === 'OPTIONS' && origin !== null;
    // It counts like a read of the path.
    const asked = readRequestLine(asksForTerms ? 'GET' : this.#method, this.#message.url ?? '', door.limits.maxParameters);
    const { operation, path, data } = asked;
    const remote = this.#remote(others);
    this.#admitted = await door.service.admit({ operation, path, remote, token });
    const terms = origin === null ? null : await door.service.crossOrigin(origin);
    const preflight = asksForTerms ? preflightAnswer(others, terms) : null;
    if (origin !== null && terms !== null) this.#admitted = { ...this.#admitted, ...crossOriginHeaders(origin, terms) };
    if (this.#body.refusal !== null) throw this.#body.refusal;
    if (preflight !== null) return preflight;
    const line: Request = { id: this.#id, operation, path, data, token, remote, wrapTtl, headers: others };
    const request = takesBody(asked) || this.#body.announced ? await this.#withBody(line, asked, headers) : line;
    return replyAnswer(this.#id, path, await door.service.handle(asked.help ? { ...request, help: true } : request));
  }

  /** Throws RequestError. */
  async #withBody(line: Request, asked: Asked, headers: RequestHeaders): Promise<Request> {
    const { limits, service } = this.#connection.door;
    const body = this.#body;
    if (!takesBody(asked)) {
      // Nobody needs it, and it is read all the same: behind it the next request begins.
      await this.#reading(body.read(limits.maxAnonymousBodyBytes, null));
      return line;
    }
    if (streamed.has(asked.path)) return { ...line, body: body.stream(() => this.#patience(limits.requestTimeout)) };
    return { ...line, data: await this.#reading(readData(body, asked, headers, limits, () => service.mayWrite(line))) };
  }

  #remote(others: RequestHeaders['others']): Remote | null {
    const { peer, door } = this.#connection;
    const forwardedFor = others['x-forwarded-for'];
    if (peer === null || forwardedFor === undefined) return peer;
    return forwardedRemote(forwardedFor, peer, door.trustedProxies);
  }

  async #reading<T>(body: Promise<T>): Promise<T> {
    const { limits } = this.#connection.door;
    this.#patience(limits.bodyTimeout);
    try {
      return await body;
    } finally {
      this.#patience(limits.requestTimeout);
    }
  }

  #patience(milliseconds: number): void {
    this.deadline = this.#connection.door.clock.now() + milliseconds;
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
    const incomplete = !this.complete;
    if (incomplete) connection.linger();
    // Where a request is malformed, or asks for an upgrade that is not made, it is open where the next one begins.
    const malformed = (answer.status === 400 && this.#admitted === null) || this.#body.refusal !== null;
    const doubtful = malformed || this.#message.headers.upgrade !== undefined;
    connection.closing = incomplete || doubtful || this.#late || connection.isLast();
    const options = { more: this.#admitted, secure: connection.door.secure, close: connection.closing };
    writeAnswer(this.#response, answer, options)?.catch((error: unknown) => {
      this.#defect(error);
      // The client sees that it got half of it.
      this.#response.destroy();
    });
  }
}
