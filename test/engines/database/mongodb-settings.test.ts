import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConnectionString } from '../../../src/engines/database/plugins/mongodb/connection-string.ts';
import { mongodbSettings } from '../../../src/engines/database/plugins/mongodb/settings.ts';
import { parseCreation, parseRevocation } from '../../../src/engines/database/plugins/mongodb/statement.ts';
import { RequestError } from '../../../src/protocol/request-error.ts';
import { runs } from '../property.ts';

function property<T>(name: string, values: fc.Arbitrary<T>, holds: (value: T) => void): void {
  it(name, () => {
    fc.assert(fc.property(values, holds), runs(300, 20_000));
  });
}

const connection = { username: '', password: '', details: {}, maxOpen: 4, maxIdle: 4, maxLifetime: 0 };

describe('a connection string of MongoDB', () => {
  property(
    'takes any user and password as they are, and nothing of them becomes a host or an option',
    fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ unit: 'grapheme' })),
    ([username, password]) => {
      const url = 'mongodb://{{username}}:{{password}}@db.example.com:27017,[::1]/admin?tls=true';
      expect(parseConnectionString(url, username, password)).toEqual({
        srv: false,
        hosts: 'db.example.com:27017,[::1]',
        username,
        password,
        database: 'admin',
        options: new Map([['tls', true]]),
      });
    },
  );

  property('is read or refused with 400, whatever it is', fc.string({ unit: 'grapheme' }), (rest) => {
    try {
      mongodbSettings({ ...connection, url: `mongodb://${rest}` });
    } catch (error) {
      expect(error).toBeInstanceOf(RequestError);
      expect((error as RequestError).status).toBe(400);
    }
  });

  it.each([
    ['mongodb://db', 'admin', 'admin'],
    ['mongodb://db/shop', 'shop', 'shop'],
    ['mongodb://db/shop?authSource=staff', 'staff', 'shop'],
    ['mongodb+srv://db.example.com/?authSource=admin', 'admin', 'admin'],
  ])('says where who logs in is, and where other users are: %s', (url, authSource, database) => {
    expect(mongodbSettings({ ...connection, url })).toMatchObject({ authSource, database });
  });

  it.each([
    ['', { w: 'majority', wtimeout: 10_000 }],
    ['?w=2&wtimeoutMS=300&journal=true', { w: 2, wtimeout: 300, j: true }],
    ['?w=0', { w: 1, wtimeout: 10_000 }],
    ['?W=dc-wide&WTIMEOUTMS=99999', { w: 'dc-wide', wtimeout: 10_000 }],
  ])('says when a change counts as done: %s', (search, writeConcern) => {
    expect(mongodbSettings({ ...connection, url: `mongodb://db/${search}` }).writeConcern).toEqual(writeConcern);
  });

  it('lets nothing wait for longer than a minute, and nobody hold more connections than the fields say', () => {
    const url = 'mongodb://db/?socketTimeoutMS=999999999&connectTimeoutMS=0&maxPoolSize=500&minPoolSize=50';
    expect(mongodbSettings({ ...connection, url, details: { server_selection_timeout: 3600 } })).toMatchObject({
      url: 'mongodb://db/',
      answerWithin: 60_000,
      options: {
        socketTimeoutMS: 60_000,
        connectTimeoutMS: 10_000,
        serverSelectionTimeoutMS: 60_000,
        maxPoolSize: 4,
        minPoolSize: 0,
      },
    });
  });

  it.each([
    ['mongodb+srv://db.example.com', true],
    ['mongodb://db', false],
    ['mongodb://db/?ssl=true', true],
    ['mongodb+srv://db.example.com/?tls=false', false],
  ])('is encrypted where it says so, or is a name in DNS that stands for servers: %s', (url, tls) => {
    expect(mongodbSettings({ ...connection, url }).options.tls).toBe(tls);
  });
});

describe('the statements of a role of MongoDB', () => {
  property('are read or refused with 400, whatever they are', fc.oneof(fc.json(), fc.string()), (statement) => {
    for (const parse of [parseCreation, parseRevocation]) {
      try {
        parse([statement]);
      } catch (error) {
        expect(error).toBeInstanceOf(RequestError);
        expect((error as RequestError).status).toBe(400);
      }
    }
  });

  it('name roles as the server takes them: of the database of the user, or of another', () => {
    expect(parseCreation(['{"roles": ["read", {"role": "dbOwner"}, {"role": "read", "db": "shop"}]}'])).toEqual({
      db: 'admin',
      roles: ['read', 'dbOwner', { role: 'read', db: 'shop' }],
    });
  });
});
