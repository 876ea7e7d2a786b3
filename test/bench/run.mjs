// npm run bench [-- names… -json]: measures, prints, asserts nothing. Times on a shared machine mean little by
// themselves, so each stands beside a baseline that was measured in the same run. BENCH_DOCUMENTS, BENCH_SEALED and
// BENCH_ROUNDS change the size of the repo and how often things are repeated.
import { audit } from './audit.mjs';
import { corridor } from './corridor.mjs';
import { credentials } from './credentials.mjs';
import { crypto } from './crypto.mjs';
import { leases } from './leases.mjs';
import { reader } from './reader.mjs';
import { repo } from './repo.mjs';
import { startup } from './startup.mjs';
import { storage } from './storage.mjs';
import { server } from './server.mjs';
import { renderTable } from './table.mjs';

const benches = { startup, crypto, storage, corridor, audit, server, repo, reader, leases, credentials };

const args = process.argv.slice(2);
const json = args.includes('-json');
const names = args.filter((arg) => arg !== '-json');
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  process.stderr.write(`There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.\n`);
  process.exit(1);
}

const rows = [];
for (const [name, bench] of Object.entries(benches)) {
  if (names.length > 0 && !names.includes(name)) continue;
  process.stderr.write(`${name} …\n`);
  rows.push(...(await bench()));
}
process.stdout.write(json ? `${JSON.stringify({ node: process.version, rows }, null, 2)}\n` : `\n${renderTable(rows)}\n`);
