// How much processor time an entry costs, and how fast a log is proved, beside reading and hashing the same file.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSink } from '../../dist/audit/file-sink.js';
import { openAuditLog } from '../../dist/audit/log.js';
import { verifyLogFile } from '../../dist/audit/verify.js';
import { latencies, timed } from './measure.mjs';
import { openWorkspace } from './open-workspace.mjs';
import { row } from './table.mjs';

const requests = 20_000;

export async function audit() {
  return [...(await append()), ...(await verification())];
}

const mount = {
  id: '1',
  class: 'secret',
  path: 'kv',
  type: 'kv',
  accessor: 'kv_1a2b3c',
  config: { auditNonHmacRequestKeys: [], auditNonHmacResponseKeys: [] },
};

/** The two entries of a read of a KV 2 secret, as the corridor hands them over: made anew for each request. */
function entriesOf(number) {
  const auth = {
    accessor: 'accessor-of-alice',
    displayName: 'approle-alice',
    policies: ['default', 'payments'],
    tokenPolicies: ['default', 'payments'],
    tokenType: 'service',
    entityId: '',
    metadata: { role_name: 'alice' },
    granting: [{ name: 'payments', type: 'acl' }],
  };
  const request = {
    id: `0b5c1d3e-0000-4000-8000-${String(number).padStart(12, '0')}`,
    operation: 'read',
    path: `kv/data/app/${number % 1000}`,
    data: {},
    token: 'hvs.CAESIJ-token-of-alice-000000000000',
    remote: { address: '192.0.2.7', port: 40_001 },
    wrapTtl: null,
  };
  const metadata = {
    created_time: '2026-11-24T12:30:05Z',
    custom_metadata: null,
    deletion_time: '',
    destroyed: false,
    version: 1,
  };
  const reply = { data: { data: { password: `canary-${number}`, user: 'app' }, metadata } };
  const about = { request, verb: 'read', mount, auth, error: null };
  return [
    { type: 'request', ...about, reply: null },
    { type: 'response', ...about, reply },
  ];
}

async function append() {
  const folder = mkdtempSync(join(tmpdir(), 'secretctl-bench-'));
  const sinks = [fileSink('file', join(folder, 'audit.log'))];
  const identity = { storeId: 'bench', key: new Uint8Array(32).fill(7), boot: 'bench', epoch: 1, anchor: null };
  const log = await openAuditLog({ ...identity, clock: { now: () => Date.now() }, sinks, enabled: ['file'] });
  try {
    const request = async (number) => {
      for (const entry of entriesOf(number)) await log.append([entry]);
    };
    await latencies(requests, 64, request);
    const before = process.cpuUsage();
    const { rate } = await latencies(requests, 64, request);
    const { user, system } = process.cpuUsage(before);
    const microseconds = (user + system) / (2 * requests);
    return [
      row('audit', 'entry, 64 at a time: processor', 'µs', microseconds, { aim: { most: 25, of: 'value' } }),
      row('audit', 'entries, 64 at a time, durable', '/s', 2 * rate),
    ];
  } finally {
    await log.close();
    rmSync(folder, { recursive: true });
  }
}

async function verification() {
  const workspace = await openWorkspace();
  try {
    const { send } = workspace;
    await send('write', 'sys/mounts/kv', { type: 'kv-v2' });
    await send('write', 'kv/data/secret', { data: { password: 'canary', user: 'app' } });
    await latencies(requests, 256, () => send('read', 'kv/data/secret'));
    await workspace.closeStore();
    const path = join(workspace.store, 'audit/audit.log');
    const lines = readFileSync(path).reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0);
    const verify = async () => {
      const { outcome, message } = await verifyLogFile(path, { storeId: workspace.storeId, anchor: null });
      if (outcome !== 'ok') throw new Error(`the log is not whole: ${message}`);
    };
    const hash = () => {
      for (const line of readFileSync(path, 'latin1').split('\n')) createHash('sha256').update(line, 'latin1').digest('hex');
    };
    const [ours, theirs] = [await timed(3, verify), await timed(3, hash)];
    const baseline = { what: 'SHA-256 of each line', value: lines / theirs };
    return [row('audit', 'verify, lines', '/s', lines / ours, { baseline })];
  } finally {
    workspace.close();
  }
}
