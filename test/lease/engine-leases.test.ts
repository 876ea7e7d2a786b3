import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestError } from '../../src/protocol/request-error.ts';
import { Outside } from './outside.ts';
import { runs } from './property.ts';

const minute = 60_000;
const hour = 60 * minute;

describe('the leases of an engine', () => {
  it('end when their time has come, with what they stand for', async () => {
    const out = await Outside.open();
    const id = await out.issue();
    out.wake();
    await out.time.pass(hour - 1);
    expect([...out.users]).toEqual([id]);
    expect((await out.at.write('sys/leases/lookup', { lease_id: id })).data).toMatchObject({ ttl: 0, path: 'db/creds/app' });
    await out.time.pass(2);
    expect([...out.users]).toEqual([]);
    expect(out.ended).toEqual([{ id, kind: 'creds', data: { user: 'u' }, pending: false }]);
    expect(await out.get(id)).toBeNull();
    expect([...out.at.medium.entries.keys()].filter((key) => key.startsWith('core/lease/'))).toEqual([]);
  });

  it('that never became active are ended too: a crash came between the intent and its effect', async () => {
    const out = await Outside.open();
    const { id } = await out.begin();
    out.users.add(id);
    await out.restart();
    await out.time.pass(3 * minute);
    expect([...out.users]).toEqual([]);
    expect(out.ended).toMatchObject([{ id, pending: true }]);
    expect(await out.in((leases) => leases.activate(id))).toBeNull();
  });

  it('are renewed up to their latest time, and not once they are ending', async () => {
    const out = await Outside.open();
    const id = await out.issue();
    await out.time.pass(30 * minute);
    expect(await out.at.write('sys/leases/renew', { lease_id: id, increment: 1800 })).toMatchObject({
      leaseId: id,
      renewable: true,
      leaseDuration: 1800,
    });
    expect(await out.at.write('sys/leases/renew', { lease_id: id, increment: '24h' })).toMatchObject({ leaseDuration: 5400 });
    const fixed = await out.issue({ renewable: false });
    await expect(out.at.write('sys/leases/renew', { lease_id: fixed })).rejects.toThrow('lease is not renewable');
    out.trouble = () => new RequestError(500, 'the database is down');
    await out.at.write('sys/leases/revoke', { lease_id: id });
    await expect(out.at.write('sys/leases/renew', { lease_id: id })).rejects.toThrow('lease not found');
    await expect(out.at.write('sys/leases/lookup', { lease_id: id })).rejects.toThrow('invalid lease');
  });

  it('that cannot be ended are tried again, later each time, after a restart too, and counted after six times', async () => {
    const out = await Outside.open();
    const id = await out.issue();
    let tries = 0;
    out.trouble = () => {
      tries++;
      return new RequestError(500, `the database is down ${'x'.repeat(800)}`);
    };
    await out.at.write('sys/leases/revoke', { lease_id: id });
    out.wake();
    await out.time.pass(100);
    expect(tries).toBe(1);
    await out.restart();
    await out.time.pass(4000);
    expect(tries).toBe(1);
    await out.time.pass(60 * minute);
    expect(tries).toBe(6);
    const { leases, lease_count } = (await out.at.read('sys/leases', { type: 'irrevocable' })).data as Record<string, unknown>;
    expect(lease_count).toBe(1);
    expect(leases).toMatchObject([{ lease_id: id, error: `the database is down ${'x'.repeat(459)}` }]);
    expect((await out.at.read('sys/leases/count', { type: 'irrevocable' })).data).toEqual({
      counts: { 'db/': 1 },
      lease_count: 1,
    });
    expect([...out.users]).toEqual([id]);
    out.trouble = () => null;
    await out.time.pass(25 * hour);
    expect([...out.users]).toEqual([]);
    expect((await out.at.read('sys/leases', { type: 'irrevocable' })).data).toMatchObject({ lease_count: 0 });
  });

  it('of a defect show nothing of its text', async () => {
    const out = await Outside.open();
    const id = await out.issue();
    out.trouble = () => new Error('canary-of-the-driver');
    await out.at.write('sys/leases/revoke', { lease_id: id });
    out.wake();
    await out.time.pass(100);
    expect((await out.get(id))?.lastError).toBe('internal error');
  });

  it('are forgotten by force where they cannot be ended', async () => {
    const out = await Outside.open();
    const id = await out.issue();
    out.trouble = () => new RequestError(500, 'no');
    await out.at.write('sys/leases/revoke-force/db/creds');
    out.wake();
    await out.time.pass(1000);
    expect(await out.get(id)).toBeNull();
  });

  it('are not held up by an entry of the index without a lease', async () => {
    const out = await Outside.open();
    const id = await out.issue();
    await out.at.store.transact((tx) =>
      out.at.barrier.view(tx, 'core').putJson(`lease/due/${out.mountId}.server/000000000000001/db/creds/app/gone`, {}),
    );
    out.wake();
    await out.time.pass(2 * hour);
    expect([out.users.has(id), await out.get(id)]).toEqual([false, null]);
    expect([...out.at.medium.entries.keys()].filter((key) => key.startsWith('core/lease/'))).toEqual([]);
  });

  it('end below a path in pieces, and later ones stay', async () => {
    const out = await Outside.open();
    for (let n = 0; n < 450; n++) await out.issue({ path: n % 2 === 0 ? 'db/creds/app' : 'db/creds/apple' });
    expect((await out.at.list('sys/leases/lookup/db/creds')).data?.keys).toEqual(['app/', 'apple/']);
    await out.at.write('sys/leases/revoke-prefix/db/creds/app');
    out.time.time += 1;
    const later = await out.issue();
    out.wake();
    await out.time.pass(minute);
    expect(out.users.size).toBe(226);
    expect(out.users.has(later)).toBe(true);
  });

  it('stand no more from the answer on, which says that what they stand for outside is yet to be ended', async () => {
    const out = await Outside.open();
    const ids: string[] = [];
    for (let n = 0; n < 450; n++) ids.push(await out.issue());
    const apple = await out.issue({ path: 'db/creds/apple' });
    const stands = (lease_id: string): Promise<number> => out.at.status('write', 'sys/leases/lookup', { lease_id });
    const renewed = (lease_id: string): Promise<number> => out.at.status('write', 'sys/leases/renew', { lease_id });
    expect(await out.at.status('write', 'sys/leases/revoke', { lease_id: ids[0]!, sync: true })).toBe(202);
    const reply = await out.at.write('sys/leases/revoke-prefix/db/creds/app', { sync: true });
    expect(reply).toMatchObject({ status: 202, warnings: [expect.stringContaining('yet to be ended')] });
    for (const id of [ids[1]!, ids[449]!]) expect([await stands(id), await renewed(id)]).toEqual([400, 400]);
    expect([await stands(apple), await renewed(apple)]).toEqual([200, 200]);
    out.time.time += 1;
    const later = await out.issue();
    expect(await stands(later)).toBe(200);
    expect(await out.at.status('write', 'sys/leases/revoke-prefix/db/creds/none')).toBe(204);
    out.wake();
    await out.time.pass(minute);
    expect([...out.users].sort()).toEqual([apple, later].sort());
  });

  it('below a path are waited for, and where one cannot be ended its reason is told', async () => {
    const out = await Outside.open();
    for (let n = 0; n < 450; n++) await out.issue();
    const apple = await out.issue({ path: 'db/creds/apple' });
    await out.at.write('sys/leases/revoke-prefix/db/creds/app');
    const revoked = { prefix: 'db/creds/app', until: out.time.time };
    out.time.time += 1;
    const later = await out.issue();
    expect(await out.endNow(revoked, minute)).toBe('ended');
    expect([...out.users].sort()).toEqual([apple, later].sort());

    out.trouble = () => new RequestError(400, 'it owns a table');
    await out.at.write('sys/leases/revoke-prefix/db/creds');
    expect(await out.endNow({ prefix: 'db/creds', until: out.time.time }, minute)).toEqual({ problem: 'it owns a table' });
    expect(out.users.size).toBe(2);
  });

  it('end with their token', async () => {
    const out = await Outside.open();
    const { client_token: token } = (await out.at.write('auth/token/create', { ttl: '1h', policies: ['default'] })).auth!;
    const [tokenKey] = [...out.at.medium.entries.keys()].filter((key) => key.startsWith('core/token/by-mount/created/'));
    const tokenId = tokenKey!.split('/').at(-1)!;
    const mine = await out.issue({ tokenId });
    const other = await out.issue();
    await out.at.write('auth/token/revoke', { token });
    out.wake();
    await out.time.pass(1000);
    expect([out.users.has(mine), out.users.has(other)]).toEqual([false, true]);
  });

  it('whose mount is gone wait for a person', async () => {
    const out = await Outside.open();
    const id = await out.issue();
    await out.at.delete('sys/mounts/db');
    await out.time.pass(2 * hour);
    expect((await out.get(id))?.lastError).toBe('its mount is gone');
  });

  it('never end early and always end, whatever crashes and fails', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('issue' as const), ttl: fc.integer({ min: 60, max: 1200 }), crash: fc.boolean() }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.nat({ max: 900 }) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('trouble' as const), on: fc.boolean() }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const out = await Outside.open();
        const ends = new Map<string, number>();
        for (const each of steps) {
          if (each.do === 'issue') {
            const { id } = await out.begin({ ttl: each.ttl, path: 'db/creds/r' });
            out.users.add(id);
            // A crash may come before it is confirmed.
            if (each.crash) ends.set(id, 0);
            else {
              await out.in((leases) => leases.activate(id));
              ends.set(id, out.time.now() + each.ttl * 1000);
            }
          } else if (each.do === 'wait') await out.time.pass(each.seconds * 1000);
          else if (each.do === 'restart') await out.restart();
          else if (each.do === 'trouble') out.trouble = () => (each.on ? new RequestError(500, 'down') : null);
          else {
            const ids = [...ends.keys()];
            const id = ids[each.which % ids.length];
            if (id === undefined) continue;
            await out.at.write('sys/leases/revoke', { lease_id: id });
            ends.set(id, 0);
          }
          for (const [id, end] of ends) if (end > out.time.now()) expect(out.users.has(id)).toBe(true);
        }
        out.trouble = () => null;
        out.wake();
        await out.time.pass(30 * hour);
        expect([...out.users]).toEqual([]);
        expect([...out.at.medium.entries.keys()].filter((key) => key.startsWith('core/lease/'))).toEqual([]);
      }),
      runs(12, 500),
    );
  });
});
