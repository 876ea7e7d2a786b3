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
    // What stands before the colon of a DSN would be taken for a scheme.
    if (scheme.test(url)) return new URL(filled);
  } catch {
    // Said below.
  }
  throw badRequest('connection_url is not a URL, such as postgresql://{{username}}:{{password}}@db.example.com:5432/postgres');
}

const scheme = /^[a-z][a-z0-9+.-]*:\/\//i;
// A password that is no more than its placeholder is none. One may hold `/`, and where no port follows the colon `?` and `#`.
const inUrl = /^([a-z][a-z0-9+.-]*:\/\/[^/?#@:[]*:)(?!\{\{\s*password\s*\}\}@)(?:[^?#]*|(?!\d{0,5}(?:[/?#,]|$))[\s\S]*)(@)/i;
const inDsn = /^([^:/@(]*:)(?!\{\{\s*password\s*\}\}@)(?:[\s\S]*(?=@[a-z0-9]*[(/])|[\s\S]*)(@)/i;
/** Parameters that hold a secret in the clients of any of the databases, also in `name=value name=value` without a URL. */
const inParameter =
  /((?:^|[?#;\s])[^=?#;\s:/@]*(?:pass(?:word|wd|phrase)?\d?|pwd|passwordsha1|secret|token|scram_(?:client|server)_key|authmechanismproperties)\s*=)(?!\s*\{\{\s*password\s*\}\}$)[\s\S]+$/i;

/**
 * A URL, or a DSN (`user:password@tcp(host:port)/`), as it may be shown: without a password that stands in it, be it before
 * the host or as a parameter (`?password=`, `sslpassword=`).
 */
export function shownUrl(url: string): string {
  const text = url.replace(scheme.test(url) ? inUrl : inDsn, '$1xxxxx$2');
  return text
    .split('&')
    .map((part) => part.replace(inParameter, '$1xxxxx'))
    .join('&');
}
