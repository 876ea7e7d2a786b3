// Many leases of PostgreSQL users in the embedded store: how long a restart takes, what memory the server then has, and
// how fast leases end that are past their time, their users dropped in a real database. Memory is the process's own; pages
// of the store's file that are mapped stand beside it: the system takes them back when it needs them. BENCH_LEASES and
// BENCH_DUE: how many there are of each.
import './typescript.mjs';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as after } from 'node:timers/promises';
import { Connection, requestBytes } from './http-load.mjs';
import { latencies, now } from './measure.mjs';
import { letServe, memoryOf, startServer } from './server-process.mjs';
import { row } from './table.mjs';
import { createWorkspace } from './workspace.mjs';

const count = Number(process.env.BENCH_LEASES ?? 1_000_000);
const due = Number(process.env.BENCH_DUE ?? 100_000);
const filler = fileURLToPath(new URL('children/fill-leases.mjs', import.meta.url));
const MiB = 1024 * 1024;

export async function leases() {
  const { PostgresServer } = await import('../databases/postgres-server.ts');
  const workspace = createWorkspace();
  const postgres = await PostgresServer.start();
  try {
    letServe(workspace);
    const mountId = await prepare(workspace, postgres);
    const empty = await restart(workspace);
    await empty.server.stop();
    const filled = fill(workspace, mountId, count, 0);
    const full = await restart(workspace);
    await full.server.stop();
    fill(workspace, mountId, due, due);
    const bare = await bareDrops(postgres);
    await makeUsers(postgres, due);
    const ended = await expiry(workspace, postgres);
    const baseline = (value) => ({ what: 'no lease', value });
    return [
      row('leases', `${text(count)} leases put into the store`, '/s', count / filled),
      row('leases', `restart with them, to the first answer`, 'ms', full.firstAnswer, {
        baseline: baseline(empty.firstAnswer),
        aim: { most: 1000, of: 'value' },
      }),
      row('leases', 'memory after it', 'B', full.memory, {
        baseline: baseline(empty.memory),
        aim: { most: 300 * MiB, of: 'value' },
      }),
      row('leases', `${text(due)} of them due, their users dropped`, '/s', due / ended.seconds, {
        baseline: { what: 'bare DROP ROLE, 4 connections', value: bare },
      }),
      row('leases', 'memory before that', 'B', ended.before),
      row('leases', 'mapped pages of the store while it goes on, at most', 'B', ended.mapped),
      row('leases', 'memory while it goes on, at most', 'B', ended.most, {
        baseline: { what: 'before', value: ended.before },
        aim: { most: 300 * MiB, of: 'value' },
      }),
      row('leases', 'memory after it', 'B', ended.after, { baseline: { what: 'before', value: ended.before } }),
    ];
  } finally {
    await postgres.stop();
    workspace.close();
  }
}

const text = (number) => number.toLocaleString('en-US');

async function prepare(workspace, postgres) {
  const server = await startServer(workspace);
  const connection = await Connection.open(server.address);
  const call = async (method, path, body = null) => {
    const answer = await connection.send(requestBytes({ method, path: `/v1/${path}`, token: workspace.token, body }), true);
    if (answer.status >= 400) throw new Error(`${method} ${path} was answered with ${answer.status}: ${answer.body}`);
    return answer.body === '' ? null : JSON.parse(answer.body);
  };
  await call('POST', 'sys/mounts/kv', { type: 'kv' });
  await call('POST', 'kv/secret', { value: 'canary' });
  await call('POST', 'sys/mounts/database', { type: 'database' });
  await call('POST', 'database/config/main', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: postgres.url(),
    username: 'postgres',
    password: postgres.password,
    allowed_roles: ['*'],
  });
  const { data } = await call('GET', 'sys/mounts/database');
  connection.close();
  await server.stop();
  return data.uuid;
}

/** Starts the server and asks it for a secret. */
async function restart(workspace) {
  const start = now();
  const server = await startServer(workspace);
  const connection = await Connection.open(server.address);
  const { status } = await connection.send(requestBytes({ method: 'GET', path: '/v1/kv/secret', token: workspace.token }));
  const firstAnswer = now() - start;
  connection.close();
  if (status !== 200) throw new Error(`the first answer was ${status}`);
  return { server, firstAnswer, memory: memoryOf(server.process.pid, 'RssAnon') };
}

/** Seconds. */
function fill({ store, configDirectory, env }, mountId, ...numbers) {
  const args = [filler, store, configDirectory, mountId, ...numbers.map(String)];
  return Number(execFileSync(process.execPath, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

async function makeUsers(postgres, users) {
  for (let first = 1; first <= users; first += 5000) {
    const last = Math.min(users, first + 4999);
    await postgres.query(
      `DO $$ BEGIN FOR i IN ${first}..${last} LOOP EXECUTE format('CREATE ROLE "v-due-%s" LOGIN', i); END LOOP; END $$`,
    );
  }
}

/** Roles per second that four clients drop who do nothing else. */
async function bareDrops(postgres) {
  const { default: pg } = await import('pg');
  const users = Math.min(due, 4000);
  await makeUsers(postgres, users);
  const settings = { host: '127.0.0.1', port: postgres.port, user: 'postgres', password: postgres.password };
  const pool = new pg.Pool({ ...settings, max: 4 });
  const { rate } = await latencies(users, 4, (index) => pool.query(`DROP ROLE "v-due-${index + 1}"`));
  await pool.end();
  return rate;
}

async function expiry(workspace, postgres) {
  const { server, memory: before } = await restart(workspace);
  const start = now();
  let most = before;
  let mapped = 0;
  let left = due;
  while (left > 0) {
    await after(250);
    most = Math.max(most, memoryOf(server.process.pid, 'RssAnon'));
    mapped = Math.max(mapped, memoryOf(server.process.pid, 'RssFile'));
    const [found] = await postgres.query(`SELECT count(*)::int AS n FROM pg_roles WHERE rolname LIKE 'v-due-%'`);
    if (found.n < left && Math.floor(found.n / 10_000) < Math.floor(left / 10_000)) {
      process.stderr.write(`  ${text(found.n)} left, ${Math.round(most / MiB)} MiB\n`);
    }
    left = found.n;
  }
  const seconds = (now() - start) / 1000;
  const afterIt = memoryOf(server.process.pid, 'RssAnon');
  await server.stop();
  return { seconds, before, most, mapped, after: afterIt };
}
