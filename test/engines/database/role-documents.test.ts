import { beforeEach, describe, expect, it } from 'vitest';
import { emptyWorkspace, type Workspace } from '../../cli/workspace.ts';

const documents = `apiVersion: secretctl/v1
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
  connectionUrl: postgresql://{{username}}:{{password}}@db/app
  username: postgres
  allowedRoles: [reader, batch]
---
apiVersion: secretctl/v1
kind: DatabaseRole
metadata: { name: reader }
spec:
  engine: database
  connection: main
  creationStatements:
    - CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'
    - GRANT pg_read_all_data TO "{{name}}"
---
apiVersion: secretctl/v1
kind: DatabaseStaticRole
metadata: { name: batch }
spec:
  engine: database
  connection: main
  username: batch
  rotationPeriod: 30d
`;

let at: Workspace;
beforeEach(async () => {
  at = await emptyWorkspace();
  at.write('database.yaml', documents);
});

describe('a role whose connection does not allow it', () => {
  const refused = `error[KIND001]: "reader" is not an allowed role of the connection "main"
   ┌─ database.yaml:21:15
21 │   connection: main
   │               ^^^^ add "reader" to spec.allowedRoles of DatabaseConnection/database/main
   = that is declared at database.yaml:14:17`;

  it('is refused at its line, with what to do and where', async () => {
    await at.ok('validate');
    at.edit('database.yaml', '[reader, batch]', '[read, batch]');
    for (const words of ['validate', 'plan', 'apply -auto-approve']) {
      const { code, out, err } = await at.run(words);
      expect(code).toBe(1);
      expect(out + err).toContain(refused);
      expect(out + err).toContain('1 error in 1 file');
    }
  });

  it('is refused where it allows none, and where the role is static', async () => {
    at.edit('database.yaml', '  allowedRoles: [reader, batch]\n', '');
    const { err, out } = await at.run('validate');
    expect(out + err).toContain('"reader" is not an allowed role of the connection "main"');
    expect(out + err).toContain('"batch" is not an allowed role of the connection "main"');
    expect(out + err).toContain('that is declared at database.yaml:10:3');
  });

  it.each([
    ['by a pattern', '[read*, "*"]'],
    [
      'as far as the documents tell: its list is no concern of theirs',
      '[]\nmetadata: { name: main, ignoreChanges: [spec.allowedRoles] }',
    ],
  ])('is told so, so none that is allowed is refused: %s', async (_, list) => {
    at.edit('database.yaml', '[reader, batch]', list);
    if (list.includes('metadata'))
      at.edit('database.yaml', 'kind: DatabaseConnection\nmetadata: { name: main }\n', 'kind: DatabaseConnection\n');
    await at.ok('validate');
  });

  it('is not accused of what is wrong with its connection', async () => {
    at.edit('database.yaml', '[reader, batch]', 'reader');
    const { err, out } = await at.run('validate');
    expect(out + err).toContain('"allowedRoles" must be a list');
    expect(out + err).not.toContain('is not an allowed role');
  });
});

