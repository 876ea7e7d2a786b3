import type { ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';

export interface AnswerOptions {
  /** Headers beside those that every answer has. */
  readonly more: Readonly<Record<string, string>> | null;
  /** It goes over TLS. */
  readonly secure: boolean;
  /** It is the last of its connection. */
  readonly close: boolean;
}

/** Writes an answer; null where it is written already. Rejects with what reading a streamed body threw. */
export function writeAnswer(response: ServerResponse, answer: Answer, options: AnswerOptions): Promise<void> | null {
  const { status, contentType, body } = answer;
  const streamed = typeof body !== 'string' && !(body instanceof Uint8Array);
  if (response.destroyed) return streamed ? discard(body) : null;
  const headers = ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'];
  // These have no body (RFC 9110 sections 15.3.5 and 15.4.5), and a length would make others wait for one.
  const bare = status === 204 || status === 304;
  if (contentType !== null) headers.push('Content-Type', contentType);
  if (!streamed && !bare)
    headers.push('Content-Length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.length));
  if (options.secure) headers.push('Strict-Transport-Security', 'max-age=31536000; includeSubDomains');
  if (options.close) headers.push('Connection', 'close');
  for (const name in options.more) headers.push(name, options.more[name] ?? '');
  for (const name in answer.headers) headers.push(name, answer.headers[name] ?? '');
  response.writeHead(status, headers);
  if (streamed && !bare) return stream(response, body);
  response.end(bare || streamed ? undefined : body);
  return streamed ? discard(body) : null;
}

/** No faster than the client reads. */
async function stream(response: ServerResponse, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of body) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

/** Until it takes more, or is closed. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    response.on('drain', settle).on('close', settle);
  });
}

/** Lets go of what a body holds that nobody will read. */
async function discard(body: AsyncIterable<Uint8Array>): Promise<void> {
  await body[Symbol.asyncIterator]().return?.();
}
