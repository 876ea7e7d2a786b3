import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appliedWorkspace, declaredWorkspace, emptyWorkspace, errorOf, type Workspace } from './workspace.ts';

const summaryOf = (text: string) => /^(Plan: .*|No changes\.|(?:Apply|Destroy|Import) complete! .*)/m.exec(text)?.[0];

describe('plan', () => {
  it('shows what an apply would do, and changes nothing', async () => {
    const at = await declaredWorkspace();
    const out = await at.ok('plan');
    expect(out).toContain('secretctl made the following plan. Actions are indicated with the following symbols:\n  + create\n');
    expect(out).toContain('          + api_key = (sensitive value)\n');
    expect(out.endsWith('\nPlan: 5 to add, 0 to change, 0 to destroy.\n')).toBe(true);
    expect(await at.ok('plan')).toBe(out);
    expect(await at.ok('state list')).toBe('');
  });

  it('exits with 2 where -detailed-exitcode asks for it and there is something to do', async () => {
    const at = await declaredWorkspace();
    expect((await at.run('plan -detailed-exitcode')).code).toBe(2);
    await at.ok('apply -auto-approve');
    expect((await at.run('plan -detailed-exitcode')).code).toBe(0);
    at.edit('bindings.yaml', 'payments-read', 'none');
    expect((await at.run('plan -detailed-exitcode')).code).toBe(1);
  });

  it('is JSON in the shape that Terraform users know', async () => {
    const at = await declaredWorkspace();
    const shown = await at.json<{ resource_changes: { address: string; change: { actions: string[] } }[] }>('plan -json');
    expect(shown).toMatchObject({ format_version: '1.0', applyable: true, errored: false, resource_drift: [] });
    expect(shown.resource_changes.map(({ address, change }) => [address, change.actions])).toContainEqual([
      'SecretEngine/kv',
      ['create'],
    ]);
  });

  it('is limited by -target and -replace, in words that name a near address', async () => {
    const at = await appliedWorkspace();
    at.edit('policies/payments.yaml', '[read, list]', '[read]');
    at.edit('engines.yaml', 'Static secrets of all teams', 'Ours');
    const targeted = await at.ok('plan -target=Policy/payments-read');
    expect([summaryOf(targeted), targeted.includes('Warning: Resource targeting is in effect')]).toEqual([
      'Plan: 0 to add, 1 to change, 0 to destroy.',
      true,
    ]);
    expect(summaryOf(await at.ok('plan -target SecretEngine/kv'))).toBe('Plan: 0 to add, 1 to change, 0 to destroy.');
    expect(summaryOf(await at.ok('plan -replace=AuthBinding/approle/payments-api'))).toBe(
      'Plan: 1 to add, 2 to change, 1 to destroy.',
    );
    for (const option of ['-target', '-replace']) {
      const { code, out, err } = await at.run(`plan ${option}=Policy/payments-raed`);
      expect([code, out]).toEqual([1, '']);
      expect(err).toContain(`Error: ${option} Policy/payments-raed: no document declares it`);
      expect(err.toLowerCase()).toContain('did you mean policy/payments-read?');
    }
    expect((await at.run('plan -destroy -refresh-only')).err).toBe('Error: -destroy and -refresh-only exclude each other\n');
  });

  it('takes variables and environments, and refuses one that is another server', async () => {
    const at = await appliedWorkspace();
    at.write(
      'environments.yaml',
      'apiVersion: secretctl/v1\nkind: Environment\nmetadata: {name: production}\nspec:\n  variables: {ttl: 30m}\n  patches: [{target: SecretEngine/kv, spec: {description: Ours}}]\n---\napiVersion: secretctl/v1\nkind: Environment\nmetadata: {name: remote}\nspec: {address: "https://x.example"}\n',
    );
    expect(await at.ok('plan -environment=production')).toMatch(
      /~ ttl = "1h" -> "30m"\n.*~ description = "Static secrets of all teams" -> "Ours"\n/s,
    );
    expect(await at.ok('plan -environment=production -var=ttl=5m')).toContain('"1h" -> "5m"');
    expect((await at.run('plan -environment=remote')).err).toMatch(
      /^Error: the environment remote is the server https:\/\/x\.example, .*\nName the server too: -address=https:\/\/x\.example\n$/,
    );
  });

  it('refuses a mount of a type that the store does not know, before anybody approves it', async () => {
    const at = await emptyWorkspace();
    const mount = (kind: string, name: string, type: string) =>
      `---\napiVersion: secretctl/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: {type: ${type}}\n`;
    at.write('mounts.yaml', mount('SecretEngine', 'x', 'kvv') + mount('AuthMethod', 'k', 'kubernetes'));
    expect((await at.run('validate')).code).toBe(0);
    const { code, err } = await at.run('apply -auto-approve');
    expect(code).toBe(1);
    expect(err).toMatch(
      /SecretEngine\/x is of the type "kvv", which this store does not know\n\n {2}on mounts\.yaml:5:14\n {2}did you mean "kv"\?/,
    );
    expect(err).toMatch(/AuthMethod\/k is of the type "kubernetes".*\n\n.*\n {2}there are: approle, /);
  });

  it('says of a sealed block that opens nowhere which field it is, and the command that seals it', async () => {
    const at = await declaredWorkspace();
    const other = await declaredWorkspace();
    at.write('secrets/stripe.yaml', other.read('secrets/stripe.yaml'));
    const { code, out, err } = await at.run('plan');
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe(
      'Error: StaticSecret/kv/payments/stripe data.api_key: the sealed block was not made for this store\n\n' +
        '  on secrets/stripe.yaml:10:7\n  seal the value for it: secretctl encrypt -write StaticSecret/kv/payments/stripe data.api_key\n',
    );
    expect(JSON.parse((await at.run('plan -json')).out)).toMatchObject({ errored: true, errors: [{ code: 'sealed' }] });
  });
});

