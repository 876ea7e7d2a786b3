import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { appliedWorkspace, declaredWorkspace, emptyWorkspace, errorOf, secretValue } from './workspace.ts';

describe('validate', () => {
  it('needs no store and no token', async () => {
    const at = await declaredWorkspace();
    const env = { XDG_CONFIG_HOME: '/nowhere', SECRETCTL_STORE: '/nowhere' };
    expect(await at.ok('validate', { env })).toBe('Success! The configuration is valid: 5 objects.\n');
    expect(await at.ok('validate', { env, cwd: 'secrets' })).toBe('Success! The configuration is valid: 5 objects.\n');
    expect(await at.json('validate -json')).toEqual({ valid: true, documents: 5, diagnostics: [] });
  });

  it('shows all findings at once, each with its place and what to do', async () => {
    const at = await declaredWorkspace();
    at.edit('bindings.yaml', 'payments-read', 'payments-raed');
    at.edit('secrets/stripe.yaml', /api_key:[^]*?(?= {4}webhook)/, 'api_key: hunter2\n');
    const { code, out, err } = await at.run('validate');
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe(`error[REF001]: unknown policy "payments-raed"
  ┌─ bindings.yaml:8:14
8 │   policies: [payments-raed]
  │              ^^^^^^^^^^^^^ did you mean "payments-read"?

error[SECRET001]: a plain value in the secret field "data.api_key": everyone who reads the repo would know it
  ┌─ secrets/stripe.yaml:9:14
9 │     api_key: (hidden)
  │              ^^^^^^^^
  = seal it: secretctl encrypt -write StaticSecret/kv/payments/stripe data.api_key

2 errors in 2 files
`);
    const shown = await at.run('validate -json');
    expect([shown.code, JSON.parse(shown.out)]).toMatchObject([
      1,
      { valid: false, diagnostics: [{ code: 'REF001', line: 8 }, { code: 'SECRET001' }] },
    ]);
  });

  it('says one thing of one mistake: what names a mount that is declared wrongly has none of its own', async () => {
    const at = await declaredWorkspace();
    for (const [from, to, code] of [
      ['version: "2"', 'version: 2', 'SCHEMA002'],
      ['  name: kv', '  name: kv\n  ignoreChanges: [spec.descripton]', 'DOC006'],
      ['  type: kv', '  type: kv\n  tpye: kv', 'SCHEMA001'],
    ] as const) {
      const text = at.read('engines.yaml');
      at.edit('engines.yaml', from, to);
      const { diagnostics } = JSON.parse((await at.run('validate -json')).out) as {
        diagnostics: { code: string; file: string }[];
      };
      expect(diagnostics).toMatchObject([{ code, file: 'engines.yaml' }]);
      at.write('engines.yaml', text);
    }
  });

  it('looks at an environment, and at variables from the command line and from files', async () => {
    const at = await declaredWorkspace();
    at.write(
      'environments.yaml',
      'apiVersion: secretctl/v1\nkind: Environment\nmetadata: {name: production}\nspec: {variables: {ttl: 30m}}\n',
    );
    at.write('../more.yaml', 'ttl: 2h\n');
    for (const words of [
      '-environment=production',
      '-var ttl=1h',
      '-var-file=../more.yaml',
      '-environment=production -var-file=../more.yaml -var=ttl=5m',
    ])
      expect((await at.run(`validate ${words}`)).code).toBe(0);
    for (const [words, message] of [
      ['-environment=prodction', 'did you mean "production"?'],
      ['-var=tt=1h', 'did you mean "ttl"?'],
      ['-var=ttl=soon', 'the variable "ttl" must be a duration'],
      ['-var=ttl', '-var is NAME=VALUE\n'],
      ['-var-file=nowhere.yaml', "nowhere.yaml can't be read: it does not exist (ENOENT)"],
      ['-var-file=.', ". can't be read: it is a folder (EISDIR)"],
    ] as const) {
      const { code, err } = await at.run(`validate ${words}`);
      expect([code, err]).toEqual([1, expect.stringContaining(message)]);
    }
  });

  it('stops every other command that reads the documents, and the store stays as it is', async () => {
    const at = await declaredWorkspace();
    at.edit('bindings.yaml', 'payments-read', 'payments-raed');
    for (const line of [
      'plan',
      'apply -auto-approve',
      'drift',
      'destroy -auto-approve',
      'graph',
      'encrypt -rewrap',
      'import Policy/payments-read',
    ]) {
      const { code, out, err } = await at.run(line);
      expect([line, code, out, err]).toEqual([
        line,
        1,
        '',
        expect.stringContaining('error[REF001]: unknown policy "payments-raed"\n'),
      ]);
      const shown = await at.run(`${line} -json`);
      expect([line, shown.code, shown.out, errorOf(shown)]).toEqual([
        line,
        1,
        '',
        { code: 'diagnostics', message: '1 error in 1 file', hint: null },
      ]);
    }
    expect(await at.ok('state list')).toBe('');
  });
});

