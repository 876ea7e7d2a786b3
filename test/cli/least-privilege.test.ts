import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sealValue } from '../../src/crypto/sealed-value.ts';
import { serve, type Served } from './serving.ts';
import { projectRoot, Workspace } from './workspace.ts';

const value = 'correct horse battery staple';
const secretFile = 'secrets.yaml';

/** The repo of examples/remote with a secret, applied by root to its server; pipelines work with the tokens of its policies. */
class Pipelines extends Workspace {
  served!: Served;
  planToken = '';
  applyToken = '';

  async start(): Promise<this> {
    cpSync(join(projectRoot, 'examples/remote'), this.root, { recursive: true });
    await this.ok('init .');
    this.declare({ fromEnv: 'VALUE' });
    this.served = await serve(this);
    await this.ok('apply -auto-approve', { env: { VALUE: value } });
    this.planToken = await this.login('ci-plan');
    this.applyToken = await this.login('ci-apply');
    return this;
  }

  declare(source: unknown, more = ''): void {
    this.write(
      secretFile,
      `apiVersion: secretctl/v1\nkind: StaticSecret\nmetadata: {name: app}\nspec: {engine: kv, data: {password: ${JSON.stringify(source)}}}\n${more}`,
    );
  }

  /** As the pipeline of CI does it: an AppRole, by the address of the server. */
  async login(role: string): Promise<string> {
    const id = await this.ok(`read -field=role_id auth/approle/role/${role}/role-id`);
    const secret = await this.ok(`write -field=secret_id auth/approle/role/${role}/secret-id`);
    return this.ok(['login', '-method=approle', '-token-only', `role_id=${id}`, 'secret_id=-'], {
      input: secret,
      env: this.at(''),
    });
  }

  at(token: string) {
    return { VAULT_ADDR: this.served.address, HOME: this.base, ...(token === '' ? {} : { VAULT_TOKEN: token }) };
  }

  as(
    token: string,
    line: string | readonly string[],
    more: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
  ) {
    return this.run(line, { ...more, env: { ...this.at(token), ...more.env } });
  }
}

let at: Pipelines;
beforeAll(async () => {
  at = await new Pipelines().start();
});

const policyDocument =
  '---\napiVersion: secretctl/v1\nkind: Policy\nmetadata: {name: reader}\nspec: {rules: [{secret: kv/app, capabilities: [read]}]}\n';

describe('a token that may only plan', () => {
  it('plans everything, against a server by its address', async () => {
    at.declare({ fromEnv: 'VALUE' }, policyDocument);
    const { code, out, err } = await at.as(at.planToken, 'plan');
    expect([code, err]).toEqual([0, `Planning against ${at.served.address}.\n`]);
    expect(out).toContain('Plan: 1 to add, 0 to change, 0 to destroy.');
    expect((await at.as(at.planToken, 'drift -detailed-exitcode')).code).toBe(0);
    expect((await at.as(at.planToken, 'state list')).out).toContain('StaticSecret/kv/app\n');
  });

  it('applies nothing, not even the lock', async () => {
    at.declare({ fromEnv: 'VALUE' }, policyDocument);
    const { code, err } = await at.as(at.planToken, 'apply -auto-approve', { env: { VALUE: value } });
    expect([code, err]).toEqual([1, expect.stringContaining('permission denied: write sys/managed/lock')]);
    const direct = ['write', 'sys/apply', 'project=acme-platform', 'storeId=x', 'base=0', 'commit=x', 'planDigest=x', 'changes='];
    expect((await at.as(at.planToken, direct)).err).toContain('permission denied');
  });

  it.each([
    'kv get kv/app',
    'read kv/data/app',
    'read kv/subkeys/app',
    'write sys/recipient/rewrap blocks=x',
    'write sys/audit-hash/file input=x',
    'token create -policy=root',
    'policy write root2 secretctl.yaml',
    'read auth/approle/role/ci-apply/role-id',
    'write -force auth/approle/role/ci-apply/secret-id',
    'operator rotate',
    'read sys/storage/snapshot',
  ])('gets nothing from: %s', async (line) => {
    const { code, out, err } = await at.as(at.planToken, line);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/permission denied|preflight|lies in no mount/);
    expect(err).not.toContain(value);
  });

  it('reads no secret through a snapshot, which reads for plans only', async () => {
    const snapshot = (token: string, path: string) =>
      at.as(token, ['write', 'sys/managed/snapshot', '-'], { input: JSON.stringify({ reads: [{ operation: 'read', path }] }) });
    expect((await snapshot(at.planToken, 'kv/data/app')).err).toContain('permission denied');
    // Nor does somebody who may read the secret, by a request whose audit entry would not say so.
    const { err } = await at.run(['write', 'sys/managed/snapshot', '-'], {
      input: JSON.stringify({ reads: [{ operation: 'read', path: 'kv/data/app' }] }),
    });
    expect(err).toContain('its reply may hold a secret');
    expect((await snapshot(at.planToken, 'kv/metadata/app')).code).toBe(0);
  });

  it('learns of no guess whether it is the value', async () => {
    const [recipient = ''] = (await at.json<{ data: { recipients: string[] } }>('read -json sys/recipient')).data.recipients;
    const planned: unknown[] = [];
    for (const guess of [value, 'wrong horse']) {
      const sealed = await sealValue([recipient], {
        v: 1,
        address: ['StaticSecret', 'kv', 'app'],
        field: 'data.password',
        value: guess,
      });
      at.declare({ sealed });
      const { code, out, err } = await at.as(at.planToken, 'plan -json');
      const plan = out.replaceAll(/sha256:[0-9a-f]{64}|"timestamp": "[^"]*"/g, '…');
      planned.push([code, plan, err]);
    }
    expect(planned[0]).toEqual(planned[1]);
    expect(JSON.stringify(planned[0])).toContain('StaticSecret/kv/app');
  });

  it('sees of an object without metadata that it was written, and not what', async () => {
    await at.ok('secrets enable -path=one -version=1 kv');
    const mark = async (path: string) =>
      (await at.as(at.planToken, ['read', '-field=mark', `sys/managed/observe/one/${path}`])).out;
    const marks: string[] = [];
    for (const [path, text] of [
      ['a', 'same'],
      ['a', 'same'],
      ['b', 'same'],
    ] as const) {
      await at.ok(['kv', 'put', `one/${path}`, `x=${text}`]);
      marks.push(await mark(path));
    }
    expect(new Set(marks).size).toBe(3);
    expect(marks.every((text) => /^[0-9a-f]{32}$/.test(text))).toBe(true);
    await at.ok('secrets disable one');
  });
});

