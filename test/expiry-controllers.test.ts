import { describe, expect, it } from 'vitest';
import { approleWorld, login, secretId } from './auth/approle/logging-in.ts';
import { refusal, seconds } from './token/asking.ts';
import type { World } from './world.ts';

const tidy = (w: World): Promise<boolean> => w.system.tidy(w.clock.time + 60_000);
const keys = (w: World, part: string): string[] =>
  [...w.medium.entries.keys()].filter((key) => !key.startsWith('core/token/') && key.includes(part));

describe('what is past its time', () => {
  it('is removed from every mount that keeps such things', async () => {
    const w = await approleWorld();
    await w.write('sys/auth/other', { type: 'approle' });
    await w.write('auth/other/role/r', {});
    for (let count = 0; count < 210; count++) await secretId(w, { ttl: '1h' });
    await w.write('auth/other/role/r/secret-id', { ttl: '2h' });
    const kept = await secretId(w);
    expect(await tidy(w)).toBe(true);
    expect(keys(w, '/by-expiry/')).toHaveLength(211);
    seconds(w, 3600);
    expect(await tidy(w)).toBe(true);
    expect(keys(w, '/by-expiry/')).toHaveLength(1);
    seconds(w, 3600);
    expect(await tidy(w)).toBe(true);
    expect(keys(w, '/by-expiry/')).toEqual([]);
    expect((await login(w, kept.id)).auth?.metadata).toEqual({ role_name: 'r' });
    await w.delete('sys/auth/approle');
    expect(await tidy(w)).toBe(true);
  });

  it('goes with a role that is gone, however many secret ids it had', async () => {
    const w = await approleWorld();
    for (let count = 0; count < 520; count++) await secretId(w);
    await w.delete('auth/approle/role/r');
    expect(keys(w, '/secret-id/').length).toBeGreaterThan(0);
    expect(await tidy(w)).toBe(true);
    expect([...keys(w, '/secret-id/'), ...keys(w, '/accessor/'), ...keys(w, '/discarded/')]).toEqual([]);
  });

  it('of failed logins is swept away now and then', async () => {
    const w = await approleWorld();
    for (let count = 0; count < 230; count++) {
      expect((await refusal(w.write('auth/approle/login', { role_id: `unknown ${count}` }, null)))[0]).toBe(400);
    }
    expect(keys(w, 'core/lockout/unknown/').length).toBeGreaterThan(200);
    await tidy(w);
    expect(keys(w, 'core/lockout/unknown/').length).toBeGreaterThan(200);
    seconds(w, 15 * 60);
    await tidy(w);
    expect(keys(w, 'core/lockout/unknown/')).toEqual([]);
  });
});
