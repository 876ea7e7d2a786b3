import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { emptyWorkspace, errorOf, Workspace } from './workspace.ts';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

interface Created {
  readonly storeId: string;
  readonly recipient: string;
  readonly shares: readonly string[];
  readonly keyFile: string | null;
  readonly tokenFile: string;
}

describe('init', () => {
  it('makes a workspace: store, project with its recipient, schemas, key and token outside of the repo', async () => {
    const at = new Workspace();
    const out = await at.ok('init team', { cwd: '..' });
    const root = join(at.base, 'team');
    const [, recipient = ''] = /^Recipient {3}(age1\w+)$/m.exec(out) ?? [];
    const [, key = ''] = /^Seal key {4}(.+)$/m.exec(out) ?? [];
    const [, token = ''] = /^Root token {2}(.+)$/m.exec(out) ?? [];
    expect(out).toMatch(/^Initialized the store [0-9a-f-]{36} in team\/\.secretctl\.\n/);
    expect(out.endsWith('Next:\n  cd team\n  secretctl plan\n  secretctl apply\n')).toBe(true);
    const project = at.read('../team/secretctl.yaml');
    expect(project).toContain(`  recipients:\n    - ${recipient}\n`);
    expect(project).toContain('  name: team\n');
    expect(readdirSync(root).sort()).toEqual(['.secretctl', 'schemas', 'secretctl.yaml']);
    expect(readdirSync(join(root, '.secretctl')).sort()).toEqual(['.gitignore', 'audit', 'settings.yaml', 'store']);
    expect([modeOf(join(root, '.secretctl')), modeOf(key), modeOf(token)]).toEqual(['700', '600', '600']);
    expect(key.startsWith(join(at.base, 'config/secretctl/'))).toBe(true);
    expect(await at.ok('validate', { cwd: '../team' })).toBe('Success! The configuration is valid: 0 objects.\n');
    expect(await at.ok('plan', { cwd: '../team' })).toMatch(/^No changes\. /);
  });

  it('adds the key to a project that is there, and leaves everything else of it as it is', async () => {
    const at = new Workspace();
    const before =
      '# Ours.\napiVersion: secretctl/v1\nkind: Project\nmetadata:\n  name: ours # a comment\nspec:\n  variables:\n    a:\n      type: string\n';
    at.write('secretctl.yaml', before, 0o640);
    const { recipient } = await at.json<Created>('init -json .');
    expect(at.read('secretctl.yaml')).toBe(`${before}  recipients:\n    - ${recipient}\n`);
    expect(modeOf(at.path('secretctl.yaml'))).toBe('640');
  });

  it('says nothing of changing into the directory that one is in', async () => {
    const at = new Workspace();
    expect(await at.ok('operator init')).toMatch(/ in \.secretctl\.\n.*Next:\n {2}secretctl plan\n/s);
  });

  it('makes shares that are shown once, and no key file', async () => {
    const at = new Workspace();
    const out = await at.ok('init -seal shamir -shares 3 -threshold=2 .');
    expect(out).toContain('These 3 shares are shown once and stored nowhere. Any 2 of them open the store');
    expect(out.match(/^ {2}Share [123]: [\w+/]{64}$/gm)).toHaveLength(3);
    expect(readdirSync(join(at.base, 'config/secretctl'))).toEqual([expect.stringMatching(/\.token$/)]);
  });

  it.each([
    ['-seal=odd x', '-seal is static or shamir, not "odd"'],
    ['-shares=3 x', '-shares and -threshold belong to -seal shamir'],
    ['-seal=shamir -shares=0 x', '-shares is a number from 1 to 255'],
    ['-seal=shamir -shares=256 x', '-shares is a number from 1 to 255'],
    ['-seal=shamir -shares=2 -threshold=3 x', '-threshold is a number from 1 to that of the shares'],
    ['-seal=shamir -shares=2 -threshold=1 x', 'with -threshold 1 each share alone opens the store'],
  ])('refuses %s and makes nothing', async (words, message) => {
    const at = new Workspace();
    const { code, out, err } = await at.run(`init ${words}`);
    expect([code, out, err]).toEqual([1, '', expect.stringContaining(`Error: ${message}`)]);
    expect([readdirSync(at.root), existsSync(at.env.XDG_CONFIG_HOME)]).toEqual([[], false]);
  });

  it('never touches a store that is there, nor nests a workspace in another', async () => {
    const at = await emptyWorkspace();
    expect((await at.run('init .')).err).toMatch(/^Error: .* has a store already\nIt was not touched\./);
    expect((await at.run('init sub/dir')).err).toMatch(/^Error: sub\/dir lies in the workspace /);
    expect((await at.run(['init', ''])).err).toBe('Error: the name of the directory is empty\n');
    expect(await at.ok('policy list')).toBe('default\nroot\n');
  });

  it('refuses a project file that it cannot read, and a path that can be no directory', async () => {
    const at = new Workspace();
    at.write('secretctl.yaml', 'kind: [');
    expect((await at.run('init .')).err).toContain(
      'holds no readable Project document\nSee what is wrong with: secretctl validate\n',
    );
    expect(at.read('secretctl.yaml')).toBe('kind: [');
    const other = new Workspace();
    other.write('file', '');
    for (const line of ['init file', 'init file/below']) {
      const { code, err } = await other.run(line);
      expect([code, err]).toEqual([1, expect.stringMatching(/^Error: .*file.* can't be used: .+\(E\w+\)\n$/)]);
    }
    expect(existsSync(other.env.XDG_CONFIG_HOME)).toBe(false);
  });
});

describe('the store of a command', () => {
  it('is that of the workspace, from any folder of it', async () => {
    const at = await emptyWorkspace();
    mkdirSync(at.path('deep/er'), { recursive: true });
    for (const cwd of ['.', 'deep/er', '.secretctl']) expect(await at.ok('policy list', { cwd })).toBe('default\nroot\n');
  });

  it('can be named: by -store before SECRETCTL_STORE, as the workspace or as its .secretctl', async () => {
    const at = await emptyWorkspace();
    for (const name of [at.root, at.path('.secretctl'), '../acme'])
      for (const [line, env] of [
        [`policy list -store=${name}`, { SECRETCTL_STORE: '/nowhere' }],
        ['policy list', { SECRETCTL_STORE: name }],
      ] as const)
        expect(await at.ok(line, { cwd: '../config', env })).toBe('default\nroot\n');
  });

  it.each([
    ['policy list', 'store-missing', 'there is no secretctl.yaml here or above, and no -store was given'],
    ['policy list -store=nowhere', 'store-missing', 'there is no store at '],
    ['operator status', 'store-missing', 'there is no secretctl.yaml here or above, and no -store was given'],
    ['plan', 'usage', 'there is no secretctl.yaml here or above'],
    ['apply', 'usage', 'there is no secretctl.yaml here or above'],
    ['validate', 'usage', 'there is no secretctl.yaml here or above'],
    ['encrypt Policy/x data.x', 'usage', 'there is no secretctl.yaml here or above'],
  ])('is missing outside of a workspace: %s', async (line, code, message) => {
    const outcome = await new Workspace().run(`${line} -json`);
    expect([outcome.code, errorOf(outcome).code, errorOf(outcome).hint]).toEqual([
      1,
      code,
      expect.stringContaining('secretctl init DIR'),
    ]);
    expect(errorOf(outcome).message).toContain(message);
  });

  it('is made where a clone has none yet', async () => {
    const at = new Workspace();
    at.write('secretctl.yaml', 'apiVersion: secretctl/v1\nkind: Project\nmetadata: {name: a}\nspec: {}\n');
    mkdirSync(at.path('sub'));
    expect((await at.run('policy list')).err).toMatch(
      /^Error: the workspace .* has no store\nMake one with: secretctl init \.\n$/,
    );
    expect((await at.run('policy list', { cwd: 'sub' })).err).toContain(`secretctl init ${at.root}`);
    mkdirSync(at.path('.secretctl'));
    expect((await at.run('policy list')).err).toContain('it has no settings.yaml');
  });

  it('is refused with settings that are wrong, in words that name the file', async () => {
    const at = await emptyWorkspace();
    const settings = at.read('.secretctl/settings.yaml');
    for (const [text, message] of [
      ['storage: [', /settings\.yaml: .+\n/],
      ['foo: 1', /settings\.yaml:1:1: unknown key "foo"\n/],
      [settings.replace('lmdb', 'etcd'), /settings\.yaml:2:18: "type" must be "lmdb", not "etcd"\n/],
    ] as const) {
      at.write('.secretctl/settings.yaml', text);
      const { code, err } = await at.run('policy list');
      expect([code, err]).toEqual([1, expect.stringMatching(message)]);
    }
    rmSync(at.path('.secretctl/settings.yaml'));
    mkdirSync(at.path('.secretctl/settings.yaml'));
    expect((await at.run('policy list')).err).toContain("settings.yaml can't be read: it is a folder (EISDIR)");
  });
});

describe('the token of a command', () => {
  it('is VAULT_TOKEN, else the one in the file of the store', async () => {
    const at = await emptyWorkspace();
    const token = await at.ok('token create -policy=default -field=token');
    expect(await at.ok('token lookup', { env: { VAULT_TOKEN: ` ${token}\n` } })).toContain('[default]');
    expect(await at.ok('token lookup', { env: { VAULT_TOKEN: '' } })).toContain('[root]');
  });

  it('is missed in words that say where it could stand', async () => {
    const at = await emptyWorkspace();
    const file = join(
      at.base,
      'config/secretctl',
      readdirSync(join(at.base, 'config/secretctl')).find((name) => name.endsWith('.token'))!,
    );
    for (const text of [null, '', ' \n']) {
      if (text === null) rmSync(file);
      else writeFileSync(file, text, { mode: 0o600 });
      const outcome = await at.run('policy list -json');
      expect(errorOf(outcome)).toMatchObject({
        code: 'token-missing',
        hint: expect.stringContaining(`Set VAULT_TOKEN, or keep one in ${file}`),
      });
    }
    rmSync(file);
    mkdirSync(file);
    expect(errorOf(await at.run('policy list -json')).message).toContain("can't be read: it is a folder (EISDIR)");
    expect(await at.ok('operator status')).toContain('sealed ');
  });

  it('is refused where others can read its file, and where it is no token', async () => {
    const at = await emptyWorkspace();
    const file = join(
      at.base,
      'config/secretctl',
      readdirSync(join(at.base, 'config/secretctl')).find((name) => name.endsWith('.token'))!,
    );
    for (const mode of [0o644, 0o640, 0o606]) {
      chmodSync(file, mode);
      expect(errorOf(await at.run('policy list -json'))).toMatchObject({
        code: 'token-permissions',
        message: `others can read the token in ${file}`,
        hint: expect.stringContaining(`Run: chmod 600 ${file}`),
      });
    }
    const { err } = await at.run('policy list', { env: { VAULT_TOKEN: 'hush hush' } });
    expect(err).toBe('Error: VAULT_TOKEN holds no token: a token is one word without spaces and line breaks\n');
  });
});

describe('the seal key', () => {
  it('is refused where others can read it, and missed in words', async () => {
    const at = await emptyWorkspace();
    const file = join(
      at.base,
      'config/secretctl',
      readdirSync(join(at.base, 'config/secretctl')).find((name) => name.endsWith('.key'))!,
    );
    chmodSync(file, 0o644);
    expect(errorOf(await at.run('policy list -json'))).toMatchObject({
      code: 'seal-key-permissions',
      hint: expect.stringContaining(`chmod 600 ${file}`),
    });
    rmSync(file);
    expect(errorOf(await at.run('policy list -json'))).toMatchObject({
      code: 'seal-key-missing',
      message: `the key file ${file} does not exist`,
    });
    writeFileSync(file, 'nonsense', { mode: 0o600 });
    expect(errorOf(await at.run('policy list -json')).message).toContain('is not a key file');
  });
});

describe('a damaged store', () => {
  let at: Workspace;
  beforeAll(async () => {
    at = await emptyWorkspace();
  });

  it('is never taken for a new one', async () => {
    writeFileSync(at.path('.secretctl/store/data.mdb'), '');
    for (const line of ['policy list', 'operator status', 'audit verify', 'apply -auto-approve'])
      expect((await at.run(line)).err).toMatch(
        /^Error: the store .* has lost its data: .*data\.mdb is missing or empty\nRestore the store directory/,
      );
    rmSync(at.path('.secretctl/store'), { recursive: true });
    expect((await at.run('policy list')).err).toContain('there is no store in ');
    expect(existsSync(at.path('.secretctl/store'))).toBe(false);
  });
});
