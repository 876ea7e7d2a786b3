/**
 * The one rule for every identifier (policy, role, mount segment, entity, user). Case is significant; what is not
 * canonical is refused, never folded.
 */
const identifier = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/;
const segmentBelow = /^[A-Za-z0-9_-][A-Za-z0-9._@-]{0,127}$/;
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/;

export function isIdentifier(text: string): boolean {
  return identifier.test(text);
}

/** True for an identifier that is neither one of `reserved` nor equal to one but for its case. */
export function isFreeIdentifier(text: string, reserved: readonly string[]): boolean {
  return isIdentifier(text) && !reserved.includes(text.toLowerCase());
}

/**
 * An identifier, and after each `/` another one that may also start with `-` or `_`: only where the whole path starts
 * could it be taken for an option.
 */
export function isMountPath(text: string): boolean {
  const [first = '', ...below] = text.split('/');
  return text.length <= 512 && isIdentifier(first) && below.every((segment) => segmentBelow.test(segment));
}

/** One segment of a path inside a mount: NFC text without control characters, `\`, `*`, and not `.` or `..`. */
export function isPathSegment(text: string): boolean {
  if (text === '' || text === '.' || text === '..') return false;
  if (/[\\*/]/.test(text) || controlCharacter.test(text)) return false;
  return text.isWellFormed() && text.normalize('NFC') === text;
}

/** A whole request path: segments joined by `/`, at most 512 bytes, one trailing `/` allowed (a folder to list). */
export function isCanonicalPath(text: string): boolean {
  if (text === '' || Buffer.byteLength(text) > 512) return false;
  const body = text.endsWith('/') ? text.slice(0, -1) : text;
  return body.split('/').every(isPathSegment);
}
