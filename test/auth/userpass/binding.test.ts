import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authBinding as kind } from '../../../src/auth/index.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import type { LensContext, LiveObject, ResourceName } from '../../../src/kinds/kind.ts';
import { compileSchema } from '../../../src/kinds/validate.ts';
import type { ApplyChange } from '../../../src/protocol/managed.ts';
import { seenDigest } from '../../../src/protocol/seen-digest.ts';
import { apply } from '../../core/changes.ts';
import { refusal, runs } from '../../token/asking.ts';
import { world, type World } from '../../world.ts';

const context: LensContext = { engines: new Map(), methods: new Map([['people', { type: 'userpass', options: {} }]]) };
const ann: ResourceName = { kind: 'AuthBinding', mount: 'people', name: 'ann@example.com' };
const user = 'auth/people/users/ann@example.com';
const fits = compileSchema(kind.spec);

async function people(): Promise<World> {
  const w = await world();
  await w.write('sys/auth/people', { type: 'userpass' });
  return w;
}

async function replies(w: World): Promise<readonly (JsonObject | null)[]> {
  return w.read(user).then(
    ({ data }) => [data ?? null],
    () => [null],
  );
}

async function live(w: World): Promise<LiveObject | null> {
  return kind.read(await replies(w), ann, context);
}

/** Brings a user to a spec through `sys/apply`. */
async function applied(w: World, spec: JsonObject, changed: readonly string[] = []): Promise<ApplyChange> {
  const seen = await replies(w);
  const before = kind.read(seen, ann, context);
  const after = kind.normalize(spec, ann, context);
  const change: ApplyChange = {
    address: { ...ann },
    action: before === null ? 'create' : 'update',
    reads: kind.reads(ann, context),
    seen: seenDigest(seen),
    requests: kind.write({ before, after, lastApplied: null, changed }, ann, context),
    record: { spec: {}, labels: {}, protect: false },
  };
  await apply(w, [change]);
  return change;
}

const names = fc.uniqueArray(fc.constantFrom('default', 'a', 'payments-read'), { maxLength: 3 });
const specs = fc
  .record(
    {
      policies: names,
      noDefaultPolicy: fc.boolean(),
      ttl: fc.constantFrom('0s', '90s', '15m'),
      maxTtl: fc.constantFrom('0s', '1h', '60m'),
      explicitMaxTtl: fc.constantFrom('0s', '1h'),
      period: fc.constantFrom('0s', '1h30m', '5400s'),
      numUses: fc.nat({ max: 3 }),
      tokenType: fc.constantFrom('default', 'service'),
      match: fc.record({ tokenBoundCidrs: fc.constantFrom(['10.0.0.0/8'], ['10.1.2.3/8', '::1']) }, { requiredKeys: [] }),
      expires: fc.constantFrom('', '2027-01-31', '2027-01-31T01:00:00+02:00'),
    },
    { requiredKeys: [] },
  )
  .map((spec) => ({ method: 'people', ...spec }));
const password = { generate: { length: 20 } };

describe('a binding that is a user of userpass', () => {
  it('reads back as it was applied, password apart, and nothing is left to write', async () => {
    const w = await people();
    await fc.assert(
      fc.asyncProperty(specs, specs, async (first, second) => {
        for (const spec of [{ ...first, password }, second]) {
          expect(fits(spec)).toBe(true);
          expect(kind.check?.(spec, ann, context) ?? []).toEqual([]);
          await applied(w, spec);
          const normal = kind.normalize(spec, ann, context);
          expect(kind.normalize(normal, ann, context)).toEqual(normal);
          expect((await live(w))?.spec).toEqual(
            Object.fromEntries(Object.entries(normal).filter(([name]) => name !== 'password')),
          );
          expect(kind.write({ before: await live(w), after: normal, lastApplied: null, changed: [] }, ann, context)).toEqual([]);
        }
        for (const { operation, path, data } of kind.remove(ann, context, null)) await w.send(operation, path, data);
        expect(await live(w)).toBeNull();
      }),
      runs(15, 500),
    );
  });

  it('has the password that its source stands for, written when the user is made and when the source changes', async () => {
    const w = await people();
    const hash = () =>
      w.store.read(async (tx) => {
        const mounts = w.barrier.view(tx, 'core').below('mounts/');
        for (const id of await mounts.children('')) {
          const record = await w.barrier.view(tx, { mountId: id }).getJson<{ passwordHash: string }>('user/ann@example.com');
          if (record !== null) return record.passwordHash;
        }
        return null;
      });
    await applied(w, { method: 'people', password, policies: ['a'] });
    const first = await hash();
    expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    await applied(w, { method: 'people', password, policies: ['b'] });
    expect(await hash()).toBe(first);
    await applied(w, { method: 'people', password: { generate: { length: 24 } } }, ['/password']);
    expect(await hash()).not.toBe(first);
    await applied(w, { method: 'people', password: { literal: 'from the environment' } }, ['/password']);
    const login = await w.write('auth/people/login/ann@example.com', { password: 'from the environment' }, null);
    expect(login.auth?.metadata).toEqual({ username: 'ann@example.com' });
    // Whoever has it may set another one, which is no drift.
    await w.write(`${user}/password`, { password: 'my own' });
    const change = await applied(w, { method: 'people', password, policies: ['c'] });
    expect(change.requests.map(({ data }) => Object.keys(data))).toEqual([['token_policies']]);
    expect((await w.write('auth/people/login/ann@example.com', { password: 'my own' }, null)).auth?.policies).toContain('c');
  });

  it('is refused as a whole where it is to be made without a password', async () => {
    const w = await people();
    expect((await refusal(applied(w, { method: 'people' })))[1]).toContain('must provide either password or password_hash');
    expect(await live(w)).toBeNull();
  });

  it('takes a plain password from no document', () => {
    expect(fits({ method: 'people', password: 'plain' })).toBe(false);
  });

  it('keeps its password where it is renamed', async () => {
    const w = await people();
    await w.write(user, { password: 'mine' });
    const to: ResourceName = { ...ann, name: 'ann' };
    for (const { operation, path, data } of kind.move?.(ann, to, context) ?? []) await w.send(operation, path, data);
    expect((await w.write('auth/people/login/ann', { password: 'mine' }, null)).auth?.metadata).toEqual({ username: 'ann' });
    expect(await live(w)).toBeNull();
  });
});
