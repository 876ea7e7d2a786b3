import { badRequest } from '../../../protocol/request-error.ts';

/**
 * A `connection_url` with `{{username}}` and `{{password}}` filled in, each percent-encoded so that it is one part of it.
 * Throws RequestError 400, which quotes nothing of it.
 */
export function filledText(url: string, username: string, password: string): string {
  const filled = url
    .replace(/\{\{\s*username\s*\}\}/g, () => encodeURIComponent(username))
    .replace(/\{\{\s*password\s*\}\}/g, () => encodeURIComponent(password));
  if (filled.includes('{{')) throw badRequest('connection_url has a placeholder that is none of {{username}} and {{password}}');
  return filled;
}

/** The same as a URL, which that of some databases is not. Throws RequestError 400, which quotes nothing of it. */
export function filledUrl(url: string, username: string, password: string): URL {
  const filled = filledText(url, username, password);
  try {
    return new URL(filled);
  } catch {
    throw badRequest('connection_url is not a URL, such as postgresql://{{username}}:{{password}}@db.example.com:5432/postgres');
  }
}

/**
 * A URL, or a DSN (`user:password@tcp(host:port)/`), as it may be shown: without a password that stands in it.
 */
export function shownUrl(url: string): string {
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(url);
  const password = isUrl
    ? /^([a-z][a-z0-9+.-]*:\/\/[^/?#@]*?:)(?!\{\{\s*password\s*\}\}@)[^/?#]*(@)/i
    : /^([^:/@]*:)(?!\{\{\s*password\s*\}\}@)[\s\S]*(@[a-z0-9]*[(/])/i;
  return url.replace(password, '$1xxxxx$2');
}
