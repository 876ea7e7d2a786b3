import { describe, expect, it } from 'vitest';
import { TargetUnavailable } from '../../src/core/lease.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { Outside } from './outside.ts';

const minute = 60_000;
const hour = 60 * minute;

const keysOf = (out: Outside): readonly string[] => [...out.at.medium.entries.keys()].filter((key) => key.includes(out.mountId));
const isDeleting = (out: Outside): boolean => out.at.medium.entries.has(`core/deleting-mounts/${out.mountId}`);

describe('a mount that is disabled while leases of it stand', () => {
  it('ends all of them, and what it held is shredded when the last is gone', async () => {
    const out = await Outside.open('database');
    for (let n = 0; n < 450; n++) await out.issue({ target: n % 2 === 0 ? 'one' : 'two' });
    await out.at.write('db/config/kept', {
      plugin_name: 'postgresql-database-plugin',
      connection_url: 'postgresql://localhost/x',
      verify_connection: false,
    });
    expect(keysOf(out).filter((key) => key.includes('kept')).length).toBeGreaterThan(0);
    await out.at.delete('sys/mounts/db');
    out.wake();
    expect(await out.at.status('read', 'db/config/kept')).toBe(404);
    await out.time.pass(minute);
    expect(out.users.size).toBe(0);
    expect(isDeleting(out)).toBe(false);
    await out.at.system.tidy(out.time.now() + 10_000);
    expect(keysOf(out).filter((key) => !key.includes('shredded'))).toEqual([]);
  });

  it('stays while what they stand for can’t be ended, over restarts, and goes when it can', async () => {
    const out = await Outside.open('database');
    const id = await out.issue();
    out.trouble = () => new TargetUnavailable(500, 'down');
    await out.at.delete('sys/mounts/db');
    out.wake();
    await out.time.pass(hour);
    await out.restart();
    await out.time.pass(hour);
    expect([[...out.users], isDeleting(out)]).toEqual([[id], true]);
    for (const type of ['all', 'failing'])
      expect((await out.at.read('sys/leases/count', { type })).data).toMatchObject({ counts: { 'db/ (disabled)': 1 } });
    // Its place is free meanwhile, and what is mounted there is another mount.
    await out.at.write('sys/mounts/db', { type: 'kv' });
    expect((await out.at.read('sys/mounts/db')).data?.['uuid']).not.toBe(out.mountId);
    out.trouble = () => null;
    await out.time.pass(10 * minute);
    expect([[...out.users], isDeleting(out)]).toEqual([[], false]);
    expect(await out.at.status('read', 'sys/mounts/db')).toBe(200);
  });

  it('goes when those that can’t be ended are forgotten by force', async () => {
    const out = await Outside.open('database');
    await out.issue();
    out.trouble = () => new RequestError(500, 'never');
    await out.at.delete('sys/mounts/db');
    out.wake();
    await out.time.pass(hour);
    expect(isDeleting(out)).toBe(true);
    await out.at.write('sys/leases/revoke-force/db');
    out.wake();
    await out.time.pass(minute);
    expect(isDeleting(out)).toBe(false);
    expect([...out.at.medium.entries.keys()].filter((key) => key.startsWith('core/lease/'))).toEqual([]);
  });

  it('waits for what is just being made there', async () => {
    const out = await Outside.open('database');
    const { id } = await out.begin();
    out.users.add(id);
    await out.at.delete('sys/mounts/db');
    out.wake();
    await out.time.pass(minute);
    expect(await out.in((leases) => leases.activate(id))).toBeNull();
    expect(out.users.size).toBe(0);
    expect(isDeleting(out)).toBe(false);
  });
});
