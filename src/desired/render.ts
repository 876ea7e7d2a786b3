import { visible } from '../kinds/show.ts';
import type { Diagnostic } from './diagnostic.ts';

export interface RenderOptions {
  /** Use ANSI colours. */
  readonly colour: boolean;
  /** Show at most so many (50 unless told); the rest is counted. */
  readonly limit?: number;
}

/** Diagnostics as a person reads them, one block each, then how many there are. Empty text for none. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], { colour, limit = 50 }: RenderOptions): string {
  if (diagnostics.length === 0) return '';
  const paint = colour ? ansi : plain;
  // Where not all are shown, errors come before warnings; both stay in their order.
  const shown =
    diagnostics.length <= limit
      ? diagnostics
      : [...diagnostics].sort((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning')).slice(0, limit);
  const blocks = shown.map((diagnostic) => renderDiagnostic(diagnostic, paint));
  const more = diagnostics.length - shown.length;
  if (more > 0) blocks.push(`… and ${more} more`);
  return `${blocks.join('\n\n')}\n\n${summary(diagnostics)}\n`;
}

/** `2 errors and 1 warning in 2 files`. */
export function summary(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const files = new Set(diagnostics.map(({ file }) => file)).size;
  const counts = [...(errors > 0 ? [count(errors, 'error')] : []), ...(warnings > 0 ? [count(warnings, 'warning')] : [])];
  return `${counts.join(' and ')} in ${count(files, 'file')}`;
}

type Paint = Readonly<Record<'error' | 'warning' | 'frame' | 'strong', (text: string) => string>>;

const plain: Paint = { error: same, warning: same, frame: same, strong: same };
const ansi: Paint = { error: sgr('1;31'), warning: sgr('1;33'), frame: sgr('34'), strong: sgr('1') };

function same(text: string): string {
  return text;
}

function sgr(code: string): (text: string) => string {
  return (text) => `\u001b[${code}m${text}\u001b[0m`;
}

function renderDiagnostic(diagnostic: Diagnostic, paint: Paint): string {
  const { code, severity, message, hint, file, line, column, excerpt, forEachKey, related } = diagnostic;
  const gutter = line > 0 ? String(line) : '';
  const margin = ' '.repeat(gutter.length);
  const key = forEachKey === null ? '' : ` (forEach key ${forEachKey})`;
  const lines = [`${paint[severity](`${severity}[${code}]`)}${paint.strong(`: ${message}${key}`)}`];
  lines.push(`${margin} ${paint.frame('┌─')} ${visible(file)}${line > 0 ? `:${line}:${column}` : ''}`);
  let after = hint;
  if (excerpt !== null) {
    const { text, column: from, endColumn: to } = excerpt;
    lines.push(`${paint.frame(`${gutter} │`)} ${text}`);
    const carets = '^'.repeat(Math.max(1, displayWidth(text.slice(from - 1, to - 1))));
    // A short hint stands beside the carets, a long one (a command to copy) on a line of its own.
    const beside = hint !== null && hint.length <= 72 ? ` ${hint}` : '';
    if (beside !== '') after = null;
    lines.push(
      `${margin} ${paint.frame('│')} ${' '.repeat(displayWidth(text.slice(0, from - 1)))}${paint[severity](`${carets}${beside}`)}`,
    );
  }
  if (after !== null) lines.push(`${margin} ${paint.frame('=')} ${after}`);
  if (related !== null) {
    const place = `${visible(related.file)}${related.line > 0 ? `:${related.line}:${related.column}` : ''}`;
    lines.push(`${margin} ${paint.frame('=')} ${related.message} ${place}`);
  }
  return lines.map((rendered) => rendered.trimEnd()).join('\n');
}

/** How many columns a terminal gives to text: none for combining marks, two for East Asian wide characters and emoji. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += /\p{Mark}/u.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