describe('statements that cannot work', () => {
  const creation = `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`;
  const problems = async (): Promise<string> => {
    const { code, out, err } = await at.run('validate');
    expect(code).toBe(1);
    return out + err;
  };

  it('are refused where a placeholder is misspelt, which is pointed at', async () => {
    at.edit('database.yaml', "{{password}}' VALID", "{{pasword}}' VALID");
    expect(await problems()).toContain(`error[KIND001]: {{pasword}} is no placeholder of creationStatements
   ┌─ database.yaml:23:46
23 │     - CREATE ROLE "{{name}}" LOGIN PASSWORD '{{pasword}}' VALID UNTIL '{{expiration}}'
   │                                              ^^^^^^^^^^^ did you mean {{password}}?`);
  });

  it.each([
    [
      '  revocationStatements: [\'DROP ROLE "{{usrname}}"\']',
      '{{usrname}} is no placeholder of revocationStatements',
      'did you mean {{username}}?',
    ],
    [
      '  rollbackStatements: ["SELECT \'{{password}}\'"]',
      '{{password}} is no placeholder of rollbackStatements',
      'there are {{name}}, {{username}}',
    ],
    [
      '  renewStatements: ["SELECT \'{{expire}}\'"]',
      '{{expire}} is no placeholder of renewStatements',
      'there are {{name}}, {{username}}, {{expiration}}',
    ],
    [
      "  revocationStatements: [SELECT 1, 'DROP ROLE {{name}}']",
      'revocationStatements\\[1\\] has {{name}} outside of quotes, where its value would be read as part of the statement',
      'write "{{name}}" for a name, \'{{name}}\' for a value',
    ],
    [
      '  renewStatements: [\'ALTER ROLE "{{name}}" VALID UNTIL {{expiration}}\']',
      'renewStatements\\[0\\] has {{expiration}} outside of quotes',
      "write '{{expiration}}'",
    ],
  ])('are refused in every field of a role: %s', async (line, message, hint) => {
    at.edit('database.yaml', '  creationStatements:', `${line}\n  creationStatements:`);
    expect(await problems()).toMatch(new RegExp(`${message}[^]*${hint.replace('?', '\\?')}`));
  });

  it.each([
    [
      'rotationPeriod: 30d',
      'rotationPeriod: 30d\n  rotationStatements: [ALTER ROLE batch PASSWORD null]',
      'rotationStatements have no {{password}}',
    ],
    [
      'rotationPeriod: 30d',
      'rotationPeriod: 30d\n  rotationStatements: ["{{Password1}}"]',
      '{{Password1}} is no placeholder of rotationStatements',
    ],
    [
      'rotationPeriod: 30d',
      'rotationPeriod: 30d\n  rotationStatements: [\'ALTER ROLE "{{name}}" PASSWORD {{password}}\']',
      'rotationStatements[0] has {{password}} outside of quotes',
    ],
    [
      'username: postgres',
      'username: postgres\n  rootRotationStatements: ["ALTER ROLE {{name}} PASSWORD \'{{password}}\'"]',
      'rootRotationStatements[0] has {{name}} outside of quotes',
    ],
    [
      'username: postgres',
      'username: postgres\n  rootRotationStatements: [ALTER ROLE me]',
      'rootRotationStatements have no {{password}}',
    ],
    [
      'username: postgres',
      'username: postgres\n  rootRotationStatements: ["{{expiration}}"]',
      '{{expiration}} is no placeholder of rootRotationStatements',
    ],
  ])('are refused in a static role and a connection: %s → %s', async (from, to, message) => {
    at.edit('database.yaml', from, to);
    expect(await problems()).toContain(message);
  });

  it('are refused where they make no user of the given name, or one without the given password, which is not shown', async () => {
    at.edit('database.yaml', creation, `CREATE ROLE app LOGIN PASSWORD 'hunter2'`);
    at.edit('database.yaml', '    - GRANT pg_read_all_data TO "{{name}}"\n', '');
    const found = await problems();
    expect(found).toContain('creationStatements have no {{name}}: they would not make the user whose name is given out');
    expect(found).toContain('creationStatements have no {{password}}: nobody could log in with the password that is given out');
    expect(found).toContain(`such as ${creation}`);
    expect(found).toContain('23 │     - (hidden)');
    expect(found).not.toContain('hunter2');
    at.edit('database.yaml', /creationStatements:[^]*?---/, 'creationStatements: []\n---');
    expect(await problems()).toContain('without a statement no user can be made');
  });

  it('that are missing are asked for with the placeholders that they need', async () => {
    at.edit('database.yaml', / {2}creationStatements:[^]*?---/, '---');
    expect(await problems()).toContain(
      `What makes a user, with "{{name}}", '{{password}}' and '{{expiration}}' in these quotes.`,
    );
  });

  it('are warned of where a user would live on in PostgreSQL; MySQL knows no such time', async () => {
    at.edit('database.yaml', ` VALID UNTIL '{{expiration}}'`, '');
    const { code, out, err } = await at.run('validate');
    expect(code).toBe(0);
    expect(out + err).toContain('warning[KIND001]: creationStatements have no {{expiration}}');
    expect(out + err).toContain(`add VALID UNTIL '{{expiration}}'`);
    at.edit('database.yaml', 'plugin: postgresql', 'plugin: mysql');
    at.edit('database.yaml', 'postgresql://', 'mysql://');
    expect(await at.ok('validate')).not.toContain('expiration');
  });

  it('are JSON documents in MongoDB, and refused where they are none', async () => {
    at.edit('database.yaml', 'plugin: postgresql', 'plugin: mongodb');
    at.edit('database.yaml', 'postgresql://', 'mongodb://');
    at.edit('database.yaml', /creationStatements:[^]*?---/, `creationStatements: ['{"roles": ["read"]}']\n---`);
    await at.ok('validate');
    at.edit('database.yaml', '"roles"', '"role"');
    expect(await problems()).toContain('creationStatements has "role"; there are db, roles');
    at.edit('database.yaml', '"role"', '"roles"');
    at.edit('database.yaml', 'rotationPeriod: 30d', 'rotationPeriod: 30d\n  rotationStatements: [x]');
    expect(await problems()).toContain('MongoDB has no rotationStatements: leave them out');
  });

  it('are refused by the API, too, also where the role was there before its connection', async () => {
    await at.ok('secrets enable database');
    const role = (name: string, statement: string) => [
      'write',
      `database/roles/${name}`,
      'db_name=main',
      `creation_statements=${statement}`,
    ];
    await at.ok(role('early', 'CREATE ROLE "{{name}}"'));
    await at.ok(
      'write database/config/main plugin_name=postgresql-database-plugin connection_url=postgresql://db/ verify_connection=false allowed_roles=*',
    );
    const refusal = async (words: string | readonly string[]): Promise<string> => {
      const { code, err } = await at.run(words);
      expect(code).toBe(1);
      return err;
    };
    expect(await refusal('read database/creds/early')).toContain('creation_statements have no {{password}}');
    expect(await refusal(role('late', 'CREATE ROLE "{{name}}"'))).toContain('creation_statements have no {{password}}');
    expect(await refusal(role('late', `CREATE ROLE "{{nam}}" PASSWORD '{{password}}'`))).toContain(
      '{{nam}} is no placeholder of creation_statements: did you mean {{name}}?',
    );
    await at.ok(role('late', `CREATE ROLE "{{name}}" PASSWORD '{{password}}'`));
  });
});

