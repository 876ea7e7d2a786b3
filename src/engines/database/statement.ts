import { badRequest } from '../../protocol/request-error.ts';

/** What the characters at a place of a statement are part of. */
type Inside = 'statement' | 'string' | 'escaped string' | 'name' | 'dollar string' | 'comment';

/** How a database reads the text of a statement. */
export interface SqlDialect {
  /** What quotes names; `"` that is not one of them quotes strings. */
  readonly nameQuote: '"' | '`';
  /** Does a backslash escape in every string (else only in those with an `E` before them)? */
  readonly backslash: boolean;
  /** Are there strings between `$tag$`? */
  readonly dollar: boolean;
  /**
   * What begins a comment: `--` and `/*`; or those of MySQL, where `#` does so too, `--` only before a space, and `/*!`
   * is code.
   */
  readonly comments: 'standard' | 'mysql';
}

/**
 * A statement with its placeholders (`{{name}}`) filled in. What a placeholder stands for is escaped for the quotes that
 * it stands in, so that no value ends them. Outside of quotes only letters, digits and `_` may come in.
 * Throws RequestError 400 for an unknown placeholder, and for a value where none can be safe.
 */
export function fillIn(statement: string, values: Readonly<Record<string, string>>, dialect: SqlDialect): string {
  let text = '';
  for (const { piece, inside, quote } of pieces(statement, dialect)) {
    if (inside === 'dollar string' && !isOnePlaceholder(piece, quote)) {
      text += codeFilledIn(piece, quote, values, dialect);
      continue;
    }
    text += piece.replace(placeholders, (placeholder, name: string) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value !== undefined) return escaped(name, value, inside, quote);
      throw badRequest(`${placeholder} is no placeholder: there are {{${Object.keys(values).join('}}, {{')}}}`);
    });
  }
  return text;
}

/** The placeholders of a statement that are in no quotes, each as it is written there. */
export function unquotedPlaceholders(statement: string, dialect: SqlDialect): readonly string[] {
  const found: string[] = [];
  for (const { piece, inside, quote } of pieces(statement, dialect)) {
    if (inside === 'statement') found.push(...[...piece.matchAll(placeholders)].map(([text]) => text));
    if (inside === 'dollar string' && !isOnePlaceholder(piece, quote)) {
      found.push(...unquotedPlaceholders(codeBetween(piece, quote).code, dialect));
    }
  }
  return found;
}

/**
 * A text of several statements, each of which ends at a `;` that is not inside of anything, as a list. What is nothing but
 * a comment is none.
 */
export function splitStatements(text: string, dialect: SqlDialect): readonly string[] {
  let last = { text: '', isOne: false };
  const statements = [last];
  for (const { piece, inside } of pieces(text, dialect)) {
    for (const [index, part] of (inside === 'statement' ? piece.split(';') : [piece]).entries()) {
      if (index > 0) statements.push((last = { text: '', isOne: false }));
      last.text += part;
      last.isOne ||= inside !== 'comment' && part.trim() !== '';
    }
  }
  return statements.filter(({ isOne }) => isOne).map((statement) => statement.text.trim());
}

/** A dollar string that is nothing but a value, as a password may be written. */
function isOnePlaceholder(piece: string, tag: string): boolean {
  return /^\{\{\s*[A-Za-z_]*\s*\}\}$/.test(piece.slice(tag.length, -tag.length));
}

/**
 * Else it may be code, in which a string may be code again (`DO $$ … EXECUTE 'ALTER ROLE "{{name}}"' … $$`): what quotes
 * anything, at whatever depth, does not come in, and outside of its quotes it is a statement like any other.
 */
