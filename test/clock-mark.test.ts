import { describe, expect, it } from 'vitest';
import { systemRandom } from '../src/base/random.ts';
import { clockWarning } from '../src/clock-mark.ts';
import { SteadyClock } from '../src/base/steady-clock.ts';
import { Leases } from '../src/lease/leases.ts';
import { Machine } from './base/machine.ts';
import { world, type World } from './world.ts';

const minute = 60_000;
const hour = 60 * minute;
const jumps = [hour, -hour];

interface Place {
  readonly machine: Machine;
  readonly at: World;
  /** A token of one hour. */
  readonly token: string;
  /** A lease of one hour. */
  readonly lease: string;
}

async function place(): Promise<Place> {
  const machine = new Machine();
  const at = await world({ machine });
  await at.write('sys/mounts/kept', { type: 'kv' });
  const { uuid } = (await at.read('sys/mounts/kept')).data!;
  const { auth } = await at.write('auth/token/create', { ttl: '1h', policies: ['default'] });
  const lease = await at.store.transact(async (tx) => {
    const leases = new Leases(at.barrier.view(tx, 'core'));
    const terms = { kind: 'k', target: 't', data: {}, ttl: 3600, maxTtl: 7200, renewable: true, epoch: 1 };
    const { id } = await leases.begin(
      { ...terms, mountId: String(uuid), cap: null, tokenId: null, path: 'kept/creds', inside: 'creds' },
      systemRandom,
      at.clock.now(),
    );
    return (await leases.activate(id))!.id;
  });
  return { machine, at, token: auth!.client_token, lease };
}

async function standing({ at, token, lease }: Place): Promise<readonly boolean[]> {
  const tokenStands = (await at.status('read', 'auth/token/lookup-self', {}, token)) === 200;
  return [tokenStands, (await at.status('write', 'sys/leases/lookup', { lease_id: lease })) === 200];
}

const both = [true, true];
const none = [false, false];

describe('a token and a lease of an hour', () => {
  it.each(jumps)('end after an hour where the clock of a running machine is set by %i ms', async (by) => {
    const here = await place();
    here.machine.pass(10 * minute);
    here.machine.setClock(by);
    expect(await standing(here)).toEqual(both);
    here.machine.pass(49 * minute);
    expect(await standing(here)).toEqual(both);
    here.machine.pass(2 * minute);
    expect(await standing(here)).toEqual(none);
  });

  it.each(jumps)('are not ended by the background, or are, whatever the clock is set by: %i ms', async (by) => {
    const { machine, at, token, lease } = await place();
    machine.setClock(by);
    await at.system.tidy(at.clock.now() + minute);
    expect(await standing({ machine, at, token, lease })).toEqual(both);
    machine.pass(61 * minute);
    await at.system.tidy(at.clock.now() + minute);
    const record = await at.store.read((tx) => new Leases(at.barrier.view(tx, 'core')).get(lease));
    expect(record?.state).toBe('ending');
  });

  it.each(jumps)('end after an hour where the clock is set by %i ms while nothing runs', async (by) => {
    const here = await place();
    here.machine.pass(10 * minute);
    await here.at.restart(() => {
      here.machine.pass(10 * minute);
      here.machine.setClock(by);
    });
    expect(await standing(here)).toEqual(both);
    here.machine.pass(39 * minute);
    expect(await standing(here)).toEqual(both);
    here.machine.pass(2 * minute);
    expect(await standing(here)).toEqual(none);
  });

  it.each(jumps)('do so after a crash, too: %i ms', async (by) => {
    const here = await place();
    here.machine.pass(10 * minute);
    here.machine.setClock(by);
    here.machine.pass(10 * minute);
    await here.at.crash();
    expect(await standing(here)).toEqual(both);
    here.machine.pass(41 * minute);
    expect(await standing(here)).toEqual(none);
    here.machine.setClock(-2 * by);
    await here.at.crash();
    expect(await standing(here)).toEqual(none);
  });

  it('that have ended do not come back where the machine starts anew with a clock that is an hour behind', async () => {
    const here = await place();
    here.machine.pass(61 * minute);
    await here.at.restart(() => {
      here.machine.reboot('second');
      here.machine.setClock(-hour);
    });
    expect(await standing(here)).toEqual(none);
    expect(here.at.clock.ahead).toBe(hour + minute);
  });

  it('do not come back after a power cut either, which leaves no newer mark than that of the last minute', async () => {
    const here = await place();
    here.machine.pass(59.5 * minute);
    await here.at.system.tidy(here.at.clock.now() + minute);
    expect(await standing(here)).toEqual(both);
    here.machine.pass(minute);
    expect(await standing(here)).toEqual(none);
    here.machine.reboot('second');
    here.machine.setClock(-hour);
    await here.at.crash();
    expect(await standing(here)).toEqual(none);
    expect(here.at.clock.ahead).toBeLessThanOrEqual(hour + minute);
  });

  it('go by the wall clock on a later run of the machine, where that is not behind', async () => {
    const here = await place();
    await here.at.restart(() => {
      here.machine.reboot('second');
      here.machine.pass(59 * minute);
    });
    expect(await standing(here)).toEqual(both);
    await here.at.restart(() => {
      here.machine.reboot('third');
      here.machine.pass(2 * minute);
    });
    expect(await standing(here)).toEqual(none);
  });
});

describe('who looks at the wall clock', () => {
  it('is told where it is not the time of the store', () => {
    const machine = new Machine();
    const clock = new SteadyClock(machine);
    expect(clockWarning(clock)).toBeNull();
    machine.setClock(hour);
    clock.now();
    expect(clockWarning(clock)).toContain('the time of the store is 3600 s behind it');
    machine.setClock(-2 * hour);
    clock.now();
    expect(clockWarning(clock)).toContain('the time of the store is 3600 s ahead of it');
  });
});
