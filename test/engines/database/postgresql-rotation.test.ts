import { PostgresServer } from '../../databases/postgres-server.ts';
import { rotationConformance } from './rotation-conformance.ts';

const creation = [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'`];

rotationConformance({
  name: 'PostgreSQL',
  plugin: 'postgresql-database-plugin',
  start: () => PostgresServer.start(),
  creation,
  ownCreation: creation,
  mayNot: /permission denied to alter role/,
  nonsense: [`ALTER ROLL "{{name}}" PASSWORD '{{password}}'`],
  rootCreation: [`CREATE ROLE "{{name}}" SUPERUSER LOGIN PASSWORD '{{password}}'`],
});
