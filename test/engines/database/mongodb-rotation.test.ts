import { MongodbServer } from '../../databases/mongodb-server.ts';
import { rotationConformance } from './rotation-conformance.ts';

rotationConformance({
  name: 'MongoDB (its stand-in, unless there is a server)',
  plugin: 'mongodb-database-plugin',
  start: () => MongodbServer.start(),
  creation: ['{"db": "admin", "roles": ["readAnyDatabase"]}'],
  ownCreation: null,
  mayNot: /not authorized/,
  nonsense: ['ALTER ROLE'],
  rootCreation: ['{"db": "admin", "roles": ["root"]}'],
});
