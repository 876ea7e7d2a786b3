import { describe, expect, test } from 'vitest';
import type { ApplyLock } from '../../src/protocol/managed.ts';
import { world, type World } from '../world.ts';
import { apply, policyCreation, revision } from './changes.ts';

async function take(at: World, token?: string, more = {}): Promise<ApplyLock> {
  const reply = await at.write('sys/managed/lock', { who: 'ann@laptop', command: 'secretctl apply', ...more }, token);
  return reply.data as unknown as ApplyLock;
}

async function limitedToken(at: World, rules: string): Promise<string> {
  await at.write('sys/policies/acl/limited', { policy: rules });
  return (await at.write('auth/token/create', { policies: ['limited'], display_name: 'ci' })).auth?.client_token ?? '';
}

const applyRules = `
path "sys/managed/lock" { capabilities = ["read", "update"] }
path "sys/managed/lock/+" { capabilities = ["update", "delete"] }
path "sys/managed/snapshot" { capabilities = ["update"] }
path "sys/managed/record/*" { capabilities = ["create", "update"] }
path "sys/policies/acl/*" { capabilities = ["create", "read", "update"] }
path "sys/apply" { capabilities = ["update"] }
`;

describe('the apply lock', () => {
  test('says who holds it, since when and until when', async () => {
    const at = await world({ time: Date.UTC(2026, 0, 1) });
    expect(await at.status('read', 'sys/managed/lock')).toBe(404);
    const taken = await take(at);
    expect(taken).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      holder: 'root',
      who: 'ann@laptop',
      command: 'secretctl apply',
      created: '2026-01-01T00:00:00Z',
      expires: '2026-01-01T00:02:00Z',
    });
    expect((await at.read('sys/managed/lock')).data).toEqual(taken);
  });

  test('is held by one only, and the others are told how to break it', async () => {
    const at = await world();
    const { id } = await take(at);
    const error = await take(at).catch((refused: unknown) => refused);
    expect(error).toMatchObject({ status: 409 });
    expect((error as Error).message).toMatch(/^the apply lock is held by ann@laptop \(token "root"\) for secretctl apply since /);
    expect((error as Error).message).toContain(`secretctl force-unlock ${id}`);
  });

  test('of one keeps every other apply from being committed', async () => {
    const at = await world();
    const { id } = await take(at);
    await expect(apply(at, [policyCreation('a')])).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('ann@laptop'),
    });
    await expect(apply(at, [policyCreation('a')], { lock: 'another' })).rejects.toMatchObject({ status: 409 });
    expect(await at.status('read', 'sys/policies/acl/a')).toBe(404);
    await apply(at, [policyCreation('a')], { lock: id });
    expect(await at.status('read', 'sys/policies/acl/a')).toBe(200);
  });

  test('ends with the apply that commits, and stays where it was refused', async () => {
    const at = await world();
    const { id } = await take(at);
    const base = await revision(at);
    await at.write('sys/policies/acl/by-hand', { policy: 'path "x" { capabilities = ["read"] }' });
    await expect(apply(at, [policyCreation('a')], { lock: id, base })).rejects.toThrow(/stale/);
    expect(await at.status('read', 'sys/managed/lock')).toBe(200);
    await apply(at, [policyCreation('a')], { lock: id });
    expect(await at.status('read', 'sys/managed/lock')).toBe(404);
    await apply(at, [policyCreation('b')]);
  });

  test('moves no config revision', async () => {
    const at = await world();
    const before = await revision(at);
    const { id } = await take(at);
    await at.write(`sys/managed/lock/${id}`);
    await at.delete(`sys/managed/lock/${id}`);
    expect(await revision(at)).toBe(before);
  });

  test('lives on while it is renewed, and expires with a holder who died', async () => {
    const at = await world();
    const { id } = await take(at, undefined, { ttl: '60s' });
    for (let minute = 0; minute < 5; minute += 1) {
      at.clock.time += 50_000;
      await at.write(`sys/managed/lock/${id}`, { ttl: 60 });
    }
    expect(await at.status('write', 'sys/managed/lock')).toBe(409);
    at.clock.time += 60_000;
    expect(await at.status('read', 'sys/managed/lock')).toBe(404);
    await take(at);
  });

  test('that expired still counts for its holder until somebody else takes it', async () => {
    const at = await world();
    const first = await take(at, undefined, { ttl: 1 });
    at.clock.time += 600_000;
    await apply(at, [policyCreation('a')], { lock: first.id });
    const second = await take(at, undefined, { ttl: 1 });
    at.clock.time += 600_000;
    await take(at);
    await expect(apply(at, [policyCreation('b')], { lock: second.id })).rejects.toThrow(/not held any more/);
  });

  test('outlives a crash of the store, and not its time', async () => {
    const at = await world();
    await take(at);
    await at.crash();
    expect(await at.status('write', 'sys/managed/lock')).toBe(409);
    at.clock.time += 120_000;
    await take(at);
  });

  test('is renewed, released and applied under by the token that took it only', async () => {
    const at = await world();
    const token = await limitedToken(at, applyRules);
    const { id, holder } = await take(at, token);
    expect(holder).toBe('token-ci');
    expect(await at.status('write', `sys/managed/lock/${id}`)).toBe(409);
    expect(await at.status('delete', `sys/managed/lock/${id}`)).toBe(409);
    await expect(apply(at, [policyCreation('a')], { lock: id })).rejects.toMatchObject({ status: 409 });
    await apply(at, [policyCreation('a')], { lock: id }, token);
  });

  test('is broken by who may, by its id, and the apply of its holder is refused', async () => {
    const at = await world();
    const token = await limitedToken(at, applyRules);
    const { id } = await take(at);
    expect(await at.status('write', 'sys/managed/force-unlock', { id }, token)).toBe(403);
    expect(await at.status('write', 'sys/managed/force-unlock', { id: 'another' })).toBe(409);
    await at.write('sys/managed/force-unlock', { id });
    expect(await at.status('read', 'sys/managed/lock')).toBe(404);
    await expect(apply(at, [policyCreation('a')], { lock: id })).rejects.toThrow(/somebody broke it/);
  });

  test.each([[{ who: 'a\u001b[31m' }], [{ command: 'x'.repeat(129) }], [{ ttl: 0 }], [{ ttl: '2h' }]])(
    'refuses %j',
    async (body) => {
      expect(await (await world()).status('write', 'sys/managed/lock', body)).toBe(400);
    },
  );
});
