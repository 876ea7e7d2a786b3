import type { JsonObject } from '../base/json.ts';
import type { ValueHash } from './value-hash.ts';

// An excerpt of so many characters is looked for in what the request sent; a shorter one only where it is quoted.
const excerpt = 6;
const shortestWord = 3;
const maxSent = 256 * 1024;
const maxText = 4096;
const maxQuotes = 32;
const maxDepth = 64;
const hidden = '[hidden]';

// Texts that quote nothing: they are shown whatever a request holds, so that nobody can hide a denial.
const constantTexts = new Set([
  'permission denied',
  'unsupported path',
  'unsupported operation',
  'internal error',
  'Vault is sealed',
  'invalid role or secret ID',
  'invalid username or password',
]);
const wordCharacter = /[\p{L}\p{N}_]/u;
const quotedPart = /"((?:[^"\\]|\\.)*)"|'([^']*)'|`([^`]*)`/g;

/** What a request sent, as far as its refusal may quote it. */
export interface Sent {
  readonly data: JsonObject;
  readonly token: string | null;
  /** Names whose values are shown in the clear anyway. */
  readonly exempt: readonly string[];
}

/**
 * The text of an error or a warning as an entry shows it. Such texts quote what was sent to explain what is wrong with it
 * (the line of a policy, a value that is no duration), while an entry shows data as keyed hashes only. So what a text
 * has in common with a value of the request, an excerpt of six characters or a whole word, is hidden; and all of a text
 * is shown as its keyed hash where the request holds too much to be compared; `share` is among how many texts that much is
 * divided.
 */
export function shownText(text: string, sent: readonly Sent[], hashes: ValueHash, share = 1): string {
  if (constantTexts.has(text) || sent.length === 0) return text;
  const values = valuesOf(sent, maxSent / share);
  if (values === null) return hashes.of(text);
  const kept = text.slice(0, maxText);
  const marks = new Uint8Array(kept.length);
  markExcerpts(kept, values, marks);
  if (!markQuotes(kept, values, marks)) return hashes.of(text);
  markWords(kept, values, marks);
  return hideMarked(kept, marks) + (kept.length < text.length ? '…' : '');
}

/** The scalars that were sent, as text, and as JSON writes them. Null: too many. */
function valuesOf(sent: readonly Sent[], characters: number): readonly string[] | null {
  const values: string[] = [];
  let room = characters;
  const take = (text: string): boolean => {
    if (text.length === 0) return true;
    room -= text.length;
    if (room < 0) return false;
    values.push(text);
    const escaped = JSON.stringify(text).slice(1, -1);
    if (escaped !== text) values.push(escaped);
    return true;
  };
  const walk = (value: unknown, name: string, exempt: readonly string[], depth: number): boolean => {
    if (depth > maxDepth) return false;
    if (typeof value === 'string') return exempt.includes(name) || take(value);
    if (typeof value === 'number') return exempt.includes(name) || take(String(value));
    if (typeof value !== 'object' || value === null) return true;
    if (Array.isArray(value)) return value.every((item) => walk(item, name, exempt, depth + 1));
    return Object.entries(value).every(([key, member]) => walk(member, key, exempt, depth + 1));
  };
  for (const { data, token, exempt } of sent) {
    if (token !== null && !take(token)) return null;
    if (!walk(data, '', exempt, 0)) return null;
  }
  return values;
}

/** Marks each stretch of the text that stands in a value too. */
function markExcerpts(text: string, values: readonly string[], marks: Uint8Array): void {
  const places = new Map<number, number[]>();
  eachWindow(text, (hash, at) => {
    const found = places.get(hash);
    if (found === undefined) places.set(hash, [at]);
    else found.push(at);
  });
  for (const value of values) {
    eachWindow(value, (hash) => {
      const found = places.get(hash);
      if (found === undefined) return;
      // Equal hashes of unequal stretches only hide more than they must.
      for (const place of found) marks.fill(1, place, place + excerpt);
      places.delete(hash);
    });
  }
}

/** Calls with a hash of each stretch of `excerpt` characters, rolled on from one to the next. */
function eachWindow(text: string, call: (hash: number, at: number) => void): void {
  const factor = 0x01000193;
  let leaving = 1;
  for (let count = 1; count < excerpt; count++) leaving = Math.imul(leaving, factor);
  let hash = 0;
  for (let at = 0; at < text.length; at++) {
    if (at >= excerpt) hash -= Math.imul(text.charCodeAt(at - excerpt), leaving);
    hash = (Math.imul(hash, factor) + text.charCodeAt(at)) | 0;
    if (at >= excerpt - 1) call(hash, at - excerpt + 1);
  }
}

/** Marks what stands in quotes and in a value, however short. False: there are too many quotes to look for. */
function markQuotes(text: string, values: readonly string[], marks: Uint8Array): boolean {
  const all = values.join('\0');
  let count = 0;
  for (const match of text.matchAll(quotedPart)) {
    if (++count > maxQuotes) return false;
    const content = match[1] ?? match[2] ?? match[3] ?? '';
    if (content !== '' && all.includes(content)) marks.fill(1, match.index + 1, match.index + 1 + content.length);
  }
  return true;
}

/** Marks whole values that are shorter than an excerpt and stand as words of their own. */
function markWords(text: string, values: readonly string[], marks: Uint8Array): void {
  const words = new Map<string, number[]>();
  for (let at = 0; at < text.length; at++) {
    if (isWordCharacter(text, at - 1)) continue;
    for (let end = at + shortestWord; end < at + excerpt && end <= text.length; end++) {
      if (isWordCharacter(text, end)) continue;
      const word = text.slice(at, end);
      words.set(word, [...(words.get(word) ?? []), at]);
    }
  }
  for (const value of values) {
    for (const at of words.get(value) ?? []) marks.fill(1, at, at + value.length);
    words.delete(value);
  }
}

function isWordCharacter(text: string, at: number): boolean {
  return wordCharacter.test(text.charAt(at));
}

function hideMarked(text: string, marks: Uint8Array): string {
  let shown = '';
  for (let at = 0; at < text.length;) {
    const marked = marks[at] === 1;
    let end = at + 1;
    while (end < text.length && (marks[end] === 1) === marked) end++;
    shown += marked ? hidden : text.slice(at, end);
    at = end;
  }
  return shown;
}
