import { Ajv } from 'ajv';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { publishedSchemas } from '../../src/published-schemas.ts';
import { readSettings } from '../../src/settings.ts';

const files = publishedSchemas();
const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false, strictTypes: false });
const union = ajv.compile(JSON.parse(files.get('secretctl.json') ?? '{}') as object);

function accepts(document: string): boolean {
  return union(parse(document));
}

function envelope(kind: string, name: string, spec: string): string {
  return `{ apiVersion: secretctl/v1, kind: ${kind}, metadata: { name: ${name} }, spec: ${spec} }`;
}

describe('the published schemas', () => {
  test('are those of the present kinds: else run `npm run schemas`', () => {
    const folder = join(import.meta.dirname, '../../schemas');
    const present = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
    expect(Object.fromEntries(present)).toEqual(Object.fromEntries(files));
  });

  test.each([...files.keys()])('%s is draft-07 without annotations of ours, and describes every property', (name) => {
    const schema = JSON.parse(files.get(name) ?? '') as object;
    expect(ajv.validateSchema(schema)).toBe(true);
    const undescribed: string[] = [];
    walk(schema, '', (path, key, value) => {
      expect(key).not.toMatch(/^x-/);
      // A condition only asks; what it asks about is described where it is declared.
      if (/\/properties$/.test(path) && !/\/(if|not)\//.test(path) && typeof value === 'object' && value !== null) {
        if (!('description' in value)) undescribed.push(`${path}/${key}`);
      }
    });
    expect(undescribed).toEqual([]);
  });

  test('accept a reference where a number, a duration or a list may stand, and no other text', () => {
    const engine = (ttl: string) => envelope('SecretEngine', 'kv', `{ type: kv, defaultLeaseTtl: ${ttl} }`);
    expect(accepts(engine('1h30m'))).toBe(true);
    expect(accepts(engine('"${var.ttl}"'))).toBe(true);
    expect(accepts(engine('1 hour'))).toBe(false);
    expect(accepts(envelope('AuthBinding', 'a', '{ method: m, policies: "${each.value.policies}" }'))).toBe(true);
    expect(accepts(envelope('AuthBinding', 'a', '{ method: m, policies: reader }'))).toBe(false);
  });

  test('tell by the kind which rules hold', () => {
    expect(accepts(envelope('SecretEngine', 'kv', '{ type: kv }'))).toBe(true);
    expect(accepts(envelope('SecretEngine', 'kv', '{ typ: kv }'))).toBe(false);
    expect(accepts(envelope('Policcy', 'a', '{}'))).toBe(false);
    expect(accepts(envelope('Project', 'a', '{ variables: { ttl: { type: duration } } }'))).toBe(true);
    expect(accepts('{ apiVersion: secretctl/v1, kind: Project, metadata: { name: a }, forEach: {}, spec: {} }')).toBe(false);
  });

  test('refuse a plain value in a secret field', () => {
    const secret = (value: string) => envelope('StaticSecret', 'a', `{ engine: kv, data: { key: ${value} } }`);
    expect(accepts(secret('plain'))).toBe(false);
    expect(accepts(secret('{ generate: { length: 40 } }'))).toBe(true);
    expect(accepts(secret('{ fromEnv: KEY, version: 2 }'))).toBe(true);
    expect(accepts(secret('{ fromEnv: KEY, sealed: x }'))).toBe(false);
  });

  test('accept the documents of the examples', () => {
    const folder = join(import.meta.dirname, '../../examples');
    const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.yaml') && !path.endsWith('settings.yaml'))
      .map((path) => readFileSync(join(folder, path), 'utf8'));
    expect(texts.length).toBeGreaterThan(0);
    for (const text of texts) for (const document of text.split(/^---\n/m)) expect(accepts(document), document).toBe(true);
  });

  test('accept the settings of the example of a server, which a server takes as well', async () => {
    const folder = join(import.meta.dirname, '../../examples/server');
    const settings = ajv.compile(JSON.parse(files.get('settings.json') ?? '{}') as object);
    expect(settings(parse(readFileSync(join(folder, 'settings.yaml'), 'utf8')))).toBe(true);
    expect(settings({ storage: {}, seal: { type: 'none' }, audit: {} })).toBe(false);
    expect((await readSettings(folder)).seal).toMatchObject({ type: 'awskms', options: { region: 'eu-central-1' } });
  });
});

function walk(value: unknown, path: string, visit: (path: string, key: string, value: unknown) => void): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    visit(path, key, member);
    walk(member, `${path}/${key}`, visit);
  }
}
