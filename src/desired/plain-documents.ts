import type { Json } from '../base/json.ts';

// A YAML parser spends a sixth of a millisecond on a document of ten lines, ten times what all the rest of loading it
// takes. Nearly every document is written in the small part of YAML that this reader knows: block maps and lists,
// scalars on one line, `|` blocks, flow collections on one line. Of any other text it says that it does not know.

/** Characters that need a closer look: controls, tabs, spaces and marks that are not seen, the rarer planes. */
const strange = /[^\n\u0020-\u007e\u00a1-\u1fff\u2010-\u2027\u20a0-\u20bf\u3001-\ud7ff]/;
/** A key of a block map and what stands behind its colon. */
const entry = /^([A-Za-z][A-Za-z0-9_./-]{0,99}):(?: +(.+))?$/;
const plainStart = /^[A-Za-z0-9/_$(<\u00a1-\ud7ff]/;
const flowPlain = /[A-Za-z0-9/_][A-Za-z0-9_./*+@-]*/y;
const flowKey = /([A-Za-z][A-Za-z0-9_./-]{0,99}): +/y;
const flowQuoted = /"([^"\\]*)"|'([^']*)'/y;
const wholeNumber = /^(?:0|[1-9][0-9]{0,14})$/;
const numberLike = /^(?:0[xo]|[0-9.]+(?:[eE][-+]?[0-9]+)?$)/;
const words: ReadonlyMap<string, Json> = new Map<string, Json>([
  ['null', null],
  ['true', true],
  ['false', false],
]);
const deepest = 20;

/**
 * The documents of a file, each of them a map, where the file is written plainly and holds nothing else; null: not
 * known, ask the parser. What is not null is what the parser says, and the parser has nothing against the file.
 */
export function plainDocuments(text: string): readonly Json[] | null {
  return text.endsWith('\n') && !strange.test(text) ? new PlainReader(text.split('\n')).documents() : null;
}

/** A value that is not known is undefined. */
class PlainReader {
  readonly #lines: readonly string[];
  /** The line that is read next. */
  #at = 0;
  /** Its indentation, as `#next` found it; -1 at the end of a document. */
  #indent = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  documents(): readonly Json[] | null {
    const documents: Json[] = [];
    do {
      if (this.#next() === -1 && documents.length === 0) this.#pass();
      const document = this.#next() === 0 ? this.#map(0, this.#line(), 0) : undefined;
      if (document === undefined) return null;
      documents.push(document);
    } while (this.#next() === -1 && this.#pass());
    return this.#at === this.#lines.length ? documents : null;
  }

  /** Goes behind the line that ends a document; false at the end of the file. */
  #pass(): boolean {
    if (this.#at === this.#lines.length) return false;
    this.#at++;
    return true;
  }

  /** Goes to the next line that says something; returns its indentation, or -1 at the end of the document. */
  #next(): number {
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#line();
      const indent = indentOf(line);
      if (indent === line.length || line[indent] === '#') continue;
      this.#indent = line === '---' ? -1 : indent;
      return this.#indent;
    }
    this.#indent = -1;
    return -1;
  }

  #line(): string {
    return this.#lines[this.#at] ?? '';
  }

  /** A block map; `content` is its first line without indentation. */
  #map(indent: number, content: string, depth: number): Json | undefined {
    const members: Record<string, Json> = {};
    for (;;) {
      const [, key, rest] = entry.exec(content) ?? [];
      if (key === undefined || depth > deepest || words.has(key.toLowerCase()) || Object.hasOwn(members, key)) return undefined;
      const value = rest === undefined ? this.#below(indent, depth) : this.#beside(rest, indent);
      if (value === undefined) return undefined;
      members[key] = value;
      if (this.#indent < indent) return members;
      if (this.#indent > indent) return undefined;
      content = this.#line().slice(indent);
    }
  }

  #list(indent: number, depth: number): Json | undefined {
    const items: Json[] = [];
    do {
      const content = this.#line().slice(indent + 2);
      if (content === '' || content.startsWith(' ') || content.startsWith('- ')) return undefined;
      const item = entry.test(content) ? this.#map(indent + 2, content, depth) : this.#beside(content, indent);
      if (item === undefined || this.#indent > indent) return undefined;
      items.push(item);
    } while (this.#indent === indent && this.#line().startsWith('- ', indent));
    return items;
  }

  /** What stands below a key of a map with this indentation; null where nothing does. */
  #below(indent: number, depth: number): Json | undefined {
    this.#at++;
    const deeper = this.#next();
    const listed = deeper >= indent && this.#line().startsWith('- ', deeper);
    if (listed) return this.#list(deeper, depth + 1);
    return deeper > indent ? this.#map(deeper, this.#line().slice(deeper), depth + 1) : null;
  }

  /** What stands beside a key or dash, and goes to the next line. A deeper one would go on with it: not known. */
  #beside(text: string, indent: number): Json | undefined {
    if (text === '|' || text === '|-') return this.#block(indent, text === '|' ? '\n' : '');
    this.#at++;
    return this.#next() > indent ? undefined : inline(text);
  }

  #block(indent: number, end: string): Json | undefined {
    this.#at++;
    const inner = indentOf(this.#line());
    if (inner <= indent || inner === this.#line().length) return undefined;
    const kept: string[] = [];
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#line();
      const spaces = indentOf(line);
      if (spaces === line.length && spaces > inner) return undefined;
      if (spaces < inner && spaces < line.length) break;
      kept.push(line.slice(inner));
    }
    while (kept.at(-1) === '') kept.pop();
    this.#next();
    return kept.join('\n') + end;
  }
}

