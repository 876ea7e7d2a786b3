import { MongodbServer } from '../../databases/mongodb-server.ts';
import { conformance } from './conformance.ts';

conformance<MongodbServer>({
  name: 'MongoDB (its stand-in, unless there is a server)',
  plugin: 'mongodb-database-plugin',
  start: () => MongodbServer.start(),
  creation: ['{"db": "admin", "roles": ["readAnyDatabase", {"role": "readWrite", "db": "shop"}]}'],
  refusals: { password: /Authentication failed/, room: null },
  failing: { creation: ['{"roles": ["readWrite", "no such role"]}'], refusal: /Could not find role|No role named/ },
  nonsense: {
    creation: ['{"role": "readWrite"}'],
    others: ['{"role": "readWrite"}'],
    refusal: /_statements has "role"; there are db|has no renew_statements/,
  },
  useless: ['{"db": "elsewhere"}'],
  hostileNames: ['x", "roles": ["root"]', "x'; db.dropUser()", '$where', 'a.b@c:d/e', 'n=x,r', 'x\\', '{{password}}', 'ünï cödé'],
  hostileSpaces: [],
  slow: null,
  rollback: null,
  removal: null,
  expiry: null,
  endsSessions: true,
});
