import type { JsonObject } from './base/json.ts';
import { excerptOf } from './desired/excerpt.ts';
import { FilePositions } from './desired/position.ts';
import { explain } from './kinds/explain.ts';
import { settingsSchema } from './settings-schema.ts';

/** What is wrong with settings, for people: the first few problems with file:line:col and the line. */
export function explainSettings(path: string, text: string, value: JsonObject): string {
  const positions = new FilePositions(text);
  const problems = explain(settingsSchema, value, { root: 'settings' });
  return problems
    .slice(0, 10)
    .map(({ at, part, message, hint }) => {
      const span = positions.span({ document: 0, pointer: at, part });
      const line = positions.line(span.start);
      const excerpt = excerptOf(text, line, span, []);
      const marker = `${' '.repeat(excerpt.column - 1)}${'^'.repeat(excerpt.endColumn - excerpt.column)}`;
      const advice = hint === null ? '' : `\n      ${hint}`;
      return `${path}:${line.number}:${span.start - line.start + 1}: ${message}\n      ${excerpt.text}\n      ${marker}${advice}`;
    })
    .join('\n');
}
