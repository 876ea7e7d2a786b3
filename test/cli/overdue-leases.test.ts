import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../databases/postgres-server.ts';
import { emptyWorkspace, type Workspace } from './workspace.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

async function place(ttl: string): Promise<Workspace> {
  const w = await emptyWorkspace();
  await w.ok('secrets enable database');
  await w.ok([
    'write',
    'database/config/main',
    'plugin_name=postgresql-database-plugin',
    `connection_url=${server.url()}`,
    'username=postgres',
    `password=${server.password}`,
    'allowed_roles=*',
  ]);
  const creation = `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`;
  await w.ok(['write', 'database/roles/app', 'db_name=main', `creation_statements=${creation}`, `default_ttl=${ttl}`]);
  return w;
}

async function lease(w: Workspace): Promise<string> {
  return (await w.json<{ lease_id: string }>('read -format=json database/creds/app')).lease_id;
}

describe('a command that runs beside no server', () => {
  it('ends what is due, and says nothing of it', async () => {
    const w = await place('1s');
    await lease(w);
    let outcome;
    do outcome = await w.run('secrets list');
    while ((await server.users()).length > 0);
    expect(outcome).toMatchObject({ code: 0, err: '' });
  });

  it('has a lease ended before it says that it is, or says why it is not', async () => {
    const w = await place('1h');
    const [first, second] = [await lease(w), await lease(w)];
    expect(await w.run(`lease revoke -sync ${first}`)).toMatchObject({
      code: 0,
      out: 'Success! The lease is revoked.\n',
      err: '',
    });
    expect((await server.users()).length).toBe(1);
    await server.kill();
    const refused = await w.run(`lease revoke -sync ${second}`);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('it is not ended yet, and tried again: ');
    await server.run();
    expect(await w.run(`lease revoke ${second}`)).toMatchObject({ code: 0, out: 'Success! The lease is revoked.\n', err: '' });
    expect(await server.users()).toEqual([]);
  });

  it('works for two seconds at most on what does not answer, and warns of what is left', async () => {
    const w = await place('1h');
    const [first, second] = [await lease(w), await lease(w)];
    server.pause();
    try {
      const outcome = await w.run(`lease revoke ${first}`);
      expect(outcome).toMatchObject({ code: 0, out: 'Success! The revocation of the lease is queued.\n' });
      expect(outcome.err).toContain(`Warning: A lease has ended, and what was made for it is still there (${first}`);
      await w.ok('lease revoke -prefix -auto-approve database');
      const { err } = await w.run('secrets list');
      expect(err).toContain('Warning: 2 leases have ended, and what was made for them is still there (');
      expect(err).toContain('Each command goes on with it for two seconds, a server until it is done.');
    } finally {
      server.resume();
    }
    for (const id of [first, second]) await w.ok(`lease revoke ${id}`);
    expect(await server.users()).toEqual([]);
    expect((await w.run('secrets list')).err).toBe('');
  });

  it('says which password could not be changed and why, and how many leases failed', async () => {
    const w = await place('1h');
    const first = await lease(w);
    await server.query(`CREATE ROLE batch LOGIN PASSWORD 'first'`);
    await w.ok('write database/static-roles/batch db_name=main username=batch rotation_period=1d');
    await server.kill();
    const rotated = await w.run('write -force database/rotate-role/batch');
    expect(rotated.err).toMatch(
      /^Warning: A background task fails \(mount-jobs: database\/ \(passwords of the connection "main"\): .*ECONNREFUSED/m,
    );
    expect(rotated.err).not.toContain('expired tokens');
    const revoked = await w.run(`lease revoke ${first}`);
    expect(revoked.err).toMatch(
      /^Warning: A lease has ended, .*ECONNREFUSED.*Ending it has failed: secretctl lease list -failing\./m,
    );
    await server.run();
    await w.ok(`lease revoke ${first}`);
    await server.query('DROP ROLE batch');
  });
});
