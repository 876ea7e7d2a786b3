import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { kv } from '../../../src/engines/kv/index.ts';
import { mounted, type Answer, type Mounted } from '../mounted.ts';
import { runs } from '../property.ts';

// The model keeps every version that was ever written, in a plain list, and works out at each question what a client
// may see of it. It shares no code with the engine.
interface Version {
  value: JsonObject;
  created: number;
  deleted: number | null;
  destroyed: boolean;
  trimmed: boolean;
}
interface Secret {
  versions: Version[];
  maxVersions: number;
  casRequired: boolean;
  lifetime: number;
  custom: Record<string, string>;
}
interface Model {
  now: number;
  maxVersions: number;
  casRequired: boolean;
  lifetime: number;
  secrets: Map<string, Secret>;
}

type Step =
  | { readonly do: 'write' | 'patch'; readonly path: string; readonly value: JsonObject; readonly cas: number | null }
  | { readonly do: 'delete' | 'forget'; readonly path: string }
  | { readonly do: 'deleteVersions' | 'undelete' | 'destroy'; readonly path: string; readonly numbers: readonly number[] }
  | {
      readonly do: 'limits';
      readonly path: string;
      readonly maxVersions: number;
      readonly casRequired: boolean;
      readonly lifetime: number;
    }
  | { readonly do: 'custom' | 'patchCustom'; readonly path: string; readonly custom: Record<string, string | null> }
  | { readonly do: 'config'; readonly maxVersions: number; readonly casRequired: boolean; readonly lifetime: number }
  | { readonly do: 'wait'; readonly seconds: number };

const paths = ['a', 'a/b', 'a/1'];
const path = fc.constantFrom('a', 'a', 'a', ...paths);
const field = fc.constantFrom('x', 'y', 'z', '__proto__');
const scalar = fc.constantFrom(0, 1, 'text', null, true, '');
const value = fc.dictionary(field, fc.oneof({ weight: 3, arbitrary: scalar }, fc.dictionary(field, scalar, { maxKeys: 2 })), {
  maxKeys: 3,
});
const numbers = fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 4 });
const limits = {
  maxVersions: fc.integer({ min: 0, max: 4 }),
  casRequired: fc.constantFrom(false, false, false, true),
  lifetime: fc.constantFrom(0, 0, 10, 60),
};

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('write' as const, 'patch' as const),
      path,
      value,
      cas: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.integer({ min: 0, max: 6 })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'delete' as const, 'forget' as const), path }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('deleteVersions' as const, 'undelete' as const, 'destroy' as const),
      path,
      numbers,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('limits' as const), path, ...limits }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('custom' as const),
      path,
      custom: fc.dictionary(field, fc.constantFrom('one', 'two'), { maxKeys: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('patchCustom' as const),
      path,
      custom: fc.dictionary(field, fc.constantFrom('one', 'two', null), { maxKeys: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('config' as const), ...limits, lifetime: fc.constantFrom(0, 0, 30, -1) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(1, 9, 10, 30, 60) }) },
);

function readable(model: Model, version: Version): boolean {
  return !version.destroyed && (version.deleted === null || version.deleted > model.now);
}

function deletion(model: Model, secret: Secret): number | null {
  if (model.lifetime === -1) return null;
  let shortest = Infinity;
  if (model.lifetime > 0) shortest = model.lifetime;
  if (secret.lifetime > 0 && secret.lifetime < shortest) shortest = secret.lifetime;
  return shortest === Infinity ? null : model.now + shortest * 1000;
}

function emptySecret(): Secret {
  return { versions: [], maxVersions: 0, casRequired: false, lifetime: 0, custom: {} };
}

function append(model: Model, path: string, secret: Secret, value: JsonObject): number {
  secret.versions.push({ value, created: model.now, deleted: deletion(model, secret), destroyed: false, trimmed: false });
  const wanted = Math.max(model.maxVersions, secret.maxVersions);
  const keep = wanted === 0 ? 10 : wanted;
  secret.versions.forEach((version, index) => {
    if (index < secret.versions.length - keep) version.trimmed = true;
  });
  model.secrets.set(path, secret);
  return 200;
}

function merged(before: JsonObject, patch: JsonObject): JsonObject {
  const names = [...new Set([...Object.keys(before), ...Object.keys(patch)])];
  return Object.fromEntries(
    names.flatMap((name) => {
      if (!Object.hasOwn(patch, name)) return [[name, before[name]]];
      const change = patch[name];
      if (change === null) return [];
      if (typeof change !== 'object') return [[name, change]];
      const old = Object.hasOwn(before, name) ? before[name] : {};
      return [[name, merged(typeof old === 'object' && old !== null ? (old as JsonObject) : {}, change as JsonObject)]];
    }),
  ) as JsonObject;
}