describe('a saved plan', () => {
  let at: Workspace;
  beforeEach(async () => {
    at = await declaredWorkspace();
    await at.ok('plan -out=first.plan');
  });

  it('is applied without asking, once', async () => {
    expect(statSync(at.path('first.plan')).mode & 0o777).toBe(0o600);
    expect(await at.ok('show first.plan')).toContain('Plan: 5 to add');
    expect(await at.ok('apply first.plan')).toBe('\nApply complete! Resources: 5 added, 0 changed, 0 destroyed.\n');
    const again = await at.run('apply first.plan -json');
    expect([again.code, errorOf(again)]).toMatchObject([
      1,
      { code: 'plan-stale', message: expect.stringContaining('made at config revision 0, and the store is at 1') },
    ]);
    expect(summaryOf(await at.ok('plan'))).toBe('No changes.');
  });

  it('is shown without a store', async () => {
    const env = { SECRETCTL_STORE: '/nowhere', XDG_CONFIG_HOME: '/nowhere' };
    expect(await at.ok('show first.plan', { env })).toContain('Plan: 5 to add');
    expect(await at.json('show -json first.plan', { env })).toMatchObject({ applyable: true });
  });

  it('is refused where the configuration was changed since, and only then', async () => {
    await at.ok('write cubbyhole/x a=b');
    await at.ok('token create');
    expect((await at.run('apply first.plan')).code).toBe(0);
    at.edit('policies/payments.yaml', '[read, list]', '[read]');
    await at.ok('plan -out=second.plan');
    await at.ok('policy write other -', { input: 'path "x" { capabilities = ["read"] }' });
    expect(errorOf(await at.run('apply -json second.plan')).code).toBe('plan-stale');
  });

  it('is refused by another store', async () => {
    const other = await emptyWorkspace();
    const refused = { code: 'plan-file', message: expect.stringMatching(/made for store .*, and this is store /) };
    expect(errorOf(await other.run(`apply -json ${at.path('first.plan')}`))).toMatchObject(refused);
    expect(errorOf(await at.run(`apply -json -store=${other.root} first.plan`, { env: other.env }))).toMatchObject(refused);
  });

  it('is refused when damaged, cut or no plan at all', async () => {
    const text = at.read('first.plan');
    const cases: readonly [string, string][] = [
      [text.replace('payments-read', 'payments-reaD'), 'the plan file was changed after it was saved'],
      [text.slice(0, -200), 'this is not a plan file'],
      ['', 'this is not a plan file'],
      ['hello', 'this is not a plan file'],
      [text.replace('secretctl/plan/1', 'secretctl/plan/9'), 'the plan file has format secretctl/plan/9'],
    ];
    for (const [damaged, message] of cases) {
      at.write('damaged', damaged);
      for (const line of ['apply -json damaged', 'show -json damaged'])
        expect(errorOf(await at.run(line))).toMatchObject({ code: 'plan-file', message: expect.stringContaining(message) });
    }
    writeFileSync(at.path('big'), '');
    truncateSync(at.path('big'), 65 * 1024 * 1024);
    expect(errorOf(await at.run('apply -json big')).message).toBe('big is too large to be a plan');
    expect(await at.ok('state list')).toBe('');
  });

  it.each([
    ['apply nowhere.plan', "nowhere.plan can't be read: it does not exist (ENOENT)"],
    ['apply .', ". can't be read: it is a folder (EISDIR)"],
    ['show .', ". can't be read: it is a folder (EISDIR)"],
    ['show nowhere.plan', 'nowhere.plan is neither a file nor an address'],
    ['plan -out=nowhere/x', "the plan can't be saved to nowhere/x: its folder does not exist (ENOENT)"],
    ['plan -out=.', "the plan can't be saved to .: it is a folder (EISDIR)"],
    ['apply -target=Policy/x first.plan', "-target can't be given with a saved plan, which says already what is to be done"],
    ['apply -var=ttl=1h first.plan', "-var can't be given with a saved plan, which says already what is to be done"],
    ['apply -destroy first.plan', "-destroy can't be given with a saved plan, which says already what is to be done"],
    ['apply -refresh-only', 'unknown option -refresh-only'],
  ])('is refused: %s', async (line, message) => {
    const { code, err } = await at.run(line);
    expect([code, err]).toEqual([1, expect.stringContaining(`Error: ${message}\n`)]);
    expect(await at.ok('state list')).toBe('');
  });

  it('with nothing to do says so', async () => {
    await at.ok('apply first.plan');
    expect(await at.ok('plan -out=none.plan')).toMatch(/\nSaved the plan to: none\.plan\n\nThere is nothing in it to apply\.\n$/);
    expect(summaryOf(await at.ok('apply none.plan'))).toBe('No changes.');
  });
});

