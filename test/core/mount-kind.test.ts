import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { authMethodKind, secretEngineKind } from '../../src/core/mount-kind.ts';
import { nameProblem } from '../../src/desired/address.ts';
import type { Kind } from '../../src/kinds/kind.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { world, type World } from '../world.ts';

const context = { engines: new Map(), methods: new Map() };
const duration = fc.constantFrom('0s', '90s', '1h', '30d', '36h');
const keys = fc.uniqueArray(fc.constantFrom('user', 'role', 'path'), { maxLength: 3 });

const shared = {
  description: fc.string({ maxLength: 30 }),
  defaultLeaseTtl: fc.constantFrom('0s', '90s', '1h'),
  maxLeaseTtl: duration.filter((text) => text !== '90s'),
  listingVisibility: fc.constantFrom('', 'unauth', 'hidden'),
  auditNonHmacRequestKeys: keys,
  auditNonHmacResponseKeys: keys,
};
const engine = fc.record(
  { type: fc.constantFrom('kv', 'kv-v2', 'kv-v1'), ...shared, options: fc.constantFrom({}, { version: '2' }) },
  { requiredKeys: ['type'] },
);
const method = fc.record(
  {
    type: fc.constant('approle'),
    ...shared,
    tokenType: fc.constantFrom('default-service', 'service', 'batch'),
    userLockout: fc.record(
      { threshold: fc.nat({ max: 9 }), duration, counterReset: duration, disabled: fc.boolean() },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['type'] },
);

async function live(at: World, kind: Kind, name: string) {
  const resource = { kind: kind.kind, mount: null, name };
  const replies = await Promise.all(
    kind.reads(resource, context).map(async ({ path }) => {
      try {
        return (await at.read(path)).data ?? null;
      } catch (error) {
        if (error instanceof RequestError && (error.status === 404 || /No (secret|auth) engine/.test(error.message))) return null;
        throw error;
      }
    }),
  );
  return kind.read(replies, resource, context);
}

async function write(at: World, kind: Kind, name: string, after: JsonObject): Promise<void> {
  const resource = { kind: kind.kind, mount: null, name };
  const before = await live(at, kind, name);
  for (const request of kind.write({ before, after, lastApplied: null, changed: [] }, resource, context)) {
    await at.send(request.operation, request.path, request.data);
  }
}

describe.each([
  { kind: secretEngineKind, specs: engine as fc.Arbitrary<JsonObject> },
  { kind: authMethodKind, specs: method },
])('$kind.kind', ({ kind, specs }) => {
  const normalized = specs.map((spec) => kind.normalize(spec, { kind: kind.kind, mount: null, name: 'some' }, context));

  test('reads back what it wrote, new and tuned', async () => {
    const at = await world();
    let count = 0;
    await fc.assert(
      fc.asyncProperty(normalized, normalized, async (first, second) => {
        const name = `m${(count += 1)}`;
        await write(at, kind, name, first);
        expect((await live(at, kind, name))?.spec).toEqual(first);
        // The type and, for kv, the version cannot be changed in place.
        const tuned = { ...second, type: first.type ?? '', options: first.options ?? {} };
        await write(at, kind, name, tuned);
        expect((await live(at, kind, name))?.spec).toEqual(tuned);
      }),
      { numRuns: process.env.SECRETCTL_FULL === '1' ? 500 : 40 },
    );
  });

  test('takes away an option that a document states no more', async () => {
    const at = await world();
    const type = kind === secretEngineKind ? 'kv' : 'approle';
    const resource = { kind: kind.kind, mount: null, name: 'some' };
    const [plain, noted] = ([{}, { note: 'x', other: 'y' }] as JsonObject[]).map((options) =>
      kind.normalize({ type, options }, resource, context),
    );
    for (const spec of [noted ?? {}, plain ?? {}]) {
      await write(at, kind, 'some', spec);
      expect((await live(at, kind, 'some'))?.spec).toEqual(spec);
    }
  });

  test('normalises what is normal to itself', () => {
    fc.assert(
      fc.property(normalized, (spec) => {
        expect(kind.normalize(spec, { kind: kind.kind, mount: null, name: 'some' }, context)).toEqual(spec);
      }),
    );
  });

  test('is absent before it is made and after it is removed', async () => {
    const at = await world();
    expect(await live(at, kind, 'some')).toBeNull();
    const [sample] = fc.sample(normalized, 1);
    await write(at, kind, 'some', sample ?? {});
    for (const request of kind.remove({ kind: kind.kind, mount: null, name: 'some' }, context, null))
      await at.send(request.operation, request.path, request.data);
    expect(await live(at, kind, 'some')).toBeNull();
  });
});

test('a document has no name that the store refuses for a mount', async () => {
  const at = await world();
  for (const [kind, folder] of [
    [secretEngineKind, 'mounts'],
    [authMethodKind, 'auth'],
  ] as const) {
    for (const name of ['sys', 'auth', 'cubbyhole', 'identity', 'audit', 'token', 'Token', 'token/x', 'free'] as const) {
      const allowed =
        (await at.status('write', `sys/${folder}/${name}`, { type: kind === secretEngineKind ? 'kv' : 'approle' })) < 300;
      expect([kind.kind, name, nameProblem(kind, name) === null]).toEqual([kind.kind, name, allowed]);
    }
  }
});