function codeFilledIn(piece: string, tag: string, values: Readonly<Record<string, string>>, dialect: SqlDialect): string {
  const { code, closed } = codeBetween(piece, tag);
  for (const [, name = ''] of code.matchAll(placeholders)) {
    if (Object.hasOwn(values, name) && /['"\\$]/.test(values[name] ?? '')) {
      throw refusal(name, 'in the code between dollar signs it could end a string, as it has one of \' " \\ $');
    }
  }
  return tag + fillIn(code, values, dialect) + (closed ? tag : '');
}

function codeBetween(piece: string, tag: string): { readonly code: string; readonly closed: boolean } {
  const closed = piece.endsWith(tag) && piece.length >= 2 * tag.length;
  return { code: piece.slice(tag.length, closed ? -tag.length : undefined), closed };
}

const refusal = (name: string, why: string) => badRequest(`the value of {{${name}}} can't be put where it stands: ${why}`);

const placeholders = /\{\{\s*([A-Za-z_]*)\s*\}\}/g;

function escaped(name: string, value: string, inside: Inside, quote: string): string {
  const refused = (why: string) => refusal(name, why);
  if (value.includes('\0')) throw refused('no statement can hold one of its characters');
  switch (inside) {
    case 'statement':
      if (/^\w+$/.test(value)) return value;
      throw refused('without quotes around it, its value would be read as part of the statement');
    case 'dollar string':
      if (!value.includes('$')) return value;
      throw refused('it has a "$", which could end the string');
    case 'comment':
      if (!/[\r\n*/]/.test(value)) return value;
      throw refused('it could end the comment');
    case 'escaped string':
      return value.replaceAll('\\', '\\\\').replaceAll(quote, quote + quote);
    case 'string':
    case 'name':
      return value.replaceAll(quote, quote + quote);
  }
}

interface Piece {
  readonly piece: string;
  readonly inside: Inside;
  /** What ends it; '': the end of the statement, or what begins another piece. */
  readonly quote: string;
}

/** A statement in pieces, each of which is one thing from its first to its last character. What has no end goes on to the last. */
function* pieces(statement: string, dialect: SqlDialect): Generator<Piece> {
  let from = 0;
  let at = 0;
  while (at < statement.length) {
    const opened = opening(statement, at, dialect);
    if (opened === null) {
      at++;
      continue;
    }
    if (opened.at > from) yield { piece: statement.slice(from, opened.at), inside: 'statement', quote: '' };
    from = at = endOf(statement, opened);
    yield { piece: statement.slice(opened.at, at), inside: opened.inside, quote: opened.quote };
  }
  if (from < statement.length) yield { piece: statement.slice(from), inside: 'statement', quote: '' };
}

interface Opening extends Omit<Piece, 'piece'> {
  readonly at: number;
  /** Where its inside begins. */
  readonly start: number;
}

function opening(statement: string, at: number, { nameQuote, backslash, dollar, comments }: SqlDialect): Opening | null {
  const first = statement[at] ?? '';
  const two = statement.slice(at, at + 2);
  if (first === nameQuote) return { at, start: at + 1, inside: 'name', quote: first };
  if (first === "'" || first === '"') {
    const escapes = backslash || /(?:^|\W)[eE]$/.test(statement.slice(Math.max(0, at - 2), at));
    return { at, start: at + 1, inside: escapes ? 'escaped string' : 'string', quote: first };
  }
  const ofMysql = comments === 'mysql';
  const dashes = two === '--' && !(ofMysql && /[^\s\p{Cc}]/u.test(statement[at + 2] ?? ''));
  if (dashes || (ofMysql && first === '#')) return { at, start: at, inside: 'comment', quote: '\n' };
  if (two === '/*' && !(ofMysql && /^M?!/.test(statement.slice(at + 2, at + 4))))
    return { at, start: at + 2, inside: 'comment', quote: '*/' };
  const tag = dollar && first === '$' ? /^\$(?:[A-Za-z_]\w*)?\$/.exec(statement.slice(at, at + 64))?.[0] : undefined;
  const afterName = /\w/.test(statement[at - 1] ?? '');
  return tag === undefined || afterName ? null : { at, start: at + tag.length, inside: 'dollar string', quote: tag };
}

function endOf(statement: string, { start, inside, quote }: Opening): number {
  let at = start;
  while (at < statement.length) {
    if (inside === 'escaped string' && statement[at] === '\\') at += 2;
    else if (!statement.startsWith(quote, at)) at++;
    else if ((inside === 'string' || inside === 'escaped string' || inside === 'name') && statement[at + 1] === quote) at += 2;
    else return at + quote.length;
  }
  return statement.length;
}