describe('apply', () => {
  it('shows the plan, asks, and goes on after a yes only', async () => {
    const at = await declaredWorkspace();
    for (const answer of ['y', 'Yes', 'no', '', 'yes!']) {
      const { code, out, err, asked } = await at.run('apply', { answers: [answer] });
      expect([code, err, asked]).toEqual([
        1,
        'Cancelled. Nothing was changed.\n',
        ['\nDo you want to perform these actions?\n  Only "yes" is accepted to approve.\n\n  Enter a value: '],
      ]);
      expect(summaryOf(out)).toBe('Plan: 5 to add, 0 to change, 0 to destroy.');
    }
    expect(await at.run('apply', { answers: ['Ctrl-C'] })).toMatchObject({ code: 130, err: 'Cancelled. Nothing was changed.\n' });
    expect(await at.ok('state list')).toBe('');
    expect((await at.run('apply', { answers: [' yes '] })).out).toMatch(
      /\nApply complete! Resources: 5 added, 0 changed, 0 destroyed\.\n$/,
    );
    expect(await at.run('apply', { answers: [] })).toMatchObject({ code: 0, asked: [] });
  });

  it('asks nobody where there is nobody, or where a program reads', async () => {
    const at = await declaredWorkspace();
    expect(await at.run('apply', { input: 'yes\n' })).toMatchObject({
      code: 1,
      err: 'Error: there is nobody to approve this: standard input is no terminal\nGive -auto-approve, or apply a saved plan: secretctl plan -out=FILE, secretctl apply FILE\n',
    });
    expect(errorOf(await at.run('apply -json', { answers: ['yes'] }))).toMatchObject({ code: 'not-interactive' });
    expect(await at.ok('state list')).toBe('');
    expect(await at.json('apply -json -auto-approve')).toEqual({
      revision: 1,
      applied: 5,
      pending: 0,
      outside: [],
      warnings: [],
      summary: 'Apply complete! Resources: 5 added, 0 changed, 0 destroyed.',
    });
  });

  it('stops before the commit when it was interrupted, with 130 and nothing changed', async () => {
    const at = await declaredWorkspace();
    const interrupted = AbortSignal.abort(new Error('Ctrl-C'));
    expect(await at.run('apply -auto-approve', { interrupted })).toMatchObject({
      code: 130,
      err: 'Interrupted. Nothing was changed.\n',
    });
    expect(await at.ok('state list')).toBe('');
  });

  it('again is a no-op, and undoes what somebody did by hand', async () => {
    const at = await appliedWorkspace();
    expect(summaryOf(await at.ok('apply -auto-approve'))).toBe('No changes.');
    await at.ok('policy write payments-read -', { input: 'path "*" { capabilities = ["sudo"] }' });
    const drift = await at.run('drift -detailed-exitcode');
    expect([drift.code, drift.out]).toEqual([
      2,
      expect.stringMatching(/^Note: Objects have changed outside of secretctl\n.*# Policy\/payments-read has changed\n/s),
    ]);
    expect((await at.run('plan -refresh-only')).out).toBe(drift.out);
    const out = await at.ok('apply -auto-approve');
    expect(out).toContain('Note: Objects have changed outside of secretctl');
    expect(summaryOf(out)).toBe('Plan: 0 to add, 1 to change, 0 to destroy.');
    expect(await at.run('drift -detailed-exitcode')).toMatchObject({
      code: 0,
      out: expect.stringContaining('No changes. The store is still as it was applied.\n'),
    });
  });

  it('takes values from the environment and from files of whoever applies', async () => {
    const at = await appliedWorkspace();
    at.write(
      'local.yaml',
      'apiVersion: secretctl/v1\nkind: StaticSecret\nmetadata: {name: local}\nspec:\n  engine: kv\n  data:\n    env: {fromEnv: APP_PASSWORD}\n    file: {fromFile: ../outside.txt}\n',
    );
    at.write('../outside.txt', 'outside');
    expect((await at.run('apply -auto-approve')).err).toBe(
      'Error: StaticSecret/kv/local takes data.env from the environment variable APP_PASSWORD, which is not set\nSet APP_PASSWORD for this command. Nothing was changed.\n',
    );
    const env = { APP_PASSWORD: 'hush' };
    const { code, out, err } = await at.run('apply -auto-approve', { env });
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(
        'from the file ../outside.txt, which lies outside of the repo\nAllow its folder with -allow-file DIR.',
      ),
    ]);
    expect(`${out}${err}`).not.toContain('hush');
    await at.ok('apply -auto-approve -allow-file=..', { env });
    expect(await at.ok('kv get -field=file kv/local')).toBe('outside');
    expect(await at.ok('kv get -field=env kv/local')).toBe('hush');
    expect(summaryOf(await at.ok('plan'))).toBe('No changes.');
  });

  it('takes values of a saved plan from the files of its own repo, wherever in it somebody stands', async () => {
    const at = await appliedWorkspace();
    at.write(
      'local.yaml',
      'apiVersion: secretctl/v1\nkind: StaticSecret\nmetadata: {name: local}\nspec: {engine: kv, data: {file: {fromFile: value.txt}}}\n',
    );
    at.write('value.txt', 'of this repo');
    await at.ok('plan -out=saved.plan');
    const other = await emptyWorkspace();
    other.write('value.txt', 'of another repo');
    const saved = at.path('saved.plan');
    for (const cwd of [other.root, at.base]) {
      const { code, err } = await at.run(['apply', `-store=${at.root}`, saved], { cwd });
      expect([code, err]).toEqual([
        1,
        expect.stringContaining('the plan takes values from files of the repo of the project acme-payments'),
      ]);
    }
    await at.ok(['apply', saved], { cwd: 'policies' });
    expect(await at.ok('kv get -field=file kv/local')).toBe('of this repo');
  });

  it('does not ask about the hash of the documents: a commit in between is no change', async () => {
    const at = await appliedWorkspace();
    at.write('README.md', 'more');
    expect(summaryOf(await at.ok('plan'))).toBe('No changes.');
  });
});

