import { describe, expect, it } from 'vitest';
import { addressOf } from '../../../src/engines/database/plugins/mysql/address.ts';
import { clientSettings } from '../../../src/engines/database/plugins/mysql/settings.ts';

const user = 'ro:ot@x';
const password = `p@ss:w/ord?#%'{{username}}`;
const plain = { socket: null, host: '127.0.0.1', port: 3306, user, password, database: '', tls: null };
const full = { encrypted: true, verified: true, named: true };

describe('the connection_url of a MySQL database', () => {
  it.each([
    ['{{username}}:{{password}}@tcp(127.0.0.1:3306)/', plain],
    [
      '{{username}}:{{ password }}@tcp(db.example.com)/app?parseTime=true&tls=true',
      { host: 'db.example.com', database: 'app', tls: full },
    ],
    ['{{username}}:{{password}}@tcp([::1]:3307)/', { host: '::1', port: 3307 }],
    [
      '{{username}}:{{password}}@unix(/run/mysqld/mysqld.sock)/app',
      { socket: '/run/mysqld/mysqld.sock', host: 'localhost', database: 'app' },
    ],
    ['{{username}}:{{password}}@/', {}],
    ['/app', { database: 'app' }],
    ['tcp(db:1)/', { host: 'db', port: 1 }],
    ['fixed:a:b@c@tcp(127.0.0.1:3306)/', { user: 'fixed', password: 'a:b@c' }],
    ['mysql://{{username}}:{{password}}@db.example.com:3307/app', { host: 'db.example.com', port: 3307, database: 'app' }],
    ['mysql://{{username}}:{{password}}@[::1]/?ssl-mode=VERIFY_IDENTITY', { host: '::1', tls: full }],
    ['mariadb://db/?ssl-mode=REQUIRED', { host: 'db', tls: { encrypted: true, verified: false, named: false } }],
    [
      'mysql://db/?socket=/run/s&tls=skip-verify',
      { socket: '/run/s', host: 'db', tls: { encrypted: true, verified: false, named: false } },
    ],
    ['mysql://db/?ssl-mode=VERIFY_CA', { host: 'db', tls: { encrypted: true, verified: true, named: false } }],
  ])('is read: %s', (url, wanted) => {
    expect(addressOf(url, user, password)).toEqual({ ...plain, ...wanted });
  });

  it.each([
    ['nonsense', 'is no address'],
    ['', 'is no address'],
    ['postgresql://{{username}}:{{password}}@db/', 'begins with postgresql://'],
    ['{{username}}:{{secret}}@tcp(db)/', 'a placeholder that is none of'],
    ['{{username}}@tcp({{host}})/', 'a placeholder at a place that has none'],
    ['{{username}}:{{password}}@tcp(db)/{{name}}', 'a placeholder at a place that has none'],
    ['{{username}}:{{password}}@tcp(a:1,b:2)/', 'with one host'],
    ['{{username}}:{{password}}@tcp(db:port)/', 'with one host'],
    ['{{username}}:{{password}}@pipe(db)/', 'the protocol pipe'],
    [
      '{{username}}:{{password}}@tcp(db)/?tls=preferred',
      'tls of connection_url is preferred, where one of true, false, skip-verify',
    ],
    ['{{username}}:{{password}}@tcp(db)/?allowCleartextPasswords=true', 'the parameter allowCleartextPasswords'],
    ['mysql://db/?tls=__proto__', 'tls of connection_url is __proto__'],
    ['mysql://db/?constructor=1', 'the parameter constructor'],
    ['{{username}}@tcp(db)/%ff', 'not percent-encoded'],
    ['mysql://db:99999/', 'is not a URL'],
  ])('is refused: %s', (url, why) => {
    expect(() => addressOf(url, user, password)).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringContaining(why) as string }),
    );
  });
});

describe('TLS to a MySQL database', () => {
  const ssl = (search: string, details: Record<string, string | boolean> = {}) =>
    clientSettings({
      url: `root@tcp(10.0.0.1)/${search}`,
      username: '',
      password: '',
      details,
      maxOpen: 1,
      maxIdle: 1,
      maxLifetime: 0,
    }).options.ssl;

  it('is spoken where the URL or a field of it asks for it, and looks at the certificate unless told otherwise', () => {
    const seen = { minVersion: 'TLSv1.2', rejectUnauthorized: true, verifyIdentity: true };
    const unseen = { minVersion: 'TLSv1.2', rejectUnauthorized: false, verifyIdentity: false };
    expect(ssl('')).toBeUndefined();
    expect(ssl('?tls=false')).toBeUndefined();
    expect(ssl('?tls=true')).toEqual(seen);
    expect(ssl('?tls=false', { tls_server_name: 'db' })).toEqual(seen);
    expect(ssl('?ssl-mode=VERIFY_CA', { tls_server_name: 'db' })).toEqual({ ...seen, verifyIdentity: false });
    expect(ssl('?tls=skip-verify')).toEqual(unseen);
    expect(ssl('?tls=true', { tls_skip_verify: true })).toEqual(unseen);
    expect(ssl('', { tls_skip_verify: true })).toEqual(unseen);
  });

  it.each(['-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----', 'nonsense'])(
    'needs a certificate with its key: %s',
    (pem) => {
      expect(() => ssl('', { tls_certificate_key: pem })).toThrow('tls_certificate_key needs a certificate and its key (PEM)');
    },
  );
});