it('the times of a static role are refused each at its own field', async () => {
  at.edit('database.yaml', '  rotationPeriod: 30d', '  rotationSchedule: 0 25 * * *\n  rotationTimeZone: Berlin');
  const { code, out, err } = await at.run('validate');
  expect(code).toBe(1);
  expect(out + err).toContain('"0 25 * * *" is no cron line: its hour is "25", where 0 to 23 is wanted');
  expect(out + err).toContain('database.yaml:33:21');
  expect(out + err).toContain('"Berlin" is no time zone, such as "Europe/Berlin" or "UTC"');
  expect(out + err).toContain('database.yaml:34:21');
});

describe('a URL that no client of its database can connect to', () => {
  it.each([
    ['postgresql', 'mysql://db/', 'connectionUrl begins with mysql://, where postgresql:// is wanted'],
    ['postgresql', 'db.example.com:5432', 'connectionUrl'],
    ['postgresql', 'postgresql://db/?sslmode=on', 'sslmode is on, where one of disable'],
    ['mysql', 'postgresql://db/', 'connectionUrl begins with postgresql://, where one as'],
    ['mysql', '{{username}}@db:3306', 'connectionUrl is no address of a MySQL server'],
    ['mongodb', 'postgresql://db/', 'connectionUrl is not one of MongoDB'],
    ['mongodb', 'mongodb://db/?tlsCAFile=x', 'connectionUrl has the option "tlsCAFile", which is not offered'],
    ['postgresql', 'postgresql://{{user}}@db/', 'connectionUrl has a placeholder that is none of {{username}} and {{password}}'],
  ])('is refused: %s %s', async (plugin, url, message) => {
    at.edit('database.yaml', /plugin: .*\n {2}connectionUrl: .*/, `plugin: ${plugin}\n  connectionUrl: "${url}"`);
    const { code, out, err } = await at.run('validate');
    expect(code).toBe(1);
    expect(out + err).toContain(message);
    expect(out + err).toContain('database.yaml:12:18');
  });
});
