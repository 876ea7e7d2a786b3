import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { world, type World } from '../world.ts';
import { authOf, runs, seconds } from './asking.ts';

/** What a token is to someone who only knows the rules. */
interface Modelled {
  readonly token: string;
  readonly accessor: string;
  /** Null: an orphan, or a child of the root token, which stays. */
  parent: Modelled | null;
  orphan: boolean;
  readonly createdAt: number;
  lastTtl: number;
  expiresAt: number;
  readonly explicitMaxTtl: number;
  readonly period: number;
  readonly limited: boolean;
  usesLeft: number;
  revoked: boolean;
}

type Step =
  | {
      readonly do: 'create';
      readonly by: number;
      readonly orphan: boolean;
      readonly ttl: number;
      readonly max: number;
      readonly period: number;
      readonly uses: number;
    }
  | { readonly do: 'renew'; readonly on: number; readonly increment: number; readonly how: 'self' | 'token' | 'accessor' }
  | { readonly do: 'revoke'; readonly on: number; readonly how: 'self' | 'token' | 'accessor' | 'orphan' }
  | { readonly do: 'use'; readonly on: number }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'tidy' }
  | { readonly do: 'crash' };

const which = fc.nat({ max: 1000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      by: which,
      orphan: fc.boolean(),
      ttl: fc.integer({ min: 1, max: 100 }),
      max: fc.constantFrom(0, 0, 50, 150),
      period: fc.constantFrom(0, 0, 0, 40),
      uses: fc.constantFrom(0, 0, 0, 1, 3),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('renew' as const),
      on: which,
      increment: fc.nat({ max: 120 }),
      how: fc.constantFrom('self' as const, 'token' as const, 'accessor' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('revoke' as const),
      on: which,
      how: fc.constantFrom('self' as const, 'token' as const, 'accessor' as const, 'orphan' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('use' as const), on: which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'tidy' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
);

describe('the tree of tokens', () => {
  it('behaves as a plain model of it, whatever happens', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const w = await world();
        await w.write('sys/policies/acl/all', {
          policy: 'path "auth/token/*" { capabilities = ["create", "read", "update", "sudo"] }',
        });
        const tree: Modelled[] = [];
        for (const current of steps) await take(w, tree, current);
        for (const token of tree) await use(w, token);
        await endsClean(w);
      }),
      runs(40, 3000),
    );
  }, 600_000);
});

async function take(w: World, tree: Modelled[], step: Step): Promise<void> {
  const at = (index: number): Modelled | undefined => tree[index % Math.max(tree.length, 1)];
  switch (step.do) {
    case 'create':
      return create(w, tree, step.by % 3 === 0 ? undefined : at(step.by), step);
    case 'renew': {
      const token = at(step.on);
      return token === undefined ? undefined : renew(w, token, step.increment, step.how);
    }
    case 'revoke': {
      const token = at(step.on);
      return token === undefined ? undefined : revoke(w, tree, token, step.how);
    }
    case 'use': {
      const token = at(step.on);
      return token === undefined ? undefined : use(w, token);
    }
    case 'wait':
      return seconds(w, step.seconds);
    case 'tidy':
      await w.system.tidy(w.clock.time + 1);
      return;
    case 'crash':
      return w.crash();
  }
}

/** Does it work, as far as time and revocations go? */
function stands(w: World, token: Modelled): boolean {
  for (let current: Modelled | null = token; current !== null; current = current.parent) {
    if (current.revoked || current.expiresAt <= w.clock.time) return false;
  }
  return true;
}

/** Takes a use in the model, as a request with the token does. False: the request is refused. */
function request(w: World, token: Modelled): boolean {
  if (!stands(w, token) || (token.limited && token.usesLeft === 0)) return false;
  if (token.limited) token.usesLeft--;
  return true;
}

