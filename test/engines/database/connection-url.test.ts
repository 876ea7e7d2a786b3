import { beforeEach, describe, expect, it } from 'vitest';
import { shownUrl } from '../../../src/engines/database/plugins/connection-url.ts';
import { emptyWorkspace, type Workspace } from '../../cli/workspace.ts';

describe('the URL of a connection', () => {
  it.each([
    ['root:s3:cr@t/@tcp(db:3306)/app', 'root:xxxxx@tcp(db:3306)/app'],
    ['root:s3cret@unix(/run/s)/', 'root:xxxxx@unix(/run/s)/'],
    ['root:s3cret@/app', 'root:xxxxx@/app'],
    ['root:s3cret@db:3306/app', 'root:xxxxx@db:3306/app'],
    ['mysql://root:s3cret@db/app', 'mysql://root:xxxxx@db/app'],
    ['mysql://{{username}}:s3cret@db/app', 'mysql://{{username}}:xxxxx@db/app'],
    ['postgresql://root:s3/cr@t@db:5432/app?sslmode=disable', 'postgresql://root:xxxxx@db:5432/app?sslmode=disable'],
    ['postgresql://root:s3?cr#t@db/app', 'postgresql://root:xxxxx@db/app'],
    ['mongodb://root:s3cret@a:1,b:2/admin?replicaSet=r', 'mongodb://root:xxxxx@a:1,b:2/admin?replicaSet=r'],
    ['postgresql://db/app?password=s3cret&sslmode=disable', 'postgresql://db/app?password=xxxxx&sslmode=disable'],
    ['postgresql://db/app?sslmode=disable&sslpassword=s3c;r#t', 'postgresql://db/app?sslmode=disable&sslpassword=xxxxx'],
    ['postgresql://db/app?Password={{password}}x', 'postgresql://db/app?Password=xxxxx'],
    ['root@tcp(db)/app?tls=true&password1=s3cret', 'root@tcp(db)/app?tls=true&password1=xxxxx'],
    ['mongodb://db/?tlsCertificateKeyFilePassword=s3cret', 'mongodb://db/?tlsCertificateKeyFilePassword=xxxxx'],
    ['mongodb://db/?authMechanismProperties=AWS_SESSION_TOKEN:s3cret&w=1', 'mongodb://db/?authMechanismProperties=xxxxx&w=1'],
    ["host=db user=root password = 's3 cret' dbname=app", 'host=db user=root password =xxxxx'],
    ['Server=db;Uid=root;Pwd=s3cret;', 'Server=db;Uid=root;Pwd=xxxxx'],
  ])('is shown without a password: %s', (url, shown) => {
    expect(shownUrl(url)).toBe(shown);
    expect(shownUrl(shown)).toBe(shown);
  });

  it.each([
    '{{username}}:{{password}}@tcp(db:3306)/',
    'mysql://{{username}}:{{ password }}@db/',
    'root@tcp(db:3306)/?allowNativePasswords=true',
    'postgresql://db:5432/app?application_name=a@b',
    'postgresql://[::1]:5432/app?application_name=a@b',
    'postgresql://{{username}}@db:5432/app?sslmode=disable&passfile=/run/pgpass',
    'mongodb://a:1,b:2/admin?appName=x@y',
  ])('is shown as it is where it holds none: %s', (url) => {
    expect(shownUrl(url)).toBe(url);
  });
});

