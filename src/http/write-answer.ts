import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';

export interface AnswerOptions {
  /** It goes over TLS. */
  readonly secure: boolean;
  /** It is the last of its connection. */
  readonly close: boolean;
}

/** Writes an answer. Rejects with what reading a streamed body threw; the answer is cut off then. */
export async function writeAnswer(
  response: ServerResponse,
  { status, contentType, body }: Answer,
  more: Readonly<Record<string, string>>,
  { secure, close }: AnswerOptions,
): Promise<void> {
  const whole = typeof body === 'string' || body instanceof Uint8Array;
  if (response.destroyed || response.socket?.destroyed === true) {
    if (!whole) await body[Symbol.asyncIterator]().return?.();
    return;
  }
  const headers = ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'];
  if (contentType !== null) headers.push('Content-Type', contentType);
  if (secure) headers.push('Strict-Transport-Security', 'max-age=31536000; includeSubDomains');
  if (close) headers.push('Connection', 'close');
  for (const name in more) headers.push(name, more[name] ?? '');
  if (whole) {
    if (contentType !== null)
      headers.push('Content-Length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.length));
    response.writeHead(status, headers);
    response.end(body);
    return;
  }
  response.writeHead(status, headers);
  for await (const chunk of body) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}
