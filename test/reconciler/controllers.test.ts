import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { world } from '../world.ts';

describe('the background tasks of a server', () => {
  it('remove tokens when they are past their time, with what they kept', async () => {
    const at = await world();
    for (let token = 0; token < 450; token++) await at.write('auth/token/create', { ttl: '1h', policies: ['default'] });
    const { client_token: kept } = (await at.write('auth/token/create', { ttl: '3h', policies: ['default'] })).auth!;
    await at.write('cubbyhole/mine', { a: '1' }, kept);
    at.clock.time += 2 * 3_600_000;
    expect(await at.system.tidy(at.clock.time + 10_000)).toBe(true);
    expect(tokensIn(at)).toBe(2);
    at.clock.time += 2 * 3_600_000;
    expect(await at.system.tidy(at.clock.time + 10_000)).toBe(true);
    expect(tokensIn(at)).toBe(1);
    expect([...at.medium.entries.keys()].filter((key) => key.startsWith('mount/cubbyhole/'))).toEqual([]);
  });

  it('look in time for a token that ends sooner than all others, so that its leases end with it', async () => {
    const at = await world();
    at.system.reconciler.start();
    const nextRun = async (): Promise<number> => {
      const { controllers } = (await at.read('sys/reconciler')).data as unknown as Record<
        string,
        Record<string, { next_run: string }>
      >;
      return Date.parse(controllers!['token-expiry']!.next_run);
    };
    await at.write('auth/token/create', { ttl: '1h', policies: ['default'] });
    while ((await nextRun()) <= at.clock.time) await setImmediate();
    expect(await nextRun()).toBeGreaterThan(at.clock.time + 60_000);
    await at.write('auth/token/create', { ttl: '10s', policies: ['default'] });
    expect(await nextRun()).toBe(at.clock.time + 10_000);
    await at.system.close();
  });

  it('show what they do, to whoever may read sys/reconciler', async () => {
    const at = await world();
    const { controllers, state } = (await at.read('sys/reconciler')).data as Record<string, Record<string, unknown>>;
    expect(state).toBe('idle');
    expect(controllers).toMatchObject({
      'token-expiry': { queue_depth: 0, running: 0, failing: 0, last_success: null, last_error: null, next_run: null },
      'shredded-mounts': {},
      'audit-head': {},
    });
    const { client_token: other } = (await at.write('auth/token/create', { policies: ['default'] })).auth!;
    expect(await at.status('read', 'sys/reconciler', {}, other)).toBe(403);
    await at.system.tidy(at.clock.time + 10_000);
    expect((await at.read('sys/reconciler')).data).toMatchObject({
      controllers: { 'shredded-mounts': { successes: 1, last_success: '2026-01-01T00:00:00Z' } },
    });
  });

  it('are woken by a request, which needs sudo', async () => {
    const at = await world();
    expect(await at.status('write', 'sys/reconciler/none/run')).toBe(404);
    expect(await at.status('write', 'sys/reconciler/token-expiry/run')).toBe(503);
    at.system.reconciler.start();
    await at.write('sys/policies/acl/p', { policy: 'path "sys/reconciler/*" { capabilities = ["update"] }' });
    const { client_token: other } = (await at.write('auth/token/create', { policies: ['p'] })).auth!;
    expect(await at.status('write', 'sys/reconciler/token-expiry/run', {}, other)).toBe(403);
    expect(await at.status('write', 'sys/reconciler/token-expiry/run')).toBe(204);
    await at.system.close();
    expect(at.system.reconciler.state).toBe('idle');
  });

  it('anchor the audit log after a minute in which it grew', async () => {
    const at = await world();
    const anchored = async (): Promise<number> => {
      const anchor = await at.store.read((tx) => at.barrier.view(tx, 'core').getJson<{ seq: number }>('audit/head'));
      return anchor?.seq ?? 0;
    };
    const before = await anchored();
    await at.read('sys/mounts');
    await at.system.tidy(at.clock.time + 1000);
    expect(await anchored()).toBe(before);
    at.clock.time += 60_000;
    await at.system.tidy(at.clock.time + 1000);
    expect(await anchored()).toBe(before + 2);
  });
});

function tokensIn(at: Awaited<ReturnType<typeof world>>): number {
  return [...at.medium.entries.keys()].filter((key) => key.startsWith('core/token/id/')).length;
}
