import { isCanonicalPath } from '../base/name.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';

/** A request target, taken apart once. */
export interface Target {
  /** Decoded once and canonical, below `/v1/`. */
  readonly path: string;
  /** What stands behind the `?`, as it came. */
  readonly query: string;
}

const plain = /^[A-Za-z0-9/._~@:+,;=!$&'()-]*$/;

/**
 * The path and query of an origin-form request target (RFC 9112 section 3.2.1). What is not canonical is refused, never
 * cleaned up: policies, routes, the audit log and the store all see this one string. Throws RequestError 400; 404 for
 * what does not lie below `/v1/`.
 */
export function parseTarget(target: string): Target {
  if (!target.startsWith('/')) throw badRequest('the request target must be a path that begins with "/"');
  const mark = target.indexOf('?');
  const raw = mark === -1 ? target : target.slice(0, mark);
  if (raw === '/') throw notFound();
  const path = plain.test(raw) ? raw.slice(1) : raw.slice(1).split('/').map(decodeSegment).join('/');
  if (!isCanonicalPath(path)) {
    throw badRequest(
      'the path is not canonical: no empty, "." or ".." segment, no control character, backslash or "*", NFC, at most 512 bytes',
    );
  }
  if (!path.startsWith('v1/') || path === 'v1/') throw notFound();
  return { path: path.slice(3), query: mark === -1 ? '' : target.slice(mark + 1) };
}

/** Throws RequestError 400 where it is no percent-encoded UTF-8, or hides a `/`. */
function decodeSegment(segment: string): string {
  if (segment.includes('#')) throw badRequest('the request target holds a "#"');
  const text = percentDecode(segment);
  if (text === null) throw badRequest('the path is not percent-encoded UTF-8');
  if (text.includes('/')) throw badRequest('the path holds an encoded "/"');
  return text;
}

const encoded = /^(?:[^%]|%[0-9A-Fa-f]{2})*$/;
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Undoes percent-encoding. Node hands the bytes of a request line on as Latin-1: a byte that was not encoded counts as
 * itself. Null where a `%` begins no pair of digits or the bytes are no UTF-8.
 */
export function percentDecode(text: string): string | null {
  if (!encoded.test(text)) return null;
  const bytes = text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  try {
    return strictDecoder.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return null;
  }
}
