// Dynamic database credentials, from a config repo to a login that is gone again: `npm run example:database` starts a
// PostgreSQL and a secretctl server, both thrown away at the end, and shows every command with what it printed.
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, cpSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startPostgres } from './postgres.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const program = join(here, '../../dist/main.js');
const base = mkdtempSync(join(tmpdir(), 'secretctl-database-'));
const workspace = join(base, 'acme');
const password = 'first-password-of-secretctl';
const environment = {
  PATH: process.env.PATH,
  HOME: base,
  XDG_CONFIG_HOME: join(base, 'config'),
  NO_COLOR: '1',
  ORDERS_DB_PASSWORD: password,
};
process.on('exit', () => rmSync(base, { recursive: true, force: true }));

function say(text) {
  process.stdout.write(`\n# ${text}\n`);
}

function fail(what, output = '') {
  throw new Error(`${output}\nThe example failed: ${what}`);
}

/** Runs a command as a person would type it, shows it, and insists on its exit code and on what it must say. */
function secretctl(line, { code = 0, says = [], quiet = false } = {}) {
  process.stdout.write(`$ secretctl ${line}\n`);
  // What is shown goes to one place, as to a terminal, so that it is in the order in which it was said.
  const shown = quiet ? 'pipe' : openSync(join(base, 'output'), 'w+', 0o600);
  const result = spawnSync(process.execPath, [program, ...line.split(' ')], { cwd: workspace, env: environment, stdio: ['ignore', shown, shown], encoding: 'utf8' });
  const output = quiet ? result.stdout + result.stderr : readFileSync(join(base, 'output'), 'utf8');
  if (!quiet) {
    closeSync(shown);
    process.stdout.write(output);
  }
  const missing = says.filter((text) => !output.includes(text));
  if (result.status !== code || missing.length > 0) fail(`exit code ${result.status}, missing ${JSON.stringify(missing)}`, output);
  if (output.includes(password)) fail('a password was shown');
  return result.stdout;
}

/** Starts the server of the workspace: it ends what is past its time. */
function serve() {
  process.stdout.write('$ secretctl server &\n');
  const child = spawn(process.execPath, [program, 'server'], { cwd: workspace, env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  process.once('exit', () => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr.on('data', (chunk) => {
      log += chunk;
      if (log.includes('the store is unsealed')) resolve(child);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${log}`)));
  });
}

/** Null: the database lets it in; else what it says. */
async function loginOf(login) {
  return postgres.query('SELECT 1', login).then(
    () => null,
    (error) => error.message,
  );
}

say('A PostgreSQL with a table, and a user who may make users who read it');
const postgres = await startPostgres('superuser');
await postgres.query('CREATE DATABASE orders', { database: 'postgres' });
for (const statement of [
  'CREATE TABLE orders (id int, item text)',
  "INSERT INTO orders VALUES (1, 'umbrella'), (2, 'tea')",
  'CREATE ROLE orders_read NOLOGIN',
  'GRANT SELECT ON orders TO orders_read',
  `CREATE ROLE secretctl LOGIN CREATEROLE PASSWORD '${password}'`,
  'GRANT orders_read TO secretctl WITH ADMIN OPTION',
  "CREATE ROLE orders_batch LOGIN PASSWORD 'known-to-too-many' IN ROLE orders_read",
  'GRANT orders_batch TO secretctl WITH ADMIN OPTION',
])
  await postgres.query(statement);
process.stdout.write(`PostgreSQL listens at ${postgres.address}\n`);

say('A store for the config repo of this folder, and its server');
cpSync(here, workspace, { recursive: true, filter: (path) => !/\.(mjs|md)$/.test(path) });
secretctl('init .', { quiet: true });
appendFileSync(join(workspace, '.secretctl/settings.yaml'), 'server:\n  listeners: [{ address: "127.0.0.1:0" }]\n');
const server = await serve();

say('The plan, which holds no password; before it commits, the apply connects and tries the statements of the role');
const variables = `-var=database=${postgres.address} -var=ttl=10s`;
secretctl(`apply -auto-approve -wait ${variables}`, { says: ['5 to add', 'Apply complete!'] });

say('A user that existed has a password now that nobody chose, and the old one works no more');
const batch = JSON.parse(secretctl('read -json database/static-creds/orders-batch', { quiet: true })).data;
const old = await loginOf({ user: batch.username, password: 'known-to-too-many' });
if (old === null) fail('the old password still works');
process.stdout.write(`username        ${batch.username}\nold password    ${old}\n`);
const batchOrders = await postgres.query('SELECT item FROM orders ORDER BY item', { user: batch.username, password: batch.password });
process.stdout.write(`new password    ${batchOrders.length} orders\n`);

say('Whoever may read this path gets a login of their own');
const given = JSON.parse(secretctl('read -json database/creds/orders-reader', { quiet: true }));
const login = { user: given.data.username, password: given.data.password };
process.stdout.write(`username        ${login.user}\nlease_id        ${given.lease_id}\nlease_duration  ${given.lease_duration} seconds\n`);

const roles = () => postgres.query(`SELECT rolname, rolvaliduntil FROM pg_roles WHERE rolname = '${login.user}'`);
say('The database has the role, and lets it in');
const [role] = await roles();
if (role === undefined) fail('the role is not there');
process.stdout.write(`pg_roles        ${role.rolname}, valid until ${role.rolvaliduntil.toISOString()}\n`);
const orders = await postgres.query('SELECT item FROM orders ORDER BY item', login);
process.stdout.write(`SELECT item     ${orders.map(({ item }) => item).join(', ')}\n`);

say('Nobody renews the lease: the login goes when its time is over');
const began = Date.now();
while ((await roles()).length > 0) {
  if (Date.now() - began > 60_000) fail('the role is still there after a minute');
  await sleep(100);
}
process.stdout.write(`pg_roles        the role was dropped after ${Math.round((Date.now() - began) / 1000)} seconds\n`);
const refused = await loginOf(login);
if (refused === null) fail('the database still lets it in');
process.stdout.write(`log in          ${refused}\n`);
secretctl(`lease lookup ${given.lease_id}`, { code: 1, says: ['invalid lease'] });

server.removeAllListeners('exit');
server.kill('SIGTERM');
await new Promise((resolve) => server.once('close', resolve));
await postgres.stop();
say('Done: no login is left behind.');
