import { rotationConformance } from '../engines/database/rotation-conformance.ts';
import { MariadbServer } from '../databases/mariadb-server.ts';

const creation = [`CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`];

rotationConformance({
  name: 'MariaDB',
  plugin: 'mysql-database-plugin',
  start: () => MariadbServer.start(),
  creation,
  ownCreation: creation,
  mayNot: /[Aa]ccess denied/,
  nonsense: [`ALTER USR '{{name}}' IDENTIFIED BY '{{password}}'`],
  rootCreation: [...creation, `GRANT ALL PRIVILEGES ON *.* TO '{{name}}'@'%' WITH GRANT OPTION`],
});
