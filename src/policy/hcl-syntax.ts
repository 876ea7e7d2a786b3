import { HclError } from './hcl-error.ts';

const maxDepth = 16;

interface HclKey {
  readonly text: string;
  readonly at: number;
}

/** `key = value`, or a block `key "label" { … }` (several keys, not assigned). Members of JSON are assigned. */
export interface HclItem {
  readonly keys: readonly HclKey[];
  readonly assigned: boolean;
  readonly value: HclValue;
}

/** `at` is an offset in the text. */
export type HclValue =
  | { readonly kind: 'scalar'; readonly value: string | number | boolean; readonly at: number }
  | { readonly kind: 'list'; readonly items: readonly HclValue[]; readonly at: number }
  | { readonly kind: 'object'; readonly items: readonly HclItem[]; readonly at: number };

export interface HclDocument {
  readonly items: readonly HclItem[];
  /** The error to throw for what stands at an offset. */
  problem(at: number, what: string): HclError;
}

/**
 * Reads the syntax that the texts of policies are written in: HCL 1 (https://github.com/hashicorp/hcl, branch hcl1), and
 * the JSON form that it takes as well. Stricter than the original where that guesses: a key that is given twice, a
 * number with leading zeros or a text that is not well-formed Unicode is refused. Throws HclError, also for a text of
 * more than `maxLength` characters.
 */
export function parseHcl(text: string, maxLength: number): HclDocument {
  if (text.length > maxLength) throw new HclError('', 0, `the text has ${text.length} characters, more than ${maxLength}`);
  if (!text.isWellFormed()) throw new HclError('', 0, 'the text is not well-formed Unicode');
  const reader = new Reader(text);
  return { items: reader.document(), problem: (at, what) => new HclError(text, at, what) };
}

const identifier = /[\p{L}_][\p{L}\p{Nd}_.-]*/uy;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const plainString = /"[^"\\\n]*"/y;
const jsonString = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
};
const hexLength: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

