import type { IncomingMessage } from 'node:http';
import { RequestError } from '../protocol/request-error.ts';

/** Bytes that all bodies hold that are being read at once. */
export class BufferBudget {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Throws RequestError 503 where there is no room for so many more. */
  take(bytes: number): void {
    if (this.#used + bytes > this.#limit) {
      throw new RequestError(503, 'the server is reading too many large bodies at once: try again', {
        headers: { 'Retry-After': '1' },
      });
    }
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

/** What every body may hold without asking the budget. */
const free = 64 * 1024;

/** A body that is being read into memory. */
export class BodyInMemory {
  readonly #message: IncomingMessage;
  readonly #limit: number;
  readonly #budget: BufferBudget;
  readonly #watch: ((chunk: Buffer) => void) | null;
  #fail: ((error: Error) => void) | null = null;

  /** `watch` sees each piece as it comes, and may throw a RequestError. */
  constructor(message: IncomingMessage, limit: number, budget: BufferBudget, watch: ((chunk: Buffer) => void) | null) {
    this.#message = message;
    this.#limit = limit;
    this.#budget = budget;
    this.#watch = watch;
  }

  /** Throws RequestError 413 for a body that says that it is too long. */
  checkLength(): void {
    const length = this.#message.headers['content-length'];
    if (length !== undefined && Number(length) > this.#limit) throw tooLarge(this.#limit);
  }

  /** Ends the reading early. */
  abort(error: Error): void {
    this.#fail?.(error);
  }

  /** Throws RequestError 400, 413 or 503, and what `abort` was given. */
  read(): Promise<Buffer> {
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
          if (size > this.#limit) throw tooLarge(this.#limit);
          const more = Math.max(0, size - free) - taken;
          if (more > 0) this.#budget.take(more);
          taken += more;
          this.#watch?.(chunk);
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
}

function tooLarge(limit: number): RequestError {
  return new RequestError(413, `the body is larger than ${limit} bytes`);
}
