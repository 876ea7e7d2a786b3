import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyringRotation, rotationDue } from '../../src/core/keyring-rotation.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { runs } from '../policy/property.ts';
import { world, type World } from '../world.ts';

const day = 24 * 3600 * 1000;
const most = 3_865_470_566;

async function refusal(at: World, data: Record<string, string | number>): Promise<string> {
  try {
    await at.write('sys/rotate/config', data);
    return 'taken';
  } catch (error) {
    if (error instanceof RequestError) return `${error.status} ${error.message}`;
    throw error;
  }
}

describe('the keyring', () => {
  it.each(['sys/rotate', 'sys/rotate/keyring'])('gets a new term at %s', async (path) => {
    const at = await world();
    expect((await at.read('sys/key-status')).data).toMatchObject({ term: 1, install_time: '2026-01-01T00:00:00.000Z' });
    at.clock.time += day;
    expect((await at.write(path)).status).toBe(204);
    expect((await at.read('sys/key-status')).data).toMatchObject({ term: 2, install_time: '2026-01-02T00:00:00.000Z' });
  });
});

describe('the settings of its own rotation', () => {
  it.each(['sys/rotate/config', 'sys/rotate/keyring/config'])(
    'are read and changed at %s, in the forms of the API',
    async (path) => {
      const at = await world();
      expect((await at.read(path)).data).toEqual({ enabled: true, max_operations: most, interval: 0 });
      expect((await at.write(path, { max_operations: 1_234_567, interval: '25h', enabled: false })).status).toBe(204);
      expect((await at.read('sys/rotate/config')).data).toEqual({
        enabled: false,
        max_operations: 1_234_567,
        interval: '25h0m0s',
      });
      await at.write(path, { enabled: true });
      expect((await at.read('sys/rotate/keyring/config')).data).toEqual({
        enabled: true,
        max_operations: 1_234_567,
        interval: '25h0m0s',
      });
    },
  );

  it('are refused where the API refuses them', async () => {
    const at = await world();
    expect(await refusal(at, { interval: '23h' })).toBe('400 interval must be greater or equal to 24h0m0s');
    expect(await refusal(at, { interval: '-48h' })).toBe('400 interval must be greater or equal to 24h0m0s');
    expect(await refusal(at, { max_operations: 999_999 })).toBe(`400 max_operations must be in the range [1000000,${most}]`);
    expect(await refusal(at, { max_operations: most + 1 })).toBe(`400 max_operations must be in the range [1000000,${most}]`);
    expect(await refusal(at, { interval: '0', max_operations: 1_000_000 })).toBe('taken');
  });
});

describe('a rotation', () => {
  const status = { term: 1, installTime: 0, encryptions: 5 };

  it('is due after its interval, or more encryptions than a term may make, and never where it is disabled', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.nat(10),
        fc.nat(10),
        fc.nat(3),
        fc.nat(4 * day),
        (enabled, maxOperations, encryptions, days, now) => {
          const due = rotationDue({ ...status, encryptions }, { enabled, maxOperations, interval: days * 24 * 3600 }, now);
          const old = days > 0 && now >= days * day;
          expect(due !== null).toBe(enabled && (encryptions > maxOperations || old));
        },
      ),
      runs(200, 5000),
    );
  });

  it('is done by the background task when it is due, and once', async () => {
    const at = await world();
    await at.write('sys/rotate/config', { interval: '24h' });
    const task = keyringRotation(at);
    const page = { after: null, limit: 10 };
    const start = at.clock.time;
    expect(await task.due(at.clock.time, page)).toEqual({ keys: [], after: null, next: start + day });
    await task.reconcile('keyring', new AbortController().signal);
    expect((await at.read('sys/key-status')).data).toMatchObject({ term: 1 });
    at.clock.time += day;
    expect(await task.due(at.clock.time, page)).toEqual({ keys: ['keyring'], after: null, next: null });
    for (let times = 0; times < 2; times++) await task.reconcile('keyring', new AbortController().signal);
    expect((await at.read('sys/key-status')).data).toMatchObject({ term: 2 });
    expect(await task.due(at.clock.time, page)).toEqual({ keys: [], after: null, next: at.clock.time + day });
    await at.write('sys/rotate/config', { enabled: false });
    expect(await task.due(at.clock.time + 9 * day, page)).toEqual({ keys: [], after: null, next: null });
  });
});
