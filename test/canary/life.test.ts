import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stage } from './stage.ts';
import { begin, environment, fields, main, searchEverything, watchGenerated, watchSealKeys } from './story.ts';

let stage: Stage;
const all = [...fields, 'on the command line', 'nested by file'];

beforeAll(() => {
  stage = new Stage();
});
afterAll(() => stage.close());

// One story, in order: the last test searches what all of them said and left behind.
describe('with the real command line, no secret is shown', { timeout: 600_000 }, () => {
  it('while a store is made, and values are sealed for it', () => {
    begin(stage);
    stage.run(['encrypt', 'StaticSecret/kv1/plain', 'data.token'], { input: stage.canary('of a block that is printed') });
  });

  it('in plans, plan files, applies and all that tells of them', () => {
    const env = environment(stage);
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
    expect(watchGenerated(stage)).toMatchObject({
      api_key: stage.canaries['api key'],
      umlaut: stage.canaries.unicode,
      number: Number(stage.canaries.number),
      object: { user: stage.canaries.user, nested: [{ deep: stage.canaries.deep }] },
      env: stage.canaries['from env'],
      file: `${stage.canaries['from file']}\n`,
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
    stage.runBoth(['kv', 'put', 'kv/app/main', 'api_key=-'], { input: stage.canary('by hand') });
    stage.write(
      '../values.json',
      JSON.stringify({ api_key: stage.canary('by file'), nested: { x: stage.canary('nested by file') } }),
    );
    stage.run(['kv', 'put', 'kv/app/main', '@../values.json']);
    stage.run(['kv', 'patch', 'kv/app/main', `extra=${stage.canary('on the command line')}`]);
    stage.runBoth(['kv', 'metadata', 'get', 'kv/app/main']);
    stage.runEither(['kv', 'delete', 'kv/app/main']);
    stage.runEither(['kv', 'get', 'kv/app/main'], { code: 2 });
    stage.runEither(['kv', 'undelete', '-versions=5', 'kv/app/main']);
    stage.runEither(['kv', 'rollback', '-version=2', 'kv/app/main']);
    stage.runEither(['kv', 'destroy', '-versions=3', 'kv/app/main']);
    stage.run(['kv', 'rollback', '-version=5', 'kv/app/main']);
    stage.run(['kv', 'put', 'kv1/plain', `token=${stage.canary('version 1 by hand')}`]);
    stage.runBoth(['drift']);
    stage.runBoth(['plan']);
    stage.run(['apply', '-auto-approve', '-allow-file=../files'], { env: environment(stage) });
    stage.run(['kv', 'get', '-json', 'kv/app/main'], { shows: all });
    stage.runEither(['write', 'cubbyhole/note', `text=${stage.canary('in the cubbyhole')}`]);
    stage.run(['read', 'cubbyhole/note'], { shows: ['in the cubbyhole'] });
    stage.runEither(['delete', 'cubbyhole/note']);
    stage.run(['kv', 'put', 'kv/by-hand', `a=${stage.canary('of a secret that is imported')}`]);
    stage.runEither(['import', 'StaticSecret/kv/by-hand', '-auto-approve'], { code: 1 });
  });

  it('when tokens are made, used, wrong and refused', () => {
    const { out } = stage.run(['token', 'create', '-policy=app-read', '-ttl=1h', '-json'], { shows: ['created token'] });
    const created = (JSON.parse(out) as { auth: { client_token: string; accessor: string } }).auth;
    const limited = stage.canary('created token', created.client_token);
    stage.runBoth(['token', 'lookup', limited]);
    stage.runEither(['token', 'lookup', '-accessor', created.accessor]);
    stage.runEither(['token', 'lookup', '-'], { input: limited });
    const env = { VAULT_TOKEN: limited };
    stage.runEither(['token', 'lookup'], { env });
    stage.runEither(['kv', 'get', 'kv/app/main'], { env, shows: all });
    for (const words of [
      ['kv', 'put', 'kv/app/main', `a=${stage.canary('refused')}`],
      ['apply', '-auto-approve'],
      ['plan'],
      ['operator', 'rotate'],
      ['token', 'revoke', stage.canaries['root token'] ?? ''],
      ['write', 'sys/policies/acl/mine', `policy=${stage.canaries.refused ?? ''}`],
    ]) {
      stage.runEither(words, { env, code: 1 });
    }
    const wrong = [
      `hvs.${stage.canary('wrong token')}`,
      `${stage.canary('with a space')} x`,
      `${stage.canary('on two lines')}\nx`,
      limited.slice(0, -1),
    ];
    for (const token of wrong) {
      stage.runEither(['kv', 'get', 'kv/app/main'], { env: { VAULT_TOKEN: token }, code: 1 });
      stage.runEither(['plan'], { env: { VAULT_TOKEN: token }, code: 1 });
    }
    stage.run(['token', 'renew', limited], { shows: ['created token'] });
    const once = stage.run(['token', 'create', '-field=token', '-use-limit=1'], { shows: ['used once'] }).out.trim();
    stage.canary('used once', once);
    stage.run(['token', 'lookup'], { env: { VAULT_TOKEN: once } });
    stage.runEither(['token', 'lookup'], { env: { VAULT_TOKEN: once }, code: 1 });
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
    const secretId = stage.canary('secret id', made.data.secret_id);
    stage.run(['write', `${role}/custom-secret-id`, `secret_id=${stage.canary('custom secret id')}`], {
      shows: ['custom secret id'],
    });
    const login = told<{ auth: { client_token: string } }>(
      ['write', 'auth/ci/login', `role_id=${roleId}`, `secret_id=${secretId}`],
      ['token of a login'],
    );
    const env = { VAULT_TOKEN: stage.canary('token of a login', login.auth.client_token) };
    stage.runEither(['kv', 'get', 'kv/app/main'], { env, shows: all });
    stage.runBoth(['write', `${role}/secret-id/lookup`, 'secret_id=-'], { input: secretId });
    stage.runEither(['write', `${role}/secret-id-accessor/lookup`, `secret_id_accessor=${made.data.secret_id_accessor}`]);
    stage.runEither(['list', `${role}/secret-id`]);
    for (const wrong of [stage.canary('wrong secret id'), secretId.slice(0, -2)]) {
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
    watchSealKeys(stage, 'seal key after rekey');
    stage.runBoth(['audit', 'verify']);
    stage.runEither(['plan'], { env: environment(stage) });
  });

  it('by a store under Shamir’s seal, with right and wrong shares', () => {
    const second = join(stage.base, 'second');
    const store = `-store=${second}`;
    const made = (words: readonly string[], name: string): readonly string[] => {
      const shows = [0, 1, 2].map((index) => `${name} ${index}`);
      const { shares } = JSON.parse(stage.run([...words, '-json'], { shows }).out) as { shares: string[] };
      return shares.map((share, index) => stage.canary(`${name} ${index}`, share));
    };
    const file = join(stage.base, 'shares');
    const with_ = (...lines: readonly string[]): readonly string[] => {
      writeFileSync(file, `${lines.join('\n')}\n`);
      chmodSync(file, 0o600);
      return [store, `-unseal-from=${file}`];
    };
    const [a = '', b = '', c = ''] = made(['init', second, '-seal=shamir', '-shares=3', '-threshold=2'], 'share');
    stage.run(['write', ...with_(a, b), 'sys/mounts/kv', 'type=kv-v2']);
    stage.run(['kv', 'put', ...with_(b, c), 'kv/x', `a=${stage.canary('under shares')}`]);
    const damaged = `${a.slice(0, 20)}${a[20] === 'A' ? 'B' : 'A'}${a.slice(21)}`;
    const wrong = [[a], [a, a], [damaged, b], [a, 'no share'], [a, stage.canary('pasted among shares')], [`${a} ${b}`]];
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

  it('nor in the end, when all that was said and kept is searched', () => {
    searchEverything(stage);
    expect(Object.keys(stage.canaries).length).toBeGreaterThanOrEqual(40);
  });
});
