import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { verifyLogFile } from '../../src/audit/verify.ts';
import type { JsonObject } from '../../src/base/json.ts';
import type { ManagedRecord } from '../../src/protocol/managed.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import { readStoreId } from '../../src/storage/store-id.ts';
import { lookInside, within } from './place.ts';
import { full, seed, Seeded } from './seeded.ts';

const program = resolve(import.meta.dirname, '../../dist/main.js');
const policies = Array.from({ length: full ? 300 : 60 }, (_, index) => `policy-${index}`);
const secrets = Array.from({ length: full ? 60 : 12 }, (_, index) => `app/${index}`);
const rounds = full ? 60 : 10;

/** A workspace with its store and the directory that holds key and token. */
interface Workspace {
  readonly root: string;
  readonly directory: string;
  readonly configDirectory: string;
}

interface Ended {
  /** Null: the signal ended it, before the program was ready for one or when it had ended its work. */
  readonly code: number | null;
  readonly output: string;
  readonly milliseconds: number;
}

interface Interruption {
  readonly signal: NodeJS.Signals;
  /** Milliseconds after the start of the program. */
  readonly after: number;
  readonly twice: boolean;
}

async function secretctl(at: Workspace, words: readonly string[], interruption: Interruption | null = null): Promise<Ended> {
  const started = performance.now();
  const env = { ...process.env, XDG_CONFIG_HOME: join(at.root, 'config'), VAULT_TOKEN: '' };
  const child = spawn(process.execPath, [program, ...words], { cwd: at.root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const interrupt = () => {
    if (interruption === null) return;
    child.kill(interruption.signal);
    if (interruption.twice) setImmediate(() => child.kill(interruption.signal));
  };
  const timer = setTimeout(interrupt, interruption?.after ?? 0);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolveEnd) =>
    child.once('close', (...ended) => resolveEnd(ended)),
  );
  clearTimeout(timer);
  const milliseconds = performance.now() - started;
  if (signal !== null) expect(signal, output).toBe(interruption?.signal);
  return { code, output, milliseconds };
}

function writeDocuments(at: Workspace, generation: number): void {
  const head = (kind: string, name: string) =>
    `---\napiVersion: secretctl/v1\nkind: ${kind}\nmetadata:\n  name: ${name}\nspec:\n`;
  const documents = [
    `${head('SecretEngine', 'kv')}  type: kv\n  options:\n    version: "2"\n  description: generation ${generation}\n`,
    ...policies.map(
      (name) => `${head('Policy', name)}  rules:\n    - path: generation/${generation}/*\n      capabilities: [read]\n`,
    ),
    ...secrets.map(
      (name) =>
        `${head('StaticSecret', name)}  engine: kv\n  data:\n    password:\n      generate:\n        length: ${8 + generation}\n` +
        `  customMetadata:\n    generation: "${generation}"\n`,
    ),
  ];
  mkdirSync(join(at.root, 'documents'), { recursive: true });
  writeFileSync(join(at.root, 'documents', 'all.yaml'), documents.join(''));
}

/** The generation that every object of the store and every managed record has; 0: there is none of them. Throws otherwise. */
async function generationOf(at: Workspace, rootToken: string): Promise<number> {
  const found = await within(at, async (store) => {
    const read = async (path: string): Promise<JsonObject | null> => {
      try {
        return (await store.handle({ operation: 'read', path, data: {}, token: rootToken })).data ?? null;
      } catch (error) {
        if (error instanceof RequestError && (error.status === 404 || error.status === 400)) return null;
        throw error;
      }
    };
    const records = ((await read('sys/managed'))?.records ?? []) as unknown as readonly ManagedRecord[];
    const generations = [(await read('sys/mounts/kv'))?.description, ...records.map(({ spec }) => JSON.stringify(spec))];
    if (records.length !== 0) expect(records).toHaveLength(1 + policies.length + secrets.length);
    for (const name of policies) generations.push((await read(`sys/policies/acl/${name}`))?.policy);
    for (const name of secrets) {
      const metadata = (await read(`kv/metadata/${name}`))?.custom_metadata as JsonObject | undefined;
      const { data } = ((await read(`kv/data/${name}`)) ?? {}) as { data?: { password: string } };
      generations.push(metadata?.generation === undefined ? undefined : `generation ${String(metadata.generation)}`);
      generations.push(data === undefined ? undefined : `generation ${data.password.length - 8}`);
    }
    return generations.map((text) => Number(/generation\D+(\d+)/.exec(String(text))?.[1] ?? 0));
  });
  const different = [...new Set(found)];
  if (different.length !== 1) throw new Error(`objects of several generations are in the store: ${different.join(', ')}`);
  return different[0] ?? 0;
}

