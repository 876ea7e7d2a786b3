import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foundIn, needlesOf, randomDigits, randomWord } from './canary.ts';
import { wrongEncrypts, wrongVariables, wrongWrites } from './command-lines.ts';
import { brokenFiles, documents, wrongDocuments } from './documents.ts';
import { modesBelow, Stage } from './stage.ts';

const full = process.env.SECRETCTL_FULL === '1';
const main = 'StaticSecret/kv/app/main';
let stage: Stage;
const canaries: Record<string, string> = {};

/** A new canary that nothing may show from here on. */
function canary(name: string, value: string = randomWord()): string {
  canaries[name] = stage.watch(name, value);
  return value;
}

/** What the fields of the secret of documents.ts hold, for commands that are there to show them. */
const fields = ['api key', 'private key', 'unicode', 'number', 'user', 'deep', 'from env', 'from file', 'made', 'pin'];
const all = [...fields, 'on the command line', 'nested by file'];

beforeAll(() => {
  stage = new Stage();
});
afterAll(() => stage.close());

describe('a canary', () => {
  it('is found in every form in which it could stand somewhere', () => {
    const value = `${randomWord()}"ü\n${randomWord()}`;
    const needles = needlesOf({ name: 'x', value });
    const [first = ''] = value.split('\n');
    const forms = [
      `<${value}>`,
      `…${first.slice(0, 20)}…`,
      JSON.stringify({ value }),
      JSON.stringify(JSON.stringify({ value })),
      encodeURIComponent(value),
      Buffer.from(value).toString('hex'),
      Buffer.from(value).toString('base64'),
      Buffer.from(`a${value}b`).toString('base64url'),
      Buffer.from(`ab${value}`).toString('base64'),
      createHash('sha256').update(value).digest('hex'),
      createHash('md5').update(`${value}\n`).digest('base64'),
      createHash('sha1').update(JSON.stringify(value)).digest('hex').slice(0, 16),
    ];
    for (const form of forms) expect(foundIn(Buffer.from(form), needles), form).toHaveLength(1);
    expect(foundIn(Buffer.from(value, 'utf16le'), needles)).toHaveLength(1);
    expect(foundIn(createHash('sha512').update(value).digest(), needles)).toHaveLength(1);
    expect(foundIn(Buffer.from(randomWord().repeat(100)), needles)).toEqual([]);
  });
});

