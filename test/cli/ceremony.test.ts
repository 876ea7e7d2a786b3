import { mkdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { serve } from './serving.ts';
import { Workspace } from './workspace.ts';

interface Initialized {
  readonly unseal_keys_b64: readonly [string, string, string];
  readonly root_token: string;
}
interface Rekeyed {
  readonly keys_base64: readonly [string, string, string];
  readonly verification_nonce: string;
}

/** One server whose shares are held by three people, from its first start on. */
describe('a server that people open together', () => {
  let at: Workspace;
  let made: Initialized;
  let renewed: Rekeyed;
  const asRoot = () => ({ env: { VAULT_TOKEN: made.root_token } });

  beforeAll(async () => {
    at = new Workspace();
    mkdirSync(at.path('.secretctl/audit'), { recursive: true, mode: 0o700 });
    at.write('secretctl.yaml', 'apiVersion: secretctl/v1\nkind: Project\nmetadata: {name: acme}\nspec: {recipients: []}\n');
    at.write(
      '.secretctl/settings.yaml',
      'storage: {type: lmdb, path: store}\nseal: {type: shamir}\naudit: {main: {type: file, path: audit/audit.log}}\n',
      0o600,
    );
    await serve(at);
  });

  it('is initialized once, and shows its shares and root token then', async () => {
    const waiting = await at.run('operator init -status');
    expect([waiting.code, waiting.out]).toEqual([2, 'The server is not initialized.\n']);
    const status = await at.run('status');
    expect([status.code, status.out]).toEqual([2, expect.stringMatching(/^Initialized +false$/m)]);
    expect(status.err).toBe(
      'The server is not initialized: it has no keys and no store yet. To make them: secretctl operator init\n',
    );
    expect((await at.run('operator unseal abcd')).err).toContain('To initialize it: secretctl operator init');
    made = await at.json<typeof made>('operator init -key-shares=3 -key-threshold=2 -json');
    expect(made).toMatchObject({ unseal_threshold: 2, recovery_keys_b64: [] });
    expect(made.unseal_keys_b64).toHaveLength(3);
    expect((await at.run('operator init -status')).code).toBe(0);
    expect((await at.run('operator init')).err).toContain('Vault is already initialized');
  });

  it('is unsealed by any two, who may begin anew', async () => {
    const [first, second, third] = made.unseal_keys_b64;
    expect(await at.ok(['operator', 'unseal', first])).toMatch(/^Unseal Progress +1\/2$/m);
    expect(await at.ok('operator unseal -reset')).toMatch(/^Unseal Progress +0\/2$/m);
    await at.ok('operator unseal', { answers: [second] });
    expect(await at.ok('operator unseal -', { input: `${third}\n` })).toMatch(/^Sealed +false$/m);
    expect((await at.run('operator unseal', { input: '' })).err).toContain('the share is empty');
  });

  it('gets new shares that count only when they were given back', async () => {
    expect((await at.run('operator rekey -init')).err).toContain('permission denied');
    expect(await at.ok('operator rekey -init -key-shares=3 -key-threshold=2 -verify', asRoot())).toMatch(
      /^Rekey Progress +0\/2$/m,
    );
    const [first, , third] = made.unseal_keys_b64;
    await at.ok('operator rekey -', { ...asRoot(), input: first });
    expect(await at.ok('operator rekey -status', asRoot())).toMatch(/^Rekey Progress +1\/2$/m);
    renewed = JSON.parse(await at.ok('operator rekey -json -', { ...asRoot(), input: third })) as Rekeyed;
    expect(renewed.keys_base64).toHaveLength(3);
    for (const share of renewed.keys_base64.slice(1)) await at.ok('operator rekey -verify -', { ...asRoot(), input: share });
    await at.ok('operator seal', asRoot());
    await at.ok('operator unseal -', { input: renewed.keys_base64[0] });
    expect(await at.ok('operator unseal -', { input: renewed.keys_base64[1] })).toMatch(/^Sealed +false$/m);
  });

  it('gets a new root token from those who hold the shares', async () => {
    const { otp } = await at.json<{ otp: string }>('operator generate-root -init -json', asRoot());
    expect((await at.run('operator generate-root -init', asRoot())).code).toBe(1);
    await at.ok('operator generate-root -cancel', asRoot());
    const begun = await at.json<{ otp: string }>('operator generate-root -init -json', asRoot());
    expect(begun.otp).not.toBe(otp);
    const [first, second] = renewed.keys_base64;
    expect(await at.ok('operator generate-root -', { ...asRoot(), input: first })).toMatch(/^Progress +1\/2$/m);
    const { encoded_token: encoded } = JSON.parse(
      await at.ok('operator generate-root -json -', { ...asRoot(), input: second }),
    ) as { encoded_token: string };
    const token = (await at.ok([`operator`, 'generate-root', `-decode=${encoded}`, `-otp=${begun.otp}`])).trim();
    expect(token).not.toBe(made.root_token);
    expect(await at.ok('token lookup', { env: { VAULT_TOKEN: token } })).toContain('[root]');
    expect((await at.run([`operator`, 'generate-root', `-decode=${encoded}`, '-otp=short'])).err).toContain(
      'do not belong together',
    );
  });

  it('answers the rest of its operators', async () => {
    expect(await at.ok('operator step-down', asRoot())).toMatch(/^Success! Stepped down: unix:/);
    expect(await at.ok('operator members', asRoot())).toMatch(/^Host Name +API Address/);
    expect(await at.ok('operator check', asRoot())).toMatch(/^damaged +0$/m);
    expect(await at.ok('path-help sys/mounts', asRoot())).toContain('The mounted secret engines.');
    expect(await at.ok('audit list', asRoot())).toMatch(/^main\/ +file/m);
    expect((await at.run('audit enable -path=evil file path=/etc/cron.d/x', asRoot())).code).toBe(1);
    expect((await at.run('lease lookup none', asRoot())).err).toContain('invalid lease');
  });
});

it('commands for a server say so where there is none', async () => {
  const at = new Workspace();
  await at.ok('init .');
  for (const line of ['operator unseal x', 'operator seal', 'operator generate-root', 'operator snapshot save x.snap'])
    expect((await at.run(line)).err).toContain('is for a server, and none owns this store\nStart one with secretctl server');
  expect((await at.run('operator rekey -init')).err).toContain('-init is for a server');
});
