import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { kinds } from '../../src/catalog.ts';
import { loadDesired } from '../../src/desired/load.ts';
import { renderDiagnostics } from '../../src/desired/render.ts';
import type { SourceFile } from '../../src/desired/source-file.ts';
import type { VariableInput } from '../../src/desired/variables.ts';

/**
 * Bad input and what a person is told about it. A case is one text: an optional line of options (`$ -var a=b`), files
 * (`>>> path`), then after `===` the diagnostics. `SECRETCTL_UPDATE=1` writes the diagnostics anew: read the difference.
 */
const folder = join(import.meta.dirname, 'corpus');

const usualProject: SourceFile = {
  path: 'secretctl.yaml',
  text: `apiVersion: secretctl/v1
kind: Project
metadata: { name: acme }
spec: { variables: { ttl: { type: duration, default: 1h } } }
---
apiVersion: secretctl/v1
kind: SecretEngine
metadata: { name: kv }
spec: { type: kv, options: { version: "2" } }
---
apiVersion: secretctl/v1
kind: AuthMethod
metadata: { name: approle }
spec: { type: approle }
`,
};

describe('bad input', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));
  test('the corpus is there', () => expect(names.length).toBeGreaterThan(30));
  test.each(names)('%s', (name) => {
    const path = join(folder, name);
    const [input = '', expected = ''] = readFileSync(path, 'utf8').split(/^===\n/m);
    const told = diagnosticsOf(input);
    if (process.env['SECRETCTL_UPDATE'] === '1') writeFileSync(path, `${input}===\n${told}`);
    else expect(told).toBe(expected);
    expect(told).toContain('error[');
    expect(told).not.toContain('canary');
  });
});

function diagnosticsOf(input: string): string {
  const [head = '', ...parts] = input.split(/^>>> /m);
  const files = parts.map((part): SourceFile => {
    const end = part.indexOf('\n');
    return { path: part.slice(0, end), text: part.slice(end + 1) };
  });
  if (!files.some((file) => file.path === 'secretctl.yaml')) files.unshift(usualProject);
  const words = head.trim().split(/\s+/).slice(1);
  const options = words.flatMap((word, index) => (word.startsWith('-') ? [[word, words[index + 1] ?? '']] : []));
  const variables = options.flatMap(([option, value = '']): VariableInput[] => {
    const [name = '', text = ''] = value.split('=');
    return option === '-var' ? [{ name, value: text, origin: '-var' }] : [];
  });
  const environment = options.find(([option]) => option === '-environment')?.[1] ?? null;
  const { diagnostics } = loadDesired(files, { kinds, environment, variables, liveMounts: null });
  return renderDiagnostics(diagnostics, { colour: false, limit: Infinity });
}
