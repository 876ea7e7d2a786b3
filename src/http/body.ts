import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestError } from '../protocol/request-error.ts';

/** Bytes that all clients together may have the server hold of one sort: bodies that are being read, requests that wait. */
export class BufferBudget {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Throws RequestError 503 where there is no room for so many more. */
  take(bytes: number): void {
    if (!this.fits(bytes)) {
      throw new RequestError(503, 'the server is reading too many large bodies at once: try again', {
        headers: { 'Retry-After': '1' },
      });
    }
    this.#used += bytes;
  }

  /** Is there room for so many more? */
  fits(bytes: number): boolean {
    return this.#used + bytes <= this.#limit;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

/** What every body may hold without asking the budget. */
const free = 16 * 1024;

/** The body of a request. It is read once: into memory, or piece by piece. */
export class IncomingBody {
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #budget: BufferBudget;
  /** The client waits for a word before it sends it. */
  readonly #awaited: boolean;
  #refusal: RequestError | null = null;
  #fail: ((error: Error) => void) | null = null;

  constructor(message: IncomingMessage, response: ServerResponse, budget: BufferBudget, awaited: boolean) {
    this.#message = message;
    this.#response = response;
    this.#budget = budget;
    this.#awaited = awaited;
  }

  /** Does the request say that it has one? */
  get announced(): boolean {
    const { headers } = this.#message;
    return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
  }

  /** In bytes, as the request says; null: it does not. */
  get length(): number | null {
    const { 'content-length': length, 'transfer-encoding': coding } = this.#message.headers;
    if (coding !== undefined) return null;
    return Number(length ?? '0');
  }

  /** Nothing more comes that belongs to it. */
  get complete(): boolean {
    return this.#message.complete;
  }

  /** Is it being read into memory? */
  get reading(): boolean {
    return this.#fail !== null;
  }

  /** Why it can't be read, or shall not be; null: nothing is known against it. */
  get refusal(): RequestError | null {
    return this.#refusal;
  }

  /** Ends the reading, now or before it begins. */
  refuse(refusal: RequestError): void {
    this.#refusal ??= refusal;
    this.#fail?.(this.#refusal);
  }

  /**
   * The whole of it, of at most `limit` bytes. `watch` sees each piece as it comes, and may throw a RequestError.
   * Throws RequestError 400, 413 or 503, and what it was refused with.
   */
  async read(limit: number, watch: ((chunk: Buffer) => void) | null): Promise<Buffer> {
    const length = this.#message.headers['content-length'];
    if (length !== undefined && Number(length) > limit) throw tooLarge(limit);
    if (this.#refusal !== null) throw this.#refusal;
    if (this.#awaited) this.#response.writeContinue();
    return this.#collect(limit, watch);
  }

  #collect(limit: number, watch: ((chunk: Buffer) => void) | null): Promise<Buffer> {
    const message = this.#message;
    const chunks: Buffer[] = [];
    let size = 0;
    let taken = 0;
    return new Promise<Buffer>((resolve, reject) => {
      const settle = (): void => {
        this.#fail = null;
        message.off('data', onData).off('end', onEnd).off('close', onClose);
        if (taken > 0) this.#budget.give(taken);
      };
      const fail = (error: Error): void => {
        settle();
        // Nobody listens any more, so what still comes is dropped.
        message.resume();
        reject(error);
      };
      const onData = (chunk: Buffer): void => {
        size += chunk.length;
        try {
          if (size > limit) throw tooLarge(limit);
          const more = Math.max(0, size - free) - taken;
          if (more > 0) this.#budget.take(more);
          taken += more;
          watch?.(chunk);
        } catch (error) {
          fail(error as Error);
          return;
        }
        chunks.push(chunk);
      };
      const onEnd = (): void => {
        settle();
        resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
      };
      const onClose = (): void => fail(new RequestError(400, 'the body ended early'));
      this.#fail = fail;
      message.on('data', onData).on('end', onEnd).on('close', onClose);
    });
  }

  /** Piece by piece, as it comes; `progress` is called with each. Whoever stops reading may still answer. */
  async *stream(progress: () => void): AsyncGenerator<Uint8Array> {
    if (this.#awaited) this.#response.writeContinue();
    for await (const chunk of this.#message.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      progress();
      yield chunk;
    }
  }
}

function tooLarge(limit: number): RequestError {
  return new RequestError(413, `the body is larger than ${limit} bytes`);
}
