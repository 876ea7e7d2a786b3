import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { randomDigits, randomWord } from './canary.ts';
import { documents } from './documents.ts';
import { modesBelow, type Stage } from './stage.ts';

/** The secret of documents.ts with a field from every source. */
export const main = 'StaticSecret/kv/app/main';
/** What its fields hold, for commands that are there to show them. */
export const fields = ['api key', 'private key', 'unicode', 'number', 'user', 'deep', 'from env', 'from file', 'made', 'pin'];

/** Makes a store, and seals the values of documents.ts for it. */
export function begin(stage: Stage): void {
  stage.run(['init', '.']);
  const [token = ''] = configFiles(stage, '.token');
  stage.canary('root token', readFileSync(token, 'utf8').trim());
  watchSealKeys(stage, 'seal key');
  // Nobody knows the private half of the recipient, but how it begins.
  stage.watch('private half of the recipient', 'AGE-SECRET-KEY-1');

  stage.write('documents.yaml', documents);
  const seal = (field: string, input: string, ...options: readonly string[]): void => {
    stage.runEither(['encrypt', '-write', ...options, main, `data.${field}`], { input });
  };
  seal('api_key', stage.canary('api key'));
  seal('umlaut', stage.canary('unicode', `ünï𝄞"\\\t${randomWord()}→${randomWord()}ß`));
  seal('number', stage.canary('number', randomDigits()), '-json-value');
  const object = { user: stage.canary('user'), nested: [{ deep: stage.canary('deep') }] };
  seal('object', JSON.stringify(object), '-json-value');
  const lines = stage.canary('private key', [randomWord(), randomWord(), randomWord()].join('\n'));
  stage.write('../key.pem', `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`);
  seal('pem', '', '-from-file=../key.pem');
  stage.run(['encrypt', '-write', 'StaticSecret/kv1/plain', 'data.token'], { input: stage.canary('version 1') });
  stage.write('../files/secret.txt', `${stage.canary('from file')}\n`);
  stage.canary('from env');
}

/** The environment of whoever applies the documents. */
export function environment({ canaries }: Stage): Readonly<Record<string, string>> {
  return { CANARY_ENV: canaries['from env'] ?? '' };
}

/** What is there once the documents are applied: generated values become canaries. */
export function watchGenerated(stage: Stage): Readonly<Record<string, unknown>> {
  const { out } = stage.run(['kv', 'get', '-json', 'kv/app/main'], { shows: fields });
  const { data } = (JSON.parse(out) as { data: { data: Record<string, unknown> } }).data;
  for (const name of ['made', 'pin']) stage.canary(name, String(data[name]));
  return data;
}

/** The keys that the key file holds now. */
export function watchSealKeys(stage: Stage, name: string): void {
  const keys = configFiles(stage, '.key').flatMap((file) => readFileSync(file, 'utf8').match(/^[0-9a-f]{64}$/gm) ?? []);
  expect(keys.length).toBeGreaterThan(0);
  for (const [index, key] of keys.entries()) stage.canary(`${name} ${index}`, key);
}

function configFiles(stage: Stage, end: string): readonly string[] {
  const folder = join(stage.config, 'secretctl');
  return readdirSync(folder).flatMap((name) => (name.endsWith(end) ? [join(folder, name)] : []));
}

/** All that was said and is kept is searched for all canaries, and is its owner's alone. */
export function searchEverything(stage: Stage): void {
  const own = { '.token': ['root token'], '.key': Object.keys(stage.canaries).filter((name) => name.startsWith('seal key')) };
  const plans = readdirSync(stage.base).flatMap((name) => (name.endsWith('.plan') ? [join(stage.base, name)] : []));
  const stores = [stage.root, join(stage.base, 'second')];
  const kept = [...stores, stage.config, ...plans].map((folder) => ({ folder, allowed: folder === stage.config ? own : {} }));
  const { found, bytes, files } = stage.search(kept);
  expect(found).toEqual([]);
  const searched = ['data.mdb', 'audit.log', 'settings.yaml', 'documents.yaml', '.key', '.token'];
  expect(searched.filter((end) => !files.some((file) => file.endsWith(end)))).toEqual([]);
  expect(bytes).toBeGreaterThan(200_000);
  expect(stage.spawned()).toContain('"git"');

  const secret = [...stores.map((folder) => join(folder, '.secretctl')), stage.config, ...plans];
  const open = secret
    .filter((folder) => existsSync(folder))
    .flatMap(modesBelow)
    .filter(({ directory, mode }) => mode !== (directory ? 0o700 : 0o600));
  expect(open.map(({ path, mode }) => `${mode.toString(8)} ${path}`)).toEqual([]);
}
