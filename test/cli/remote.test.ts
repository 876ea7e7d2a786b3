import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { enveloped, json, listen } from '../client/listener.ts';
import { type Served, serve, serveDev } from './serving.ts';
import { appliedWorkspace, type Circumstances, emptyWorkspace, errorOf, Workspace } from './workspace.ts';

/** A person's home without a workspace, working on a development server. */
class Away extends Workspace {
  readonly served: Served;

  constructor(served: Served) {
    super();
    this.served = served;
  }

  /** Runs a command line against the server with a token of its own (the root token unless told; empty: none). */
  remote(line: string | readonly string[], more: Circumstances & { readonly token?: string } = {}) {
    const { token = 'root', ...circumstances } = more;
    return this.run(line, {
      ...circumstances,
      env: { HOME: this.base, VAULT_ADDR: this.served.address, ...(token === '' ? {} : { VAULT_TOKEN: token }), ...more.env },
    });
  }

  async out(line: string | readonly string[], more: Circumstances & { readonly token?: string } = {}): Promise<string> {
    const { code, out, err } = await this.remote(line, more);
    if (code !== 0) throw new Error(`${String(line)} exits with ${code}: ${out}${err}`);
    return out;
  }

  async data(line: string, more: Circumstances & { readonly token?: string } = {}): Promise<Record<string, never>> {
    return JSON.parse(await this.out(line, more)) as Record<string, never>;
  }
}

let served: Served;
let at: Away;
beforeAll(async () => {
  served = await serveDev();
  at = new Away(served);
});

describe('secrets of a server', () => {
  it('are put, read, patched, listed, deleted and rolled back', async () => {
    await at.out('kv put secret/app/db user=app password=-', { input: 's3cret' });
    expect(await at.out('kv get -field=password secret/app/db')).toBe('s3cret');
    expect(await at.out('kv get -mount=secret -field=user app/db')).toBe('app');
    await at.out('kv patch secret/app/db user=other');
    expect(await at.data('kv get -json secret/app/db')).toMatchObject({ data: { data: { user: 'other', password: 's3cret' } } });
    expect(JSON.parse(await at.out('kv list -format=json secret/app'))).toEqual(['db']);
    expect((await at.remote('kv put -cas=0 secret/app/db x=y')).err).toContain('check-and-set parameter did not match');
    await at.out('kv delete secret/app/db');
    const deleted = await at.remote('kv get secret/app/db');
    expect([deleted.code, deleted.err]).toEqual([2, expect.stringContaining('Version 2 of secret/app/db was deleted')]);
    await at.out('kv undelete -versions=2 secret/app/db');
    await at.out('kv rollback -version=1 secret/app/db');
    expect(await at.out('kv get -field=user secret/app/db')).toBe('app');
    await at.out('kv metadata put -max-versions=5 -custom-metadata=owner=pay secret/app/db');
    expect(await at.data('kv metadata get -json secret/app/db')).toMatchObject({
      current_version: 3,
      custom_metadata: { owner: 'pay' },
    });
    await at.out('kv destroy -versions=1 secret/app/db');
    await at.out('kv metadata delete -auto-approve secret/app/db');
    expect((await at.remote('kv get secret/app/db')).code).toBe(2);
  });

  it('are wrapped and unwrapped, once', async () => {
    await at.out('kv put secret/wrapped a=1');
    const token = await at.out('kv get -wrap-ttl=60s -field=wrapping_token secret/wrapped');
    expect(await at.out(['unwrap', '-field=data', token], { token: '' })).toBe('{"a":"1"}');
    expect((await at.remote(['unwrap', token])).err).toContain('wrapping token is not valid or does not exist');
    expect(await at.out('read secret/data/wrapped', { env: { VAULT_WRAP_TTL: '5m' } })).toMatch(/^wrapping_token_ttl +5m0s$/m);
  });

  it('live in engines that are enabled, tuned, moved and disabled', async () => {
    expect(await at.out('secrets enable -path=team -version=2 -description=Ours kv')).toBe(
      'Success! Enabled the kv secret engine at: team/\n',
    );
    expect((await at.remote('secrets enable -path=team kv')).err).toContain('path is already in use at team/');
    await at.out('secrets tune -max-lease-ttl=24h team');
    expect(await at.data('secrets list -json')).toMatchObject({
      'team/': { type: 'kv', description: 'Ours', options: { version: '2' }, config: { max_lease_ttl: 86_400 } },
    });
    expect(await at.out('secrets list -detailed')).toMatch(/^team\/ +kv +kv_\w+ +system +86400 /m);
    await at.out('kv put team/x a=1');
    await at.out('secrets move team group');
    expect(await at.out('kv get -field=a group/x')).toBe('1');
    await at.out('secrets disable group');
    expect((await at.remote('kv get group/x')).code).toBe(1);
  });
});

