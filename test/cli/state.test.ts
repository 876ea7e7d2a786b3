import { existsSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appliedWorkspace, emptyWorkspace, errorOf, type Workspace } from './workspace.ts';

const rules = 'path "kv/data/ci/*" {\n  capabilities = ["read"]\n}\n';

describe('state', () => {
  let at: Workspace;
  beforeAll(async () => {
    at = await appliedWorkspace();
  });

  it('lists what is managed, all of it or by prefix', async () => {
    expect(await at.ok('state list')).toBe(
      'AuthBinding/approle/payments-api\nAuthMethod/approle\nPolicy/payments-read\nSecretEngine/kv\nStaticSecret/kv/payments/stripe\n',
    );
    expect(await at.ok('state list Auth')).toBe('AuthBinding/approle/payments-api\nAuthMethod/approle\n');
    expect(await at.ok('state list xyzzy')).toBe('');
    expect(await at.json('state list -json Policy/')).toEqual([{ address: 'Policy/payments-read', project: 'acme-payments' }]);
  });

  it('shows what was applied last and from where, as it was declared', async () => {
    const out = await at.ok('state show StaticSecret/kv/payments/stripe');
    expect(out).toMatch(
      /^address: StaticSecret\/kv\/payments\/stripe\nproject: acme-payments\ncommit: \w+:?\w+\nappliedAt: \S+\nspec:\n/,
    );
    expect(out).toMatch(/ {4}api_key:\n {6}sealed: sha256:[0-9a-f]{64}\n/);
    expect(await at.ok('show StaticSecret/kv/payments/stripe')).toBe(out);
    expect(await at.json('state show -json Policy/payments-read')).toMatchObject({
      address: 'Policy/payments-read',
      protect: false,
      labels: { team: 'payments' },
    });
  });

  it.each(['state show', 'show', 'state forget -auto-approve'])(
    'names the nearest address where nothing is managed: %s',
    async (line) => {
      expect((await at.run(`${line} Policy/payments-raed`)).err).toBe(
        'Error: nothing is managed at Policy/payments-raed\nDid you mean Policy/payments-read?\n',
      );
      expect((await at.run(`${line} Policy/xyzzy`)).err).toBe(
        'Error: nothing is managed at Policy/xyzzy\nSee: secretctl state list\n',
      );
    },
  );
});

describe('state mv and state forget', () => {
  let at: Workspace;
  beforeEach(async () => {
    at = await appliedWorkspace();
  });

  it('moves the record of what somebody has renamed already, after a yes only', async () => {
    await at.ok('policy write payments -', { input: await at.ok('policy read payments-read') });
    const line = 'state mv Policy/payments-read Policy/payments';
    expect((await at.run(line)).err).toMatch(/^Error: there is nobody to approve this/);
    expect((await at.run(line, { answers: ['no'] })).code).toBe(1);
    expect((await at.run(line, { answers: ['Ctrl-C'] })).code).toBe(130);
    expect(await at.ok('state list Policy')).toBe('Policy/payments-read\n');
    const { out, asked } = await at.run(line, { answers: ['yes'] });
    expect([out, asked[0]]).toEqual([
      'Success! Policy/payments-read is Policy/payments now.\n',
      expect.stringContaining('Do you want the record of Policy/payments-read to become that of Policy/payments?'),
    ]);
    expect(await at.ok('state list Policy')).toBe('Policy/payments\n');
    expect(await at.json('state mv -json -auto-approve Policy/payments Policy/payments-read')).toEqual({});
  });

  it.each([
    ['Policy/renamed', 'there is no Policy/renamed in the store, and state mv moves the record only'],
    ['Policy/bad/name', 'the name "bad/name" must be '],
    ['Policy/root', 'the name "root" belongs to the store'],
    ['SecretEngine/kv', 'a record keeps its kind and mount: the new address starts with Policy/'],
    ['Policy/', 'a record keeps its kind and mount: the new address starts with Policy/'],
  ])('refuses to move a record to where no object is or can be: %s', async (target, message) => {
    const { code, err } = await at.run(`state mv -auto-approve Policy/payments-read ${target}`);
    expect([code, err]).toEqual([1, expect.stringContaining(`Error: ${message}`)]);
    expect(await at.ok('plan')).toMatch(/^No changes\./);
  });

  it('forgets a record and keeps the object', async () => {
    const { code, asked } = await at.run('state forget Policy/payments-read', { answers: ['yes'] });
    expect([code, asked[0]]).toEqual([
      0,
      expect.stringContaining('Do you want to manage Policy/payments-read no more? It stays as it is.'),
    ]);
    expect(await at.ok('policy list')).toContain('payments-read\n');
    expect((await at.run('plan')).err).toContain('to manage it here: secretctl import Policy/payments-read payments-read');
    await at.ok('import -auto-approve Policy/payments-read');
    expect(await at.ok('plan')).toMatch(/^No changes\./);
  });
});

