import fc from 'fast-check';
import type { JsonObject } from '../../src/base/json.ts';
import type { Resource } from '../../src/desired/resource.ts';
import { resource } from './project.ts';

/** A repo by the numbers from which its documents are made; equal numbers, equal documents. */
export interface RandomRepo {
  readonly engines: readonly (RandomObject & { readonly type: number })[];
  readonly secrets: readonly (RandomObject & { readonly engine: number; readonly fields: readonly number[] })[];
  readonly policies: readonly RandomObject[];
  readonly bindings: readonly (RandomObject & { readonly policies: readonly number[] })[];
}

interface RandomObject {
  readonly name: number;
  readonly content: number;
  readonly label: boolean;
  /** Leave one field of it alone. */
  readonly ignore: boolean;
}

const object = { name: fc.nat(3), content: fc.nat(3), label: fc.boolean(), ignore: fc.boolean() };
const unique = { selector: ({ name }: { name: number }) => name, maxLength: 4 };

export const randomRepo: fc.Arbitrary<RandomRepo> = fc.record({
  engines: fc.uniqueArray(fc.record({ ...object, name: fc.nat(2), type: fc.nat(1) }), unique),
  secrets: fc.uniqueArray(fc.record({ ...object, engine: fc.nat(2), fields: fc.array(fc.nat(3), { maxLength: 3 }) }), unique),
  policies: fc.uniqueArray(fc.record(object), unique),
  bindings: fc.uniqueArray(fc.record({ ...object, policies: fc.array(fc.nat(3), { maxLength: 3 }) }), unique),
});

export function documentsOf(repo: RandomRepo): readonly Resource[] {
  const engines = new Set(repo.engines.map(({ name }) => name));
  const policies = new Set(repo.policies.map(({ name }) => name));
  const bindings = new Set(repo.bindings.map(({ name }) => name));
  return [
    ...repo.bindings.map((one) => {
      const spec: JsonObject = { policies: one.policies.filter((policy) => policies.has(policy)).map((policy) => `p${policy}`) };
      return made(
        `Binding/b${one.name}`,
        bindings.has(one.name - 1) ? { ...spec, after: `b${one.name - 1}` } : spec,
        one,
        '/policies',
      );
    }),
    ...repo.policies.map((one) =>
      made(`Policy/p${one.name}`, { ttl: `${one.content}h`, rules: [{ path: `${one.content % 2}` }] }, one, '/rules'),
    ),
    ...repo.engines.map((one) =>
      made(`SecretEngine/e${one.name}`, { type: `type${one.type}`, description: `${one.content}` }, one, '/description'),
    ),
    ...repo.secrets
      .filter(({ engine }) => engines.has(engine))
      .map((one) =>
        made(
          `StaticSecret/e${one.engine}/s${one.name}`,
          { note: `${one.content}`, data: sources(one.fields, one.content) },
          one,
          '/data/f0',
        ),
      ),
  ];
}

function made(address: string, spec: JsonObject, { label, ignore }: RandomObject, ignored: string): Resource {
  return resource(address, { spec, labels: label ? { team: 'a' } : {}, ignoreChanges: ignore ? [ignored] : [] });
}

function sources(fields: readonly number[], content: number): JsonObject {
  return Object.fromEntries(
    fields.map((field): [string, JsonObject] => [
      `f${field}`,
      field % 2 === 0 ? { sealed: `block ${content}` } : { generate: { length: 20 + (content % 2) } },
    ]),
  );
}

/** Something that somebody does by hand. */
export interface HandChange {
  readonly what: 'delete' | 'edit' | 'secret' | 'soft-delete' | 'make';
  readonly which: number;
  readonly how: number;
}

export const handChange: fc.Arbitrary<HandChange> = fc.record({
  what: fc.constantFrom('delete', 'edit', 'secret', 'soft-delete', 'make'),
  which: fc.nat(1000),
  how: fc.nat(3),
});