async function create(
  w: World,
  tree: Modelled[],
  by: Modelled | undefined,
  step: Step & { readonly do: 'create' },
): Promise<void> {
  const body = {
    ttl: step.ttl,
    explicit_max_ttl: step.max,
    period: step.period,
    num_uses: step.uses,
    no_parent: step.orphan,
    policies: ['all'],
  };
  const wanted = by === undefined || request(w, by);
  const allowed = wanted && by?.limited !== true;
  const reply = await w.write('auth/token/create', body, by?.token ?? w.rootToken).catch(() => null);
  expect(reply !== null).toBe(allowed);
  if (reply === null) return;
  const auth = authOf(reply.auth);
  const asked = step.period > 0 ? step.period : step.ttl;
  const ttl = step.max > 0 ? Math.min(asked, step.max) : asked;
  expect(auth.lease_duration).toBe(ttl);
  tree.push({
    token: auth.client_token,
    accessor: auth.accessor,
    parent: step.orphan ? null : (by ?? null),
    orphan: step.orphan,
    createdAt: w.clock.time,
    lastTtl: ttl,
    expiresAt: w.clock.time + ttl * 1000,
    explicitMaxTtl: step.max,
    period: step.period,
    limited: step.uses > 0,
    usesLeft: step.uses,
    revoked: false,
  });
}

async function renew(w: World, token: Modelled, increment: number, how: 'self' | 'token' | 'accessor'): Promise<void> {
  const [path, body, by] = {
    self: ['renew-self', {}, token.token] as const,
    token: ['renew', { token: token.token }, w.rootToken] as const,
    accessor: ['renew-accessor', { accessor: token.accessor }, w.rootToken] as const,
  }[how];
  const reaches = how === 'self' ? request(w, token) : stands(w, token);
  const spent = token.limited && token.usesLeft === 0;
  const reply = await w.write(`auth/token/${path}`, { ...body, increment }, by).catch(() => null);
  const end = token.explicitMaxTtl > 0 ? token.createdAt + token.explicitMaxTtl * 1000 : Infinity;
  const allowed = reaches && !spent && end - w.clock.time >= 1000;
  expect(reply !== null).toBe(allowed);
  if (reply === null) return;
  const asked = token.period > 0 ? token.period : increment > 0 ? increment : token.lastTtl;
  token.expiresAt = Math.min(w.clock.time + asked * 1000, end);
  token.lastTtl = (token.expiresAt - w.clock.time) / 1000;
  expect(reply.auth?.lease_duration).toBe(token.lastTtl);
}

async function revoke(w: World, tree: Modelled[], token: Modelled, how: 'self' | 'token' | 'accessor' | 'orphan'): Promise<void> {
  if (how === 'self' && !request(w, token)) {
    expect(await w.status('write', 'auth/token/revoke-self', {}, token.token)).toBe(403);
    return;
  }
  if (how === 'orphan') {
    // A token that is past its time may be found or not: its children are past theirs with it.
    if (!stands(w, token)) return;
    await w.write('auth/token/revoke-orphan', { token: token.token });
    for (const child of tree) if (child.parent === token) Object.assign(child, { parent: null, orphan: true });
  } else if (how === 'self') await w.write('auth/token/revoke-self', {}, token.token);
  else if (how === 'token') await w.write('auth/token/revoke', { token: token.token });
  else await w.write('auth/token/revoke-accessor', { accessor: token.accessor });
  token.revoked = true;
}

/** A request with the token has the outcome that the model says, and shows what the model says. */
async function use(w: World, token: Modelled): Promise<void> {
  const allowed = request(w, token);
  const reply = await w.read('auth/token/lookup-self', {}, token.token).catch(() => null);
  expect(reply !== null).toBe(allowed);
  if (reply === null) return;
  expect(reply.data).toMatchObject({
    orphan: token.orphan,
    num_uses: token.usesLeft,
    ttl: (token.expiresAt - w.clock.time) / 1000,
  });
}

/** When the time of all has passed, nothing of them is left. */
async function endsClean(w: World): Promise<void> {
  seconds(w, 10_000);
  await w.system.tidy(w.clock.time + 1);
  const left = [...w.medium.entries.keys()].filter((key) => /^core\/token\/(id|accessor|child|by-|revoking)/.test(key));
  expect(left.map((key) => key.split('/')[2]).sort()).toEqual(['accessor', 'id']);
}
