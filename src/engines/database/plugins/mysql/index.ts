import type { DatabasePlugin } from '../plugin.ts';
import { sqlProblems } from '../sql-statements.ts';
import { dialect } from './accounts.ts';
import { addressOf } from './address.ts';
import { MysqlSession } from './session.ts';
import { checkSettings, addressText, destinationOf, mysqlFields } from './settings.ts';

const nameOf32 =
  '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 10) (.RoleName | truncate 10) (random 20) (unix_time) | truncate 32 }}';
/** As long as servers before MySQL 5.7 take. */
const nameOf16 = '{{ printf "v-%s-%s" (.RoleName | truncate 4) (random 20) | truncate 16 }}';

const example = `CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`;

/** They differ in the names that they make, unless a template is given: one has them all, as Vault's are known. */
export const mysqlPlugins: readonly DatabasePlugin[] = [
  plugin('mysql-database-plugin', nameOf32),
  plugin('mysql-aurora-database-plugin', nameOf16),
  plugin('mysql-rds-database-plugin', nameOf16),
  plugin('mysql-legacy-database-plugin', nameOf16),
];

function plugin(name: string, usernameTemplate: string): DatabasePlugin {
  return {
    name,
    aliases: [],
    fields: mysqlFields,
    secretFields: ['tls_certificate_key'],
    usernameTemplate,
    // Of MariaDB; MySQL itself refuses what is above 32.
    longestUsername: 80,
    check: checkSettings,
    checkUrl: (url, username) => void addressOf(url, username, ''),
    checkStatements: (use, statements) => sqlProblems(use, statements, { dialect, example, expires: false }),
    destination: destinationOf,
    address: addressText,
    open: (connection) => new MysqlSession(connection),
  };
}