describe('fmt', () => {
  const untidy =
    'kind:   Policy\napiVersion: secretctl/v1   # a comment\nmetadata: {name: p}\nspec: {rules: [{path: "a", capabilities: [read]}]}\n';
  const tidy =
    'apiVersion: secretctl/v1 # a comment\nkind: Policy\nmetadata: { name: p }\nspec: { rules: [{ path: a, capabilities: [read] }] }\n';

  it('names what it changed, keeps comments and the mode of the file, and changes nothing twice', async () => {
    const at = await emptyWorkspace();
    at.write('p.yaml', untidy, 0o640);
    expect(await at.ok('fmt')).toBe('p.yaml\n');
    expect(at.read('p.yaml')).toBe(tidy);
    expect(statSync(at.path('p.yaml')).mode & 0o777).toBe(0o640);
    expect(await at.ok('fmt')).toBe('');
  });

  it('with -check writes nothing and exits with 3', async () => {
    const at = await emptyWorkspace();
    at.write('p.yaml', untidy);
    expect(await at.run('fmt -check')).toMatchObject({ code: 3, out: 'p.yaml\n' });
    expect(JSON.parse((await at.run('fmt -check -json')).out)).toEqual({ changed: ['p.yaml'], broken: [] });
    expect(at.read('p.yaml')).toBe(untidy);
    await at.ok('fmt');
    expect((await at.run('fmt -check')).code).toBe(0);
  });

  it('leaves files with errors alone', async () => {
    const at = await emptyWorkspace();
    at.write('p.yaml', 'a: [\n');
    expect(await at.run('fmt')).toMatchObject({
      code: 1,
      out: '',
      err: 'p.yaml has errors and was left alone; see: secretctl validate\n',
    });
    expect(at.read('p.yaml')).toBe('a: [\n');
  });
});

describe('graph', () => {
  it('prints what needs what, as a picture and as data', async () => {
    const at = await declaredWorkspace();
    const out = await at.ok('graph');
    expect(out).toMatch(/^digraph secretctl \{\n.*\n\}\n$/s);
    expect(out).toContain('  "AuthBinding/approle/payments-api" -> "Policy/payments-read";\n');
    const objects = await at.json<{ address: string; needs: string[] }[]>('graph -json');
    expect(objects.find(({ address }) => address === 'StaticSecret/kv/payments/stripe')?.needs).toEqual(['SecretEngine/kv']);
    expect(await (await emptyWorkspace()).ok('graph')).toBe('digraph secretctl {\n  rankdir = "LR";\n  node [shape = box];\n}\n');
  });
});

describe('no secret', () => {
  it('is printed by any command that is not asked for it', async () => {
    const at = await appliedWorkspace();
    at.edit('policies/payments.yaml', '[read, list]', '[read]');
    for (const line of [
      'validate -json',
      'plan',
      'plan -json',
      'plan -out=p',
      'show p',
      'show -json p',
      'graph -json',
      'state show -json StaticSecret/kv/payments/stripe',
      'apply p',
      'drift',
      'audit verify -json',
      'operator status',
      'fmt',
    ]) {
      const { code, out, err } = await at.run(line);
      expect([line, code, `${out}${err}`.includes(secretValue)]).toEqual([line, 0, false]);
    }
    for (const file of ['p', '.secretctl/audit/audit.log', 'secrets/stripe.yaml'])
      expect(at.read(file)).not.toContain(secretValue);
  });
});
