// A server under load from this process, audit on: KV read, KV write, login, wrapped read and a mix of them over 1, 32
// and 256 connections. BENCH_PEER=http://127.0.0.1:8300 with BENCH_PEER_TOKEN measures another server that speaks the
// same API in the same way, in turns with ours, and prints ratios to it. BENCH_SECONDS: how long each load lasts.
import { Connection, load, requestBytes } from './http-load.mjs';
import { percentile } from './measure.mjs';
import { letServe, memoryOf, startServer } from './server-process.mjs';
import { row } from './table.mjs';
import { createWorkspace } from './workspace.mjs';

const seconds = Number(process.env.BENCH_SECONDS ?? 3);
const connectionCounts = (process.env.BENCH_CONNECTIONS ?? '1,32,256').split(',').map(Number);
const secrets = 256;

export async function server() {
  const workspace = createWorkspace();
  letServe(workspace);
  const child = await startServer(workspace);
  try {
    const ours = await prepare('secretctl', child.address, workspace.token, () => memoryOf(child.process.pid));
    const peer = await peerOf();
    const rows = [];
    for (const connections of connectionCounts) {
      for (const [what, next] of Object.entries(loads)) {
        const results = [];
        for (const target of peer === null ? [ours] : [ours, peer]) {
          results.push(await load(target.address, { connections, seconds, next: next(target) }));
        }
        rows.push(...rowsOf(`${what}, ${connections} connections`, results, ours.memory()));
      }
    }
    if (peer === null) process.stderr.write('peer not measured: set BENCH_PEER and BENCH_PEER_TOKEN\n');
    return rows;
  } finally {
    await child.stop();
    workspace.close();
  }
}

function rowsOf(what, [ours, peer], memory) {
  const beside = (value) => (peer === undefined ? null : { what: 'peer', value });
  const rows = [row('server', what, '/s', ours.rate, { baseline: beside(peer?.rate) })];
  for (const [name, share] of [
    ['p50', 0.5],
    ['p99', 0.99],
    ['p99.9', 0.999],
  ]) {
    const baseline = peer === undefined ? null : beside(percentile(peer.samples, share));
    rows.push(row('server', `${what}: ${name}`, 'ms', percentile(ours.samples, share), { baseline }));
  }
  rows.push(row('server', `${what}: memory`, 'B', memory));
  return rows;
}

const loads = {
  'KV read': (target) => {
    const requests = target.reads.map((bytes) => ({ bytes, status: 200 }));
    return (index) => requests[index % secrets];
  },
  'KV write': (target) => {
    const requests = target.writes.map((bytes) => ({ bytes, status: 200 }));
    return (index) => requests[index % secrets];
  },
  login: (target) => {
    const request = { bytes: target.login, status: 200 };
    return () => request;
  },
  'wrapped read': (target) => (index) => wrappedRead(target, index),
  mixed: (target) => {
    const login = { bytes: target.login, status: 200 };
    return (index) => {
      if (index % 20 === 0) return login;
      if (index % 10 === 1) return { bytes: target.writes[index % secrets], status: 200 };
      return { bytes: target.reads[index % secrets], status: 200 };
    };
  },
};

/** A read whose answer is wrapped, and its unwrapping. */
function wrappedRead(target, index) {
  return async (connection) => {
    const wrapped = await connection.send(target.wrapped[index % secrets], true);
    const { wrap_info: info } = JSON.parse(wrapped.body);
    const bytes = requestBytes({ method: 'PUT', path: '/v1/sys/wrapping/unwrap', token: info.token });
    const { status } = await connection.send(bytes);
    if (status !== 200) throw new Error(`unwrapping was answered with ${status}`);
  };
}

async function peerOf() {
  const address = process.env.BENCH_PEER;
  if (address === undefined || address === '') return null;
  return prepare('peer', new URL(address), process.env.BENCH_PEER_TOKEN ?? 'root', () => 0);
}

/** Mounts, a policy, a role and secrets, and the bytes of every request that the load will send. */
async function prepare(name, address, root, memory) {
  const connection = await Connection.open(address);
  const call = async (method, path, body = null, token = root) => {
    const { status, body: text } = await connection.send(requestBytes({ method, path: `/v1/${path}`, token, body }), true);
    if (status >= 400) throw new Error(`${name}: ${method} ${path} was answered with ${status}: ${text.slice(0, 500)}`);
    return text === '' ? null : JSON.parse(text);
  };
  const mount = `bench-${process.pid}`;
  await call('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } });
  await call('POST', `sys/auth/${mount}`, { type: 'approle' });
  await call('PUT', 'sys/policies/acl/bench', {
    policy: `path "${mount}/data/*" { capabilities = ["read", "create", "update"] }`,
  });
  await call('POST', `auth/${mount}/role/app`, { token_policies: ['bench'], token_ttl: '1h' });
  // A new KV 2 mount of a peer may need a moment before it takes writes.
  for (let tries = 0; ; tries++) {
    try {
      await call('POST', `${mount}/data/secret-0`, { data: { password: 'canary' } });
      break;
    } catch (error) {
      if (tries > 50) throw error;
    }
  }
  for (let index = 0; index < secrets; index++) {
    await call('POST', `${mount}/data/secret-${index}`, { data: { password: 'canary', user: 'app' } });
  }
  const { data: role } = await call('GET', `auth/${mount}/role/app/role-id`);
  const { data: secret } = await call('POST', `auth/${mount}/role/app/secret-id`, {});
  const login = { role_id: role.role_id, secret_id: secret.secret_id };
  const { auth } = await call('POST', `auth/${mount}/login`, login, null);
  connection.close();
  const token = auth.client_token;
  const each = (make) =>
    Array.from({ length: secrets }, (_, index) => requestBytes(make(`/v1/${mount}/data/secret-${index}`, index)));
  return {
    address,
    memory,
    reads: each((path) => ({ method: 'GET', path, token })),
    writes: each((path, index) => ({
      method: 'POST',
      path,
      token,
      body: { data: { password: `canary-${index}`, user: 'app' } },
    })),
    wrapped: each((path) => ({ method: 'GET', path, token, headers: { 'X-Vault-Wrap-TTL': '60' } })),
    login: requestBytes({ method: 'POST', path: `/v1/auth/${mount}/login`, body: login }),
  };
}
