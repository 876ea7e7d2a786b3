import { describe, expect, it } from 'vitest';
import { TargetUnavailable } from '../../src/core/lease.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { Outside } from './outside.ts';

const minute = 60_000;
const hour = 60 * minute;

const down = (): Error => new TargetUnavailable(500, 'the database does not answer');

/** Many leases of a target that does not answer, all of them due. */
async function outage(count = 40): Promise<Outside> {
  const out = await Outside.open();
  for (let n = 0; n < count; n++) await out.issue();
  out.trouble = down;
  await out.time.pass(hour + 1000);
  return out;
}

/** How often ending was tried while so much time passes. */
async function triesIn(out: Outside, milliseconds: number): Promise<number> {
  const before = out.tried.length;
  await out.time.pass(milliseconds);
  return out.tried.length - before;
}

describe('a target that does not answer', () => {
  it('is left alone, longer each time up to a minute, and tried with one lease', async () => {
    const out = await outage();
    // As many as were being ended at the same time found it out.
    expect(out.tried.length).toBeLessThanOrEqual(4 + 1);
    expect(await triesIn(out, 10 * minute)).toBeLessThanOrEqual(25);
    const anHour = await triesIn(out, hour);
    expect(anHour).toBeGreaterThanOrEqual(50);
    expect(anHour).toBeLessThanOrEqual(125);
    expect(out.users.size).toBe(40);
  });

  it('has all that wait for it shown as failing, for the reason that it gave', async () => {
    const out = await outage();
    const { lease_count, leases } = (await out.at.read('sys/leases', { type: 'failing' })).data as {
      lease_count: number;
      leases: readonly { lease_id: string }[];
    };
    expect([lease_count, leases.length]).toEqual([40, 40]);
    for (const lease of leases)
      expect(lease).toMatchObject({ attempts: 0, error: 'the database does not answer', next_attempt: null });
    expect((await out.at.read('sys/leases/count', { type: 'failing' })).data).toMatchObject({ counts: { 'db/': 40 } });
    const untried = leases.find(({ lease_id }) => !out.tried.includes(lease_id))?.lease_id ?? '';
    expect((await out.at.write('sys/leases/lookup', { lease_id: untried })).data).toMatchObject({
      state: 'ending',
      renewable: false,
      error: 'the database does not answer',
    });
    out.trouble = () => null;
    await out.time.pass(2 * minute);
    expect((await out.at.read('sys/leases', { type: 'failing' })).data).toEqual({ lease_count: 0, leases: [] });
  });

  it('makes none of its leases irrevocable: nobody has to look at them when it is back', async () => {
    const out = await outage();
    await out.time.pass(12 * hour);
    expect((await out.at.read('sys/leases', { type: 'irrevocable' })).data).toEqual({ lease_count: 0, leases: [] });
    const record = await out.get(out.tried[0]!);
    expect(record).toMatchObject({ state: 'ending', attempts: 0, lastError: 'the database does not answer' });
    out.trouble = () => null;
    await out.time.pass(2 * minute);
    expect(out.users.size).toBe(0);
    expect([...out.at.medium.entries.keys()].filter((key) => key.startsWith('core/lease/'))).toEqual([]);
  });

  it('shows its leases to a person after a day, with the reason, though they are ended as soon as it answers', async () => {
    const out = await outage(3);
    out.wake();
    await out.time.pass(25 * hour);
    const { data } = await out.at.read('sys/leases', { type: 'irrevocable' });
    expect(data).toMatchObject({ lease_count: 3 });
    const errors = (data!['leases'] as { error: string }[]).map(({ error }) => error);
    expect(errors).toContain('the database does not answer');
    expect((await out.at.read('sys/leases/count', { type: 'irrevocable' })).data).toEqual({
      counts: { 'db/': 3 },
      lease_count: 3,
    });
    expect((await out.at.read('sys/leases', { type: 'irrevocable', limit: '2' })).data).toMatchObject({ lease_count: 2 });
    out.trouble = () => null;
    await out.time.pass(2 * minute);
    expect((await out.at.read('sys/leases', { type: 'irrevocable' })).data).toMatchObject({ lease_count: 0 });
  });

  it('keeps no lease that is to be forgotten by force, however many wait before it', async () => {
    const out = await outage(300);
    for (let n = 0; n < 300; n++) await out.issue({ path: 'db/creds/lost', inside: 'creds/lost' });
    await out.at.write('sys/leases/revoke-force/db/creds/lost');
    out.wake();
    await out.time.pass(10 * minute);
    expect((await out.at.list('sys/leases/lookup/db/creds')).data).toEqual({ keys: ['app/'] });
    expect(out.tried.length).toBeLessThan(60);
  });

  it('keeps no other target waiting', async () => {
    const out = await outage();
    out.trouble = ({ id }) => (id.startsWith('db/creds/other/') ? null : down());
    const other = await out.issue({ target: 'other', path: 'db/creds/other', inside: 'creds/other' });
    await out.time.pass(hour);
    out.wake();
    await out.time.pass(2000);
    expect(out.users.has(other)).toBe(false);
    expect(out.users.size).toBe(40);
  });

  it('is tried at once for whoever revokes a lease, with that one alone, and for all when it answers', async () => {
    const out = await outage();
    const id = [...out.users].at(-1)!;
    await out.at.write('sys/leases/revoke', { lease_id: id });
    const before = out.tried.length;
    const attempt = out.attempt();
    await out.time.pass(0);
    expect(await attempt).toMatchObject({ problem: 'the database does not answer' });
    expect(out.tried.length).toBe(before + 1);
    out.trouble = () => null;
    const again = out.attempt();
    await out.time.pass(1000);
    expect(await again).not.toBeNull();
    await out.time.pass(2000);
    expect(out.users.size).toBe(0);
  });

  it('is one again from the beginning for a process that starts', async () => {
    const out = await outage();
    await out.restart();
    expect(await triesIn(out, 1000)).toBeLessThanOrEqual(4 + 1);
    expect(await triesIn(out, 10 * minute)).toBeLessThanOrEqual(25);
    out.trouble = () => null;
    await out.time.pass(2 * minute);
    expect(out.users.size).toBe(0);
  });

  it('counts its own refusals, which come between: only these make a lease irrevocable', async () => {
    const out = await Outside.open();
    const id = await out.issue();
    let tries = 0;
    // Down every other time.
    out.trouble = () => (++tries % 2 === 0 ? down() : new RequestError(500, 'it owns a table'));
    await out.at.write('sys/leases/revoke', { lease_id: id });
    out.wake();
    await out.time.pass(3 * hour);
    const record = await out.get(id);
    expect(record?.attempts).toBe(6);
    const { leases } = (await out.at.read('sys/leases', { type: 'irrevocable' })).data as { leases: unknown };
    expect(leases).toMatchObject([{ lease_id: id, error: 'it owns a table', attempts: 6, irrevocable: true }]);
    // From then on it is tried once a day.
    expect(await triesIn(out, 24 * hour)).toBeLessThanOrEqual(2);
  });
});