class Reader {
  readonly #text: string;
  readonly #json: boolean;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#json = /^\s*\{/.test(text);
  }

  document(): readonly HclItem[] {
    if (!this.#json) return this.#items('', 0);
    this.#space();
    const root = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected('the end of the text');
    return root.kind === 'object' ? root.items : [];
  }

  /** The items up to (not including) `end`; `''` is the end of the text. */
  #items(end: '' | '}', depth: number): readonly HclItem[] {
    const items: HclItem[] = [];
    const seen = new Set<string>();
    for (;;) {
      this.#space();
      if (this.#peek() === end) break;
      if (this.#json && items.length > 0) {
        this.#expect(',');
        this.#space();
      }
      const item = this.#item(depth);
      const [key] = item.keys;
      if (key !== undefined && item.keys.length === 1) {
        if (seen.has(key.text)) throw this.#problem(key.at, `${JSON.stringify(key.text)} is given twice`);
        seen.add(key.text);
      }
      items.push(item);
      if (this.#json) continue;
      this.#space();
      if (this.#peek() === ',') this.#at++;
    }
    return items;
  }

  #item(depth: number): HclItem {
    if (this.#json) {
      const key = { text: '', at: this.#at };
      key.text = this.#string();
      this.#space();
      this.#expect(':');
      this.#space();
      return { keys: [key], assigned: true, value: this.#value(depth) };
    }
    const keys: HclKey[] = [];
    for (;;) {
      this.#space();
      const at = this.#at;
      const next = this.#peek();
      if (next === '"') keys.push({ text: this.#string(), at });
      else if (next === '{' && keys.length > 0) return { keys, assigned: false, value: this.#value(depth) };
      else if (next === '=' && keys.length > 0) {
        if (keys.length > 1) throw this.#problem(at, 'a block has no "=": expected "{"');
        this.#at++;
        this.#space();
        return { keys, assigned: true, value: this.#value(depth) };
      } else {
        const text = this.#match(identifier);
        if (text === null) throw this.#unexpected(keys.length > 0 ? '"=" or "{"' : 'a key');
        keys.push({ text, at });
      }
    }
  }

  #value(depth: number): HclValue {
    const at = this.#at;
    if (depth >= maxDepth) throw this.#problem(at, `nested more than ${maxDepth} levels deep`);
    switch (this.#peek()) {
      case '"':
        return { kind: 'scalar', value: this.#string(), at };
      case '[':
        return { kind: 'list', items: this.#list(depth + 1), at };
      case '{': {
        this.#at++;
        const items = this.#items('}', depth + 1);
        this.#expect('}');
        return { kind: 'object', items, at };
      }
      case '<':
        if (!this.#json) return { kind: 'scalar', value: this.#heredoc(), at };
    }
    const digits = this.#match(number);
    if (digits !== null) return { kind: 'scalar', value: this.#number(digits, at), at };
    const word = this.#match(identifier);
    if (word === 'true' || word === 'false') return { kind: 'scalar', value: word === 'true', at };
    this.#at = at;
    throw this.#unexpected('a value');
  }

  #list(depth: number): readonly HclValue[] {
    this.#at++;
    const items: HclValue[] = [];
    for (;;) {
      this.#space();
      if (this.#peek() === ']' && !(this.#json && items.length > 0)) break;
      items.push(this.#value(depth));
      this.#space();
      if (this.#peek() === ']') break;
      this.#expect(',');
    }
    this.#at++;
    return items;
  }

  #number(digits: string, at: number): number {
    const value = Number(digits);
    if (/[\p{L}\p{Nd}_.]/u.test(this.#peek())) throw this.#unexpected('the end of the number');
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      throw this.#problem(at, 'the number is too large');
    }
    return value;
  }

  #string(): string {
    const start = this.#at;
    if (this.#json) {
      const literal = this.#match(jsonString);
      if (literal === null) throw this.#unexpected('a string');
      try {
        return this.#wellFormed(JSON.parse(literal) as string, start);
      } catch (error) {
        if (error instanceof HclError) throw error;
        throw this.#problem(start, 'the string has an escape that JSON does not know');
      }
    }
    const plain = this.#match(plainString);
    if (plain !== null) return plain.slice(1, -1);
    this.#at++;
    let value = '';
    for (;;) {
      const character = this.#peek();
      if (character === '' || character === '\n') throw this.#problem(start, 'the string has no end');
      this.#at++;
      if (character === '"') return this.#wellFormed(value, start);
      value += character === '\\' ? this.#escape() : character;
    }
  }

  #escape(): string {
    const at = this.#at - 1;
    const letter = this.#peek();
    this.#at++;
    const simple = escapes[letter];
    if (simple !== undefined) return simple;
    const length = hexLength[letter] ?? 0;
    const digits = this.#text.slice(this.#at, this.#at + length);
    const code = length > 0 && digits.length === length && /^[0-9a-fA-F]+$/.test(digits) ? Number.parseInt(digits, 16) : null;
    if (code === null || code > 0x10ffff) throw this.#problem(at, `the escape "\\${letter}" is not known`);
    this.#at += length;
    return String.fromCodePoint(code);
  }

  #wellFormed(value: string, at: number): string {
    if (!value.isWellFormed()) throw this.#problem(at, 'the string is not well-formed Unicode');
    return value;
  }

  /** `<<END … END`; with `<<-` the indentation of the closing word is taken off every line that has it. */
  #heredoc(): string {
    const start = this.#at;
    this.#at += this.#text.startsWith('<<-', start) ? 3 : 2;
    const indented = this.#at - start === 3;
    const word = this.#text.startsWith('<<', start) ? this.#match(identifier) : null;
    if (word === null || !/^\r?\n/.test(this.#text.slice(this.#at, this.#at + 2)))
      throw this.#problem(start, 'expected "<<WORD" and a new line');
    this.#at = this.#text.indexOf('\n', this.#at) + 1;
    const lines: string[] = [];
    while (this.#at < this.#text.length) {
      const found = this.#text.indexOf('\n', this.#at);
      const end = found === -1 ? this.#text.length : found;
      const line = this.#text.slice(this.#at, end);
      if ((indented ? line.trim() : line.trimEnd()) === word) {
        this.#at = end;
        const indentation = indented ? line.slice(0, line.indexOf(word)) : '';
        const cut = lines.every((content) => content.startsWith(indentation)) ? indentation.length : 0;
        return lines.map((content) => `${content.slice(cut)}\n`).join('');
      }
      lines.push(line);
      this.#at = end + 1;
    }
    throw this.#problem(start, `the text has no end: no line is just ${JSON.stringify(word)}`);
  }

  /** Skips white space, and comments of all three forms where there can be any. */
  #space(): void {
    for (;;) {
      const character = this.#peek();
      if (character === ' ' || character === '\n' || character === '\t' || character === '\r') this.#at++;
      else if (this.#json || (character !== '#' && character !== '/')) return;
      else if (this.#text.startsWith('/*', this.#at)) {
        const end = this.#text.indexOf('*/', this.#at + 2);
        if (end === -1) throw this.#problem(this.#at, 'the comment has no end');
        this.#at = end + 2;
      } else if (character === '#' || this.#text.startsWith('//', this.#at)) {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end === -1 ? this.#text.length : end;
      } else return;
    }
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #expect(character: string): void {
    if (this.#peek() !== character) throw this.#unexpected(JSON.stringify(character));
    this.#at++;
  }

  #unexpected(wanted: string): HclError {
    const found = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    const shown = this.#at >= this.#text.length ? 'the end of the text' : JSON.stringify(found);
    return this.#problem(this.#at, `expected ${wanted}, found ${shown}`);
  }

  #problem(at: number, what: string): HclError {
    return new HclError(this.#text, at, what);
  }
}
