// Reading a line with JSON.parse and writing it again to compare costs ten times its hash. Nearly every line needs
// neither: this scan proves in one pass over the bytes that a line is canonical, or says that it does not know.

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const unsure = -1;
const maxDepth = 100;

const literals = ['null', 'true', 'false'].map((text) => Buffer.from(text));
// The members of a line in canonical order; the values between them are checked by the function beside.
const members: readonly (readonly [Buffer, (bytes: Uint8Array, at: number) => number])[] = [
  [Buffer.from('{"auth":'), objectOrNull],
  [Buffer.from(',"boot":'), stringEnd],
  [Buffer.from(',"epoch":'), countEnd],
  [Buffer.from(',"error":'), stringOrNull],
  [Buffer.from(',"prev":'), hashEnd],
  [Buffer.from(',"request":'), objectOrNull],
  [Buffer.from(',"response":'), objectOrNull],
  [Buffer.from(',"seq":'), countEnd],
  [Buffer.from(',"time":'), timeEnd],
  [Buffer.from(',"type":'), stringEnd],
];
const prevAt = 4;
const seqAt = 7;

/** The place that a line claims, where the scan proves that the line is canonical; null: it does not know. */
export function scanLine(bytes: Uint8Array): { readonly seq: number; readonly prev: string } | null {
  let at = 0;
  let prev = '';
  let seq = 0;
  for (let index = 0; index < members.length; index++) {
    const [name, valueEnd] = members[index] as (typeof members)[number];
    at = expect(bytes, at, name);
    if (at === unsure) return null;
    const start = at;
    at = valueEnd(bytes, start);
    if (at === unsure) return null;
    if (index === prevAt) prev = ascii(bytes, start + 1, at - 1);
    else if (index === seqAt) seq = Number(ascii(bytes, start, at));
  }
  return seq > 0 && bytes[at] === closeBrace && at + 1 === bytes.length ? { seq, prev } : null;
}

/** The end of the value that begins at `at`. */
function valueEnd(bytes: Uint8Array, at: number, depth: number): number {
  const first = bytes[at];
  if (first === quote) return stringEnd(bytes, at);
  if (first === openBrace) return objectEnd(bytes, at, depth);
  if (first === openBracket) return arrayEnd(bytes, at, depth);
  for (const literal of literals) if (first === literal[0]) return expect(bytes, at, literal);
  return numberEnd(bytes, at);
}

function objectEnd(bytes: Uint8Array, start: number, depth: number): number {
  if (depth > maxDepth) return unsure;
  if (bytes[start + 1] === closeBrace) return start + 2;
  let before = unsure;
  for (let at = start + 1; ; at++) {
    const nameEnd = stringEnd(bytes, at);
    if (nameEnd === unsure || bytes[nameEnd] !== colon) return unsure;
    if (before !== unsure && !isBefore(bytes, before, at)) return unsure;
    before = at;
    at = valueEnd(bytes, nameEnd + 1, depth + 1);
    if (at === unsure) return unsure;
    if (bytes[at] === closeBrace) return at + 1;
    if (bytes[at] !== comma) return unsure;
  }
}

function arrayEnd(bytes: Uint8Array, start: number, depth: number): number {
  if (depth > maxDepth) return unsure;
  if (bytes[start + 1] === closeBracket) return start + 2;
  for (let at = start + 1; ; at++) {
    at = valueEnd(bytes, at, depth + 1);
    if (at === unsure) return unsure;
    if (bytes[at] === closeBracket) return at + 1;
    if (bytes[at] !== comma) return unsure;
  }
}

/** Printable ASCII without escapes: of anything else the canonical form is not obvious. */
function stringEnd(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== quote) return unsure;
  for (let at = start + 1; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === quote) return at + 1;
    if (byte < 0x20 || byte > 0x7e || byte === backslash) return unsure;
  }
  return unsure;
}

/** Is the string at `a` before the one at `b`? Both are known to end in a quote, which is not in either. */
function isBefore(bytes: Uint8Array, a: number, b: number): boolean {
  for (let offset = 1; ; offset++) {
    const left = bytes[a + offset] as number;
    const right = bytes[b + offset] as number;
    if (left !== right) return left === quote || (right !== quote && left < right);
    if (left === quote) return false;
  }
}

function numberEnd(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== minus) return countEnd(bytes, start);
  return bytes[start + 1] === zero ? unsure : countEnd(bytes, start + 1);
}

/** A whole number of at most 15 digits: these are written as they are. */
function countEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  while (isDigit(bytes[at])) at++;
  const digits = at - start;
  return digits === 0 || digits > 15 || (digits > 1 && bytes[start] === zero) ? unsure : at;
}

function hashEnd(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== quote || bytes[start + 65] !== quote) return unsure;
  for (let at = start + 1; at < start + 65; at++) {
    const byte = bytes[at] as number;
    if (!isDigit(byte) && !(byte >= 0x61 && byte <= 0x66)) return unsure;
  }
  return start + 66;
}

const timeForm = '"dddd-dd-ddTdd:dd:dd.dddddddddZ"';

function timeEnd(bytes: Uint8Array, start: number): number {
  for (let offset = 0; offset < timeForm.length; offset++) {
    const form = timeForm.charCodeAt(offset);
    const byte = bytes[start + offset];
    if (form === 0x64 ? !isDigit(byte) : byte !== form) return unsure;
  }
  return start + timeForm.length;
}

function objectOrNull(bytes: Uint8Array, at: number): number {
  return bytes[at] === openBrace ? objectEnd(bytes, at, 0) : expect(bytes, at, literals[0] as Buffer);
}

function stringOrNull(bytes: Uint8Array, at: number): number {
  return bytes[at] === quote ? stringEnd(bytes, at) : expect(bytes, at, literals[0] as Buffer);
}

function expect(bytes: Uint8Array, start: number, text: Uint8Array): number {
  for (let offset = 0; offset < text.length; offset++) if (bytes[start + offset] !== text[offset]) return unsure;
  return start + text.length;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine;
}

function ascii(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}