/** Does a step in the model; the status that the engine must answer with. */
function inModel(model: Model, step: Step): number {
  if (step.do === 'wait') {
    model.now += step.seconds * 1000;
    return 0;
  }
  if (step.do === 'config') {
    Object.assign(model, { maxVersions: step.maxVersions, casRequired: step.casRequired, lifetime: step.lifetime });
    return 204;
  }
  const secret = model.secrets.get(step.path);
  switch (step.do) {
    case 'write':
    case 'patch': {
      if (step.do === 'patch' && secret === undefined) return 404;
      if (step.cas === null ? model.casRequired || secret?.casRequired === true : step.cas !== (secret?.versions.length ?? 0))
        return 400;
      if (step.do === 'write') return append(model, step.path, secret ?? emptySecret(), step.value);
      const newest = secret?.versions.at(-1);
      if (secret === undefined || newest === undefined || !readable(model, newest)) return 404;
      return append(model, step.path, secret, merged(newest.value, step.value));
    }
    case 'delete':
      for (const newest of secret?.versions.slice(-1) ?? []) if (readable(model, newest)) newest.deleted = model.now;
      return 204;
    case 'forget':
      model.secrets.delete(step.path);
      return 204;
    case 'deleteVersions':
    case 'undelete':
    case 'destroy':
      for (const number of new Set(step.numbers)) {
        const version = secret?.versions[number - 1];
        if (secret === undefined || version === undefined || version.trimmed || version.destroyed) continue;
        if (step.do === 'destroy') version.destroyed = true;
        else if (step.do === 'undelete') version.deleted = deletion(model, secret);
        else if (readable(model, version)) version.deleted = model.now;
      }
      return 204;
    case 'limits': {
      const changed = secret ?? emptySecret();
      Object.assign(changed, { maxVersions: step.maxVersions, casRequired: step.casRequired, lifetime: step.lifetime });
      model.secrets.set(step.path, changed);
      return model.casRequired && !step.casRequired ? 200 : 204;
    }
    case 'custom':
      model.secrets.set(step.path, { ...(secret ?? emptySecret()), custom: step.custom as Record<string, string> });
      return 204;
    case 'patchCustom': {
      if (secret === undefined) return 404;
      secret.custom = Object.fromEntries(
        Object.entries({ ...secret.custom, ...step.custom }).filter(([, text]) => text !== null),
      ) as Record<string, string>;
      return 204;
    }
  }
}

async function inEngine(mount: Mounted, step: Step): Promise<Answer | { status: 0 }> {
  switch (step.do) {
    case 'wait':
      mount.now += step.seconds * 1000;
      return { status: 0 };
    case 'config':
      return await mount.write('config', {
        max_versions: step.maxVersions,
        cas_required: step.casRequired,
        delete_version_after: step.lifetime,
      });
    case 'write':
    case 'patch':
      return await mount[step.do](`data/${step.path}`, {
        data: step.value,
        ...(step.cas === null ? {} : { options: { cas: step.cas } }),
      });
    case 'delete':
      return await mount.delete(`data/${step.path}`);
    case 'forget':
      return await mount.delete(`metadata/${step.path}`);
    case 'deleteVersions':
      return await mount.write(`delete/${step.path}`, { versions: [...step.numbers] });
    case 'undelete':
    case 'destroy':
      return await mount.write(`${step.do}/${step.path}`, { versions: [...step.numbers] });
    case 'limits':
      return await mount.write(`metadata/${step.path}`, {
        max_versions: step.maxVersions,
        cas_required: step.casRequired,
        delete_version_after: step.lifetime,
      });
    case 'custom':
      return await mount.write(`metadata/${step.path}`, { custom_metadata: step.custom });
    case 'patchCustom':
      return await mount.patch(`metadata/${step.path}`, { custom_metadata: step.custom });
  }
}

const iso = (time: number | null) => (time === null ? '' : new Date(time).toISOString());

async function expectSame(mount: Mounted, model: Model): Promise<void> {
  const values: string[] = [];
  for (const path of paths) {
    const secret = model.secrets.get(path);
    const metadata = await mount.read(`metadata/${path}`);
    if (secret === undefined) {
      expect(metadata).toEqual({ status: 404, errors: [] });
      expect(await mount.read(`data/${path}`)).toEqual({ status: 404, errors: [] });
      continue;
    }
    const kept = secret.versions
      .map((version, index) => ({ version, number: index + 1 }))
      .filter(({ version }) => !version.trimmed);
    const newest = secret.versions.at(-1);
    const custom = Object.keys(secret.custom).length === 0 ? null : secret.custom;
    expect(metadata).toMatchObject({ status: 200 });
    expect(metadata.data?.['versions']).toEqual(
      Object.fromEntries(
        kept.map(({ version, number }) => [
          number,
          { created_time: iso(version.created), deletion_time: iso(version.deleted), destroyed: version.destroyed },
        ]),
      ),
    );
    expect(metadata.data?.['current_version']).toBe(secret.versions.length);
    expect(metadata.data?.['current_version_live']).toBe(newest !== undefined && readable(model, newest));
    expect(metadata.data?.['custom_metadata']).toEqual(custom);
    for (const [index, version] of secret.versions.entries()) {
      const answer = await mount.read(`data/${path}`, { version: index + 1 });
      if (version.trimmed) expect(answer).toEqual({ status: 404, errors: [] });
      else {
        expect(answer.status).toBe(readable(model, version) ? 200 : 404);
        expect(answer.data?.['data']).toEqual(readable(model, version) ? version.value : null);
        expect(answer.data?.['metadata']).toMatchObject({ version: index + 1, destroyed: version.destroyed });
      }
      if (!version.trimmed && !version.destroyed) values.push(`versions/${path}/${index + 1}`);
    }
  }
  const listed = paths.filter((path) => model.secrets.has(path)).map((path) => `metadata/${path}`);
  expect(await mount.records('metadata/')).toEqual(listed.toSorted());
  expect(await mount.records('versions/')).toEqual(values.toSorted());
}

it('KV version 2 shows, after any operations at any times, just what a plain model shows', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), async (steps) => {
      const mount = await mounted(kv, { version: '2' });
      const model: Model = { now: mount.now, maxVersions: 0, casRequired: false, lifetime: 0, secrets: new Map() };
      for (const step of steps) {
        const expected = inModel(model, step);
        expect((await inEngine(mount, step)).status).toBe(expected);
      }
      await expectSame(mount, model);
    }),
    runs(300, 3000),
  );
});