// The tests of this block are one story, in order: the last ones search what all of them said and left behind.
describe('with the real command line, no canary is shown', { timeout: 300_000 }, () => {
  it('while a store is made, and values are sealed for it', () => {
    stage.run(['init', '.']);
    const [token = ''] = configFiles('.token');
    canary('root token', readFileSync(token, 'utf8').trim());
    watchSealKeys('seal key');
    // Nobody knows the private half of the recipient, but how it begins.
    stage.watch('private half of the recipient', 'AGE-SECRET-KEY-1');

    stage.write('documents.yaml', documents);
    const seal = (field: string, input: string, ...options: readonly string[]): void => {
      stage.runEither(['encrypt', '-write', ...options, main, `data.${field}`], { input });
    };
    seal('api_key', canary('api key'));
    seal('umlaut', canary('unicode', `ünï𝄞"\\\t${randomWord()}→${randomWord()}ß`));
    seal('number', canary('number', randomDigits()), '-json-value');
    seal('object', JSON.stringify({ user: canary('user'), nested: [{ deep: canary('deep') }] }), '-json-value');
    const lines = canary('private key', [randomWord(), randomWord(), randomWord()].join('\n'));
    stage.write('../key.pem', `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`);
    seal('pem', '', '-from-file=../key.pem');
    stage.run(['encrypt', 'StaticSecret/kv1/plain', 'data.token'], { input: canary('of a block that is printed') });
    stage.run(['encrypt', '-write', 'StaticSecret/kv1/plain', 'data.token'], { input: canary('version 1') });
    stage.write('../files/secret.txt', `${canary('from file')}\n`);
    canary('from env');
  });

  it('when encrypt is used wrongly', () => {
    const input = canary('not to be sealed');
    canary('pasted as a recipient', input.toUpperCase());
    for (const words of wrongEncrypts(input)) stage.runEither(words, { input, code: 1 });
    const target = [main, 'data.api_key'];
    const noText = Buffer.concat([Buffer.from(input), Buffer.from([0xff, 0xfe])]);
    stage.runEither(['encrypt', ...target], { input: noText, code: 1 });
    stage.runEither(['encrypt', '-json-value', ...target], { input: `{"a": "${input}", }`, code: 1 });
    stage.runEither(['encrypt', ...target], { input: `${input}${'x'.repeat(1024 * 1024)}`, code: 1 });
  });

  it('in plans, plan files, applies and all that tells of them', () => {
    const env = { CANARY_ENV: canaries['from env'] ?? '' };
    const git = (...words: readonly string[]) => execFileSync('git', words, { cwd: stage.root });
    git('init', '-q');
    git('add', '.');
    git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qm', 'a');
    stage.runBoth(['validate']);
    stage.runBoth(['plan'], { env });
    stage.run(['plan', '-out=../first.plan', '-detailed-exitcode'], { env, code: 2 });
    stage.runBoth(['show', '../first.plan']);
    stage.run(['graph']);
    stage.runEither(['apply', '-auto-approve'], { code: 1 });
    stage.runEither(['apply', '-auto-approve'], { env, code: 1 });
    stage.run(['apply', '../first.plan', '-allow-file=../files'], { env });
    const { out } = stage.run(['kv', 'get', '-json', 'kv/app/main'], { shows: fields });
    const { data } = (JSON.parse(out) as { data: { data: Record<string, unknown> } }).data;
    canary('made', String(data.made));
    canary('pin', String(data.pin));
    expect(data).toMatchObject({
      api_key: canaries['api key'],
      umlaut: canaries.unicode,
      number: Number(canaries.number),
      object: { user: canaries.user, nested: [{ deep: canaries.deep }] },
      env: canaries['from env'],
      file: `${canaries['from file']}\n`,
    });
    stage.run(['kv', 'get', 'kv/app/main'], { shows: fields });
    stage.run(['kv', 'get', '-field=made', 'kv/app/main'], { shows: ['made'] });
    stage.run(['kv', 'get', 'kv1/plain'], { shows: ['version 1'] });
    stage.run(['apply', '-auto-approve', '-json'], { env });
    stage.runBoth(['state', 'list']);
    stage.runBoth(['state', 'show', main]);
    stage.runEither(['show', main]);
    stage.runEither(['apply', '../first.plan', '-allow-file=../files'], { env, code: 1 });
    stage.run(['plan', `-replace=${main}`, '-out=../again.plan', '-json'], { env });
    stage.runEither(['plan', '-destroy'], { env });
  });

  it('when secrets are written and changed by hand', () => {
    stage.runBoth(['kv', 'put', 'kv/app/main', 'api_key=-'], { input: canary('by hand') });
    stage.write('../values.json', JSON.stringify({ api_key: canary('by file'), nested: { x: canary('nested by file') } }));
    stage.run(['kv', 'put', 'kv/app/main', '@../values.json']);
    stage.run(['kv', 'patch', 'kv/app/main', `extra=${canary('on the command line')}`]);
    stage.runBoth(['kv', 'metadata', 'get', 'kv/app/main']);
    stage.runEither(['kv', 'delete', 'kv/app/main']);
    stage.runEither(['kv', 'get', 'kv/app/main'], { code: 2 });
    stage.runEither(['kv', 'undelete', '-versions=5', 'kv/app/main']);
    stage.runEither(['kv', 'rollback', '-version=2', 'kv/app/main']);
    stage.runEither(['kv', 'destroy', '-versions=3', 'kv/app/main']);
    stage.run(['kv', 'rollback', '-version=5', 'kv/app/main']);
    stage.run(['kv', 'put', 'kv1/plain', `token=${canary('version 1 by hand')}`]);
    stage.runBoth(['drift']);
    stage.runBoth(['plan']);
    stage.run(['apply', '-auto-approve', '-allow-file=../files'], { env: { CANARY_ENV: canaries['from env'] ?? '' } });
    stage.run(['kv', 'get', '-json', 'kv/app/main'], { shows: all });
    stage.runEither(['write', 'cubbyhole/note', `text=${canary('in the cubbyhole')}`]);
    stage.run(['read', 'cubbyhole/note'], { shows: ['in the cubbyhole'] });
    stage.runEither(['delete', 'cubbyhole/note']);
    stage.run(['kv', 'put', 'kv/by-hand', `a=${canary('of a secret that is imported')}`]);
    stage.runEither(['import', 'StaticSecret/kv/by-hand', '-auto-approve'], { code: 1 });
  });

  it('when a secret is written wrongly', () => {
    const lost = canary('lost on the way');
    stage.write('../broken.json', `{"a": "${lost}" "b"}`);
    stage.write('../list.json', `["${lost}"]`);
    for (const words of wrongWrites(lost)) stage.runEither(words, { input: lost, code: 1 });
    stage.run(['kv', 'patch', 'kv/app/nowhere', `a=${lost}`], { code: 2 });
    stage.runEither(['kv', 'put', 'kv/app/x', 'a=-'], { input: `${lost}${'x'.repeat(1_100_000)}`, code: 1 });
  });

  it('when a variable is given wrongly', () => {
    const lost = canary('in a variable');
    stage.write('../broken-vars.yaml', `ttl: "${lost}\nother: [\n`);
    stage.write('../unknown-vars.yaml', `unknown: ${lost}\nttl: ${lost}\n`);
    stage.write('../list-vars.yaml', `- ${lost}\n`);
    for (const option of wrongVariables(lost)) stage.runEither(['validate', ...option], { code: 1 });
    if (full) for (const option of wrongVariables(lost)) stage.runBoth(['plan', ...option], { code: 1 });
  });

  it('when documents are wrong: all of their findings at once', () => {
    const files = wrongDocuments((name, value) => canary(`in a document: ${name}`, value));
    for (const [file, text] of files) stage.write(`wrong/${file}`, text);
    const others = full ? [['drift'], ['graph'], ['destroy', '-auto-approve'], ['encrypt', '-rewrap']] : [];
    for (const words of [['validate'], ['plan'], ['apply', '-auto-approve'], ...others]) stage.runBoth(words, { code: 1 });
    for (const [file] of files) stage.remove(`wrong/${file}`);
  });

  it('when files are no YAML just where a secret stands', () => {
    for (const [file, text] of brokenFiles((name) => canary(`in a broken file: ${name}`))) {
      stage.write('wrong/broken.yaml', text);
      for (const words of full ? [['validate'], ['plan'], ['fmt']] : [['validate']]) stage.runEither(words, { code: 1 });
      expect(stage.read('wrong/broken.yaml'), file).toBe(text);
    }
    stage.remove('wrong/broken.yaml');
  });

  it('when sealed blocks are damaged, or stand where they were not made for', () => {
    const kept = stage.read('documents.yaml');
    const block = /-----BEGIN[^]*?-----END AGE ENCRYPTED FILE-----/.exec(kept)?.[0] ?? '';
    const lines = block.split('\n');
    const middle = Math.floor(lines.length / 2);
    const other = (line: string): string => line.replace(/[A-Za-z]/g, (letter) => (letter === 'A' ? 'B' : 'A'));
    for (const text of [
      kept.replace(block, lines.map((line, index) => (index === middle ? other(line) : line)).join('\n')),
      kept.replace(block, lines.filter((_, index) => index !== middle).join('\n')),
      kept.replace(block, block.replace('BEGIN', 'BEGUN')),
      kept.replace('name: app/main', 'name: app/copied'),
      kept.replace('    api_key:', '    another_key:'),
    ]) {
      expect(text).not.toBe(kept);
      stage.write('documents.yaml', text);
      stage.runEither(['plan'], { code: 1 });
      stage.runEither(['apply', '-auto-approve'], { code: 1 });
    }
    stage.write('documents.yaml', kept);
  });

  it('when tokens are made, used, wrong and refused', () => {
    const { out } = stage.run(['token', 'create', '-policy=app-read', '-ttl=1h', '-json'], { shows: ['created token'] });
    const created = (JSON.parse(out) as { auth: { client_token: string; accessor: string } }).auth;
    const limited = canary('created token', created.client_token);
    stage.runBoth(['token', 'lookup', limited]);
    stage.runEither(['token', 'lookup', '-accessor', created.accessor]);
    stage.runEither(['token', 'lookup', '-'], { input: limited });
    const env = { VAULT_TOKEN: limited };
    stage.runEither(['token', 'lookup'], { env });
    stage.runEither(['kv', 'get', 'kv/app/main'], { env, shows: all });
    for (const words of [
      ['kv', 'put', 'kv/app/main', `a=${canary('refused')}`],
      ['apply', '-auto-approve'],
      ['plan'],
      ['operator', 'rotate'],
      ['token', 'revoke', canaries['root token'] ?? ''],
      ['write', 'sys/policies/acl/mine', `policy=${canaries.refused ?? ''}`],
    ]) {
      stage.runEither(words, { env, code: 1 });
    }
    const wrong = [
      `hvs.${canary('wrong token')}`,
      `${canary('with a space')} x`,
      `${canary('on two lines')}\nx`,
      limited.slice(0, -1),
    ];
    for (const token of wrong) {
      stage.runEither(['kv', 'get', 'kv/app/main'], { env: { VAULT_TOKEN: token }, code: 1 });
      stage.runEither(['plan'], { env: { VAULT_TOKEN: token }, code: 1 });
    }
    stage.run(['token', 'renew', limited], { shows: ['created token'] });
    const once = stage.run(['token', 'create', '-field=token', '-use-limit=1'], { shows: ['used once'] }).out.trim();
    canary('used once', once);
    for (const code of [0, 1]) stage.runEither(['token', 'lookup'], { env: { VAULT_TOKEN: once }, code });
    stage.runBoth(['token', 'revoke', limited]);
  });

  it('when programs log in with an AppRole', () => {
    const role = 'auth/ci/role/app';
    const told = <T>(words: readonly string[], shows: readonly string[] = []): T =>
      JSON.parse(stage.run([...words, '-json'], { shows }).out) as T;
    const { role_id: roleId } = told<{ data: { role_id: string } }>(['read', `${role}/role-id`]).data;
    const made = told<{ data: { secret_id: string; secret_id_accessor: string } }>(
      ['write', `${role}/secret-id`, 'metadata={}'],
      ['secret id'],
    );
    const secretId = canary('secret id', made.data.secret_id);
    stage.run(['write', `${role}/custom-secret-id`, `secret_id=${canary('custom secret id')}`], { shows: ['custom secret id'] });
    const login = told<{ auth: { client_token: string } }>(
      ['write', 'auth/ci/login', `role_id=${roleId}`, `secret_id=${secretId}`],
      ['token of a login'],
    );
    const env = { VAULT_TOKEN: canary('token of a login', login.auth.client_token) };
    stage.runEither(['kv', 'get', 'kv/app/main'], { env, shows: all });
    stage.runBoth(['write', `${role}/secret-id/lookup`, 'secret_id=-'], { input: secretId });
    stage.runEither(['write', `${role}/secret-id-accessor/lookup`, `secret_id_accessor=${made.data.secret_id_accessor}`]);
    stage.runEither(['list', `${role}/secret-id`]);
    for (const wrong of [canary('wrong secret id'), secretId.slice(0, -2)]) {
      stage.runEither(['write', 'auth/ci/login', `role_id=${roleId}`, `secret_id=${wrong}`], { code: 1 });
      stage.runEither(['write', 'auth/ci/login', `role_id=${wrong}`, `secret_id=${secretId}`], { code: 1 });
    }
    stage.runEither(['write', `${role}/secret-id/destroy`, `secret_id=${secretId}`]);
  });

  it('while keys are rotated and sealed values sealed anew', () => {
    stage.runEither(['operator', 'status']);
    stage.runEither(['operator', 'rotate']);
    stage.runEither(['operator', 'rotate', '-recipient']);
    stage.runBoth(['encrypt', '-rewrap']);
    stage.runEither(['operator', 'rekey', '-auto-approve']);
    watchSealKeys('seal key after rekey');
    stage.runBoth(['audit', 'verify']);
    stage.runEither(['plan'], { env: { CANARY_ENV: canaries['from env'] ?? '' } });
  });

  it('by a store under Shamir’s seal, with right and wrong shares', () => {
    const second = join(stage.base, 'second');
    const store = `-store=${second}`;
    const made = (words: readonly string[], name: string): readonly string[] => {
      const shows = [0, 1, 2].map((index) => `${name} ${index}`);
      const { shares } = JSON.parse(stage.run([...words, '-json'], { shows }).out) as { shares: string[] };
      return shares.map((share, index) => canary(`${name} ${index}`, share));
    };
    const file = join(stage.base, 'shares');
    const with_ = (...lines: readonly string[]): readonly string[] => {
      writeFileSync(file, `${lines.join('\n')}\n`);
      chmodSync(file, 0o600);
      return [store, `-unseal-from=${file}`];
    };
    const [a = '', b = '', c = ''] = made(['init', second, '-seal=shamir', '-shares=3', '-threshold=2'], 'share');
    stage.run(['write', ...with_(a, b), 'sys/mounts/kv', 'type=kv-v2']);
    stage.run(['kv', 'put', ...with_(b, c), 'kv/x', `a=${canary('under shares')}`]);
    const damaged = `${a.slice(0, 20)}${a[20] === 'A' ? 'B' : 'A'}${a.slice(21)}`;
    const wrong = [[a], [a, a], [damaged, b], [a, 'no share'], [a, canary('pasted among shares')], [`${a} ${b}`]];
    for (const lines of wrong) stage.runEither(['kv', 'get', ...with_(...lines), 'kv/x'], { code: 1 });
    stage.runEither(['kv', 'get', store, 'kv/x'], { code: 1 });
    stage.runEither(['kv', 'get', store, `-unseal-from=${a}`, 'kv/x'], { code: 1 });
    const readable = with_(a, b);
    chmodSync(file, 0o644);
    stage.runEither(['kv', 'get', ...readable, 'kv/x'], { code: 1 });
    stage.runEither(['operator', 'status', ...with_(a, b)]);
    const [d = '', e = ''] = made(['operator', 'rekey', ...with_(a, b), '-auto-approve'], 'new share');
    stage.runEither(['kv', 'get', ...with_(a, b), 'kv/x'], { code: 1 });
    stage.run(['kv', 'get', ...with_(d, e), 'kv/x'], { shows: ['under shares'] });
  });

  it('when everything is destroyed', () => {
    stage.runEither(['destroy', '-auto-approve']);
    stage.runEither(['kv', 'get', 'kv/app/main'], { code: 1 });
  });

  it('nor in the end, when all that was said and kept is searched for all of them', () => {
    const own = { '.token': ['root token'], '.key': Object.keys(canaries).filter((name) => name.startsWith('seal key')) };
    const { found, bytes, files } = stage.search([
      { folder: stage.root },
      { folder: join(stage.base, 'second') },
      { folder: stage.config, allowed: own },
      { folder: join(stage.base, 'first.plan') },
      { folder: join(stage.base, 'again.plan') },
    ]);
    expect(found).toEqual([]);
    const searched = ['data.mdb', 'audit.log', 'settings.yaml', 'documents.yaml', '.plan', '.key', '.token'];
    expect(searched.filter((end) => !files.some((file) => file.endsWith(end)))).toEqual([]);
    expect(bytes).toBeGreaterThan(500_000);
    expect(Object.keys(canaries).length).toBeGreaterThan(90);
    expect(stage.spawned()).toContain('"git"');
  });

  it('and whatever the umask, only its owner reads what is kept', () => {
    const kept = [
      join(stage.root, '.secretctl'),
      join(stage.base, 'second', '.secretctl'),
      stage.config,
      join(stage.base, 'first.plan'),
    ];
    const open = kept.flatMap(modesBelow).filter(({ directory, mode }) => mode !== (directory ? 0o700 : 0o600));
    expect(open.map(({ path, mode }) => `${mode.toString(8)} ${path}`)).toEqual([]);
  });
});

function configFiles(end: string): readonly string[] {
  const folder = join(stage.config, 'secretctl');
  return readdirSync(folder).flatMap((name) => (name.endsWith(end) ? [join(folder, name)] : []));
}

/** The keys that the key file holds now. */
function watchSealKeys(name: string): void {
  const keys = configFiles('.key').flatMap((file) => readFileSync(file, 'utf8').match(/^[0-9a-f]{64}$/gm) ?? []);
  expect(keys.length).toBeGreaterThan(0);
  for (const [index, key] of keys.entries()) canary(`${name} ${index}`, key);
}
