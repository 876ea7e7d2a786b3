// Requests through the whole corridor on the embedded store, two synced audit lines each, beside what the disk allows.
import { closeSync, fdatasync, openSync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { open } from 'lmdb';
import { latencies, percentile } from './measure.mjs';
import { openWorkspace } from './open-workspace.mjs';
import { alternating } from './storage.mjs';
import { row } from './table.mjs';

const writeTo = promisify(write);
const syncOf = promisify(fdatasync);

export async function corridor() {
  const workspace = await openWorkspace();
  const { send } = workspace;
  const descriptor = openSync(join(workspace.base, 'bare.log'), 'a');
  const settings = { noSubdir: true, keyEncoding: 'binary', encoding: 'binary', overlappingSync: false };
  const database = open({ path: join(workspace.base, 'bare'), ...settings });
  try {
    const calls = await prepared(send);
    const line = Buffer.alloc(1400, 'x');
    /** Two lines written and synced one after the other, and for a change a durable put between them. */
    const bare = (changes) => async (index) => {
      await writeTo(descriptor, line);
      await syncOf(descriptor);
      if (changes) await database.put(Buffer.from(`record/${index % 256}`), line);
      await writeTo(descriptor, line);
      await syncOf(descriptor);
    };
    const rows = [];
    for (const [what, call, changes] of calls) {
      const single = await alternating(
        () => latencies(400, 1, call),
        () => latencies(400, 1, bare(changes)),
      );
      const [{ samples }, { samples: bareSamples }] = single;
      for (const [name, share] of [
        ['p50', 0.5],
        ['p99', 0.99],
      ]) {
        const baseline = { what: changes ? '2 synced lines, LMDB put' : '2 synced lines', value: percentile(bareSamples, share) };
        rows.push(row('corridor', `${what}, one by one: ${name}`, 'ms', percentile(samples, share), { baseline }));
      }
      const [{ rate, samples: many }] = await alternating(() => latencies(6000, 64, call));
      rows.push(
        row('corridor', `${what}, 64 at a time`, '/s', rate, { baseline: { what: 'one by one', value: single[0].rate } }),
      );
      rows.push(row('corridor', `${what}, 64 at a time: p99`, 'ms', percentile(many, 0.99)));
    }
    return rows;
  } finally {
    closeSync(descriptor);
    await database.close();
    await workspace.closeStore();
    workspace.close();
  }
}

/** The requests, and whether each of them changes the store. */
async function prepared(send) {
  await send('write', 'sys/mounts/kv', { type: 'kv-v2' });
  await send('write', 'sys/auth/approle', { type: 'approle' });
  await send('write', 'sys/policy/app', { policy: 'path "kv/data/*" { capabilities = ["read", "create", "update"] }' });
  await send('write', 'auth/approle/role/app', { token_policies: ['app'], token_ttl: '1h' });
  for (let index = 0; index < 256; index++)
    await send('write', `kv/data/secret-${index}`, { data: { password: 'canary', user: 'app' } });
  const { data: role } = await send('read', 'auth/approle/role/app/role-id');
  const { data: secret } = await send('write', 'auth/approle/role/app/secret-id');
  const login = { role_id: role.role_id, secret_id: secret.secret_id };
  const { auth } = await send('write', 'auth/approle/login', login, null);
  const token = auth.client_token;
  return [
    ['KV read', (index) => send('read', `kv/data/secret-${index % 256}`, {}, token), false],
    [
      'KV write',
      (index) => send('write', `kv/data/secret-${index % 256}`, { data: { password: `canary-${index}` } }, token),
      true,
    ],
    ['AppRole login', () => send('write', 'auth/approle/login', login, null), true],
  ];
}
