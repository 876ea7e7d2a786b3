// What the same work costs without secretctl: `baseline.mjs parse DIR`, `baseline.mjs store RECORDS BLOCKS`.
// Prints the seconds that each step takes, by the clock and of the processor.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';

const steps = {};
async function step(name, work) {
  const start = performance.now();
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  steps[name] = { wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
  return result;
}

const [what, ...args] = process.argv.slice(2);
// Kept until the end, as a program that works on the documents keeps them.
const kept = what === 'parse' ? await parse(args[0]) : await store(Number(args[0]), Number(args[1]));
process.stdout.write(JSON.stringify({ kept: kept.length, ...steps }));

/** Reads all YAML files and parses them with the `yaml` package as it comes. */
async function parse(directory) {
  const { parseAllDocuments } = await import('yaml');
  return step('parse', () => {
    const values = [];
    const folders = [directory];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.name.startsWith('.')) continue;
        const path = join(folder, entry.name);
        if (entry.isDirectory()) folders.push(path);
        else if (entry.name.endsWith('.yaml')) {
          for (const document of parseAllDocuments(readFileSync(path, 'utf8'))) values.push(document.toJS());
        }
      }
    }
    return values;
  });
}

/** Two encrypted records for each document in one LMDB transaction, read back and opened; and opened age blocks. */
async function store(count, blocks) {
  const { open: openDatabase } = await import('lmdb');
  const { open, seal } = await import('../../../dist/crypto/aead.js');
  const { Decrypter, Encrypter, generateIdentity, identityToRecipient } = await import('age-encryption');
  const random = { bytes: (length) => new Uint8Array(randomBytes(length)) };
  const key = random.bytes(32);
  const associated = Buffer.from('store and path of the record');
  const body = Buffer.from(JSON.stringify({ spec: { description: 'x'.repeat(300) }, labels: {}, digest: 'y'.repeat(64) }));
  const directory = mkdtempSync(join(tmpdir(), 'secretctl-baseline-'));
  const database = openDatabase({
    path: join(directory, 'data'),
    noSubdir: true,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
  });
  try {
    const keys = Array.from({ length: count * 2 }, (_, index) => Buffer.from(`record/${String(index).padStart(8, '0')}`));
    await step('put', async () => {
      const sealed = keys.map(() => seal(key, body, associated, random));
      await database.transaction(() => keys.forEach((name, index) => void database.put(name, sealed[index])));
    });
    const values = await step('get', () =>
      keys.map((name) => JSON.parse(Buffer.from(open(key, database.getBinary(name), associated)).toString())),
    );
    const identity = await generateIdentity();
    const encrypter = new Encrypter();
    encrypter.addRecipient(await identityToRecipient(identity));
    const sealed = [];
    for (let index = 0; index < blocks; index++) sealed.push(await encrypter.encrypt(`{"value":"${index}"}`));
    await step('open', async () => {
      for (const block of sealed) {
        const decrypter = new Decrypter();
        decrypter.addIdentity(identity);
        await decrypter.decrypt(block);
      }
    });
    return values;
  } finally {
    await database.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