describe('a password in the URL of a document', () => {
  let at: Workspace;
  beforeEach(async () => {
    at = await emptyWorkspace();
  });
  const engine = `apiVersion: secretctl/v1\nkind: SecretEngine\nmetadata: { name: database }\nspec: { type: database }\n---\n`;
  const head = `${engine}apiVersion: secretctl/v1\nkind: DatabaseConnection\nmetadata: { name: main }\n`;

  it.each([
    ['in a line', '  engine: database\n  plugin: postgresql\n  connectionUrl: postgresql://app:hunter2@db/app\n'],
    ['in quotes', '  engine: database\n  plugin: mysql\n  connectionUrl: "app:hunter2@tcp(db)/" # hunter2\n'],
    ['as a parameter', '  engine: database\n  plugin: postgresql\n  connectionUrl: postgresql://db/app?password=hunter2\n'],
    ['in several lines', '  engine: database\n  plugin: postgresql\n  connectionUrl: >-\n    postgresql://app:hunter2@db/app\n'],
    ['in lines without a mark', '  engine: database\n  plugin: postgresql\n  connectionUrl:\n    postgresql://app:hunter2@db/\n'],
    ['in a flow map', '  { engine: database, plugin: postgresql, connectionUrl: "postgresql://app:hunter2@db/app" }\n'],
  ])('is refused and shown nowhere: %s', async (_, spec) => {
    at.write('database.yaml', `${head}spec:\n${spec}`);
    for (const words of ['validate', 'plan', 'apply -auto-approve', 'validate -json', 'plan -json']) {
      const { code, out, err } = await at.run(words);
      expect(code).toBe(1);
      expect(out + err).toContain('connectionUrl holds a password');
      expect(out + err).not.toContain('hunter2');
    }
  });

  it.each([
    [
      'another mistake on its line',
      '{ engine: database, plugin: oracle, connectionUrl: "postgresql://app:hunter2@db/" }',
      'oracle',
    ],
    ['an unknown field beside it', '{ engine: database, plugin: mysql, connectionUrl: "x:hunter2@/", user: x }', 'unknown key'],
    ['a list in its place', '{ engine: database, plugin: mysql, connectionUrl: [ "x:hunter2@/" ] }', 'must be'],
    ['two of them', '{ engine: database, plugin: mysql, connectionUrl: "x:hunter2@/", connectionUrl: "x:hunter2@/" }', 'YAML002'],
    ['a line that is no YAML', '\n  connectionUrl: "postgresql://app:hunter2@db/\n  plugin: x', 'YAML001'],
  ])('is not shown either with %s', async (_, spec, finding) => {
    at.write('database.yaml', `${head}spec: ${spec}\n`);
    for (const words of ['validate', 'validate -json', 'apply -auto-approve']) {
      const { code, out, err } = await at.run(words);
      expect(code).toBe(1);
      expect(out + err).toContain(finding);
      expect(out + err).not.toContain('hunter2');
    }
  });

  it('is not shown where an environment puts it there, or a value of forEach', async () => {
    at.write('database.yaml', `${head}spec: { engine: database, plugin: mysql, connectionUrl: "{{username}}@/", username: x }\n`);
    at.write(
      'production.yaml',
      `apiVersion: secretctl/v1\nkind: Environment\nmetadata: { name: production }\nspec:\n  patches:\n    - { target: DatabaseConnection/database/main, spec: { connectionUrl: "x:hunter2@/", plugin: oracle } }\n`,
    );
    const patched = await at.run('validate');
    expect(patched.out + patched.err).toContain('"plugin" must be one of');
    expect(patched.out + patched.err).not.toContain('hunter2');
    at.write('production.yaml', '');
    at.write(
      'database.yaml',
      `${engine}apiVersion: secretctl/v1\nkind: DatabaseConnection\nmetadata: { name: "\${each.key}" }\nforEach: { a: { url: "x:hunter2@/" }, "b c": 1 }\nspec: { engine: database, plugin: mysql, connectionUrl: "\${each.value.url}" }\n`,
    );
    const each = await at.run('validate');
    expect(each.code).toBe(1);
    expect(each.out + each.err).not.toContain('hunter2');
  });
});

describe('a password in the URL of a connection that the API was sent', () => {
  it.each([
    ['postgresql', 'postgresql://app:hunter2@db/app', 'postgresql://app:xxxxx@db/app'],
    ['postgresql', 'postgresql://db/app?sslpassword=hunter2', 'postgresql://db/app?sslpassword=xxxxx'],
    ['mysql', 'app:hunter2@tcp(db:3306)/', 'app:xxxxx@tcp(db:3306)/'],
  ])('is warned of, and neither read nor audited: %s %s', async (plugin, url, shown) => {
    const at = await emptyWorkspace();
    await at.ok('secrets enable database');
    const name = `plugin_name=${plugin}-database-plugin`;
    const { code, out, err } = await at.run(`write database/config/main ${name} connection_url=${url} verify_connection=false`);
    expect([code, out + err]).toEqual([0, expect.stringContaining('connection_url holds a password') as string]);
    const read = await at.ok('read -json database/config/main');
    expect(JSON.parse(read)).toMatchObject({ data: { connection_details: { connection_url: shown } } });
    expect(out + err + read + at.read('.secretctl/audit/audit.log')).not.toContain('hunter2');
  });
});
