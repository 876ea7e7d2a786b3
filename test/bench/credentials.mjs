// How many users of a PostgreSQL database a server gives per second, over 1, 4 and 16 connections, beside clients over as
// many connections that do nothing but CREATE ROLE with the same statement; in turns, with a database that syncs its
// commits and with one that does not; and over as many connections as there are at most for three times as many clients,
// whose requests wait for the store while those of others wait for the database. BENCH_SECONDS: how long each turn lasts; BENCH_TURNS: how many there are;
// BENCH_CONNECTIONS: over how many connections.
import './typescript.mjs';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { Connection, load, requestBytes } from './http-load.mjs';
import { median, now, percentile } from './measure.mjs';
import { cpuOf, letServe, memoryOf, startServer } from './server-process.mjs';
import { row } from './table.mjs';
import { createWorkspace } from './workspace.mjs';

const seconds = Number(process.env.BENCH_SECONDS ?? 3);
const turns = Number(process.env.BENCH_TURNS ?? 3);
const connectionCounts = (process.env.BENCH_CONNECTIONS ?? '1,4,16').split(',').map(Number);
const creation = `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`;

export async function credentials() {
  const rows = [];
  for (const fsync of [true, false]) rows.push(...(await beside(fsync)));
  return rows;
}

async function beside(fsync) {
  const { PostgresServer } = await import('../databases/postgres-server.ts');
  const workspace = createWorkspace();
  const postgres = await PostgresServer.start({ fsync });
  let server = null;
  try {
    letServe(workspace);
    server = await startServer(workspace);
    await prepare(server, workspace.token, postgres);
    const rows = [];
    const most = Math.max(...connectionCounts);
    for (const [clients, connections] of [...connectionCounts.map((count) => [count, count]), [3 * most, most]]) {
      const ours = [];
      const bare = [];
      let cpu = 0;
      for (let turn = 0; turn < turns; turn++) {
        cpu -= cpuOf(server.process.pid);
        ours.push(await issue(server, workspace.token, clients));
        cpu += cpuOf(server.process.pid);
        bare.push(await createRoles(postgres, connections));
      }
      const who = clients === connections ? '' : `${clients} clients over `;
      const what = `credentials, ${who}${connections} connections, ${fsync ? 'fsync' : 'no fsync'}`;
      const rate = (results) => median(results.map((result) => result.rate));
      const samples = (results) => results.flatMap((result) => [...result.samples]);
      const baseline = (value) => ({ what: 'bare CREATE ROLE', value });
      const aim = connections === 16 ? { least: 0.8, of: 'ratio' } : null;
      rows.push(row('credentials', what, '/s', rate(ours), { baseline: baseline(rate(bare)), aim }));
      for (const [name, share] of [
        ['p50', 0.5],
        ['p99', 0.99],
      ]) {
        const value = percentile(samples(ours), share);
        rows.push(row('credentials', `${what}: ${name}`, 'ms', value, { baseline: baseline(percentile(samples(bare), share)) }));
      }
      const given = ours.reduce((sum, { samples: each }) => sum + each.length, 0);
      rows.push(row('credentials', `${what}: processor time of the server for each`, 'ms', (1000 * cpu) / given));
    }
    rows.push(row('credentials', 'memory after it', 'B', memoryOf(server.process.pid)));
    return rows;
  } finally {
    await server?.stop();
    await postgres.stop();
    workspace.close();
  }
}

async function prepare(server, token, postgres) {
  const connection = await Connection.open(server.address);
  const call = async (path, body) => {
    const answer = await connection.send(requestBytes({ method: 'POST', path: `/v1/${path}`, token, body }), true);
    if (answer.status >= 400) throw new Error(`${path} was answered with ${answer.status}: ${answer.body}`);
  };
  await call('sys/mounts/database', { type: 'database' });
  await call('database/config/main', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: postgres.url(),
    username: 'postgres',
    password: postgres.password,
    allowed_roles: ['*'],
    max_open_connections: Math.max(...connectionCounts),
  });
  await call('database/roles/app', { db_name: 'main', creation_statements: [creation], default_ttl: '1h' });
  connection.close();
}

function issue(server, token, connections) {
  const request = { bytes: requestBytes({ method: 'GET', path: '/v1/database/creds/app', token }), status: 200 };
  return load(server.address, { connections, seconds, next: () => request });
}

/** As `load`: clients that do the same in the database, and nothing else. */
async function createRoles(postgres, connections) {
  const settings = { host: '127.0.0.1', port: postgres.port, user: 'postgres', password: postgres.password };
  const clients = Array.from({ length: connections }, () => new pg.Client({ ...settings, database: 'postgres' }));
  await Promise.all(clients.map((client) => client.connect()));
  const expiration = new Date(Date.now() + 3_605_000).toISOString();
  const samples = [];
  const start = now();
  const end = start + seconds * 1000;
  await Promise.all(
    clients.map(async (client) => {
      for (let begun = now(); begun < end; begun = now()) {
        const name = `v-bare-app-${randomBytes(10).toString('hex')}`;
        const password = randomBytes(15).toString('base64');
        const values = { '{{name}}': name, '{{password}}': password, '{{expiration}}': expiration };
        await client.query(creation.replaceAll(/\{\{\w+\}\}/g, (placeholder) => values[placeholder]));
        samples.push(now() - begun);
      }
    }),
  );
  const rate = samples.length / ((now() - start) / 1000);
  await Promise.all(clients.map((client) => client.end()));
  return { rate, samples };
}