function indentOf(line: string): number {
  let indent = 0;
  while (line.charCodeAt(indent) === 0x20) indent++;
  return indent;
}

/** A value on one line. */
function inline(text: string): Json | undefined {
  const [first] = text;
  if (first === '[' || first === '{' || first === '"' || first === "'") {
    const flow = new FlowReader(text);
    const value = flow.value(0);
    return flow.at === text.length ? value : undefined;
  }
  const plain = plainStart.test(text) && !text.includes(': ') && !text.includes(' #') && !/[: ]$/.test(text);
  return plain ? resolved(text) : undefined;
}

/** What a plain scalar means in the core schema. */
function resolved(text: string): Json | undefined {
  const first = text.charCodeAt(0);
  if (first >= 0x30 && first <= 0x39) return wholeNumber.test(text) ? Number(text) : numberLike.test(text) ? undefined : text;
  // Their other spellings are left to the parser.
  return text.length <= 5 && words.has(text.toLowerCase()) ? words.get(text) : text;
}

/** A flow collection or a quoted scalar. */
class FlowReader {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Json | undefined {
    const first = this.#text[this.at];
    if (first === '[') return depth > deepest ? undefined : this.#list(depth);
    if (first === '{') return depth > deepest ? undefined : this.#map(depth);
    if (first === '"' || first === "'") {
      const [, double, single] = this.#match(flowQuoted) ?? [];
      return double ?? single;
    }
    const [plain] = this.#match(flowPlain) ?? [];
    return plain === undefined ? undefined : resolved(plain);
  }

  #list(depth: number): Json | undefined {
    const items: Json[] = [];
    if (this.#opens(']')) return items;
    do {
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    } while (this.#goesOn());
    return this.#closes(']') ? items : undefined;
  }

  #map(depth: number): Json | undefined {
    const members: Record<string, Json> = {};
    if (this.#opens('}')) return members;
    do {
      const [, key] = this.#match(flowKey) ?? [];
      if (key === undefined || words.has(key.toLowerCase()) || Object.hasOwn(members, key)) return undefined;
      const member = this.value(depth + 1);
      if (member === undefined) return undefined;
      members[key] = member;
    } while (this.#goesOn());
    return this.#closes('}') ? members : undefined;
  }

  /** Passes the opening bracket; true where the closing one follows. */
  #opens(close: string): boolean {
    this.at++;
    this.#spaces();
    return this.#closes(close);
  }

  #goesOn(): boolean {
    this.#spaces();
    if (this.#text[this.at] !== ',') return false;
    this.at++;
    this.#spaces();
    return true;
  }

  #closes(close: string): boolean {
    if (this.#text[this.at] !== close) return false;
    this.at++;
    return true;
  }

  #spaces(): void {
    while (this.#text[this.at] === ' ') this.at++;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.at = pattern.lastIndex;
    return match;
  }
}
