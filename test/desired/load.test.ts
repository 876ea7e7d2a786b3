import { describe, expect, test } from 'vitest';
import { addressText } from '../../src/protocol/managed.ts';
import { loadDesired } from '../../src/desired/load.ts';
import { sampleKinds } from '../kinds/sample-kinds.ts';
import { load, project, resource, told, versioned } from './repo.ts';

const note = (name: string, spec: string, more = '') => `kind: Note\nmetadata: { name: ${name} }\n${more}spec: ${spec}\n`;

describe('a repo', () => {
  test('gives its resources in one order, however files and documents are laid out', () => {
    const a = note('a', '{ text: x }');
    const b = note('b', '{ text: y }');
    const one = load({ 'x.yaml': `${b}---\n${a}` });
    const two = load({ 'z/y.yaml': a, 'a.yaml': b });
    const shape = (desired: ReturnType<typeof load>) => desired.resources.map(({ name, spec }) => [addressText(name), spec]);
    expect(shape(one)).toEqual(shape(two));
    expect(shape(one).map(([name]) => name)).toEqual(['Note/a', 'Note/b', 'SecretEngine/db/main']);
    expect(told(one)).toEqual([]);
  });

  test('tells of each resource where it is declared, and finds the place of a field only when asked', () => {
    const desired = load({
      'x.yaml': `${note('a', '{}')}---\nkind: Note\nmetadata: { name: b }\nspec:\n  text: x\n  tags: [one, two]\n`,
    });
    const { origin, locate } = resource(desired, 'Note/b');
    expect(origin).toEqual({ file: 'x.yaml', document: 1, forEachKey: null });
    expect(locate('/spec/tags/1')).toEqual({ file: 'x.yaml', line: 11, column: 15, endColumn: 18 });
    expect(locate('/spec/count')).toMatchObject({ line: 10, column: 3 });
    expect(locate('/metadata/name')).toMatchObject({ line: 8, column: 19 });
  });

  test('keeps labels, protection and ignored fields', () => {
    const desired = load(
      `kind: Note\nmetadata:\n  name: a\n  labels: { team: payments }\n  protect: true\n  ignoreChanges: [spec.text, 'spec.map["a b"]']\nspec: {}\n`,
    );
    expect(resource(desired, 'Note/a')).toMatchObject({
      labels: { team: 'payments' },
      protect: true,
      ignoreChanges: ['/text', '/map/a b'],
    });
  });

  test('refuses two documents with one address, and names both places', () => {
    const desired = load({ 'a.yaml': note('a', '{}'), 'b.yaml': note('a', '{}') });
    expect(told(desired)).toEqual(['DOC003 b.yaml:3:19 Note/a is declared twice']);
    expect(desired.diagnostics[0]?.related).toMatchObject({ file: 'a.yaml', line: 3 });
  });

  test('what stands in a broken document is not said to be unknown elsewhere', () => {
    const broken = 'kind: Note\nmetadata: { name: b }\nspec: { text: &x y }\n';
    expect(told(load({ 'a.yaml': note('a', '{ next: [b] }'), 'b.yaml': broken }))).toEqual([
      'YAML003 b.yaml:4:15 anchors are not allowed',
    ]);
    const unreadable = load({ 'a.yaml': note('a', '{ next: [b] }'), 'b.yaml': 'kind: "Note\n' });
    expect(told(unreadable)).toEqual(['YAML001 b.yaml:2:7 this quote is never closed']);
  });

  test('what may stand in a file that was not read is not said to be unknown', () => {
    const refused = { path: 'b.yaml', text: '', refused: true };
    const files = [project, { path: 'a.yaml', text: versioned(note('a', '{ next: [b] }')) }];
    const options = { kinds: sampleKinds, environment: null, variables: [], liveMounts: null };
    expect(told(loadDesired(files, options))).toEqual(['REF001 a.yaml:4:16 unknown note "b"']);
    expect(told(loadDesired([...files, refused], options))).toEqual([]);
  });
});

