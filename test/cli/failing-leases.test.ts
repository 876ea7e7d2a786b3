import { afterAll, beforeAll, expect, it } from 'vitest';
import { PostgresServer } from '../databases/postgres-server.ts';
import { serve } from './serving.ts';
import { emptyWorkspace, type Workspace } from './workspace.ts';

let server: PostgresServer;
let w: Workspace;
beforeAll(async () => {
  server = await PostgresServer.start();
  w = await emptyWorkspace();
});
afterAll(() => server.stop());

it('a user who cannot be removed is told by the log once, by status and by the list of leases, until it is gone', async () => {
  const served = await serve(w);
  await w.ok('secrets enable database');
  const connection = [`connection_url=${server.url()}`, 'username=postgres', `password=${server.password}`, 'allowed_roles=*'];
  await w.ok(['write', 'database/config/main', 'plugin_name=postgresql-database-plugin', ...connection]);
  const creation = `creation_statements=CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}'`;
  await w.ok(['write', 'database/roles/app', 'db_name=main', creation, 'revocation_statements=SELECT no_such_function()']);
  const ids: string[] = [];
  for (let n = 0; n < 2; n++) ids.push((await w.json<{ lease_id: string }>('read -format=json database/creds/app')).lease_id);
  for (const id of ids) await w.run(`lease revoke -sync ${id}`);

  const about = (message: string) =>
    served
      .log()
      .split('\n')
      .filter((line) => line.includes(message));
  expect(about('a background task fails')).toEqual([
    expect.stringMatching(/lease-expiry.*leases of database\/.*no_such_function/) as string,
  ]);
  const status = await w.ok('status');
  expect(status).toMatch(/^lease-expiry +\d+ +1 /m);
  expect(status).toMatch(
    /== What fails ==\n.*\n.*\nlease-expiry +leases of database\/ \(connection "main"\) +\d{4}-\S+ +user "v-.*no_such_function/,
  );
  expect(status).toMatch(/== Leases that could not be ended ==\nMount +Leases\n.*\ndatabase\/ +2\n.*lease list -failing\n/);
  expect((await w.json<{ lease_id: string }[]>('lease list -failing -json')).map(({ lease_id }) => lease_id).toSorted()).toEqual(
    ids.toSorted(),
  );

  await w.ok('lease revoke -prefix -force -auto-approve database');
  await expect.poll(async () => w.ok('status'), { timeout: 20_000 }).not.toMatch(/What fails|could not be ended/);
  await expect.poll(() => about('a background task works again'), { timeout: 20_000 }).toHaveLength(1);
  expect(about('a background task fails')).toHaveLength(1);
  await served.stop();
});
