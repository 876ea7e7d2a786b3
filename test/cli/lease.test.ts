import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../databases/postgres-server.ts';
import { emptyWorkspace, type Workspace } from './workspace.ts';

let server: PostgresServer;
let w: Workspace;
beforeAll(async () => {
  server = await PostgresServer.start();
  w = await emptyWorkspace();
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
  for (const role of ['app', 'web'])
    await w.ok(['write', `database/roles/${role}`, 'db_name=main', `creation_statements=${creation}`, 'default_ttl=1h']);
});
afterAll(() => server.stop());

async function lease(role = 'app'): Promise<string> {
  return (await w.json<{ lease_id: string }>(`read -format=json database/creds/${role}`)).lease_id;
}

describe('secretctl lease', () => {
  it('lists what lies below a prefix, folder by folder, and says with 2 that there is nothing', async () => {
    const [app, web] = [await lease(), await lease('web')];
    expect(await w.json('lease list -json database/creds')).toEqual(['app/', 'web/']);
    expect(await w.ok('lease list database/creds/app/')).toMatch(/^Keys\n----\n\w{24}\n$/);
    expect(await w.json('lease list -json')).toContain('database/');
    expect(await w.run('lease list database/creds/none')).toMatchObject({
      code: 2,
      out: '',
      err: 'There are no leases below database/creds/none/.\n',
    });
    for (const id of [app, web]) await w.ok(`lease revoke ${id}`);
  });

  it('shows, prolongs and ends a lease, with its user', async () => {
    const id = await lease();
    expect(await w.json(`lease lookup -json ${id}`)).toMatchObject({ data: { id, path: 'database/creds/app', renewable: true } });
    expect(await w.ok(`lease renew -increment=30m ${id}`)).toMatch(/lease_duration +30m\n/);
    expect(await w.json(`lease renew -json -increment=20m ${id}`)).toMatchObject({ lease_id: id, lease_duration: 1200 });
    expect(await w.run(`lease revoke ${id}`)).toMatchObject({ code: 0, out: 'Success! The lease is revoked.\n', err: '' });
    expect(await server.users()).toEqual([]);
    for (const command of ['lookup', 'renew']) expect((await w.run(`lease ${command} ${id}`)).code).toBe(1);
    expect(await w.run(`lease revoke ${id}`)).toMatchObject({
      code: 0,
      out: `There is no lease ${id}: it has ended already, or there never was one.\n`,
    });
  });

  it('takes a path with leases below it for no lease, and says how to end them', async () => {
    const id = await lease();
    const { code, err } = await w.run('lease revoke database/creds/app');
    expect([code, err]).toEqual([1, expect.stringContaining('secretctl lease revoke -prefix database/creds/app')]);
    expect(await server.users()).toHaveLength(1);
    await w.ok(`lease revoke ${id}`);
  });

  it('asks before it ends all below a prefix, and more clearly before it forgets them', async () => {
    await lease();
    await lease();
    const other = await lease('web');
    expect((await w.run('lease revoke -prefix database/creds/app')).err).toContain('Give -auto-approve.');
    const declined = await w.run('lease revoke -prefix database/creds/app', { answers: ['y'] });
    expect(declined).toMatchObject({ code: 1, asked: [expect.stringContaining('every lease below database/creds/app/?')] });
    expect((await server.users()).length).toBe(3);
    const forced = await w.run('lease revoke -prefix -force database/creds/app', { answers: ['no'] });
    expect(forced.asked[0]).toContain('forget those that can’t be ended? What they gave may go on working.');
    expect((await w.run('lease revoke -prefix database/creds/app/', { answers: ['yes'] })).code).toBe(0);
    expect((await server.users()).length).toBe(1);
    await w.ok('lease revoke -prefix -auto-approve database');
    expect(await server.users()).toEqual([]);
    expect((await w.run(`lease lookup ${other}`)).code).toBe(1);
    expect((await w.run('lease revoke -force database')).err).toContain('-force needs -prefix');
    expect(await w.ok('lease revoke -prefix -auto-approve database')).toBe('There are no leases below database/.\n');
  });

  it('counts by mount, and forgets by force what can’t be ended', async () => {
    await w.ok([
      'write',
      'database/roles/stuck',
      'db_name=main',
      `creation_statements=CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}'`,
      'revocation_statements=SELECT no_such_function()',
    ]);
    expect(await w.json('lease count -json')).toEqual({ counts: {}, lease_count: 0 });
    const id = await lease('stuck');
    await w.ok('token create -policy=default -ttl=1h');
    expect(await w.json('lease count -json')).toEqual({ counts: { 'auth/token/': 1, 'database/': 1 }, lease_count: 2 });
    expect(await w.ok('lease count')).toBe(
      'Mount          Leases\n-----          ------\nauth/token/    1\ndatabase/      1\n(all)          2\n',
    );
    const refused = await w.run(`lease revoke -sync ${id}`);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('no_such_function') as string });
    // Each call tries it once; after six it is for a person.
    for (let tries = 0; tries < 6; tries++) await w.run(`lease revoke ${id}`);
    expect(await w.json('lease count -json -irrevocable')).toEqual({ counts: { 'database/': 1 }, lease_count: 1 });
    const [irrevocable] = await w.json<{ lease_id: string; error: string }[]>('lease list -json -irrevocable');
    expect(irrevocable).toMatchObject({
      lease_id: id,
      error: expect.stringContaining('no_such_function') as string,
      attempts: 7,
    });
    expect(await w.ok('lease list -irrevocable database')).toContain(id);
    expect((await w.run('lease list -irrevocable database/creds/app')).code).toBe(2);
    await w.ok('lease revoke -prefix -force -auto-approve database');
    expect((await w.run('lease list -irrevocable')).code).toBe(2);
    expect(await w.json('lease count -json')).toMatchObject({ counts: { 'auth/token/': 1 } });
    for (const user of await server.users()) await server.removeUser(user);
  });

  it('shows a lease whose user could not be removed, with the reason and the next try, until it is gone', async () => {
    const creation = `creation_statements=CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}'`;
    await w.ok(['write', 'database/roles/stays', 'db_name=main', creation, 'revocation_statements=SELECT no_such_function()']);
    const id = await lease('stays');
    expect((await w.run('lease list -failing')).code).toBe(2);
    await w.ok(`lease revoke ${id}`);
    expect(await w.ok('lease list -failing database/creds/stays')).toMatch(
      new RegExp(
        `^Lease +Left +Tries +Next try +Reason\n-+ +-+ +-+ +-+ +-+\n${id} +user "v-[^"]+" of the connection "main" +1 +\\d{4}-.*no_such_function.*\n$`,
      ),
    );
    const shown = await w.ok(`lease lookup ${id}`);
    expect(shown).toMatch(/^state +ending$/m);
    expect(shown).toMatch(/^attempts +1$/m);
    expect(shown).toMatch(/^error .*no_such_function/m);
    expect(await w.json('lease count -json')).toMatchObject({ counts: { 'database/': 1 } });
    await w.ok('lease revoke -prefix -force -auto-approve database/creds/stays');
    expect((await w.run('lease list -failing')).code).toBe(2);
    expect((await w.run(`lease lookup ${id}`)).err).toContain('invalid lease');
    for (const user of await server.users()) await server.removeUser(user);
  });

  it('is told by read, before the data that comes with it', async () => {
    const shown = await w.ok('read database/creds/app');
    expect(shown).toMatch(
      /^Key +Value\n--- +-----\nlease_id +(database\/creds\/app\/\w{24})\nlease_duration +1h\nlease_renewable +true\npassword /,
    );
    expect(await w.ok('read -field=lease_id database/creds/app')).toMatch(/^database\/creds\/app\/\w{24}$/);
    await w.ok('lease revoke -prefix -auto-approve database');
    await w.ok(`lease revoke ${/lease_id +(\S+)/.exec(shown)?.[1] ?? ''}`);
  });

  it('has what is past its time looked for', async () => {
    const { code, out, err } = await w.run('lease tidy');
    expect({ code, out, err }).toEqual({
      code: 0,
      out: expect.stringContaining('what could not be ended is tried again') as string,
      err: '',
    });
    expect(await w.json('lease tidy -json')).toEqual({});
  });
});