describe('a development server', () => {
  it('says its key and token in the words that the scripts of people look for', () => {
    expect(served.said()).toMatch(/^Unseal Key: \S+\nRoot Token: root$/m);
  });
});

describe('who works on a server', () => {
  it('logs in with a token, which is kept in ~/.vault-token for the next commands', async () => {
    const token = await at.out('token create -policy=default -ttl=1h -field=token');
    const file = join(at.base, '.vault-token');
    const { out } = await at.remote(['login', '-'], { input: `${token}\n`, token: '' });
    expect(out).toContain(`The token is kept in ${file}`);
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual([token, 0o600]);
    expect(await at.out('token lookup', { token: '' })).toContain('[default]');
    expect(await at.out('print token', { token: '' })).toBe(`${token}\n`);
    await at.out('token revoke -self', { token: '' });
    const denied = await at.remote('token lookup', { token: '' });
    expect(denied.err).toContain(`The token of ${file} is unknown`);
    expect(denied.err).toContain(`at ${served.address}`);
    expect((await at.remote(['login', 'hvs.none'], { token: '' })).code).toBe(1);
  });

  it.each([
    ['saml', 'See: secretctl auth list'],
    ['userpas', 'Did you mean -method=userpass?'],
    ['Kubernetes', 'Did you mean -method=kubernetes?'],
  ])('is told of a method that is not known before anything is asked: %s', async (method, hint) => {
    const { code, err, asked } = await at.remote(['login', `-method=${method}`, 'role=x'], { token: '', answers: ['x'] });
    expect([code, asked, err]).toEqual([
      1,
      [],
      expect.stringContaining(`login knows no method "${method}"; it knows: token, userpass, ldap`),
    ]);
    expect(err).toContain(hint);
  });

  it.each(['ldap', 'okta', 'radius'])('logs in by name and password at another server: %s', async (method) => {
    const other = await listen((_request, response) => json(response, 200, enveloped({ auth: { client_token: 'other' } })));
    const { out } = await at.remote(
      ['login', `-address=${other.address}`, `-method=${method}`, '-token-only', 'username=ann', 'password=x'],
      { token: '' },
    );
    expect([out, other.arrived.map(({ url, body }) => [url, body])]).toEqual([
      'other',
      [[`/v1/auth/${method}/login/ann`, '{"password":"x"}']],
    ]);
  });

  it('logs in by name and password, and by AppRole', async () => {
    await at.out('auth enable userpass');
    await at.out(['write', 'auth/userpass/users/ann', 'password=-', 'token_policies=default'], { input: 'correct horse' });
    const shown = await at.remote('login -method=userpass username=ann', { token: '', answers: ['correct horse'] });
    expect([shown.code, shown.asked]).toEqual([0, ['Password: ']]);
    expect(shown.out).toMatch(/^token_policies +\[default\]$/m);
    const wrong = await at.remote('login -method=userpass -no-store username=ann password=wrong', { token: '' });
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('invalid username or password')]);
    const nameless = await at.remote('login -method=userpass', { token: '', answers: ['correct horse'] });
    expect([nameless.asked, nameless.err]).toEqual([[], expect.stringContaining('userpass needs username=NAME')]);
    const nowhere = await at.remote('login -method=userpass -path=staff username=ann password=x', { token: '' });
    expect(nowhere.err).toContain('permission denied: login at auth/staff/');
    expect(nowhere.err).toContain('-path names another one');
    const ldap = await at.remote('login -method=ldap username=ann password=x', { token: '' });
    expect(ldap.err).toContain('permission denied: login at auth/ldap/');
    await at.out('auth enable -path=machines approle');
    await at.out('write auth/machines/role/ci token_policies=default');
    const role = (await at.out('read -field=role_id auth/machines/role/ci/role-id')).trim();
    writeFileSync(at.path('secret-id'), await at.out('write -field=secret_id auth/machines/role/ci/secret-id'));
    const token = await at.out(`login -method=approle -path=machines -token-only role_id=${role} secret_id=@secret-id`, {
      token: '',
    });
    expect(await at.out('token lookup', { token })).toContain('map[role_name:ci]');
    expect(await at.data('auth list -json')).toMatchObject({
      'machines/': { type: 'approle' },
      'userpass/': { type: 'userpass' },
    });
    await at.out('auth tune -default-lease-ttl=1h machines');
    await at.out('auth move machines robots');
    await at.out('auth disable robots');
  });

  it('makes tokens of every kind and ends them', async () => {
    const made = await at.data(
      'token create -json -policy=default -period=1h -orphan -display-name=job -metadata=team=pay -use-limit=9',
    );
    expect(made).toMatchObject({ auth: { orphan: true, metadata: { team: 'pay' }, num_uses: 9 } });
    const { accessor } = made.auth as unknown as { accessor: string };
    expect(await at.data(`token lookup -json -accessor ${accessor}`)).toMatchObject({
      data: { period: 3600, display_name: 'token-job' },
    });
    await at.out(`token revoke -accessor ${accessor}`);
    expect((await at.remote(`token lookup -accessor ${accessor}`)).code).toBe(1);
    expect(await at.out('token capabilities secret/data/x')).toBe('root\n');
  });

  it('writes, reads, formats and deletes policies', async () => {
    at.write('ci.hcl', '# for ci\npath   "secret/data/ci/*" {\ncapabilities = ["read"]\n}\n');
    expect(await at.out('policy fmt ci.hcl')).toBe('ci.hcl\n');
    expect(at.read('ci.hcl')).toBe('# for ci\npath "secret/data/ci/*" {\n  capabilities = ["read"]\n}\n');
    expect((await at.remote('policy fmt -check ci.hcl')).code).toBe(0);
    await at.out('policy write ci ci.hcl');
    expect(await at.out('policy read ci')).toBe(at.read('ci.hcl'));
    expect(await at.out('policy list')).toContain('ci\n');
    await at.out('policy delete ci');
    expect((await at.remote('policy read ci')).code).toBe(2);
  });
});