describe('what metadata protects and ignores', () => {
  let at: Workspace;
  beforeAll(async () => {
    at = await appliedWorkspace();
    at.edit('engines.yaml', 'name: kv', 'name: kv\n  protect: true\n  ignoreChanges: [spec.description]');
    await at.ok('apply -auto-approve');
  });

  it('is kept from deletion, also when its document is gone', async () => {
    const documents = at.read('engines.yaml');
    for (const line of ['destroy -auto-approve', 'plan -destroy', 'apply -auto-approve -replace=SecretEngine/kv']) {
      const { code, out, err } = await at.run(line);
      expect([line, code, out]).toEqual([line, 1, '']);
      expect(err).toContain('Error: SecretEngine/kv is protected and would be ');
      expect(err).toContain('"protect: false"');
    }
    at.edit('engines.yaml', 'protect: true', 'protect: false');
    expect(summaryOf(await at.ok('plan'))).toBe('Plan: 0 to add, 1 to change, 0 to destroy.');
    at.write('engines.yaml', documents);
    expect(await at.ok('kv list kv')).toContain('payments/');
  });

  it('leaves alone what it names', async () => {
    await at.ok('write sys/mounts/kv/tune description=by-hand');
    expect(summaryOf(await at.ok('plan'))).toBe('No changes.');
    await at.ok('write sys/mounts/kv/tune default_lease_ttl=5m');
    expect(await at.ok('plan')).toMatch(/~ defaultLeaseTtl += "5m" -> "0s"/);
    await at.ok('apply -auto-approve');
    expect(await at.ok('read sys/mounts/kv/tune')).toContain('by-hand');
  });
});

describe('destroy', () => {
  it('asks, and destroys what the project manages and nothing else', async () => {
    const at = await appliedWorkspace();
    await at.ok('policy write by-hand -', { input: 'path "x" { capabilities = ["read"] }' });
    const declined = await at.run('destroy', { answers: ['no'] });
    expect([declined.code, declined.asked[0]]).toEqual([
      1,
      expect.stringContaining('Do you really want to destroy all of these objects? There is no undo.'),
    ]);
    expect(declined.out).toContain('destroys everything that is stored below kv/, also what no document declares');
    expect(summaryOf(await at.ok('destroy -auto-approve -target=AuthBinding/approle/payments-api'))).toBe(
      'Plan: 0 to add, 0 to change, 1 to destroy.',
    );
    expect((await at.run('destroy', { answers: ['yes'] })).out).toMatch(
      /Destroy complete! Resources: 0 added, 0 changed, 4 destroyed\.\n$/,
    );
    expect(await at.ok('policy list')).toBe('by-hand\ndefault\nroot\n');
    expect(await at.ok('destroy')).toBe('No changes. There is nothing to destroy: this project manages no objects.\n');
  });
});
