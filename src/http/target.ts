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
const maxPathBytes = 512;
const root = '/v1/';

/**
 * The path and query of an origin-form request target (RFC 9112 section 3.2.1). What is not canonical is refused, never
 * cleaned up: policies, routes, the audit log and the store all see this one string. Throws RequestError 400; 404 for
 * what does not lie below `/v1/`.
 */
export function parseTarget(target: string): Target {
  if (!target.startsWith('/')) throw badRequest('the request target must be a path that begins with "/"');
  const mark = target.indexOf('?');
  const raw = mark === -1 ? target : target.slice(0, mark);
  if (raw === '/' || raw === root) throw notFound();
  const below = raw.startsWith(root);
  let path = raw.slice(below ? root.length : 1);
  // Nearly every path has only characters that stand for themselves, and is canonical unless one of these occurs.
  if (!plain.test(raw) || path.length > maxPathBytes || raw.includes('//') || raw.includes('/.')) {
    path = path.split('/').map(decodeSegment).join('/');
    if (!isCanonicalPath(path)) throw badRequest(notCanonical);
  }
  if (!below) throw notFound();
  return { path, query: mark === -1 ? '' : target.slice(mark + 1) };
}

const notCanonical =
  'the path is not canonical: it has an empty, "." or ".." segment, a control character, a backslash or "*", is not NFC, or is longer than 512 bytes';

/** Throws RequestError 400 where it is no percent-encoded UTF-8, or hides a `/`. */
function decodeSegment(segment: string): string {
  const text = percentDecode(segment);
  if (text === null) throw badRequest('the path is not percent-encoded UTF-8');
  if (text.includes('/')) throw badRequest('the path holds an encoded "/"');
  return text;
}

/** Undoes percent-encoding, once. Null where that is not what it is: a stray `%`, bytes that are no UTF-8, a character that must be encoded. */
export function percentDecode(text: string): string | null {
  if (!/^[!"$-~]*$/.test(text)) return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
