import { badRequest } from '../../../protocol/request-error.ts';

/**
 * A URL with `{{username}}` and `{{password}}` filled in, each percent-encoded so that it is one part of the URL.
 * Throws RequestError 400, which quotes nothing of it, for one that is none.
 */
export function filledUrl(url: string, username: string, password: string): URL {
  const filled = url
    .replace(/\{\{\s*username\s*\}\}/g, () => encodeURIComponent(username))
    .replace(/\{\{\s*password\s*\}\}/g, () => encodeURIComponent(password));
  if (filled.includes('{{')) throw badRequest('connection_url has a placeholder that is none of {{username}} and {{password}}');
  try {
    return new URL(filled);
  } catch {
    throw badRequest('connection_url is not a URL, such as postgresql://{{username}}:{{password}}@db.example.com:5432/postgres');
  }
}

/** A URL as it may be shown: without a password that stands in it. */
export function shownUrl(url: string): string {
  return url.replace(/^([a-z+]+:\/\/[^/?#@]*?:)(?!\{\{\s*password\s*\}\})[^/?#]*(@)/i, '$1xxxxx$2');
}
