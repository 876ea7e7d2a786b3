import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** The blocks of a Markdown text that show a console. */
export function consoles(text: string): readonly string[] {
  return [...text.matchAll(/```console\n([^]*?)```/g)].map(([, block = '']) => block);
}

/** The commands of a block, each with the lines that it prints. */
export function transcript(block: string): { readonly command: string; readonly lines: readonly string[] }[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...lines] = part.split('\n');
      return { command, lines: lines.filter((line) => line !== '') };
    });
}

export function printedBy(example: string): string {
  return execFileSync(process.execPath, [example], { cwd: root, encoding: 'utf8' });
}

/** Insists that what an example printed has what is shown of it, in this order. */
export function expectShown(printed: string, shown: readonly string[], least: number): void {
  const steps = shown.flatMap(transcript);
  expect(steps.length).toBeGreaterThanOrEqual(least);
  let at = 0;
  for (const { command, lines } of steps) {
    for (const line of [`$ ${command}`, ...lines]) {
      // An option more is no other command: the quickstart saves the plan that the README shows. Times differ.
      const next = printed.indexOf(line.trim(), at);
      expect([line, next]).not.toEqual([line, -1]);
      at = next;
    }
  }
}
