import { loadDesired, type Desired, type LoadOptions } from '../../src/desired/load.ts';
import type { Resource } from '../../src/desired/resource.ts';
import type { SourceFile } from '../../src/desired/source-file.ts';
import { addressText } from '../../src/protocol/managed.ts';
import { sampleKinds } from '../kinds/sample-kinds.ts';

/** A repo of one or more files: texts of documents, with `apiVersion` added, below a Project with some variables. */
export function load(texts: Readonly<Record<string, string>> | string, options: Partial<LoadOptions> = {}): Desired {
  const files = typeof texts === 'string' ? { 'a.yaml': texts } : texts;
  const all: SourceFile[] = [project];
  for (const [path, text] of Object.entries(files)) all.push({ path, text: versioned(text) });
  return loadDesired(all, {
    kinds: sampleKinds,
    environment: null,
    variables: [],
    liveMounts: null,
    ...options,
  });
}

export function versioned(text: string): string {
  return text.replaceAll(/^kind:/gm, 'apiVersion: secretctl/v1\nkind:');
}

export const project: SourceFile = {
  path: 'secretctl.yaml',
  text: versioned(`kind: Project
metadata: { name: test }
spec:
  variables:
    word: { type: string, default: hello }
    number: { type: number, default: 7 }
    flag: { type: bool, default: true }
    age: { type: duration, default: 1h }
    list: { type: list, default: [a, b] }
    unset: { type: string }
---
kind: SecretEngine
metadata: { name: db/main }
spec: { type: database }
`),
};

/** `CODE file:line:column message`, one line each. */
export function told({ diagnostics }: Desired): readonly string[] {
  return diagnostics.map(({ code, file, line, column, message }) => `${code} ${file}:${line}:${column} ${message}`);
}

export function resource({ resources, diagnostics }: Desired, address: string): Resource {
  const found = resources.find(({ name }) => addressText(name) === address);
  if (found === undefined)
    throw new Error(
      `no ${address} among ${resources.map(({ name }) => addressText(name)).join(', ')}: ${JSON.stringify(diagnostics)}`,
    );
  return found;
}
