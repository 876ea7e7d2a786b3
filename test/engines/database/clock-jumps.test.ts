import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Machine } from '../../base/machine.ts';
import { mountedPostgres, userCreation } from '../../databases/mounted-postgres.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import { world, type World } from '../../world.ts';

const minute = 60_000;
const hour = 60 * minute;
const jumps = [hour, -hour];

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

async function place(): Promise<{ readonly at: World; readonly machine: Machine }> {
  // The database goes by its own clock.
  const machine = new Machine(Date.now());
  const at = await mountedPostgres(server, { at: await world({ machine }) });
  await at.write('database/roles/app', {
    db_name: 'main',
    creation_statements: userCreation,
    default_ttl: '1h',
    max_ttl: '4h',
  });
  return { at, machine };
}

interface Credential {
  readonly leaseId: string;
  readonly username: string;
  readonly password: string;
}

async function credential(at: World): Promise<Credential> {
  const { data, leaseId = '' } = await at.read('database/creds/app');
  return { leaseId, ...(data as { username: string; password: string }) };
}

const logsIn = async ({ username, password }: Credential): Promise<boolean> =>
  server.query('SELECT 1', { user: username, password }).then(
    () => true,
    () => false,
  );

async function settled(at: World): Promise<readonly string[]> {
  expect(await at.system.tidy(at.clock.now() + 10_000)).toBe(true);
  return server.users();
}

describe('a user of a database where the clock of the machine is set', () => {
  it.each(jumps)('by %i ms lives its hour and no longer, and what is renewed or new works', async (by) => {
    const { at, machine } = await place();
    const first = await credential(at);
    machine.pass(10 * minute);
    machine.setClock(by);
    expect(await settled(at)).toEqual([first.username]);
    const second = await credential(at);
    expect([await logsIn(first), await logsIn(second)]).toEqual([true, true]);
    expect(await at.write('sys/leases/renew', { lease_id: second.leaseId, increment: '2h' })).toMatchObject({
      leaseDuration: 7200,
    });
    expect(await logsIn(second)).toBe(true);
    machine.pass(51 * minute);
    expect(await settled(at)).toEqual([second.username]);
    machine.pass(2 * hour);
    expect(await settled(at)).toEqual([]);
    await at.system.close();
  });

  it.each(jumps)('by %i ms while nothing runs: the same', async (by) => {
    const { at, machine } = await place();
    const first = await credential(at);
    await at.restart(() => {
      machine.pass(30 * minute);
      machine.setClock(by);
    });
    expect(await settled(at)).toEqual([first.username]);
    const second = await credential(at);
    expect([await logsIn(first), await logsIn(second)]).toEqual([true, true]);
    machine.pass(31 * minute);
    expect(await settled(at)).toEqual([second.username]);
    await at.crash();
    machine.pass(30 * minute);
    expect(await settled(at)).toEqual([]);
    await at.system.close();
  });

  it('is given to the database with the later of the two times, which ends nobody early', async () => {
    const { at, machine } = await place();
    const until = async ({ username }: Credential): Promise<number> => {
      const text = 'SELECT extract(epoch FROM rolvaliduntil) AS until FROM pg_roles WHERE rolname = $1';
      const [row] = await server.query<{ until: string }>(text, { values: [username] });
      return Math.round(Number(row?.until) * 1000);
    };
    const about = (time: number): number => expect.closeTo(time + 5000, -4) as number;
    const start = at.clock.now();
    expect(await until(await credential(at))).toEqual(about(start + hour));
    machine.setClock(3 * hour);
    expect(await until(await credential(at))).toEqual(about(start + 4 * hour));
    machine.setClock(-6 * hour);
    expect(await until(await credential(at))).toEqual(about(start + hour));
    await at.write('sys/leases/revoke-prefix/database');
    expect(await settled(at)).toEqual([]);
    await at.system.close();
  });
});
