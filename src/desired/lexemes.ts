import { CST, Lexer } from 'yaml';

/** Where the quoted text begins that does not end at `at`; null: none does. */
export function openQuote(text: string, at: number): number | null {
  let offset = 0;
  let quote: number | null = null;
  for (const lexeme of new Lexer().lex(text)) {
    if (offset >= at) break;
    if (lexeme.startsWith('"') || lexeme.startsWith("'")) quote = offset;
    if (!virtual.has(lexeme)) offset += lexeme.length;
  }
  return quote;
}

/** Where the comments of a text begin, in its order. */
export function commentStarts(text: string): readonly number[] {
  const starts: number[] = [];
  let offset = 0;
  let scalar = false;
  for (const lexeme of new Lexer().lex(text)) {
    if (!scalar && lexeme.startsWith('#')) starts.push(offset);
    scalar = lexeme === CST.SCALAR;
    if (!virtual.has(lexeme)) offset += lexeme.length;
  }
  return starts;
}

/** Marks that the lexer puts between the pieces of the text. */
const virtual: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR]);
