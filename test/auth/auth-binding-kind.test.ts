import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authBinding as kind } from '../../src/auth/index.ts';
import type { JsonObject } from '../../src/base/json.ts';
import type { LensContext, LiveObject, ResourceName } from '../../src/kinds/kind.ts';
import { compileSchema } from '../../src/kinds/validate.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { runs } from '../token/asking.ts';
import { world, type World } from '../world.ts';

const context: LensContext = {
  engines: new Map(),
  methods: new Map([
    ['apps', { type: 'approle', options: {} }],
    ['exotic', { type: 'exotic', options: {} }],
  ]),
};
const appRole: ResourceName = { kind: 'AuthBinding', mount: 'apps', name: 'ci' };
const tokenRole: ResourceName = { kind: 'AuthBinding', mount: 'token', name: 'ci' };
const fits = compileSchema(kind.spec);

const problems = (spec: JsonObject, resource: ResourceName = appRole): readonly string[] =>
  (kind.check?.({ method: resource.mount, ...spec }, resource, context) ?? []).map(({ at, message }) => `${at}: ${message}`);

async function live(w: World, resource: ResourceName): Promise<LiveObject | null> {
  const replies: (JsonObject | null)[] = [];
  for (const { operation, path } of kind.reads(resource, context)) {
    try {
      replies.push((await w.send(operation, path)).data ?? null);
    } catch (error) {
      if (!(error instanceof RequestError) || error.status !== 404) throw error;
      replies.push(null);
    }
  }
  return kind.read(replies, resource, context);
}

/** Brings what is live to a spec, as an apply does; returns how many requests that took. */
async function apply(w: World, resource: ResourceName, spec: JsonObject, changed: readonly string[] = []): Promise<number> {
  const before = await live(w, resource);
  const after = kind.normalize(spec, resource, context);
  const requests = kind.write({ before, after, lastApplied: null, changed }, resource, context);
  for (const { operation, path, data } of requests) await w.send(operation, path, data);
  return requests.length;
}

const names = fc.uniqueArray(fc.constantFrom('default', 'a', 'b', 'payments-read', 'Z.9'), { maxLength: 4 });
const duration = fc.constantFrom('0s', '90s', '1h', '60m', '3600s', '1h30m', '5400s');
const addresses = fc.uniqueArray(
  fc.constantFrom('10.0.0.0/8', '10.1.2.3/8', '10.1.2.3', '::1', '2001:DB8::/32', '::ffff:10.9.9.9'),
  {
    maxLength: 3,
  },
);
const expires = fc.constantFrom('', '2027-01-31', '2027-01-31T01:00:00+02:00');

const appRoleSpec = fc
  .record(
    {
      policies: names,
      noDefaultPolicy: fc.boolean(),
      ttl: fc.constantFrom('0s', '90s', '15m'),
      maxTtl: fc.constantFrom('0s', '1h', '60m'),
      explicitMaxTtl: duration,
      period: duration,
      numUses: fc.nat({ max: 3 }),
      tokenType: fc.constantFrom('default', 'service', 'batch'),
      match: fc.record({ secretIdBoundCidrs: addresses, tokenBoundCidrs: addresses }, { requiredKeys: [] }),
      strictlyBindIp: fc.boolean(),
      bindSecretId: fc.boolean(),
      secretIdNumUses: fc.nat({ max: 3 }),
      secretIdTtl: duration,
      expires,
    },
    { requiredKeys: [] },
  )
  .map((spec) => ({ method: 'apps', ...spec }));

const tokenRoleSpec = fc
  .record(
    {
      policies: names,
      allowedPoliciesGlob: fc.uniqueArray(fc.constantFrom('team-*', '*')),
      disallowedPolicies: names,
      disallowedPoliciesGlob: fc.uniqueArray(fc.constantFrom('admin-*', '*x*')),
      noDefaultPolicy: fc.boolean(),
      orphan: fc.boolean(),
      renewable: fc.boolean(),
      period: duration,
      explicitMaxTtl: duration,
      numUses: fc.nat({ max: 3 }),
      tokenType: fc.constantFrom('default-service', 'default-batch', 'service', 'batch'),
      pathSuffix: fc.constantFrom('', 'v1', 'v.2'),
      match: fc.record({ tokenBoundCidrs: addresses }, { requiredKeys: [] }),
      expires,
    },
    { requiredKeys: [] },
  )
  .map((spec) => ({ method: 'token', ...spec }));