describe('a Refactor document', () => {
  it('moves an object with its record, and its sealed value is bound anew by rewrap', async () => {
    const at = await appliedWorkspace();
    at.edit('secrets/stripe.yaml', / {4}webhook:[^]*/, '');
    await at.ok('apply -auto-approve');
    at.edit('secrets/stripe.yaml', 'payments/stripe', 'payments/card');
    const refused = await at.run('encrypt -rewrap');
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining(
        'nothing was sealed anew, since these blocks do not open where they stand:\n  the sealed block at StaticSecret/kv/payments/card data.api_key was made for',
      ),
    ]);
    at.write(
      'refactor.yaml',
      'apiVersion: secretctl/v1\nkind: Refactor\nmetadata: {name: one}\nspec:\n  move: [{from: StaticSecret/kv/payments/stripe, to: StaticSecret/kv/payments/card}]\n',
    );
    await at.ok('encrypt -rewrap');
    const out = await at.ok('apply -auto-approve');
    expect(out).toContain('Plan: 1 to move, 0 to add, ');
    expect(await at.ok('kv get -field=api_key kv/payments/card')).toBe('sk_live_canary');
    expect((await at.run('kv get kv/payments/stripe')).code).toBe(2);
    expect(await at.ok('plan')).toMatch(/^No changes\./);
  });
});

