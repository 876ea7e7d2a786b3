import { isPathSegment } from '../base/name.ts';

const template = /\{\{[^{}]*\}\}/g;

/**
 * Why a path of a policy could never match a request, or null where it can. A request's path is always canonical
 * (base/name.ts); a rule that nothing can match is refused, because a `deny` that never denies looks like protection.
 * `path` comes without a leading slash.
 */
export function patternProblem(path: string): string | null {
  if (path === '') return 'a rule needs a path';
  if (Buffer.byteLength(path) > 512) return 'the path has more than 512 bytes';
  if (path.includes('+*')) return '"+*" is forbidden: "+" stands for one whole segment, "*" for any rest';
  const filled = path.replace(template, 'x');
  if (filled.includes('{{') || filled.includes('}}')) return 'the braces of a template are not balanced';
  const isPrefix = filled.endsWith('*');
  const body = isPrefix ? filled.slice(0, -1) : filled;
  if (body.includes('*')) return '"*" may only stand at the end of a path; "+" stands for one whole segment';
  const segments = body.split('/');
  const last = segments.pop() ?? '';
  const whole = isPrefix || last === '' ? segments : [...segments, last];
  if (!whole.every(isPathSegment) || !isStartOfSegment(last)) {
    return 'the path is not canonical: no empty, "." or ".." segment, no control character or backslash, Unicode in NFC';
  }
  return null;
}

/** What stands before a `*`, or the nothing behind a trailing slash. Any start of a segment will do, `.` and `..` too. */
function isStartOfSegment(text: string): boolean {
  return text === '' || text === '.' || text === '..' || isPathSegment(text);
}
