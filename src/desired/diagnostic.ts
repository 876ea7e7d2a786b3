/**
 * One finding in a config repo. It holds no secret: an excerpt hides what stands in a secret field. `line` and `column`
 * count from 1 (columns in UTF-16 code units), `endColumn` is the column after the last one meant; all three are 0 for
 * a finding about a whole file or about the command line.
 */
export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** What to do next, or the nearest name; null: nothing to add. */
  readonly hint: string | null;
  /** Relative to the root of the repo, with `/`; `-var` for the command line. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
  /** The line of the file; null: none to show. */
  readonly excerpt: Excerpt | null;
  /** The key of the `forEach` entry that it is about (`team-a`, or `team-a and 3 more`); null: none. */
  readonly forEachKey: string | null;
  /** Another place that belongs to it: where an address was declared first. */
  readonly related: RelatedPlace | null;
}

/** A line of a file as a message may show it: without what is secret, cut where it is long. Columns count from 1, in `text`. */
export interface Excerpt {
  readonly text: string;
  readonly column: number;
  readonly endColumn: number;
}

interface RelatedPlace extends Place {
  readonly message: string;
}

/** A place in a file: clickable as `file:line:column`. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
}

/** Every code that a diagnostic can carry. A new one is a promise to scripts; none is ever renamed. */
export type DiagnosticCode =
  // FILE: 001 too large, 002 not UTF-8, 003 byte order mark, 004 too many files, 005 unreadable
  | 'FILE001'
  | 'FILE002'
  | 'FILE003'
  | 'FILE004'
  | 'FILE005'
  // YAML: 001 syntax, 002 duplicate key, 003 anchor, alias or merge key, 004 tag, 005 key that is no string, 006 nesting,
  // 007 tab or control character, 008 number that JSON cannot carry
  | 'YAML001'
  | 'YAML002'
  | 'YAML003'
  | 'YAML004'
  | 'YAML005'
  | 'YAML006'
  | 'YAML007'
  | 'YAML008'
  // DOC: 001 not one of our documents, 002 unknown kind, 003 address declared twice, 004 name, 005 project, 006 metadata
  | 'DOC001'
  | 'DOC002'
  | 'DOC003'
  | 'DOC004'
  | 'DOC005'
  | 'DOC006'
  // SCHEMA: 001 unknown key, 002 wrong type, 003 missing key, 004 not one of the values, 005 form, 006 size, 007 combination
  | 'SCHEMA001'
  | 'SCHEMA002'
  | 'SCHEMA003'
  | 'SCHEMA004'
  | 'SCHEMA005'
  | 'SCHEMA006'
  | 'SCHEMA007'
  // REF: 001 unknown name, 002 cycle, 003 unknown mount, 004 nested mounts, 005 form of an address
  | 'REF001'
  | 'REF002'
  | 'REF003'
  | 'REF004'
  | 'REF005'
  // VAR: 001 not set, 002 not declared, 003 type, 004 form of a reference, 005 shell environment, 006 not allowed here
  | 'VAR001'
  | 'VAR002'
  | 'VAR003'
  | 'VAR004'
  | 'VAR005'
  | 'VAR006'
  // EACH: 001 a reference to a forEach that is not there, 002 the name lacks the key, 003 no such value
  | 'EACH001'
  | 'EACH002'
  | 'EACH003'
  // ENV: 001 unknown environment, 002 unknown target of a patch, 003 a patch that may not be
  | 'ENV001'
  | 'ENV002'
  | 'ENV003'
  // SECRET: 001 plain value, 002 not a sealed block
  | 'SECRET001'
  | 'SECRET002'
  // MOVE: 001 an entry of a Refactor document that contradicts the other documents or another entry
  | 'MOVE001'
  // KIND: 001 what the kind itself refuses
  | 'KIND001'
  // LIMIT: 001 too much after expansion
  | 'LIMIT001';