/** Breaks the apply lock; its id, or null: nobody held it. */
async function breakLock(at: Workspace, token: string): Promise<string | null> {
  return within(at, async (store) => {
    const lock = await store.handle({ operation: 'read', path: 'sys/managed/lock', data: {}, token }).catch((error: unknown) => {
      if (error instanceof RequestError && error.status === 404) return null;
      throw error;
    });
    const id = lock?.data?.id;
    if (typeof id !== 'string') return null;
    await store.handle({ operation: 'write', path: 'sys/managed/force-unlock', data: { id }, token });
    return id;
  });
}

test(
  `Ctrl-C at any moment of an apply leaves all of it or nothing, and the exit code says which (seed ${seed})`,
  { timeout: full ? 1_800_000 : 180_000 },
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'secretctl-interrupt-'));
    const at = { root, directory: join(root, '.secretctl'), configDirectory: join(root, 'config/secretctl') };
    expect((await secretctl(at, ['init', '.'])).code).toBe(0);
    const storeId = readStoreId(join(at.directory, 'store'))?.id ?? '';
    const rootToken = readFileSync(join(at.configDirectory, `${storeId}.token`), 'utf8').trim();
    const seeded = new Seeded(seed);
    let present = 0;
    let wanted = 1;
    const codes: (number | null)[] = [];

    const applied = async (interruption: Interruption | null): Promise<Ended> => {
      writeDocuments(at, wanted);
      const ended = await secretctl(at, ['apply', '-auto-approve'], interruption);
      const generation = await generationOf(at, rootToken);
      const where = `${JSON.stringify(interruption)} in ${root}: ${ended.output.slice(-2000)}`;
      expect([0, 130, null], where).toContain(ended.code);
      expect([present, wanted], where).toContain(generation);
      if (ended.code === 0 || ended.output.includes('Apply complete')) expect(generation, where).toBe(wanted);
      // A second signal ends the program at once, so it cannot say any more what came of it.
      if (ended.code === 130 && interruption?.twice === false) expect(generation, where).toBe(present);
      const { anchor } = await lookInside(at);
      const log = await verifyLogFile(join(at.directory, 'audit/audit.log'), { storeId, anchor });
      expect(log.outcome, `${log.message}: ${where}`).toBe('ok');
      // Whoever is interrupted once gives the apply lock back; whoever is ended at once leaves it until it expires.
      const lock = await breakLock(at, rootToken);
      if (interruption?.twice !== true) expect(lock, where).toBeNull();
      present = generation;
      codes.push(ended.code);
      return ended;
    };

    // An empty store first: an interrupted apply may be the very first one.
    await applied({ signal: 'SIGINT', after: 0, twice: false });
    const { milliseconds } = await applied(null);
    for (let round = 0; round < rounds; round++) {
      wanted = present + 1;
      const after = (milliseconds * (round + seeded.below(1000) / 1000)) / rounds;
      await applied({ signal: seeded.pick(['SIGINT', 'SIGTERM']), after, twice: seeded.oneIn(4) });
    }
    wanted = present + 1;
    await applied(null);
    expect(present).toBe(wanted);
    expect(codes.filter((code) => code !== 0).length).toBeGreaterThan(rounds / 4);
    expect(codes).toContain(130);
    expect((await secretctl(at, ['plan', '-detailed-exitcode'])).code).toBe(0);
    expect((await secretctl(at, ['audit', 'verify'])).code).toBe(0);
    rmSync(root, { recursive: true });
  },
);
