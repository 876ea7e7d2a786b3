import { Ajv } from 'ajv';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { atPointer, canonicalJson, isJsonObject, type Json, type JsonObject } from '../../../src/base/json.ts';
import { kv } from '../../../src/engines/kv/index.ts';
import { staticSecretKind as kind } from '../../../src/engines/kv/static-secret-kind.ts';
import type { LensContext, LensMount, LiveObject, ResourceName } from '../../../src/kinds/kind.ts';
import { redactSource, sameSource } from '../../../src/kinds/value-source.ts';
import { member, mounted, type Mounted } from '../mounted.ts';
import { runs } from '../property.ts';

const secret: ResourceName = { kind: 'StaticSecret', mount: 'team/kv', name: 'app/db' };
const context = (version: string): LensContext => ({
  engines: new Map<string, LensMount>([
    ['team/kv', { type: 'kv', options: { version } }],
    ['db', { type: 'database', options: {} }],
  ]),
  methods: new Map(),
});
const generate = (length: number): JsonObject => ({ generate: { length, charset: 'hex' } });

/** A mount with one managed secret in it: plans and applies as the real ones do, without the corridor. */
class Managed {
  readonly mount: Mounted;
  readonly version: '1' | '2';
  record: { spec: JsonObject; mark: string | null } | null = null;

  constructor(mount: Mounted, version: '1' | '2') {
    this.mount = mount;
    this.version = version;
  }