describe('variables', () => {
  test('a value that is one reference takes the type of the variable, a part of a text its form', () => {
    const spec =
      '{ count: "${var.number}", flag: "${var.flag}", age: "${ var.age }", tags: "${var.list}", text: "${var.word} ${var.number} ${var.flag}" }';
    expect(resource(load(note('a', spec)), 'Note/a').spec).toEqual({
      count: 7,
      flag: true,
      age: '1h',
      tags: ['a', 'b'],
      text: 'hello 7 true',
    });
  });

  test('$${ is a plain ${', () => {
    expect(resource(load(note('a', '{ text: "$${var.word} and ${var.word}" }')), 'Note/a').spec).toEqual({
      text: '${var.word} and hello',
    });
  });

  test('the command line wins over the environment, and the environment over the default', () => {
    const files = `${note('a', '{ text: "${var.word}", count: "${var.number}" }')}---\nkind: Environment\nmetadata: { name: prod }\nspec: { variables: { word: prod, number: 8 } }\n`;
    const environment = 'prod';
    expect(resource(load(files), 'Note/a').spec).toEqual({ text: 'hello', count: 7 });
    expect(resource(load(files, { environment }), 'Note/a').spec).toEqual({ text: 'prod', count: 8 });
    const variables = [
      { name: 'number', value: '9', origin: '-var' },
      { name: 'number', value: 10, origin: 'x.yaml' },
    ];
    expect(resource(load(files, { environment, variables }), 'Note/a').spec).toEqual({ text: 'prod', count: 10 });
    expect(resource(load(files, { environment, variables: variables.slice(0, 1) }), 'Note/a').spec).toEqual({
      text: 'prod',
      count: 9,
    });
  });

  test.each([
    ['number', '1e3', true],
    ['number', '0x10', false],
    ['number', ' 1', false],
    ['flag', 'true', true],
    ['flag', 'yes', false],
    ['age', '90s', true],
    ['age', '', false],
    ['age', '-1h', false],
    ['list', 'a, b', true],
    ['list', '["a"]', true],
    ['list', '[1]', false],
    ['word', '1', true],
  ])('-var %s=%s is taken: %s', (name, value, taken) => {
    const desired = load('', { variables: [{ name, value, origin: '-var' }] });
    expect(told(desired).map((line) => line.slice(0, 6))).toEqual(taken ? [] : ['VAR003']);
  });

  test('an unset one is an error where it is used, and only there', () => {
    expect(told(load(note('a', '{ text: x }')))).toEqual([]);
    expect(told(load(note('a', '{ text: "x${var.unset}" }')))).toEqual(['VAR001 a.yaml:4:17 the variable "unset" is not set']);
  });
});

describe('forEach', () => {
  const each = 'forEach: { one: { n: 1, next: [two-note] }, two: { n: 2, next: [] } }\n';
  const documents = note(
    '"${each.key}-note"',
    '{ count: "${each.value.n}", next: "${each.value.next}", text: "${each.key}" }',
    each,
  );

  test('makes one object for each key, with its values in their types', () => {
    const desired = load(documents);
    expect(told(desired)).toEqual([]);
    expect(resource(desired, 'Note/one-note')).toMatchObject({
      spec: { count: 1, next: ['two-note'], text: 'one' },
      references: [{ kind: 'Note', mount: null, name: 'two-note' }],
      origin: { forEachKey: 'one' },
    });
    expect(resource(desired, 'Note/two-note').spec).toEqual({ count: 2, next: [], text: 'two' });
  });

  test('an empty one makes none', () => {
    expect(load(note('"${each.key}"', '{}', 'forEach: {}\n')).resources.map(({ name }) => name.kind)).toEqual(['SecretEngine']);
  });

  test('variables stand in its values', () => {
    const desired = load(note('"${each.key}"', '{ text: "${each.value}" }', 'forEach: { a: "${var.word}" }\n'));
    expect(resource(desired, 'Note/a').spec).toEqual({ text: 'hello' });
  });

  test('a finding that all keys share is told once', () => {
    const desired = load(note('"${each.key}"', '{ colour: blue }', 'forEach: { a: , b: , c: }\n'));
    expect(desired.diagnostics.map(({ code, forEachKey }) => [code, forEachKey])).toEqual([['SCHEMA004', 'a and 2 more']]);
  });
});

describe('environments', () => {
  const files = `${note('a', '{ text: base, map: { x: "1", y: "2" }, tags: [a] }')}---
kind: Environment
metadata: { name: prod }
spec:
  address: https://secrets.acme.example:8200
  patches:
    - { target: Note/a, spec: { text: null, map: { x: "3" }, tags: [b, c] } }
    - { target: Note/a, spec: { count: 5 } }
`;

  test('patch specs by address: maps merge, lists replace, null removes', () => {
    const desired = load(files, { environment: 'prod' });
    expect(told(desired)).toEqual([]);
    expect(desired.environment).toEqual({ name: 'prod', address: 'https://secrets.acme.example:8200', variables: {} });
    expect(resource(desired, 'Note/a').spec).toEqual({ map: { x: '3', y: '2' }, tags: ['b', 'c'], count: 5 });
    expect(resource(load(files), 'Note/a').spec).toEqual({ text: 'base', map: { x: '1', y: '2' }, tags: ['a'] });
  });

  test('a patched field is found in the patch, another in the document', () => {
    const { locate } = resource(load(files, { environment: 'prod' }), 'Note/a');
    expect(locate('/spec/tags/1').line).toBe(12);
    expect(locate('/spec/count').line).toBe(13);
    expect(locate('/spec/map/y').line).toBe(4);
  });

  test('are all known by name, and patches of each are checked', () => {
    const wrong = load(files.replace('count: 5', 'count: many'));
    expect([...wrong.environments.keys()]).toEqual(['prod']);
    expect(told(wrong)).toEqual(['SCHEMA002 a.yaml:13:40 "count" must be a whole number, not text']);
  });
});

