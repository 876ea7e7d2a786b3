import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { PostgresServer } from '../../databases/postgres-server.ts';
import { world, type World } from '../../world.ts';

const pem = (name: string): string => readFileSync(new URL(`../../client/certificates/${name}.pem`, import.meta.url), 'utf8');
const own = { tls_certificate: pem('client'), private_key: pem('client-key') };

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start({ tls: { ca: pem('ca'), certificate: pem('server'), key: pem('server-key') } });
});
afterAll(() => server.stop());

let at: World;
beforeAll(async () => {
  at = await world({ time: Date.now() });
  await at.write('sys/mounts/database', { type: 'database' });
});
afterAll(() => at.system.close());

function configure(fields: JsonObject, search = '') {
  return at.write('database/config/main', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: server.url() + search,
    username: 'postgres',
    password: server.password,
    allowed_roles: '*',
    ...fields,
  });
}

describe('a PostgreSQL database that wants TLS and a certificate of its clients', () => {
  it('is used with an authority, a certificate and its key, and the key is read back by nobody', async () => {
    await configure({ ...own, tls_ca: pem('ca') });
    await at.write('database/roles/app', {
      db_name: 'main',
      creation_statements: `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'; GRANT pg_read_all_stats TO "{{name}}"`,
      default_ttl: '1h',
    });
    const { leaseId } = await at.read('database/creds/app');
    at.system.reconciler.start();
    expect(await at.status('write', 'sys/leases/revoke', { lease_id: leaseId ?? '', sync: true })).toBe(204);
    const shown = JSON.stringify((await at.read('database/config/main')).data);
    expect(shown).toContain('BEGIN CERTIFICATE');
    expect(shown).not.toContain('PRIVATE KEY');
    expect(shown).not.toContain(server.password);
  });

  it.each([
    ['without TLS', own, '?sslmode=disable', 'no pg_hba.conf entry'],
    [
      'without a certificate',
      { tls_ca: pem('ca'), tls_certificate: '', private_key: '' },
      '',
      'requires a valid client certificate',
    ],
    ['with an authority that did not sign that of the server', { ...own, tls_ca: pem('client') }, '', 'certificate'],
    [
      'with a key that is of another certificate',
      { ...own, private_key: pem('other-key'), tls_ca: pem('ca') },
      '',
      'private_key is not the key of tls_certificate',
    ],
    [
      'with a certificate that is none',
      { ...own, tls_certificate: 'none', tls_ca: pem('ca') },
      '',
      "tls_certificate can't be read",
    ],
    ['in a mode that there is not', own, '?sslmode=maybe', 'sslmode is maybe, where one of disable'],
  ])('is refused %s', async (_, fields, search, reason) => {
    await expect(configure(fields, search)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining(reason) as string,
    });
  });

  it('is refused under a name that its certificate does not have', async () => {
    const elsewhere = await PostgresServer.start({ tls: { ca: pem('ca'), certificate: pem('other'), key: pem('other-key') } });
    try {
      const fields = { ...own, tls_ca: pem('ca'), connection_url: elsewhere.url() };
      await expect(configure(fields)).rejects.toThrow("does not match certificate's altnames");
      await configure({ ...fields, connection_url: `${elsewhere.url()}?sslmode=verify-ca` });
    } finally {
      await elsewhere.stop();
    }
  });

  it('is used without a look at its certificate where the mode is only for encryption', async () => {
    await configure(own, '?sslmode=require');
    expect((await at.read('database/config/main')).data).toMatchObject({ plugin_name: 'postgresql-database-plugin' });
  });
});
