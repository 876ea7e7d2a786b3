import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { emptyWorkspace } from '../../cli/workspace.ts';
import { world, type World } from '../../world.ts';

/** A mount with a connection to a database that nobody asks. */
async function place(): Promise<World> {
  const at = await world({ time: Date.UTC(2026, 10, 25, 12) });
  await at.write('sys/mounts/database', { type: 'database' });
  for (const name of ['main', 'other']) {
    await at.write(`database/config/${name}`, {
      plugin_name: 'postgresql-database-plugin',
      connection_url: 'postgresql://{{username}}:{{password}}@127.0.0.1:1/postgres',
      username: 'postgres',
      password: 'secret',
      allowed_roles: 'app,app-*',
      verify_connection: false,
    });
  }
  return at;
}

const role: JsonObject = { db_name: 'main', username: 'app_user', rotation_period: '1h', skip_import_rotation: true };

/** The refusal of a write of a static role that does not exist yet. */
async function refusal(at: World, fields: JsonObject, name = 'app'): Promise<string> {
  return at.write(`database/static-roles/${name}`, { ...role, ...fields }).then(
    () => '',
    (error: unknown) => (error as Error).message,
  );
}

describe('a static role', () => {
  it('is read as it was written, with the times of its rotation', async () => {
    const at = await place();
    await at.write('database/static-roles/app', {
      ...role,
      rotation_statements: [`ALTER ROLE "{{name}}" PASSWORD '{{password}}'`],
      credential_config: { password_policy: 'long' },
    });
    const settings = {
      db_name: 'main',
      username: 'app_user',
      rotation_period: 3600,
      rotation_statements: [`ALTER ROLE "{{name}}" PASSWORD '{{password}}'`],
      skip_import_rotation: true,
      self_managed: false,
      credential_type: 'password',
      credential_config: { password_policy: 'long' },
    };
    expect((await at.read('database/static-roles/app')).data).toEqual({
      ...settings,
      next_vault_rotation: '2026-11-25T13:00:00Z',
      rotation: { state: 'idle', last_error: null },
    });
    expect((await at.read('database/static-roles/app/config')).data).toEqual(settings);
    expect((await at.list('database/static-roles')).data).toEqual({ keys: ['app'] });
    await at.delete('database/static-roles/app');
    expect(await at.status('read', 'database/static-roles/app')).toBe(404);
    expect([...at.medium.entries.keys()].filter((key) => /static|due\//.test(key))).toEqual([]);
    await at.system.close();
  });

  it('may have a cron line with a zone and a window in place of a period, and change to it and back', async () => {
    const at = await place();
    await at.write('database/static-roles/app', role);
    await at.write('database/static-roles/app', {
      rotation_schedule: '0 3 * * SAT',
      rotation_window: '2h',
      rotation_timezone: 'Europe/Berlin',
    });
    const { data } = await at.read('database/static-roles/app');
    expect(data).toMatchObject({
      rotation_schedule: '0 3 * * SAT',
      rotation_window: 7200,
      rotation_timezone: 'Europe/Berlin',
      next_vault_rotation: '2026-11-28T02:00:00Z',
    });
    expect(data).not.toHaveProperty('rotation_period');
    await at.write('database/static-roles/app', { rotation_period: 60 });
    expect((await at.read('database/static-roles/app')).data).toMatchObject({
      rotation_period: 60,
      next_vault_rotation: '2026-11-25T12:01:00Z',
    });
    await at.system.close();
  });

  it.each<[string, JsonObject, string]>([
    [
      'both a period and a schedule',
      { rotation_schedule: '0 3 * * *' },
      'mutually exclusive fields rotation_period and rotation_schedule',
    ],
    ['neither', { rotation_period: null }, 'one of rotation_schedule or rotation_period must be provided'],
    ['too short a period', { rotation_period: 4 }, 'rotation_period must be 5 seconds or more'],
    ['a window with a period', { rotation_window: 3600 }, 'rotation_window is invalid with use of rotation_period'],
    [
      'too short a window',
      { rotation_period: null, rotation_schedule: '0 3 * * *', rotation_window: 60 },
      'rotation_window must be 3600 seconds or more',
    ],
    [
      'no cron line',
      { rotation_period: null, rotation_schedule: 'soon' },
      'could not parse rotation_schedule: "soon" is no cron line',
    ],
    [
      'no zone',
      { rotation_period: null, rotation_schedule: '0 3 * * *', rotation_timezone: 'Mars' },
      'could not parse rotation_schedule: "Mars" is no time zone',
    ],
    ['no connection', { db_name: 'none' }, 'failed to find entry for connection with name: "none"'],
    ['no user', { username: '' }, 'username is a required field to create a static account'],
    ['the user of the connection', { username: 'postgres' }, 'rotate-root/main'],
    ['another kind of credential', { credential_type: 'rsa_private_key' }, 'only "password" is offered'],
    ['another setting of the credential', { credential_config: { key_bits: '2048' } }, 'credential_config has no "key_bits"'],
    ['no present password where the user changes its own', { self_managed: true }, 'its present one must be sent'],
  ])('is refused with %s', async (_, fields, message) => {
    const at = await place();
    expect(await refusal(at, fields)).toContain(message);
    expect(await at.status('read', 'database/static-roles/app')).toBe(404);
    await at.system.close();
  });

  it('keeps its user, has it alone, and shares its name with no other role', async () => {
    const at = await place();
    await at.write('database/static-roles/app', role);
    expect(await refusal(at, { username: 'other' })).toBe('cannot update static account username');
    expect(await refusal(at, {}, 'app-two')).toBe('the password of "app_user" is changed by the static role "app" already');
    expect(await refusal(at, { username: 'x' }, 'web')).toContain('"web" is not an allowed role of the connection "main"');
    expect(await at.status('write', 'database/roles/app', { db_name: 'main' })).toBe(400);
    await at.write('database/roles/app-three', { db_name: 'main' });
    expect(await refusal(at, { username: 'x' }, 'app-three')).toBe('Role and Static Role names must be unique');
    await at.write('database/static-roles/app', { db_name: 'other' });
    expect(await refusal(at, {}, 'app-two')).toBe('');
    await at.system.close();
  });
});

describe('the document of a role', () => {
  const kinds = ['DatabaseRole', 'DatabaseStaticRole'] as const;
  const common = `apiVersion: secretctl/v1
kind: SecretEngine
metadata: { name: database }
spec: { type: database }
---
apiVersion: secretctl/v1
kind: DatabaseConnection
metadata: { name: main }
spec:
  engine: database
  plugin: postgresql
  connectionUrl: postgresql://{{username}}:{{password}}@127.0.0.1:1/postgres
  username: postgres
  password: { generate: { length: 20 } }
  allowedRoles: ['*']
  verify: false
`;
  const specs = {
    DatabaseRole: `creationStatements: ["CREATE ROLE \\"{{name}}\\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"]`,
    DatabaseStaticRole: 'username: app_user, rotationPeriod: 1h, skipImportRotation: true',
  };
  const documents = (...of: readonly (typeof kinds)[number][]): string =>
    [
      common,
      ...of.map(
        (kind) =>
          `apiVersion: secretctl/v1\nkind: ${kind}\nmetadata: { name: app }\nspec: { engine: database, connection: main, ${specs[kind]} }\n`,
      ),
    ].join('---\n');

  it('becomes one of the other kind under the same name, in one apply', async () => {
    const w = await emptyWorkspace();
    for (const kind of [...kinds, kinds[0]]) {
      w.write('all.yaml', documents(kind));
      await w.ok('apply -auto-approve');
      expect(await w.ok('plan')).toContain('No changes');
    }
    w.write('all.yaml', documents(...kinds));
    const { code, err } = await w.run('apply -auto-approve');
    expect([code, err]).toEqual([1, expect.stringContaining('Role and Static Role names must be unique')]);
  });

  it('gets another name and keeps its user, in one apply, but no two have that user', async () => {
    const w = await emptyWorkspace();
    const named = (...names: readonly string[]): string =>
      [
        common,
        ...names.map((name) =>
          documents('DatabaseStaticRole')
            .slice(common.length + 4)
            .replace('app }', `${name} }`),
        ),
      ].join('---\n');
    for (const name of ['app', 'reporting', 'app']) {
      w.write('all.yaml', named(name));
      await w.ok('apply -auto-approve');
      expect(await w.ok('plan')).toContain('No changes');
      expect(await w.json('list -format=json database/static-roles')).toMatchObject({ data: { keys: [name] } });
    }
    w.write('all.yaml', named('app', 'reporting'));
    const { code, err } = await w.run('apply -auto-approve');
    expect([code, err]).toEqual([1, expect.stringContaining('is changed by the static role "app" already')]);
  });
});