describe('references', () => {
  const role = (spec: string) => `kind: Role\nmetadata: { name: app }\nspec: ${spec}\n`;
  const connection = (engine: string) =>
    `---\nkind: Connection\nmetadata: { name: main }\nspec: { engine: ${engine}, password: { generate: { length: 20 } } }\n`;

  test('name what lives in the same mount bare, the mount by its path, builtin names as they are', () => {
    const desired = load(role('{ engine: db/main, connection: main, notes: [builtin] }') + connection('db/main'));
    expect(told(desired)).toEqual([]);
    expect(resource(desired, 'Role/db/main/app').references).toEqual([
      { kind: 'Connection', mount: 'db/main', name: 'main' },
      { kind: 'SecretEngine', mount: null, name: 'db/main' },
    ]);
  });

  test('do not reach into another mount by a bare name', () => {
    const other = '---\nkind: SecretEngine\nmetadata: { name: other }\nspec: { type: database }\n';
    const desired = load(role('{ engine: db/main, connection: main }') + connection('other') + other);
    expect(told(desired)).toEqual(['REF001 a.yaml:4:38 unknown connection "main" in "db/main"']);
  });

  test('an address is resolved by the longest declared mount', () => {
    const schedule = '---\nkind: Schedule\nmetadata: { name: s }\nspec: { targets: [Connection/db/main/main, Note/x] }\n';
    const desired = load(`${note('x', '{}')}${connection('db/main')}${schedule}`);
    expect(resource(desired, 'Schedule/s').references).toEqual([
      { kind: 'Connection', mount: 'db/main', name: 'main' },
      { kind: 'Note', mount: null, name: 'x' },
    ]);
  });

  test('a mount of the store can be named where a store is at hand', () => {
    const live = { engines: new Map([['old', { type: 'database', options: {} }]]), methods: new Map() };
    expect(told(load(role('{ engine: old }')))).toEqual(['REF003 a.yaml:4:17 no secret engine is mounted at "old"']);
    const desired = load(role('{ engine: old }'), { liveMounts: live });
    expect(told(desired)).toEqual([]);
    expect(resource(desired, 'Role/old/app').references).toEqual([]);
    expect([...desired.context.engines.keys()].sort()).toEqual(['db/main', 'old']);
  });

  test('in a circle are an error that names the way round', () => {
    const desired = load(`${note('a', '{ next: [b] }')}---\n${note('b', '{ next: [c, a] }')}---\n${note('c', '{ next: [] }')}`);
    expect(told(desired)).toEqual(['REF002 a.yaml:9:19 objects that need each other: Note/a → Note/b → Note/a']);
  });

  test('of ten thousand misspelt names cost no more than a moment', () => {
    const documents = Array.from({ length: 5000 }, (_, index) => note(`name-${index}`, `{ next: [nmae-${index}-x] }`));
    const started = performance.now();
    const desired = load(documents.join('---\n'));
    expect(desired.diagnostics).toHaveLength(5000);
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});

describe('refactors', () => {
  test('are read as addresses, with the id of an import', () => {
    const desired = load(`${note('new', '{}')}---
kind: Refactor
metadata: { name: r }
spec:
  move: [{ from: Note/old, to: Note/new }]
  import: [{ to: SecretEngine/db/main }]
  forget: [Connection/gone/x, Role/db/main/app]
`);
    expect(told(desired)).toEqual([]);
    const { moves, imports, forgets } = desired.refactors;
    expect(moves.map(({ from, to }) => [from.name, to.name])).toEqual([['old', 'new']]);
    expect(imports.map(({ to, id }) => [to.name, id])).toEqual([['db/main', 'db/main']]);
    expect(forgets.map(({ target }) => addressText(target))).toEqual(['Connection/gone/x', 'Role/db/main/app']);
    expect(moves[0]?.locate()).toMatchObject({ file: 'a.yaml', line: 10 });
  });
});

describe('a sealed block', () => {
  const armour = (body: string) => `-----BEGIN AGE ENCRYPTED FILE-----\n${body}\n-----END AGE ENCRYPTED FILE-----\n`;
  const good = armour(
    Buffer.from(`age-encryption.org/v1\n-> X25519 ${'a'.repeat(43)}\n`)
      .toString('base64')
      .replace(/(.{64})/g, '$1\n')
      .trimEnd(),
  );
  const secret = (block: string) => note('a', `\n  secret:\n    sealed: |\n${block.replace(/^/gm, '      ').trimEnd()}`);

  test('is accepted by its shape alone', () => {
    expect(told(load(secret(good)))).toEqual([]);
  });

  test.each([
    ['is empty', armour('')],
    ['holds something else', armour(Buffer.from('something else').toString('base64'))],
    ['is no base64', armour('***')],
    ['has no end', good.replace(/-----END.*/, '')],
    ['is the plain value', 'hunter2'],
  ])('is refused where it %s, and not shown', (_why, block) => {
    const desired = load(secret(block));
    expect(desired.diagnostics.map(({ code }) => code)).toEqual(['SECRET002']);
    expect(desired.diagnostics[0]?.hint).toBe('seal it: secretctl encrypt -write Note/a secret');
    expect(JSON.stringify(desired.diagnostics)).not.toContain('hunter2');
  });
});
