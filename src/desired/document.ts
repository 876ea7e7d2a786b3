import { Composer, CST, isAlias, isCollection, isMap, isScalar, isSeq, Lexer, Parser, type Document, type Pair } from 'yaml';
import type { Json } from '../base/json.ts';
import { showText } from '../kinds/show.ts';
import type { DiagnosticCode } from './diagnostic.ts';
import { openQuote } from './lexemes.ts';
import { plainDocuments } from './plain-documents.ts';
import {
  deepest,
  isVague,
  notYaml,
  refusalOf,
  refusals,
  syntaxRefusal,
  toldByLexeme,
  type Span,
  type YamlProblem,
} from './yaml-problem.ts';

/** One document of a file: plain values. */
export interface ParsedDocument {
  /** Its number in the file, from 0; empty documents count too. */
  readonly index: number;
  readonly value: Json;
  /** True: the file has problems in it, so that `value` is only what could be understood. */
  readonly broken: boolean;
}

export interface ParsedFile {
  readonly documents: readonly ParsedDocument[];
  /** In the order of the text, at most `mostProblems`. */
  readonly problems: readonly YamlProblem[];
  /** False: parsing stopped before the end, so documents may be missing. */
  readonly complete: boolean;
}

const mostProblems = 20;
/** How many anchors, aliases, tags and tabs are looked at: a bomb is not parsed to its end. */
const mostRefused = 200;
/**
 * The documents of a YAML 1.2 file (core schema) as plain values. Anchors, aliases, merge keys, tags, directives, keys
 * that are no strings, double keys, tabs and control characters are problems. Costs time in the size of the text only,
 * and keeps no positions: `FilePositions` parses again where a finding needs one.
 */
export function parseDocuments(text: string): ParsedFile {
  const plain = plainDocuments(text);
  if (plain === null) return parseAnyDocuments(text);
  return { documents: plain.map((value, index) => ({ index, value, broken: false })), problems: [], complete: true };
}

/** The same by the parser, whatever the text. */
export function parseAnyDocuments(text: string): ParsedFile {
  const { documents, problems: found, complete } = composeDocuments(text);
  const walk = new PlainValues(found);
  const values = documents.map((document) => walk.value(document.contents, 0));
  const problems = found.map((problem) => ({ ...problem, ...clamped(problem, text.length) })).sort((a, b) => a.start - b.start);
  const parsed = documents.map((document, index): ParsedDocument => {
    const [start, , end] = document.range;
    const broken = problems.some((problem) => problem.start >= start && problem.start <= end);
    return { index, value: values[index] ?? null, broken };
  });
  return {
    documents: parsed.filter(({ value, broken }) => value !== null || broken),
    problems: withoutConsequences(problems, text),
    complete,
  };
}

/** One vague problem stands for all that follow it in its document. */
function withoutConsequences(problems: readonly YamlProblem[], text: string): readonly YamlProblem[] {
  let last: YamlProblem | null = null;
  return problems.filter((problem) => {
    if (!isVague(problem)) return true;
    if (last !== null && !/^---/m.test(text.slice(last.end, problem.start))) return false;
    last = problem;
    return true;
  });
}

/** The nodes of a file with their offsets, and what the parser has to say against it. */
export function composeDocuments(text: string): {
  readonly documents: Document.Parsed[];
  readonly problems: YamlProblem[];
  readonly complete: boolean;
} {
  const problems: YamlProblem[] = [];
  const documents: Document.Parsed[] = [];
  try {
    checkCharacters(text, problems);
    const composer = boundedComposer(text, problems);
    for (const token of tokens(text, problems)) {
      if (token.type === 'directive') {
        report(problems, { ...span(token), ...refusals.directive });
      } else if (token.type === 'error') {
        report(problems, { ...span(token), code: 'YAML001', message: notYaml, hint: null });
      } else documents.push(...(composer.next(token) as Iterable<Document.Parsed>));
    }
    documents.push(...(composer.end() as Iterable<Document.Parsed>));
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
    return { documents, problems, complete: false };
  }
  return { documents, problems, complete: true };
}

/** Thrown to stop parsing where a file has more problems than anyone wants to read. */
class Enough extends Error {}

function report(problems: YamlProblem[], problem: YamlProblem): void {
  if (problems.length >= mostProblems) throw new Enough();
  problems.push(problem);
}

/**
 * The syntax tree of each document. What the language leaves out is told where it stands, once in a line; nesting that
 * no document of ours has stops it before anything recurses over it.
 */
function* tokens(text: string, problems: YamlProblem[]): Iterable<CST.Token> {
  const parser = new Parser();
  const told = new Map<string, number>();
  let refused = 0;
  let line = 0;
  let scalar = false;
  for (const lexeme of new Lexer().lex(text)) {
    const { offset } = parser;
    const refusal = scalar ? undefined : refusalOf(lexeme);
    if (refusal !== undefined && ++refused > mostRefused) throw new Enough();
    if (refusal !== undefined && told.get(refusal.message) !== line) {
      told.set(refusal.message, line);
      const start = refusal === refusals.tab ? offset + lexeme.indexOf('\t') : offset;
      report(problems, { ...refusal, start, end: refusal === refusals.tab ? start + 1 : offset + lexeme.length });
    }
    if (lexeme.endsWith('\n')) line++;
    scalar = lexeme === CST.SCALAR;
    yield* parser.next(lexeme);
    if (parser.stack.length > deepest + 2) {
      report(problems, { start: offset, end: offset + lexeme.length, ...refusals.depth });
      throw new Enough();
    }
  }
  yield* parser.end();
}

