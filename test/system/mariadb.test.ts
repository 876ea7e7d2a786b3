import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { pluginNamed } from '../../src/engines/database/plugins/index.ts';
import { MariadbServer } from '../databases/mariadb-server.ts';
import { world, type World } from '../world.ts';

const pem = (name: string): string => readFileSync(new URL(`../client/certificates/${name}.pem`, import.meta.url), 'utf8');
const creation = `CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`;

async function mounted(): Promise<World> {
  const at = await world({ time: Date.now() });
  at.system.reconciler.start();
  await at.write('sys/mounts/database', { type: 'database' });
  return at;
}

interface Credential {
  readonly leaseId: string;
  readonly username: string;
  readonly password: string;
}

async function credential(at: World): Promise<Credential> {
  const { data, leaseId } = await at.read('database/creds/app');
  const { username, password } = data as { username: string; password: string };
  return { leaseId: leaseId ?? '', username, password };
}

const revoke = (at: World, leaseId: string): Promise<number> =>
  at.status('write', 'sys/leases/revoke', { lease_id: leaseId, sync: true });

describe('a MariaDB', () => {
  let server: MariadbServer;
  let at: World;
  beforeAll(async () => {
    server = await MariadbServer.start();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await at.system.close();
    expect(await server.users()).toEqual([]);
  });

  async function place(connection: JsonObject, role: JsonObject): Promise<void> {
    at = await mounted();
    const { username, password } = server;
    await at.write('database/config/main', {
      plugin_name: 'mysql-database-plugin',
      connection_url: server.url(),
      username,
      password,
      allowed_roles: '*',
      ...connection,
    });
    await at.write('database/roles/app', { db_name: 'main', default_ttl: '1h', ...role });
  }

  it('is reached through its socket, and by a URL', async () => {
    for (const url of [
      `{{username}}:{{password}}@unix(${server.socket})/secretctl_test`,
      `mysql://{{username}}:{{password}}@127.0.0.1:${server.port}/secretctl_test`,
      `mysql://{{username}}:{{password}}@localhost/?socket=${encodeURIComponent(server.socket)}`,
    ]) {
      await place({ connection_url: url }, { creation_statements: creation });
      const { leaseId, username } = await credential(at);
      expect(await server.users()).toEqual([username]);
      expect(await revoke(at, leaseId)).toBe(204);
      await at.system.close();
    }
  });

  it.each([
    ['mysql-aurora-database-plugin', /^v-app-\w{10}$/],
    ['mysql-rds-database-plugin', /^v-app-\w{10}$/],
    ['mysql-legacy-database-plugin', /^v-app-\w{10}$/],
    ['mysql-database-plugin', /^v-root-app-\w{20}-$/],
  ])('is a database of %s too, which names users its way', async (plugin_name, name) => {
    await place({ plugin_name }, { creation_statements: creation });
    expect((await at.read('database/config/main')).data).toMatchObject({ plugin_name });
    const { leaseId, username } = await credential(at);
    expect(username).toMatch(name);
    expect(await revoke(at, leaseId)).toBe(204);
  });

  it('removes a user for each host that it may come from, with what that was granted', async () => {
    const hosts = ['%', '10.%', 'db.example.com', "o'dd"];
    const statements = hosts.map((host) => {
      const account = `'{{name}}'@'${host.replaceAll("'", "''")}'`;
      return `CREATE USER ${account} IDENTIFIED BY '{{password}}'; GRANT ALL ON *.* TO ${account} WITH GRANT OPTION`;
    });
    await place({}, { creation_statements: statements });
    const { leaseId, username } = await credential(at);
    expect(await server.query('SELECT Host FROM mysql.user WHERE User = ?', [username])).toHaveLength(hosts.length);
    expect(await revoke(at, leaseId)).toBe(204);
    expect(await server.query('SELECT 1 FROM mysql.user WHERE User = ?', [username])).toEqual([]);
  });

  it('keeps the lease of a user whom statements look for at another host, and says so', async () => {
    const wrong = `DROP USER '{{name}}'@'localhost'`;
    await place({}, { creation_statements: creation, revocation_statements: wrong });
    const { leaseId, username } = await credential(at);
    await expect(at.write('sys/leases/revoke', { lease_id: leaseId, sync: true })).rejects.toMatchObject({
      status: 500,
      message: expect.stringContaining(`Operation DROP USER failed for '${username}'@'localhost'`) as string,
    });
    expect(await server.users()).toEqual([username]);
    // Where they are of several hosts, of some of which the user is none, all of it is removed.
    await at.write('database/roles/app', { revocation_statements: [wrong, `DROP USER '{{name}}'@'%'`] });
    expect(await revoke(at, leaseId)).toBe(204);
  });

  it('whose accounts our user may not see says so, until it may', async () => {
    await server.query(`CREATE USER maker@'%' IDENTIFIED BY 'maker-password'`);
    await server.query(`GRANT CREATE USER ON *.* TO maker@'%'`);
    await place({ username: 'maker', password: 'maker-password' }, { creation_statements: creation });
    const { leaseId } = await credential(at);
    await expect(at.write('sys/leases/revoke', { lease_id: leaseId, sync: true })).rejects.toMatchObject({
      status: 500,
      message: expect.stringContaining('GRANT SELECT ON mysql.user') as string,
    });
    await server.query(`GRANT SELECT ON mysql.user TO maker@'%'`);
    at.clock.time += 3_600_000;
    expect(await at.system.tidy(at.clock.now() + 10_000)).toBe(true);
    expect(await server.users()).toEqual(['maker']);

    await at.write('database/roles/app', { revocation_statements: `DROP USER '{{name}}'@'%'` });
    await server.query(`REVOKE SELECT ON mysql.user FROM maker@'%'`);
    const { leaseId: again, username } = await credential(at);
    await server.removeUser(username);
    await revoke(at, again);
    expect(await at.system.tidy(at.clock.now() + 10_000)).toBe(true);
    expect((await at.list('sys/leases/lookup/database/creds/app').catch(() => null))?.data ?? null).toBeNull();
    await server.removeUser('maker');
  });

  it('reads statements as they were written, whatever its sql_mode is', async () => {
    const [before] = await server.query<{ mode: string }>('SELECT @@GLOBAL.sql_mode AS mode');
    await server.query(`SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_AUTO_CREATE_USER'`);
    const template = `{{ printf "v-%s-%s" "\\\\' OR 1" (random 8) }}`;
    await place(
      { username_template: template },
      { creation_statements: `CREATE USER "{{name}}"@'%' IDENTIFIED BY "{{password}}"` },
    );
    const { leaseId, username, password } = await credential(at);
    expect(username).toMatch(/^v-\\' OR 1-\w{8}$/);
    await (await server.login(username, password)).close();
    expect(await revoke(at, leaseId)).toBe(204);
    const statements = [`GRANT SELECT ON secretctl_test.* TO '{{name}}'@'%'`, `DO '{{password}}'`];
    await at.write('database/roles/app', { creation_statements: statements });
    await expect(at.read('database/creds/app')).rejects.toThrow("Can't find any matching row in the user table");
    await server.query('SET GLOBAL sql_mode = ?', [before?.mode ?? '']);
  });

  it('is given code as one statement', async () => {
    const code = `BEGIN NOT ATOMIC CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'; GRANT SELECT ON secretctl_test.* TO '{{name}}'@'%'; END`;
    await place({}, { creation_statements: [code, `PREPARE s FROM 'DO 1'; EXECUTE s; DEALLOCATE PREPARE s;`] });
    const { leaseId, username, password } = await credential(at);
    await (await server.login(username, password)).close();
    expect(await revoke(at, leaseId)).toBe(204);
  });

  it('changes the password of our own user, and of each account of another', async () => {
    at = await mounted();
    await server.query(`CREATE USER own@'%' IDENTIFIED BY 'first'`);
    await server.query(`GRANT CREATE USER ON *.* TO own@'%'`);
    await server.query(`CREATE USER own@'10.1.2.3' IDENTIFIED BY 'other'`);
    const hash = async (host: string) =>
      (
        await server.query<{ hash: string }>(
          `SELECT authentication_string AS hash FROM mysql.user WHERE User = 'own' AND Host = ?`,
          [host],
        )
      )[0]?.hash;
    const elsewhere = await hash('10.1.2.3');
    const over = (username: string, password: string) =>
      pluginNamed('mysql-database-plugin')!.open({
        url: server.url(),
        username,
        password,
        details: {},
        maxOpen: 1,
        maxIdle: 1,
        maxLifetime: 1,
      });
    const signal = AbortSignal.timeout(20_000);

    const own = over('own', 'first');
    await own.setPassword({ name: 'own', password: 'second', rotation: [] }, signal);
    expect([await own.letsIn('own', 'first', signal), await own.letsIn('own', 'second', signal)]).toEqual([false, true]);
    expect(await hash('10.1.2.3')).toBe(elsewhere);
    await own.close();

    const root = over(server.username, server.password);
    await root.setPassword({ name: 'own', password: 'third', rotation: [] }, signal);
    expect(await root.letsIn('own', 'third', signal)).toBe(true);
    expect(await hash('10.1.2.3')).toBe(await hash('%'));
    await root.setPassword(
      { name: 'own', password: 'fourth', rotation: [`ALTER USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`] },
      signal,
    );
    expect(await root.letsIn('own', 'fourth', signal)).toBe(true);
    await server.query(`ALTER USER own@'%' ACCOUNT LOCK`);
    expect(await root.letsIn('own', 'fourth', signal)).toBe(false);
    await root.close();
    await server.query(`DROP USER own@'%', own@'10.1.2.3'`);
  });

  it('has the password of a static role changed, and that of our own user, which nobody knows from then on', async () => {
    await server.query(`CREATE USER app_user@'%' IDENTIFIED BY 'initial'`);
    await server.query(`GRANT ALL ON *.* TO keeper@'%' IDENTIFIED BY 'first' WITH GRANT OPTION`);
    await place({ username: 'keeper', password: 'first' }, { creation_statements: creation });
    await at.write('database/static-roles/kept', { db_name: 'main', username: 'app_user', rotation_period: '24h' });
    const read = async () => (await at.read('database/static-creds/kept')).data as { username: string; password: string };
    const before = await read();
    const lets = (username: string, password: string) =>
      server.login(username, password).then(
        async (login) => {
          await login.close();
          return true;
        },
        () => false,
      );
    expect([before.username, await lets('app_user', before.password), await lets('app_user', 'initial')]).toEqual([
      'app_user',
      true,
      false,
    ]);
    await at.write('database/rotate-role/kept');
    const after = await read();
    expect([await lets('app_user', after.password), await lets('app_user', before.password)]).toEqual([true, false]);

    await at.write('database/rotate-root/main');
    expect(await lets('keeper', 'first')).toBe(false);
    const { leaseId } = await credential(at);
    expect(await revoke(at, leaseId)).toBe(204);
    await at.write('database/rotate-role/kept');
    expect(await lets('app_user', (await read()).password)).toBe(true);
    await server.query(`DROP USER keeper@'%', app_user@'%'`);
  });

  it('has no more of our connections than it may, and who waits for one in vain is told', async () => {
    at = await mounted();
    const session = pluginNamed('mysql-database-plugin')!.open({
      url: server.url(),
      username: server.username,
      password: server.password,
      details: {},
      maxOpen: 2,
      maxIdle: 1,
      maxLifetime: 0,
    });
    const connections = async () => (await server.query('SELECT ID FROM information_schema.PROCESSLIST')).length - 1;
    const signal = AbortSignal.timeout(20_000);
    const slow = () => session.renew({ name: 'v-x', expiration: 0, renewal: ['DO SLEEP(60)'] }, time.signal);
    const time = new AbortController();
    const busy = [slow(), session.renew({ name: 'v-y', expiration: 0, renewal: ['DO SLEEP(60)'] }, time.signal)].map((each) =>
      expect(each).rejects.toThrow('renewing the user: it did not answer in time'),
    );
    while ((await server.query(`SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DO SLEEP%'`)).length < 2);
    await expect(session.verify(AbortSignal.timeout(50))).rejects.toThrow('none of the 2 connections (max_open_connections)');
    while ((await connections()) !== 2);
    const waits = session.verify(signal);
    time.abort();
    await Promise.all([...busy, waits]);
    await Promise.all(Array.from({ length: 20 }, () => session.verify(AbortSignal.timeout(20_000))));
    while ((await connections()) !== 1);
    await session.close();
    while ((await connections()) !== 0);
  });
});

describe('a MariaDB that wants TLS and a certificate of its clients', () => {
  let server: MariadbServer;
  let at: World;
  beforeAll(async () => {
    server = await MariadbServer.start({ tls: { ca: pem('ca'), certificate: pem('server'), key: pem('server-key') } });
    at = await mounted();
  });
  afterAll(async () => {
    await at.system.close();
    await server.stop();
  });

  const own = { tls_certificate_key: pem('client') + pem('client-key') };

  function configure(fields: JsonObject, search = '', to = server) {
    return at.write('database/config/main', {
      plugin_name: 'mysql-database-plugin',
      connection_url: to.url() + search,
      username: to.username,
      password: to.password,
      allowed_roles: '*',
      tls_ca: '',
      tls_certificate_key: '',
      tls_server_name: '',
      tls_skip_verify: false,
      ...fields,
    });
  }

  it('is used with an authority, a certificate and its key, and the key is read back by nobody', async () => {
    await configure({ ...own, tls_ca: pem('ca') });
    await at.write('database/roles/app', { db_name: 'main', creation_statements: creation, default_ttl: '1h' });
    const { leaseId, username, password } = await credential(at);
    const rows = await server.query<{ Value: string }>(`SHOW STATUS LIKE 'Ssl_cipher'`, [], {
      user: username,
      password,
      ssl: { ca: pem('ca'), rejectUnauthorized: true },
    });
    expect(rows[0]?.Value).toMatch(/^TLS_/);
    expect(await revoke(at, leaseId)).toBe(204);
    const shown = JSON.stringify((await at.read('database/config/main')).data);
    expect(shown).toContain('BEGIN CERTIFICATE');
    expect(shown).not.toContain('PRIVATE KEY');
    expect(shown).not.toContain(server.password);
  });

  it.each([
    ['without TLS', {}, '', /insecure transport|Access denied/],
    ['without a certificate', { tls_ca: pem('ca') }, '', /Access denied/],
    ['with an authority that did not sign that of the server', { ...own, tls_ca: pem('client') }, '', /certificate/],
    ['with an authority of the machine, where none is given', own, '?tls=true', /certificate/],
    [
      'under a name that its certificate does not have',
      { ...own, tls_ca: pem('ca'), tls_server_name: 'db.test' },
      '',
      /altnames/,
    ],
    [
      'with a key that is of another certificate',
      { tls_certificate_key: pem('client') + pem('other-key') },
      '',
      /the key in tls_certificate_key is not the key of/,
    ],
    ['with an authority that is none', { ...own, tls_ca: 'none' }, '', /tls_ca can't be read/],
  ])('is refused %s', async (_, fields, search, reason) => {
    await expect(configure(fields, search)).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(reason) as string,
    });
  });

  it('is used under a name of its certificate, and without a look at that where the connection says so', async () => {
    for (const name of ['secrets.test', 'localhost', '127.0.0.1']) {
      await configure({ ...own, tls_ca: pem('ca'), tls_server_name: name });
    }
    await configure({ ...own, tls_skip_verify: true });
    await configure(own, '?ssl-mode=REQUIRED');
    expect((await at.read('database/config/main')).data).toMatchObject({ plugin_name: 'mysql-database-plugin' });
  });

  it('is refused at an address that its certificate does not have, unless only the authority is to be right', async () => {
    const elsewhere = await MariadbServer.start({ tls: { ca: pem('ca'), certificate: pem('other'), key: pem('other-key') } });
    try {
      const fields = { ...own, tls_ca: pem('ca') };
      await expect(configure(fields, '', elsewhere)).rejects.toThrow(/IP: 127\.0\.0\.1 is not in the cert's list|altnames/);
      await configure(fields, '?ssl-mode=VERIFY_CA', elsewhere);
      await configure({ ...fields, tls_server_name: 'other.test' }, '', elsewhere);
    } finally {
      await elsewhere.stop();
    }
  });
});
