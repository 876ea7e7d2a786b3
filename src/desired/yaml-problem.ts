import type { DiagnosticCode } from './diagnostic.ts';

/** Two offsets into the text of a file. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A problem of a file. */
export interface YamlProblem extends Span {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly hint: string | null;
}

/** How deep lists and maps may lie in one another; it bounds every recursion over a document. */
export const deepest = 64;

/** What is said of a place in a file. It never quotes the text: it may be secret. */
export type Refusal = Pick<YamlProblem, 'code' | 'message' | 'hint'>;

/** What the language leaves out, and the parser's own codes that have a better name. None quotes the text: it may be secret. */
export const refusals: Readonly<Record<string, Refusal>> &
  Readonly<Record<'tab' | 'anchor' | 'alias' | 'tag' | 'depth' | 'directive', Refusal>> = {
  tab: { code: 'YAML007', message: 'tabs are not allowed', hint: 'use spaces' },
  anchor: { code: 'YAML003', message: 'anchors are not allowed', hint: 'leave it out: there are no aliases' },
  alias: { code: 'YAML003', message: 'aliases are not allowed', hint: 'write the value out, or use a variable' },
  tag: { code: 'YAML004', message: 'tags are not allowed', hint: 'leave it out: documents are plain data' },
  depth: { code: 'YAML006', message: `nested more than ${deepest} levels deep`, hint: null },
  directive: { code: 'YAML001', message: 'directives are not allowed', hint: 'leave it out: documents are YAML 1.2' },
  RESOURCE_EXHAUSTION: { code: 'YAML006', message: 'nested too deep', hint: null },
  BLOCK_AS_IMPLICIT_KEY: {
    code: 'YAML001',
    message: 'a second ": " on one line',
    hint: 'put quotes around text that has ": " in it',
  },
  MULTILINE_IMPLICIT_KEY: {
    code: 'YAML001',
    message: 'a key that runs over several lines',
    hint: 'is a ":" or a quote missing before it?',
  },
  BAD_INDENT: {
    code: 'YAML001',
    message: 'this line is indented differently from the ones it belongs to',
    hint: 'or is a quote or a bracket before it not closed?',
  },
  BLOCK_IN_FLOW: { code: 'YAML001', message: 'an indented block inside brackets', hint: null },
  BAD_SCALAR_START: { code: 'YAML001', message: 'text cannot start with this character', hint: 'put quotes around it' },
  BAD_DQ_ESCAPE: {
    code: 'YAML001',
    message: 'no such escape in double quotes',
    hint: 'a backslash is written \\\\, or use single quotes',
  },
  KEY_OVER_1024_CHARS: { code: 'YAML001', message: 'a key of more than 1024 characters', hint: null },
};

/** Codes of the parser about tabs, anchors, aliases and tags, which were told where they stand. */
export const toldByLexeme: ReadonlySet<string> = new Set([
  'TAB_AS_INDENT',
  'BAD_ALIAS',
  'ALIAS_PROPS',
  'MULTIPLE_ANCHORS',
  'MULTIPLE_TAGS',
  'TAG_RESOLVE_FAILED',
  'BAD_COLLECTION_TYPE',
  'BAD_PROP_ORDER',
]);

/** Is it said of something only that it is not understood? What follows in its document is so mostly for its sake. */
export const isVague = ({ message }: Refusal): boolean =>
  message === unexpected || message === notYaml || message === goesOn.message;

const unexpected = 'this is not expected here';
export const notYaml = 'this is not YAML';
const goesOn: Refusal = {
  code: 'YAML001',
  message: 'the text goes on after the quote that ended it',
  hint: 'double a single quote, write \\" in double ones, or put the text on a line of its own, without quotes, after "|-"',
};

/** What is said of a problem that has no words of its own. */
export function syntaxRefusal(code: string, text: string, at: number): Refusal {
  if (code === 'UNEXPECTED_TOKEN' && /["'] *$/.test(text.slice(Math.max(0, at - 16), at))) return goesOn;
  return { code: 'YAML001', message: syntaxMessage(code, text, at), hint: null };
}

function syntaxMessage(code: string, text: string, at: number): string {
  if (at >= text.trimEnd().length) return 'the file ends in the middle of something: is a quote or a bracket not closed?';
  if (code === 'MISSING_CHAR') return 'a quote, a bracket, a comma or a ":" is missing here';
  return unexpected;
}

/** What the language leaves out, by the first character of a lexeme that is no scalar. */
export function refusalOf(lexeme: string): Refusal | undefined {
  switch (lexeme[0]) {
    case '&':
      return refusals.anchor;
    case '*':
      return refusals.alias;
    case '!':
      return refusals.tag;
    case ' ':
    case '\t':
      return lexeme.includes('\t') ? refusals.tab : undefined;
    default:
      return undefined;
  }
}
