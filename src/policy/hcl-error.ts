/** What is wrong with a text, and where. Line and column count from 1, a column is a UTF-16 code unit. */
export class HclError extends Error {
  readonly line: number;
  readonly column: number;

  constructor(text: string, at: number, what: string) {
    const before = text.slice(0, at).split('\n');
    const line = before.length;
    const column = (before.at(-1)?.length ?? 0) + 1;
    super(`line ${line}, column ${column}: ${what}`);
    this.name = 'HclError';
    this.line = line;
    this.column = column;
  }
}