describe('import', () => {
  let at: Workspace;
  beforeEach(async () => {
    at = await emptyWorkspace();
    await at.ok('write sys/mounts/legacy type=kv-v2 description=old');
    await at.ok('policy write ci -', { input: rules });
  });

  it('writes the document of an object that none declares, and adopts it unchanged', async () => {
    const { code, out, err } = await at.run('import -auto-approve SecretEngine/legacy');
    expect([code, err]).toEqual([0, 'No document declares SecretEngine/legacy: wrote imported/secret-engine-legacy.yaml.\n\n']);
    expect(out).toContain('Plan: 1 to import, 0 to add, 0 to change, 0 to destroy.\n');
    expect(out).not.toContain('targeting');
    expect(out.endsWith('\nImport complete! SecretEngine/legacy is managed by this project now.\n')).toBe(true);
    expect(at.read('imported/secret-engine-legacy.yaml')).toBe(
      '# yaml-language-server: $schema=../schemas/secretctl.json\napiVersion: secretctl/v1\nkind: SecretEngine\nmetadata:\n  name: legacy\nspec:\n  type: kv\n  description: old\n  options:\n    version: "2"\n',
    );
    expect(await at.json('import -auto-approve -json Policy/ci')).toMatchObject({
      applied: 1,
      document: 'imported/policy-ci.yaml',
    });
    expect(await at.ok('plan')).toMatch(/^No changes\./);
    expect(await at.ok('fmt -check')).toBe('');
  });

  it('writes what lives in a mount too', async () => {
    await at.ok('write sys/auth/approle type=approle');
    await at.ok('write auth/approle/role/app token_policies=ci token_ttl=1h');
    await at.ok('write auth/token/roles/ops allowed_policies=ci');
    for (const address of [
      'Policy/ci',
      'AuthMethod/approle',
      'AuthBinding/approle/app',
      'AuthBinding/token/ops',
      'SecretEngine/legacy',
    ])
      await at.ok(`import -auto-approve ${address}`);
    expect(at.read('imported/auth-binding-approle-app.yaml')).toContain(
      'spec:\n  method: approle\n  policies:\n    - ci\n  ttl: 1h\n',
    );
    expect(await at.ok('plan')).toBe(await (await emptyWorkspace()).ok('plan'));
  });

  it('adopts what a document declares, and shows what that changes', async () => {
    at.write(
      'ci.yaml',
      'apiVersion: secretctl/v1\nkind: Policy\nmetadata: {name: ci}\nspec:\n  rules: [{path: kv/data/ci/*, capabilities: [read, list]}]\n',
    );
    expect((await at.run('plan')).err).toContain('Error: Policy/ci exists already, and no project manages it\n');
    const { asked, out } = await at.run('import Policy/ci', { answers: ['yes'] });
    expect([asked.length, out]).toEqual([
      1,
      expect.stringContaining('Plan: 1 to import, 0 to add, 1 to change, 0 to destroy.\n'),
    ]);
    expect(await at.ok('policy read ci')).toContain('["read", "list"]');
    expect(existsSync(at.path('imported'))).toBe(false);
  });

  it('is nothing without a yes', async () => {
    for (const circumstances of [{}, { answers: ['no'] }]) expect((await at.run('import Policy/ci', circumstances)).code).toBe(1);
    expect((await at.run('import Policy/ci', { answers: ['Ctrl-C'] })).code).toBe(130);
    expect(await at.ok('state list')).toBe('');
  });

  it.each([
    ['Policy/cii', 'no document declares Policy/cii, and the store has no such object', null],
    ['SecretEngine/legcy', 'no document declares SecretEngine/legcy, and the store has no such object', null],
    ['Plicy/ci', 'unknown kind "Plicy"', 'Did you mean Policy?'],
    ['ci', '"ci" is not an address (Kind/name or Kind/mount/name)', null],
    ['Policy/root', 'the name "root" belongs to the store', null],
    [
      'AuthBinding/aprole/x',
      '"AuthBinding/aprole/x" names no declared mount: its address is AuthBinding/mount/name',
      expect.any(String),
    ],
  ])('refuses %s and writes no document', async (address, message, hint) => {
    const outcome = await at.run(`import -json -auto-approve ${address}`);
    expect([outcome.code, errorOf(outcome)]).toEqual([1, { code: 'usage', message, hint }]);
    expect(existsSync(at.path('imported'))).toBe(false);
  });

  it('refuses a secret whose values nobody declared, an object under another id, and what is managed already', async () => {
    await at.ok('kv put legacy/app/db user=u password=hush');
    const secret = await at.run('import -auto-approve StaticSecret/legacy/app/db');
    expect([secret.code, secret.err]).toEqual([
      1,
      expect.stringContaining("the data of StaticSecret/legacy/app/db can't be read back"),
    ]);
    expect(secret.err).not.toContain('hush');
    expect((await at.run('import -auto-approve Policy/ci other')).err).toContain(
      'Error: Policy/ci can adopt only the object of its own name, not "other"',
    );
    await at.ok('import -auto-approve SecretEngine/legacy');
    expect(errorOf(await at.run('import -json -auto-approve SecretEngine/legacy'))).toMatchObject({
      message: 'SecretEngine/legacy is managed already, by the project acme',
      hint: 'What was applied to it: secretctl state show SecretEngine/legacy',
    });
  });

  it('keeps the values of an adopted secret whose document generates them', async () => {
    await at.ok('kv put legacy/app/db user=u password=old');
    await at.ok('import -auto-approve SecretEngine/legacy');
    at.write(
      'db.yaml',
      'apiVersion: secretctl/v1\nkind: StaticSecret\nmetadata: {name: app/db}\nspec: {engine: legacy, data: {password: {generate: {length: 20}}}}\n',
    );
    expect(await at.ok('import -auto-approve StaticSecret/legacy/app/db')).toContain(
      'Imported secrets keep the values they have',
    );
    expect(await at.ok('kv get -field=password legacy/app/db')).toBe('old');
  });
});