describe('a token that may apply', () => {
  it('applies, changes, drifts back and destroys what the repo declares, and reads no value', async () => {
    const env = { VALUE: 'another value' };
    const more =
      policyDocument +
      '---\napiVersion: secretctl/v1\nkind: AuthBinding\nmetadata: {name: job}\nspec: {method: approle, policies: [reader], ttl: 5m}\n' +
      '---\napiVersion: secretctl/v1\nkind: SecretEngine\nmetadata: {name: more}\nspec: {type: kv}\n';
    at.declare({ fromEnv: 'VALUE' }, more);
    const first = await at.as(at.applyToken, 'apply -auto-approve', { env });
    expect([first.code, first.out]).toEqual([0, expect.stringContaining('Resources: 3 added')]);
    await at.ok(['policy', 'write', 'reader', '-'], { input: 'path "kv/data/app" { capabilities = ["deny"] }' });
    at.declare({ generate: { length: 20 } }, more.replace('5m', '6m'));
    const second = await at.as(at.applyToken, 'apply -auto-approve', { env });
    expect([second.code, second.out]).toEqual([0, expect.stringContaining('3 changed')]);
    expect((await at.as(at.applyToken, 'kv get kv/app')).code).toBe(1);
    at.declare({ fromEnv: 'VALUE' });
    const third = await at.as(at.applyToken, 'apply -auto-approve', { env });
    expect([third.code, third.out]).toEqual([0, expect.stringContaining('3 destroyed')]);
    expect(await at.ok('kv get -field=password kv/app')).toBe('another value');
  });

  it('applies a saved plan that a token which may only plan has made', async () => {
    at.declare({ fromEnv: 'VALUE' }, policyDocument);
    expect((await at.as(at.planToken, 'plan -out=saved.plan')).code).toBe(0);
    const { code, out } = await at.as(at.applyToken, 'apply saved.plan');
    expect([code, out]).toEqual([0, expect.stringContaining('Resources: 1 added')]);
  });

  it('breaks no lock of others', async () => {
    expect((await at.as(at.applyToken, 'write sys/managed/force-unlock id=x')).err).toContain('permission denied');
  });
});

describe('an environment that names a server', () => {
  it('is planned there and nowhere else, and sends no token there by itself', async () => {
    at.write(
      'environments.yaml',
      `apiVersion: secretctl/v1\nkind: Environment\nmetadata: {name: here}\nspec: {address: "${at.served.address}"}\n`,
    );
    expect((await at.as(at.planToken, 'plan -environment=here')).code).toBe(0);
    const elsewhere = await at.as(at.planToken, 'plan -environment=production');
    expect(elsewhere.err).toMatch(
      /^Error: the environment production is the server https:\/\/secrets\.example\.com:8200, and this command works on http:\/\/127.*\nName the server too: -address=/,
    );
    expect((await at.run('plan -environment=here')).err).toContain('Name the server too');
  });
});