describe('a server', () => {
  it('tells its seal and its tasks, and ends with 0', async () => {
    const { code, out } = await at.remote('status');
    expect([code, out]).toEqual([0, expect.stringMatching(/^Sealed +false$/m)]);
    expect(out).toContain('== Background tasks ==');
    expect(await at.data('status -json')).toMatchObject({
      sealed: false,
      address: served.address,
      apply_lock: null,
      reconciler: { state: 'running' },
    });
    const anonymous = await at.remote('status -json', { token: '', env: { HOME: '/nonexistent' } });
    expect([anonymous.code, JSON.parse(anonymous.out)]).toEqual([
      0,
      expect.objectContaining({ sealed: false, reconciler: null }),
    ]);
  });

  it('prints YAML where that is asked for', async () => {
    expect(await at.out('secrets list -format=yaml')).toMatch(/^secret\/:\n {2}accessor: kv_/m);
    expect(await at.out('kv list secret', { env: { VAULT_FORMAT: 'json' } }).catch((error: unknown) => String(error))).toMatch(
      /^\[/,
    );
    expect((await at.remote('secrets list -format=xml')).err).toContain('the format "xml" is none of table, json, yaml');
  });

  it('that is not there is named, and so is what to do', async () => {
    const { code, err } = await at.remote('kv get secret/x', {
      env: { VAULT_ADDR: 'http://127.0.0.1:9', VAULT_MAX_RETRIES: '0' },
    });
    expect([code, err]).toEqual([
      1,
      'Error: no connection to http://127.0.0.1:9: nothing listens there (connection refused)\nIs the server running, and is this its address?\n',
    ]);
    expect(errorOf(await at.remote('status -json -address=nonsense')).code).toBe('usage');
  });

  it('is chosen by -address before the environment, and -store means this machine', async () => {
    const env = { VAULT_ADDR: 'http://127.0.0.1:9' };
    expect(await at.out(['policy', 'list', `-address=${served.address}`], { env })).toContain('root\n');
    const { err } = await at.remote(['policy', 'list', '-store=/nonexistent']);
    expect(err).toContain('there is no store at /nonexistent');
    expect((await at.remote(['policy', 'list', '-store=.', `-address=${served.address}`])).err).toContain('exclude each other');
  });

  it('of another program may know secrets, and no plans', async () => {
    const other = await listen((_request, response) => {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end('{"errors":["no handler for route \\"sys/managed/snapshot\\". route entry not found."]}');
    });
    const work = await emptyWorkspace();
    for (const line of ['plan', 'apply', 'state list', 'drift']) {
      const { code, err } = await work.run(line, { env: { VAULT_ADDR: other.address, VAULT_TOKEN: 'x' } });
      expect([line, code, err]).toEqual([line, 1, expect.stringContaining(`${other.address} can't plan and apply`)]);
    }
  });

  it('has no namespaces', async () => {
    expect((await at.remote('policy list', { env: { VAULT_NAMESPACE: 'team' } })).err).toContain(
      'VAULT_NAMESPACE names a namespace',
    );
  });
});

describe('a store that a server owns', () => {
  it('is used through its socket by commands of the workspace, and embedded again afterwards', async () => {
    const work = await appliedWorkspace();
    const owner = await serve(work);
    expect(existsSync(work.path('.secretctl/server.sock'))).toBe(true);
    expect(await work.ok('kv get -field=api_key kv/payments/stripe')).toBe('sk_live_canary');
    const shown = await work.run('plan');
    expect([shown.code, shown.out]).toEqual([0, expect.stringContaining('No changes.')]);
    expect(shown.err).toBe(`Planning against unix://${work.path('.secretctl/server.sock')}.\n`);
    expect(await work.ok('policy list', { env: { VAULT_ADDR: owner.address, SECRETCTL_STORE: work.root } })).toContain(
      'payments-read',
    );
    expect((await work.run('status')).out).toMatch(/^Address +unix:/m);
    expect((await work.run('operator status')).out).toMatch(/^Address +unix:/m);
    const { code, err } = await work.run('audit verify');
    expect([code, err]).toEqual([1, expect.stringContaining('audit verify FILE')]);
    expect(await work.ok('audit verify .secretctl/audit/audit.log')).toContain('are whole and in order');
    await owner.stop();
    expect(await work.ok('kv get -field=api_key kv/payments/stripe')).toBe('sk_live_canary');
  });

  it('says so where the answer to an apply is lost, and a plan shows what became of it', async () => {
    const work = await appliedWorkspace();
    const owner = await serve(work);
    const lossy = await listen((request, response, incoming) => {
      void fetch(`${owner.address}${request.url}`, {
        method: request.method,
        headers: { 'x-vault-token': String(request.headers['x-vault-token']) },
        ...(request.body === '' ? {} : { body: request.body }),
      }).then(async (answer) => {
        const text = await answer.text();
        if (request.url === '/v1/sys/apply') incoming.socket.destroy();
        else response.writeHead(answer.status).end(answer.status === 204 ? undefined : text);
      });
    });
    work.edit('bindings.yaml', '${var.ttl}', '20m');
    const env = { VAULT_ADDR: lossy.address, VAULT_TOKEN: await work.ok('print token') };
    const { code, out, err } = await work.run('apply -auto-approve', { env });
    expect([code, out]).toEqual([1, expect.not.stringContaining('Apply complete')]);
    expect(err).toMatch(/; the apply may be committed, as a whole, or not at all\nWhether it was, this shows: secretctl plan\n$/);
    expect(await work.ok('plan')).toContain('No changes.');
  });

  it('under a Shamir seal starts sealed and is opened share by share', async () => {
    const work = await emptyWorkspace('init . -seal shamir -shares 3 -threshold 2 -json');
    const { shares } = JSON.parse(work.made) as { shares: readonly [string, string, string] };
    await serve(work);
    const sealed = await work.run('status -json');
    expect([sealed.code, JSON.parse(sealed.out)]).toEqual([2, expect.objectContaining({ sealed: true, t: 2, n: 3 })]);
    expect((await work.run('policy list')).err).toContain('To unseal it: secretctl operator unseal');
    expect(await work.ok(['operator', 'unseal', '-'], { input: shares[0] })).toMatch(/^Unseal Progress +1\/2$/m);
    expect(await work.ok('operator unseal', { answers: [shares[2]] })).toMatch(/^Sealed +false$/m);
    expect(await work.ok('policy list')).toContain('root\n');
    expect(await work.ok('operator seal')).toBe('Success! The server is sealed.\n');
    expect((await work.run('status')).code).toBe(2);
  });

  it('is saved while it is used, and put back', async () => {
    const work = await appliedWorkspace();
    await serve(work);
    expect(await work.ok('operator snapshot save backup.snap')).toMatch(
      /^Success! Saved a snapshot of \d+ bytes to: backup\.snap\n$/,
    );
    expect(statSync(work.path('backup.snap')).mode & 0o777).toBe(0o600);
    await work.ok('kv put kv/later a=1');
    expect(await work.ok('operator check -json')).toContain('"damaged"');
    expect((await work.run('operator snapshot restore backup.snap', { answers: ['no'] })).code).toBe(1);
    await work.ok('operator snapshot restore -auto-approve backup.snap');
    expect(await work.ok('kv get -field=api_key kv/payments/stripe')).toBe('sk_live_canary');
    expect((await work.run('kv get kv/later')).code).toBe(2);
    work.write('junk.snap', 'no snapshot');
    expect((await work.run('operator snapshot restore -auto-approve junk.snap')).code).toBe(1);
  });

  it('is rotated and re-encrypted by requests of its own', async () => {
    const work = await appliedWorkspace();
    await serve(work);
    expect(await work.ok('operator rotate')).toMatch(/^Success! The keys are of term 2; \d+ records were re-encrypted\.\n$/);
    expect(await work.ok('operator key-status')).toMatch(/^Key Term +2$/m);
    expect(await work.ok('kv get -field=api_key kv/payments/stripe')).toBe('sk_live_canary');
  });
});
