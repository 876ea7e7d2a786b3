import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { tokenHelper } from '../../src/client/token-helper.ts';
import { refusal } from './connecting.ts';

const home = mkdtempSync(join(tmpdir(), 'secretctl-home-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const env = { HOME: home, PATH: process.env.PATH };
const file = join(home, '.vault-token');

describe('the token file', () => {
  it('is ~/.vault-token, which only its owner can read', async () => {
    const helper = tokenHelper(env);
    expect(await helper.get()).toBeNull();
    writeFileSync(file, 'hvs.old', { mode: 0o666 });
    await helper.store('hvs.one');
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['hvs.one', 0o600]);
    expect(await helper.get()).toEqual({ token: 'hvs.one', origin: file });
    await helper.erase();
    expect(existsSync(file)).toBe(false);
  });

  it('stands elsewhere with VAULT_TOKEN_PATH', async () => {
    const path = join(home, 'elsewhere');
    await tokenHelper({ ...env, VAULT_TOKEN_PATH: path }).store('hvs.two');
    expect(readFileSync(path, 'utf8')).toBe('hvs.two');
  });

  it('is refused where others can read it, or where it holds no token', async () => {
    const helper = tokenHelper(env);
    writeFileSync(file, 'hvs.canary\n');
    chmodSync(file, 0o644);
    const shared = await refusal(helper.get());
    expect(shared).toMatchObject({ code: 'token-permissions', hint: expect.stringContaining(`chmod 600 ${file}`) });
    expect(inspect(shared, { depth: 9 })).not.toContain('canary');
    chmodSync(file, 0o600);
    expect((await helper.get())?.token).toBe('hvs.canary');
    writeFileSync(file, 'can ary');
    expect(await refusal(helper.get())).toMatchObject({ code: 'token-missing' });
    rmSync(file);
  });
});

describe('a token helper program', () => {
  it('that ~/.vault names is asked and told through its pipes', async () => {
    const program = join(home, 'helper');
    writeFileSync(
      program,
      `#!/bin/sh\ncase "$1" in\nget) cat "${home}/kept" 2>/dev/null || true ;;\nstore) cat > "${home}/kept" ;;\nerase) rm -f "${home}/kept" ;;\nesac\n`,
      { mode: 0o700 },
    );
    writeFileSync(join(home, '.vault'), `# settings\ntoken_helper = "${program}"\n`);
    const helper = tokenHelper(env);
    expect([helper.place, await helper.get()]).toEqual([program, null]);
    await helper.store('hvs.three');
    expect(await helper.get()).toEqual({ token: 'hvs.three', origin: program });
    await helper.erase();
    expect(await helper.get()).toBeNull();
    expect(existsSync(file)).toBe(false);
    writeFileSync(program, '#!/bin/sh\necho canary; exit 3\n');
    const failed = await refusal(helper.get());
    expect(failed).toMatchObject({ code: 'token-missing', message: `the token helper ${program} failed at "get"` });
    expect(inspect(failed, { depth: 9 })).not.toContain('canary');
  });

  it('is named by an absolute path', () => {
    const config = join(home, 'config');
    writeFileSync(config, 'token_helper = "helper"');
    expect(() => tokenHelper({ ...env, VAULT_CONFIG_PATH: config })).toThrow(
      `token_helper in ${config} must be an absolute path`,
    );
  });
});
