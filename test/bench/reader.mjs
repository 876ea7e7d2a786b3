// What a reader in the same process feels of the first apply of the repo.
import { fileURLToPath } from 'node:url';
import { documents } from './documents.mjs';
import { measureChild } from './measure.mjs';
import { size } from './repo.mjs';
import { row } from './table.mjs';
import { createWorkspace, writeFiles } from './workspace.mjs';

const child = fileURLToPath(new URL('children/reader.mjs', import.meta.url));

export async function reader() {
  const workspace = createWorkspace();
  try {
    writeFiles(workspace.directory, await documents({ ...size, recipient: workspace.recipient }));
    const { directory, configDirectory, token, env } = workspace;
    const { stdout } = measureChild([child, directory, configDirectory, token], { cwd: directory, env });
    const { idle, during, seconds } = JSON.parse(stdout);
    const beside = (what, key) =>
      row('reader', what, 'ms', during[key], { baseline: { what: 'without an apply', value: idle[key] } });
    return [
      beside('KV read during an apply: p50', 'p50'),
      beside('KV read during an apply: p99', 'p99'),
      beside('KV read during an apply: slowest', 'max'),
      row('reader', 'that apply, with 250 reads a second', 's', seconds),
    ];
  } finally {
    workspace.close();
  }
}