/**
 * The package makes an Error with a stack for each problem, which a hostile file turns into gigabytes; this one
 * collects a few and stops. `onError` is the one private member of the package that we replace.
 */
function boundedComposer(text: string, problems: YamlProblem[]): Composer {
  const composer = new Composer({ version: '1.2', schema: 'core', strict: true, uniqueKeys: false, logLevel: 'silent' });
  const onError = (source: ErrorSource, code: string, message: string, warning?: boolean): void => {
    if (warning === true || toldByLexeme.has(code)) return;
    const at = span(source);
    const quote = code === 'MISSING_CHAR' && message.includes('quote') ? openQuote(text, at.start) : null;
    if (quote !== null)
      report(problems, { start: quote, end: quote + 1, code: 'YAML001', message: 'this quote is never closed', hint: null });
    else
      report(problems, {
        ...at,
        ...(refusals[code] ?? syntaxRefusal(code, text, at.start)),
      });
  };
  Object.assign(composer, { onError });
  return composer;
}

type ErrorSource = number | readonly number[] | { readonly offset: number; readonly source?: string };

function span(source: ErrorSource): Span {
  if (typeof source === 'number') return { start: source, end: source + 1 };
  if ('offset' in source) return { start: source.offset, end: source.offset + (source.source?.length ?? 1) };
  const [start = 0, end = start + 1] = source;
  return { start, end };
}

/** The parser may point behind the end of the text. */
function clamped({ start, end }: Span, length: number): Span {
  const inside = Math.min(start, length);
  return { start: inside, end: Math.max(inside + 1, Math.min(end, length)) };
}

// C0 and C1 controls but tab and line breaks, lone carriage returns, and what turns the direction of writing on a screen.
const refusedCharacters =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]|\r(?!\n)|\p{Surrogate}/gu;

function checkCharacters(text: string, problems: YamlProblem[]): void {
  for (const { 0: character, index } of text.matchAll(refusedCharacters)) {
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    const hint = 'remove it; in double quotes it can be written as an escape';
    report(problems, {
      code: 'YAML007',
      message: `an invisible character (U+${code}) is not allowed`,
      hint,
      start: index,
      end: index + 1,
    });
  }
}

/** Turns nodes into plain values and reports what the language leaves out. */
class PlainValues {
  readonly #problems: YamlProblem[];

  constructor(problems: YamlProblem[]) {
    this.#problems = problems;
  }

  value(node: unknown, depth: number): Json {
    if (isScalar(node)) return this.#scalar(node.value, node.source ?? '', node);
    if (!isCollection(node)) return null;
    if (depth >= deepest) return this.#refuse(node, 'YAML006', refusals.depth.message, null);
    if (isSeq(node)) return node.items.map((item) => this.value(item, depth + 1));
    return isMap(node) ? this.#map(node.items, depth) : null;
  }

  #map(pairs: readonly Pair[], depth: number): Json {
    const members: Record<string, Json> = {};
    for (const { key, value } of pairs) {
      const name = this.#key(key, members);
      const member = this.value(value, depth + 1);
      if (name !== null) members[name] = member;
    }
    return members;
  }

  /** The name of a member, or null where it may not be one. */
  #key(key: unknown, members: Readonly<Record<string, Json>>): string | null {
    if (isAlias(key)) return null;
    if (!isScalar(key)) return this.#refuse(key, 'YAML005', 'a list or a map cannot be a key', null);
    const { value } = key;
    if (typeof value !== 'string') {
      const hint = value === null ? 'write the key before the ":"' : `put it in quotes: ${showText(key.source ?? '')}`;
      return this.#refuse(key, 'YAML005', 'a key must be text', hint);
    }
    if (value === '<<') return this.#refuse(key, 'YAML003', 'merge keys are not allowed', 'write the values out, or use forEach');
    if (value === '__proto__') return this.#refuse(key, 'YAML005', 'this cannot be a key', 'take another name');
    if (!value.isWellFormed()) return this.#refuse(key, 'YAML007', 'this escape is half of a character (a lone surrogate)', null);
    if (Object.hasOwn(members, value)) {
      return this.#refuse(key, 'YAML002', `the key ${showText(value)} stands here twice`, 'remove one of them');
    }
    return value;
  }

  #scalar(value: unknown, source: string, node: Marked): Json {
    if (typeof value === 'string') {
      return value.isWellFormed()
        ? value
        : this.#refuse(node, 'YAML007', 'this escape is half of a character (a lone surrogate)', null);
    }
    if (typeof value === 'number') {
      if (!Number.isFinite(value))
        return this.#refuse(node, 'YAML008', 'this is not a finite number', 'put quotes around it if it is text');
      const exact = !Number.isInteger(value) || Number.isSafeInteger(value) || /[.e]/i.test(source);
      return exact ? value + 0 : this.#refuse(node, 'YAML008', 'this number is too large to be exact', 'put quotes around it');
    }
    return typeof value === 'boolean' ? value : null;
  }

  #refuse(node: unknown, code: DiagnosticCode, message: string, hint: string | null): null {
    const [start = 0, end = start + 1] = (node as Marked | null)?.range ?? [];
    if (this.#problems.length < mostProblems) this.#problems.push({ code, message, hint, start, end: Math.max(end, start + 1) });
    return null;
  }
}

interface Marked {
  readonly range?: readonly number[] | null | undefined;
}
