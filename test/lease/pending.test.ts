import { describe, expect, it } from 'vitest';
import { RequestError } from '../../src/protocol/request-error.ts';
import { Outside } from './outside.ts';

const minute = 60_000;

const leaseKeys = (out: Outside): readonly string[] =>
  [...out.at.medium.entries.keys()].filter((key) => key.startsWith('core/lease/'));

describe('a lease whose making was begun', () => {
  it('is left alone while its process may still make it, and ended when that takes too long', async () => {
    const out = await Outside.open();
    const { id } = await out.begin();
    out.users.add(id);
    await out.time.pass(minute);
    expect(out.tried).toEqual([]);
    await out.time.pass(5 * minute + 1000);
    expect(out.ended).toMatchObject([{ id, pending: true }]);
    expect(leaseKeys(out)).toEqual([]);
  });

  it('is ended at once by the next process, whether what it stands for was made or not', async () => {
    const out = await Outside.open();
    const [made, not] = [await out.begin(), await out.begin()];
    out.users.add(made.id);
    await out.restart();
    const ours = await out.begin();
    await out.time.pass(1000);
    expect(out.tried.toSorted()).toEqual([made.id, not.id].toSorted());
    expect(out.users.size).toBe(0);
    // That of the present process is none of these.
    expect(await out.in((leases) => leases.activate(ours.id))).toMatchObject({ state: 'active' });
  });

  it('is told from one that is confirmed, also when it could not be ended for a while', async () => {
    const out = await Outside.open();
    const { id } = await out.begin();
    const confirmed = await out.issue();
    out.trouble = () => new RequestError(500, 'no');
    await out.restart();
    await out.at.write('sys/leases/revoke', { lease_id: confirmed });
    out.wake();
    await out.time.pass(1000);
    await out.restart();
    out.trouble = () => null;
    await out.time.pass(10 * minute);
    expect(new Map(out.ended.map((lease) => [lease.id, lease.pending]))).toEqual(
      new Map([
        [id, true],
        [confirmed, false],
      ]),
    );
  });

  it('is not shown, renewed or given away, and ends with its token like any other', async () => {
    const out = await Outside.open();
    const { id } = await out.begin({ tokenId: 'token' });
    expect(await out.at.status('write', 'sys/leases/lookup', { lease_id: id })).toBe(400);
    expect(await out.at.status('write', 'sys/leases/renew', { lease_id: id })).toBe(400);
    await out.at.write('sys/leases/revoke-prefix/db');
    out.wake();
    await out.time.pass(1000);
    expect(await out.in((leases) => leases.activate(id))).toBeNull();
    expect(leaseKeys(out)).toEqual([]);
  });

  it('after many crashes leaves nothing, however many were left', async () => {
    const out = await Outside.open();
    for (let process = 0; process < 4; process++) {
      for (let n = 0; n < 120; n++) out.users.add((await out.begin({ target: `t${n % 3}` })).id);
      await out.restart();
    }
    await out.time.pass(minute);
    expect(out.users.size).toBe(0);
    expect(leaseKeys(out)).toEqual([]);
  });
});
