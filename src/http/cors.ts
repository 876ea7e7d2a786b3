import type { CrossOrigin } from '../protocol/request-line.ts';
import { unsupportedVerb } from './asked.ts';
import type { Answer } from './answer.ts';
import type { RequestHeaders } from './headers.ts';

/** The verbs that the Vault API names here. */
const verbs = ['DELETE', 'GET', 'OPTIONS', 'POST', 'PUT', 'LIST', 'SCAN'];
/** How long a browser may remember the answer, in seconds. */
const maxAge = 300;

/** The origin of the page that sends a request (RFC 6454 section 7); null: no page of another site does. */
export function originOf({ origin = '' }: RequestHeaders['others']): string | null {
  return origin === '' ? null : origin;
}

/** Headers of every answer to a page of this origin. */
export function crossOriginHeaders(origin: string, { credentials }: CrossOrigin): Readonly<Record<string, string>> {
  return {
    'Access-Control-Allow-Origin': origin,
    Vary: 'Origin',
    ...(credentials ? { 'Access-Control-Allow-Credentials': 'true' } : {}),
  };
}

/** The answer to a browser that asks on which terms its page may call. Throws RequestError 405: on none, or not with its verb. */
export function preflightAnswer(others: RequestHeaders['others'], terms: CrossOrigin | null): Answer {
  if (terms === null || !verbs.includes(others['access-control-request-method'] ?? '')) throw unsupportedVerb();
  return {
    status: 200,
    contentType: null,
    body: '',
    headers: {
      'Access-Control-Allow-Methods': verbs.join(','),
      'Access-Control-Allow-Headers': terms.headers.join(','),
      'Access-Control-Max-Age': String(maxAge),
    },
  };
}
