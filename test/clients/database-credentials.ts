import NodeVault from 'node-vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../databases/test-database.ts';
import type { Envelope } from './envelope.ts';
import { startedServer, type StartedServer } from './started-server.ts';

/** A database that runs, as clients of the API see it and as those who log in to it do. */
interface ClientDatabase {
  /** The fields of a connection to it. */
  readonly connection: Readonly<Record<string, unknown>>;
  readonly creation: readonly string[];
  /** The name of the user as which the database lets somebody in. Throws where it does not. */
  whoAmI(username: string, password: string): Promise<string>;
  stop(): Promise<void>;
}

/** A database of the conformance suite, to be reached by one of the kinds of database. */
export function databaseOf(
  plugin: string,
  creation: readonly string[],
  start: () => Promise<TestDatabase>,
): () => Promise<ClientDatabase> {
  return async () => {
    const server = await start();
    const { username, password } = server;
    return {
      connection: { plugin_name: plugin, connection_url: server.url(), username, password },
      creation,
      async whoAmI(...credential) {
        const login = await server.login(...credential);
        await login.close();
        return login.user;
      },
      stop: () => server.stop(),
    };
  };
}

/** What node-vault, as it is published, does with credentials of a database. */
export function itGivesCredentials(name: string, start: () => Promise<ClientDatabase>): void {
  describe(`node-vault: credentials of ${name}`, () => {
    let database: ClientDatabase;
    let server: StartedServer;
    let root: NodeVault.client;
    let app: NodeVault.client;
    beforeAll(async () => {
      [database, server] = await Promise.all([start(), startedServer()]);
      root = NodeVault({ endpoint: server.address, token: server.rootToken });
      await root.mount({ mount_point: 'database', type: 'database' });
      await root.write('database/config/main', { ...database.connection, allowed_roles: ['app'] });
      await root.write('database/roles/app', {
        db_name: 'main',
        creation_statements: database.creation,
        default_ttl: '10m',
        max_ttl: '1h',
      });
      const policy = `
        path "database/creds/app" { capabilities = ["read"] }
        path "sys/leases/renew" { capabilities = ["update"] }
        path "sys/leases/revoke" { capabilities = ["update"] }`;
      await root.addPolicy({ name: 'app', policy });
      await root.enableAuth({ mount_point: 'approle', type: 'approle' });
      await root.addApproleRole({ role_name: 'app', policies: 'app' });
      const { data: role } = (await root.getApproleRoleId({ role_name: 'app' })) as Envelope;
      const { data: secret } = (await root.getApproleRoleSecret({ role_name: 'app' })) as Envelope;
      app = NodeVault({ endpoint: server.address });
      await app.approleLogin({ role_id: role['role_id'], secret_id: secret['secret_id'] });
    });
    afterAll(() => Promise.all([database.stop(), server.stop()]));

    async function obtain(): Promise<{ readonly username: string; readonly password: string; readonly lease_id: string }> {
      const reply = (await app.read('database/creds/app')) as Envelope;
      expect(reply).toMatchObject({
        lease_id: expect.stringMatching(/^database\/creds\/app\/\w+$/) as string,
        renewable: true,
        data: { username: expect.any(String) as string, password: expect.any(String) as string },
      });
      // Of ten minutes some has gone by, which the database took.
      expect(reply).toHaveProperty(
        'lease_duration',
        expect.toSatisfy((seconds: number) => seconds > 590 && seconds <= 600),
      );
      const { username, password } = reply.data as { username: string; password: string };
      return { username, password, lease_id: reply.lease_id };
    }

    it('log in, live on when they are renewed, and log in no more when they are revoked', async () => {
      const { username, password, lease_id } = await obtain();
      expect(await database.whoAmI(username, password)).toBe(username);
      expect(await app.renew({ lease_id, increment: 1800 })).toMatchObject({ lease_id, lease_duration: 1800, renewable: true });
      expect(await database.whoAmI(username, password)).toBe(username);
      await app.revoke({ lease_id });
      await expect(database.whoAmI(username, password)).rejects.toThrow();
      await expect(app.renew({ lease_id, increment: 1800 })).rejects.toThrow();
    });

    it('are of somebody else each time, and end one by one', async () => {
      const [first, second] = await Promise.all([obtain(), obtain()]);
      expect(second.username).not.toBe(first.username);
      expect(await database.whoAmI(second.username, second.password)).toBe(second.username);
      await app.revoke({ lease_id: first.lease_id });
      await expect(database.whoAmI(first.username, first.password)).rejects.toThrow();
      expect(await database.whoAmI(second.username, second.password)).toBe(second.username);
      await app.revoke({ lease_id: second.lease_id });
      await expect(database.whoAmI(second.username, second.password)).rejects.toThrow();
    });

    it('end together by their prefix', async () => {
      const all = [await obtain(), await obtain()];
      await root.revokePrefix({ path_prefix: 'database/creds/app' });
      for (const { username, password } of all) await expect(database.whoAmI(username, password)).rejects.toThrow();
    });

    it('cannot be had without the right to', async () => {
      await expect(NodeVault({ endpoint: server.address, token: 'none' }).read('database/creds/app')).rejects.toThrow('denied');
      await expect(app.read('database/creds/other')).rejects.toThrow('denied');
      await expect(root.read('database/creds/other')).rejects.toThrow('unknown role: other');
    });

    it('end with the token that asked for them', async () => {
      const { username, password } = await obtain();
      await app.tokenRevokeSelf();
      await ended(() => root.list('sys/leases/lookup/database/creds/app'));
      await expect(database.whoAmI(username, password)).rejects.toThrow();
    });
  });
}

/** Asks until there is nothing any more: what is made outside is ended in the background. */
async function ended(list: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await list();
    } catch (error) {
      if ((error as { response?: { statusCode: number } }).response?.statusCode === 404) return;
      throw error;
    }
  }
}