describe.each([
  ['an AppRole role', appRole, appRoleSpec],
  ['a token role', tokenRole, tokenRoleSpec],
] as const)('a binding that is %s', (_, resource, specs) => {
  it('reads back as it was written, and nothing is left to write', async () => {
    await fc.assert(
      fc.asyncProperty(specs, specs, async (first, second) => {
        const w = await world();
        await w.write('sys/auth/apps', { type: 'approle' });
        expect(await live(w, resource)).toBeNull();
        for (const spec of [first, second]) {
          expect(fits(spec)).toBe(true);
          if (problems(spec, resource).length > 0) continue;
          await apply(w, resource, spec);
          const normal = kind.normalize(spec, resource, context);
          expect((await live(w, resource))?.spec).toEqual(normal);
          expect(kind.normalize(normal, resource, context)).toEqual(normal);
          expect(fits(normal)).toBe(true);
          expect(await apply(w, resource, spec)).toBe(0);
        }
        for (const { operation, path, data } of kind.remove(resource, context, null)) await w.send(operation, path, data);
        expect(await live(w, resource)).toBeNull();
      }),
      runs(30, 3000),
    );
  }, 600_000);

  it('is refused by its check exactly where the store would refuse it', async () => {
    const w = await world();
    await w.write('sys/auth/apps', { type: 'approle' });
    await fc.assert(
      fc.asyncProperty(specs, async (spec) => {
        const found = problems(spec, resource);
        const after = kind.normalize(spec, resource, context);
        const [request] = kind.write({ before: null, after, lastApplied: null, changed: [] }, resource, context);
        const status = await w.status(request?.operation ?? 'write', request?.path ?? '', request?.data ?? {});
        for (const { operation, path, data } of kind.remove(resource, context, null)) await w.send(operation, path, data);
        expect([found, status < 300]).toEqual([found, found.length === 0]);
      }),
      runs(60, 5000),
    );
  }, 600_000);

  it('shows what someone changed by hand', async () => {
    const w = await world();
    await w.write('sys/auth/apps', { type: 'approle' });
    const spec = { method: resource.mount, policies: ['a'], period: '1h' };
    await apply(w, resource, spec);
    await w.write(kind.reads(resource, context)[0]?.path ?? '', { token_period: '2h', token_num_uses: 5 });
    expect((await live(w, resource))?.spec).toMatchObject({ period: '2h', numUses: 5, policies: ['a'] });
    await apply(w, resource, spec);
    expect((await live(w, resource))?.spec).toEqual(kind.normalize(spec, resource, context));
  });
});

describe('a binding', () => {
  it('has the fields of its method and no others', () => {
    expect(problems({ orphan: true })).toEqual([
      '/orphan: orphan is not a field of a binding on "apps", which is of type approle',
    ]);
    expect(problems({ secretIdTtl: '1h', match: { secretIdBoundCidrs: ['::1'] } }, tokenRole)).toEqual([
      '/secretIdTtl: secretIdTtl is not a field of a binding on "token", which is of type token',
      '/match/secretIdBoundCidrs: match.secretIdBoundCidrs is not a field of a binding of type token',
    ]);
    expect(problems({}, { ...appRole, mount: 'exotic' })).toEqual([
      '/method: "exotic" is an auth method of type exotic, which has no bindings',
    ]);
    expect(problems({}, { ...appRole, mount: 'ghost' })).toEqual([]);
  });

  it.each([
    [{ policies: ['root'] }, '/policies: a login never gives a root token; name the policies it needs'],
    [{ ttl: '2h', maxTtl: '1h' }, '/ttl: ttl is greater than maxTtl'],
    [{ ttl: '1.5s' }, '/ttl: ttl must be a duration of whole seconds: 90s, 1h30m, 30d'],
    [{ expires: '31.1.2027' }, '/expires: expires must be a date (2027-01-31) or an RFC 3339 time (2027-01-31T12:00:00Z)'],
    [
      { match: { tokenBoundCidrs: ['x'] } },
      '/match/tokenBoundCidrs: match.tokenBoundCidrs must be a list of addresses or CIDR blocks: 10.0.0.0/8, 2001:db8::/32',
    ],
    [{ tokenType: 'default-batch' }, '/tokenType: tokenType must be one of default, service, batch'],
    [{ bindSecretId: false }, '/bindSecretId: without a secret id there must be addresses to match'],
  ])('on AppRole is not %j', (spec, problem) => {
    expect(problems(spec)).toEqual([problem]);
  });

  it('of an AppRole role may choose the role id, which is written when it is declared or changed', async () => {
    const w = await world();
    await w.write('sys/auth/apps', { type: 'approle' });
    const roleId = async () => (await w.read('auth/apps/role/ci/role-id')).data?.['role_id'];
    await apply(w, appRole, { method: 'apps', roleId: 'first' });
    expect(await roleId()).toBe('first');
    expect(await apply(w, appRole, { method: 'apps', roleId: 'first' })).toBe(0);
    expect(await apply(w, appRole, { method: 'apps', roleId: 'second' }, ['/roleId'])).toBe(1);
    expect(await roleId()).toBe('second');
  });

  it('makes an AppRole role anew where what cannot be changed does', () => {
    expect(kind.replaceOn).toEqual(['/localSecretIds']);
  });

  it('describes each of its fields', () => {
    const described = (schema: typeof kind.spec): boolean =>
      Object.values(schema.properties ?? {}).every((property) => (property.description ?? '') !== '' && described(property));
    expect(described(kind.spec)).toBe(true);
    expect(fits({ method: 'apps', unknown: 1 })).toBe(false);
    expect(fits({ policies: [] })).toBe(false);
  });
});
