import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadDesired } from '../../src/desired/load.ts';
import { renderDiagnostics } from '../../src/desired/render.ts';
import { readVariablesFile } from '../../src/desired/variables-file.ts';
import { runs } from '../kinds/property.ts';
import { sampleKinds } from '../kinds/sample-kinds.ts';
import { load, versioned } from './repo.ts';
import { yamlish } from './yaml-arbitrary.ts';

const options = { kinds: sampleKinds, environment: 'prod', variables: [], liveMounts: null };

test('whatever the files hold, loading ends with diagnostics whose places lie in the files', () => {
  fc.assert(
    fc.property(fc.array(yamlish, { minLength: 1, maxLength: 3 }), (texts) => {
      const files = texts.map((text, index) => ({ path: index === 0 ? 'secretctl.yaml' : `${index}.yaml`, text }));
      const { diagnostics } = loadDesired(files, options);
      expect(diagnostics.length).toBeGreaterThan(0);
      for (const { file, line, column, endColumn } of diagnostics) {
        const text = files.find(({ path }) => path === file)?.text;
        if (text === undefined || line === 0) continue;
        const written = text.split('\n')[line - 1];
        expect(written).toBeDefined();
        expect(column).toBeLessThanOrEqual((written ?? '').length + 1);
        expect(endColumn).toBeGreaterThan(column);
      }
      const rendered = renderDiagnostics(diagnostics, { colour: false });
      // Nothing that a terminal would obey.
      expect(rendered).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }),
    runs(300, 10_000),
  );
});

test('loading is a function: the same files give the same', () => {
  fc.assert(
    fc.property(yamlish, (text) => {
      const shape = () => JSON.stringify(load(text));
      expect(shape()).toBe(shape());
    }),
    runs(100, 3000),
  );
});

const secretDocument = versioned(`kind: Connection
metadata: { name: main }
spec:
  engine: db/main
  password: canary # was canary
---
kind: Note
metadata:
  name: a
  labels: { team: payments }
spec:
  text: some text
  secret:
    sealed: canary
  tags: [a, b]
# canary
`);

test('a plain secret is never shown, however the text around it is broken', () => {
  const edit = fc.record({
    at: fc.nat({ max: secretDocument.length }),
    remove: fc.nat({ max: 2 }),
    insert: fc.constantFrom(
      '',
      ' ',
      '\n',
      '  ',
      ':',
      ': ',
      '"',
      "'",
      '#',
      '&',
      '*',
      '!',
      '- ',
      ',',
      '\t',
      '|',
      '>',
      '%',
      '@',
      '${',
      'x',
    ),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const text = edits.reduce(
        (now, { at, remove, insert }) => now.slice(0, at) + insert + now.slice(at + remove),
        secretDocument,
      );
      const { diagnostics } = load(text);
      expect(renderDiagnostics(diagnostics, { colour: true, limit: Infinity })).not.toContain('canary');
      expect(JSON.stringify(diagnostics)).not.toContain('canary');
    }),
    runs(600, 6000),
  );
});

test('a file of variables never crashes, and none of its values is shown', () => {
  fc.assert(
    fc.property(yamlish, (text) => {
      const { variables, diagnostics } = readVariablesFile('x.yaml', text);
      expect(Array.isArray(variables)).toBe(true);
      for (const { file, excerpt } of diagnostics) {
        expect(file).toBe('x.yaml');
        expect(excerpt?.text ?? '').not.toMatch(/: canary/);
      }
    }),
    runs(300, 10_000),
  );
});
