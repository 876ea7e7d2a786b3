import type { DatabasePlugin } from '../plugin.ts';
import { MongodbSession } from './session.ts';
import { parseConnectionString } from './connection-string.ts';
import { addressText, checkSettings, destinationOf, mongodbFields } from './settings.ts';
import { parseCreation, parseRevocation, statementProblems } from './statement.ts';

export const mongodb: DatabasePlugin = {
  name: 'mongodb-database-plugin',
  aliases: [],
  fields: mongodbFields,
  secretFields: ['tls_certificate_key'],
  usernameTemplate:
    '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 15) (.RoleName | truncate 15) (random 20) (unix_time) | replace "." "-" | truncate 100 }}',
  longestUsername: 100,
  check: checkSettings,
  checkUrl: (url, username) => void parseConnectionString(url, username, ''),
  checkStatements: statementProblems,
  destination: destinationOf,
  address: addressText,
  placeOf({ creation, revocation }) {
    parseRevocation(revocation);
    return parseCreation(creation).db;
  },
  open: (connection) => new MongodbSession(connection),
};
