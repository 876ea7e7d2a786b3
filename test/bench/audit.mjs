// How fast a log is proved, beside reading and hashing the same file.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyLogFile } from '../../dist/audit/verify.js';
import { latencies, timed } from './measure.mjs';
import { openWorkspace } from './open-workspace.mjs';
import { row } from './table.mjs';

const requests = 20_000;

export async function audit() {
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
