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