  async live(): Promise<LiveObject | null> {
    const replies = await Promise.all(
      kind.reads(secret, context(this.version)).map(async ({ path }) => {
        if (path.startsWith('sys/managed/observe/team/kv/'))
          return (await this.mount.observe(path.slice(28))) as JsonObject | null;
        const answer = await this.mount.read(path.replace(/^team\/kv\//, ''));
        return answer.status === 404 ? null : (answer.data ?? null);
      }),
    );
    return kind.read(replies, secret, context(this.version));
  }

  /** Brings the live secret to `spec`; what was sent. */
  async apply(spec: JsonObject, options: { drift?: boolean } = {}) {
    const after = kind.normalize(spec, secret, context(this.version));
    const before = await this.live();
    // As a plan does: what another one wrote, or what is deleted, is written anew.
    const wrote = before?.mark === this.record?.mark && before?.deleted !== true;
    const drifted = options.drift ?? (before !== null && this.record !== null && !wrote);
    const changed = Object.entries(after['data'] as JsonObject)
      .filter(([name, source]) => drifted || !sameSource(source, atPointer(this.record?.spec ?? {}, `/data/${name}`)))
      .map(([name]) => `/data/${name}`);
    if (after['prune'] !== undefined && after['prune'] !== this.record?.spec['prune']) changed.push('/prune');
    const requests = kind.write(
      { before, after, lastApplied: this.record?.spec ?? null, changed },
      secret,
      context(this.version),
    );
    let mark = this.record?.mark ?? before?.mark ?? null;
    for (const { operation, path, data, values } of requests) {
      let body: Json = data;
      for (const { at, field } of values ?? []) {
        expect(field).toBe(`data.${at.split('/').at(-1)}`);
        body = replaced(body, at, valueOf(atPointer(body, at)));
      }
      const answer = await this.mount.call(operation, path.replace(/^team\/kv\//, ''), body as JsonObject);
      expect(answer.status).toBeLessThan(300);
      mark = answer.mark ?? mark;
    }
    const redacted = Object.entries(after['data'] as JsonObject).map(
      ([name, source]) => [name, { ...redactSource(source) }] as const,
    );
    this.record = { spec: { ...after, data: Object.fromEntries(redacted) }, mark };
    return requests;
  }

  async values(): Promise<Json | undefined> {
    const answer = await this.mount.read(this.version === '2' ? 'data/app/db' : 'app/db');
    return answer.status !== 200 ? undefined : this.version === '2' ? member(answer, 'data') : (answer.data ?? undefined);
  }
}

/** What a source stands for here: text that tells which one it was. */
function valueOf(source: Json | undefined): string {
  expect(isJsonObject(source)).toBe(true);
  return `value of ${canonicalJson(source)}`;
}

function replaced(value: Json, pointer: string, replacement: Json): Json {
  const copy = structuredClone(value) as Record<string, Json>;
  const tokens = pointer.slice(1).split('/');
  const parent = tokens.slice(0, -1).reduce((inner, token) => inner[token] as Record<string, Json>, copy);
  parent[tokens.at(-1) ?? ''] = replacement;
  return copy;
}

describe.each(['1', '2'] as const)('a StaticSecret on KV version %s', (version) => {
  let managed: Managed;
  beforeEach(async () => {
    managed = new Managed(await mounted(kv, { version }), version);
  });

  it('is absent until it is written, and then has the mark of the write', async () => {
    expect(await managed.live()).toBeNull();
    await managed.apply({ engine: 'team/kv', data: { a: generate(8), b: generate(9) } });
    expect(await managed.values()).toEqual({ a: valueOf(generate(8)), b: valueOf(generate(9)) });
    expect(await managed.live()).toMatchObject({ spec: { engine: 'team/kv' }, mark: managed.record?.mark });
  });

  it('needs no request where nothing changed', async () => {
    const spec = { engine: 'team/kv', data: { a: generate(8), e: { fromEnv: 'A' } } };
    await managed.apply(spec);
    expect(await managed.apply({ ...spec, data: { e: { version: 1, fromEnv: 'A' }, a: generate(8) } })).toEqual([]);
  });

  it('loses the fields that are declared no more', async () => {
    await managed.apply({ engine: 'team/kv', data: { a: generate(8), b: generate(9) } });
    await managed.apply({ engine: 'team/kv', data: { a: generate(8) } });
    expect(await managed.values()).toEqual({ a: valueOf(generate(8)) });
  });

  it('shows a write by hand as another mark, and an apply brings all declared fields back', async () => {
    await managed.apply({ engine: 'team/kv', data: { a: generate(8), b: generate(9) } });
    managed.mount.now += 1;
    if (version === '2') await managed.mount.write('data/app/db', { data: { a: 'mine' } });
    else await managed.mount.write('app/db', { a: 'mine' });
    expect((await managed.live())?.mark).not.toBe(managed.record?.mark);
    await managed.apply({ engine: 'team/kv', data: { a: generate(8), b: generate(9) } });
    expect(await managed.values()).toEqual({ a: valueOf(generate(8)), b: valueOf(generate(9)) });
    expect((await managed.live())?.mark).toBe(managed.record?.mark);
  });

  it('is gone with all its versions after its removal', async () => {
    await managed.apply({ engine: 'team/kv', data: { a: generate(8) } });
    for (const { operation, path, data } of kind.remove(secret, context(version), managed.record?.spec ?? null)) {
      await managed.mount.call(operation, path.replace(/^team\/kv\//, ''), data);
    }
    expect(await managed.live()).toBeNull();
    expect(await managed.mount.records()).toEqual([]);
  });

  it('keeps names of fields that need escaping in a pointer', async () => {
    const requests = kind.write(
      {
        before: null,
        after: { engine: 'team/kv', data: { 'a/b~c': generate(8) } },
        lastApplied: null,
        changed: ['/data/a~1b~0c'],
      },
      secret,
      context(version),
    );
    expect(requests.at(-1)?.values).toEqual([{ at: version === '2' ? '/data/a~1b~0c' : '/a~1b~0c', field: 'data["a/b~c"]' }]);
  });

  it('goes with its mount where that is planned no more', () => {
    const empty: LensContext = { engines: new Map(), methods: new Map() };
    expect(kind.reads(secret, empty)).toEqual([]);
    expect(kind.read([], secret, empty)).toBeNull();
    expect(kind.remove(secret, empty, null)).toEqual([]);
  });
});

describe('a StaticSecret on KV version 1', () => {
  it('is owned as a whole: each change writes all fields', async () => {
    const managed = new Managed(await mounted(kv), '1');
    await managed.apply({ engine: 'team/kv', data: { a: generate(8), b: generate(9) } });
    await managed.mount.write('app/db', { a: 'mine', theirs: 'x' });
    const requests = await managed.apply({ engine: 'team/kv', data: { a: generate(8), b: generate(10) } });
    expect(requests).toMatchObject([{ operation: 'write', path: 'team/kv/app/db' }]);
    expect(await managed.values()).toEqual({ a: valueOf(generate(8)), b: valueOf(generate(10)) });
  });
});

describe('a StaticSecret on KV version 2', () => {
  let managed: Managed;
  beforeEach(async () => {
    managed = new Managed(await mounted(kv, { version: '2' }), '2');
  });

  it('stays deleted where no value is asked for, because all are ignored', () => {
    const { normalize, write } = kind;
    const spec = { engine: 'team/kv', data: { a: generate(8) } };
    const before = { spec: { engine: 'team/kv' }, mark: '1@2026-01-01T00:00:00.000Z', deleted: true };
    const after = normalize({ ...spec, customMetadata: { owner: 'a' } }, secret, context('2'));
    const requests = write(
      { before, after, lastApplied: normalize(spec, secret, context('2')), changed: [] },
      secret,
      context('2'),
    );
    expect(requests.map(({ path }) => path)).toEqual(['team/kv/metadata/app/db']);
  });

  it('patches only what changed, and keeps the fields of others', async () => {
    await managed.apply({ engine: 'team/kv', data: { a: generate(8), b: generate(9) } });
    await managed.mount.patch('data/app/db', { data: { theirs: 'x' } });
    managed.record = { spec: managed.record?.spec ?? {}, mark: (await managed.live())?.mark ?? null };
    const requests = await managed.apply({ engine: 'team/kv', data: { a: generate(10) } });
    expect(requests).toEqual([
      {
        operation: 'patch',
        path: 'team/kv/data/app/db',
        data: { options: { cas: 2, whole: true, remove: ['b'] }, data: { a: generate(10) } },
        values: [{ at: '/data/a', field: 'data.a' }],
      },
    ]);
    expect(await managed.values()).toEqual({ a: valueOf(generate(10)), theirs: 'x' });
  });

  it('with prune writes all fields, and those of others are gone', async () => {
    await managed.apply({ engine: 'team/kv', data: { a: generate(8), b: generate(9) } });
    managed.mount.now += 1;
    await managed.mount.patch('data/app/db', { data: { theirs: 'x' } });
    const requests = await managed.apply({ engine: 'team/kv', prune: true, data: { a: generate(8), b: generate(9) } });
    expect(requests).toMatchObject([{ operation: 'write', values: [{ at: '/data/a' }, { at: '/data/b' }] }]);
    expect(await managed.values()).toEqual({ a: valueOf(generate(8)), b: valueOf(generate(9)) });
  });

  it('prunes when prune is turned on, and does nothing when it is turned off', async () => {
    const data = { a: generate(8) };
    await managed.apply({ engine: 'team/kv', data });
    expect(await managed.apply({ engine: 'team/kv', data, prune: true })).toMatchObject([{ operation: 'write' }]);
    expect(await managed.apply({ engine: 'team/kv', data, prune: false })).toEqual([]);
  });

  it.each([
    ['soft-deleted', () => managed.mount.delete('data/app/db')],
    ['destroyed', () => managed.mount.write('destroy/app/db', { versions: [1] })],
  ])('whose current version was %s shows as deleted, and is written as a whole', async (_, remove) => {
    const spec = { engine: 'team/kv', data: { a: generate(8), b: generate(9) } };
    await managed.apply(spec);
    await remove();
    expect(await managed.live()).toMatchObject({ mark: managed.record?.mark, deleted: true });
    expect(await managed.apply(spec)).toMatchObject([{ operation: 'write', data: { options: { cas: 1 } } }]);
    expect(await managed.values()).toEqual({ a: valueOf(generate(8)), b: valueOf(generate(9)) });
    expect((await managed.live())?.deleted).toBeUndefined();
  });

  it('is not deleted while its deletion lies ahead, and is once it has come', async () => {
    await managed.apply({ engine: 'team/kv', deleteVersionAfter: '1h', data: { a: generate(8) } });
    expect((await managed.live())?.deleted).toBeUndefined();
    managed.mount.now += 3600_000;
    expect((await managed.live())?.deleted).toBe(true);
  });

  it('of which there is only metadata is written without a patch', async () => {
    await managed.mount.write('metadata/app/db', { custom_metadata: { owner: 'x' } });
    expect(await managed.live()).toMatchObject({ mark: null, deleted: true });
    const requests = await managed.apply({ engine: 'team/kv', data: { a: generate(8) } });
    expect(requests).toMatchObject([
      { path: 'team/kv/metadata/app/db', data: { custom_metadata: {} } },
      { operation: 'write', data: { options: { cas: 0 } } },
    ]);
  });

  it('sets its limits before the version that they shall hold for', async () => {
    await managed.apply({ engine: 'team/kv', deleteVersionAfter: '60m', maxVersions: 3, data: { a: generate(8) } });
    const metadata = await managed.mount.read('metadata/app/db');
    expect(metadata.data).toMatchObject({ max_versions: 3, delete_version_after: '1h0m0s' });
    expect(member(metadata, 'versions', '1', 'deletion_time')).toBe(new Date(managed.mount.now + 3600_000).toISOString());
  });

  it('can be written although it or its mount requires check-and-set', async () => {
    await managed.mount.write('config', { cas_required: true });
    await managed.apply({ engine: 'team/kv', casRequired: true, data: { a: generate(8) } });
    await managed.apply({ engine: 'team/kv', casRequired: true, data: { a: generate(9) } });
    expect(await managed.values()).toEqual({ a: valueOf(generate(9)) });
  });

  it('changes metadata without touching the values', async () => {
    await managed.apply({ engine: 'team/kv', data: { a: generate(8) }, customMetadata: { owner: 'a', note: 'b' } });
    expect(await managed.apply({ engine: 'team/kv', data: { a: generate(8) }, customMetadata: { owner: 'c' } })).toEqual([
      { operation: 'write', path: 'team/kv/metadata/app/db', data: { custom_metadata: { owner: 'c' } } },
    ]);
    expect((await managed.live())?.spec['customMetadata']).toEqual({ owner: 'c' });
  });
});

describe('checking a StaticSecret', () => {
  const data = { a: generate(8) };
  const problems = (spec: JsonObject, version: string, mount = 'team/kv') =>
    kind.check?.({ engine: mount, data, ...spec }, { ...secret, mount }, context(version));

  it('finds nothing wrong with one that is well', () => {
    expect(problems({}, '1')).toEqual([]);
    expect(problems({ prune: true, customMetadata: { owner: 'team' }, deleteVersionAfter: '30d' }, '2')).toEqual([]);
    expect(problems({}, '2', 'not/declared')).toEqual([]);
  });

  it('refuses a mount that is not of type kv', () => {
    expect(problems({}, '2', 'db')).toMatchObject([{ at: '/engine', message: expect.stringContaining('type database') }]);
  });

  it.each([
    ['customMetadata', { owner: 'x' }],
    ['maxVersions', 3],
    ['casRequired', true],
    ['deleteVersionAfter', '1h'],
    ['prune', true],
  ])('refuses %s on version 1', (field, value) => {
    expect(problems({ [field]: value }, '1')).toMatchObject([{ at: `/${field}`, hint: expect.stringContaining('version: "2"') }]);
  });

  it('finds no fault with what normalising adds', () => {
    for (const version of ['1', '2']) {
      expect(problems(kind.normalize({ engine: 'team/kv', data }, secret, context(version)), version)).toEqual([]);
    }
  });

  it.each(['1500ms', '-1h', 'soon', '400000d'])('refuses to delete versions after "%s"', (deleteVersionAfter) => {
    expect(problems({ deleteVersionAfter }, '2')).toMatchObject([{ at: '/deleteVersionAfter' }]);
  });

  it('refuses custom metadata that the store would refuse', () => {
    expect(problems({ customMetadata: { 'a\n': 'x' } }, '2')).toMatchObject([{ at: '/customMetadata' }]);
  });
});

it('the schema of a StaticSecret describes every property, and takes no plain value', () => {
  const valid = new Ajv({ strict: false, formats: { duration: true } }).compile(kind.spec);
  expect(valid({ engine: 'kv', data: { a: generate(8) }, customMetadata: { owner: 'x' } })).toBe(true);
  expect(valid({ engine: 'kv', data: { a: 'plain' } })).toBe(false);
  expect(valid({ engine: 'kv', data: {} })).toBe(false);
  expect(valid({ engine: 'kv', data: { a: generate(8) }, unknown: 1 })).toBe(false);
  const undescribed: string[] = [];
  const visit = (schema: JsonObject, path: string): void => {
    for (const [name, property] of Object.entries((schema['properties'] ?? {}) as Record<string, JsonObject>)) {
      if (typeof property['description'] !== 'string') undescribed.push(`${path}/${name}`);
      visit(property, `${path}/${name}`);
    }
    for (const inner of [schema['additionalProperties'], ...((schema['oneOf'] ?? []) as Json[])])
      if (isJsonObject(inner)) visit(inner, path);
  };
  visit(kind.spec as unknown as JsonObject, '');
  expect(undescribed).toEqual([]);
});

it('read of what write made is the normalised spec, from whatever is there to whatever is wanted', async () => {
  const source = fc.constantFrom<JsonObject>(generate(8), generate(9), { fromEnv: 'A' }, { fromFile: 'f', version: 2 });
  const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), source, { minKeys: 1 });
  const settings = {
    prune: fc.boolean(),
    customMetadata: fc.dictionary(fc.constantFrom('owner', 'note'), fc.constantFrom('x', 'y')),
    maxVersions: fc.integer({ min: 0, max: 3 }),
    casRequired: fc.boolean(),
    deleteVersionAfter: fc.constantFrom('0s', '1h', '60m', '90s', '36h'),
  };
  const spec = fc.record({ engine: fc.constant('team/kv'), data, ...settings }, { requiredKeys: ['engine', 'data'] });
  const byHand = fc.constantFrom<(mount: Mounted) => Promise<unknown>>(
    async () => undefined,
    (mount) => mount.write('data/app/db', { data: { a: 'hand', z: 'hand' }, options: {} }),
    (mount) => mount.delete('data/app/db'),
    (mount) => mount.delete('metadata/app/db'),
    (mount) => mount.write('metadata/app/db', { custom_metadata: { z: 'hand' }, cas_required: false, max_versions: 1 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(spec, byHand), { minLength: 1, maxLength: 8, size: 'max' }), async (steps) => {
      const managed = new Managed(await mounted(kv, { version: '2' }), '2');
      for (const [wanted, change] of steps) {
        await managed.apply(wanted);
        const after = kind.normalize(wanted, secret, context('2'));
        const { data: declared, prune, ...readable } = after;
        expect(kind.normalize(after, secret, context('2'))).toEqual(after);
        expect(await managed.live()).toEqual({ spec: readable, mark: managed.record?.mark });
        const held = (await managed.values()) as JsonObject;
        const expected = Object.fromEntries(Object.entries(declared as JsonObject).map(([name, from]) => [name, valueOf(from)]));
        expect(held).toMatchObject(expected);
        if (prune === true) expect(Object.keys(held).toSorted()).toEqual(Object.keys(expected).toSorted());
        expect(await managed.apply(wanted)).toEqual([]);
        managed.mount.now += 1;
        await change(managed.mount);
      }
    }),
    runs(100, 2000),
  );
});
