import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { beforeAll, describe, expect, it } from 'vitest';
import { version } from '../../src/base/version.ts';
import { stores } from '../../src/compose.ts';
import { declaredWorkspace, projectRoot, secretValue, Workspace } from './workspace.ts';

const program = join(projectRoot, 'dist/main.js');

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function environment(at: Workspace): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: at.base, ...at.env };
}

/** The built program in a process of its own. */
function secretctl(at: Workspace, line: string, { cwd = at.root, input = '' } = {}): Run {
  return spawnSync(process.execPath, [program, ...line.split(' ')], { cwd, input, env: environment(at), encoding: 'utf8' });
}

/** A line for the shell, in which `secretctl` is the built program. */
function shell(at: Workspace, line: string): Run {
  const text = `umask 022; secretctl() { '${process.execPath}' '${program}' "$@"; }; ${line}`;
  return spawnSync('sh', ['-c', text], { cwd: at.root, env: environment(at), encoding: 'utf8' });
}

describe('the program', () => {
  it.each(['version', '-version', '--version', '-v'])('prints its version: %s', (word) => {
    expect(secretctl(new Workspace(), word)).toMatchObject({ status: 0, stdout: `secretctl ${version()}\n`, stderr: '' });
  });

  it('goes from nothing to an applied plan, in files that only their owner can read', () => {
    const at = new Workspace();
    expect(shell(at, 'secretctl init shop').status).toBe(0);
    const cwd = join(at.root, 'shop');
    for (const file of ['.secretctl', '.secretctl/settings.yaml', '.secretctl/store/data.mdb', 'secretctl.yaml'])
      expect([file, statSync(join(cwd, file)).mode & 0o077]).toEqual([file, 0]);
    const config = join(at.base, 'config/secretctl');
    for (const file of readdirSync(config)) expect([file, statSync(join(config, file)).mode & 0o077]).toEqual([file, 0]);

    at.write(
      'shop/kv.yaml',
      'apiVersion: secretctl/v1\nkind: SecretEngine\nmetadata: { name: kv }\nspec: { type: kv, options: { version: "2" } }\n---\napiVersion: secretctl/v1\nkind: StaticSecret\nmetadata: { name: db }\nspec: { engine: kv, data: { pw: plain } }\n',
    );
    expect(secretctl(at, 'plan', { cwd })).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('encrypt -write StaticSecret/kv/db data.pw'),
    });
    expect(secretctl(at, 'encrypt -write StaticSecret/kv/db data.pw', { cwd, input: secretValue }).status).toBe(0);
    const planned = secretctl(at, 'plan -detailed-exitcode -out=p', { cwd });
    expect([planned.status, planned.stdout.includes('Plan: 2 to add'), planned.stderr]).toEqual([2, true, '']);
    expect(planned.stdout).not.toContain('\u001b');
    expect(secretctl(at, 'apply p', { cwd }).stdout).toBe('\nApply complete! Resources: 2 added, 0 changed, 0 destroyed.\n');
    expect(secretctl(at, 'kv get -field=pw kv/db', { cwd })).toMatchObject({ status: 0, stdout: secretValue, stderr: '' });
    expect(secretctl(at, 'plan -detailed-exitcode', { cwd }).status).toBe(0);
    expect(secretctl(at, 'audit verify', { cwd }).stdout).toMatch(/: ok: /);
  });
});

describe('in a pipe', () => {
  let at: Workspace;
  beforeAll(async () => {
    at = await declaredWorkspace();
  });

  it('ends what it was asked for when nobody reads any more', () => {
    expect(shell(at, 'secretctl apply -auto-approve | head -n 1')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^secretctl made the following plan/),
    });
    expect(shell(at, 'secretctl plan -detailed-exitcode').status).toBe(0);
    expect(shell(at, 'secretctl -help | head -n 1').stdout).toBe('Usage: secretctl COMMAND [options]\n');
  });

  it('feeds another command of its own', () => {
    shell(at, 'secretctl apply -auto-approve');
    expect(shell(at, 'secretctl kv get -field=api_key kv/payments/stripe | secretctl kv put kv/copy v=-')).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(shell(at, 'secretctl policy read payments-read | secretctl policy write copy -')).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(shell(at, 'secretctl kv get -field=v kv/copy').stdout).toBe(secretValue);
  });

  it('keeps what it prints apart from what it says of itself', () => {
    expect(shell(at, 'secretctl kv get kv/none 2>/dev/null')).toMatchObject({ status: 2, stdout: '' });
    expect(shell(at, 'secretctl kv get -json kv/none 2>&1 >/dev/null')).toMatchObject({
      status: 2,
      stdout: expect.stringMatching(/^\{"error":\{"code":"not-found"/),
    });
    expect(shell(at, 'secretctl plan -json -nonsense 2>&1 >/dev/null')).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^\{"error":\{"code":"usage"/),
    });
  });
});

describe('a store that another process has', () => {
  it('is waited for as long as -lock-timeout says, and the owner is named', async () => {
    const at = new Workspace();
    await at.ok('init .');
    const owner = await stores.open({
      directory: at.path('.secretctl'),
      configDirectory: join(at.base, 'config/secretctl'),
      command: 'secretctl the-owner',
      lockTimeout: 0,
      acceptAuditLoss: false,
      nextShare: () => Promise.resolve(null),
      notify: () => undefined,
    });
    for (const line of ['policy list', 'operator status', 'policy list -lock-timeout=100ms']) {
      const { status, stdout, stderr } = secretctl(at, line);
      expect([line, status, stdout]).toEqual([line, 1, '']);
      expect(stderr).toMatch(
        new RegExp(
          `^Error: the store is in use by process ${process.pid} \\(secretctl the-owner\\), which started at \\S+; .*\nWait until .*-lock-timeout=30s\n$`,
        ),
      );
    }
    const waiting = spawn(process.execPath, [program, 'policy', 'list', '-lock-timeout=60s'], {
      cwd: at.root,
      env: environment(at),
    });
    const started = once(waiting, 'spawn');
    const ended = once(waiting, 'exit');
    let out = '';
    waiting.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    await started;
    // Another command from its start to its end: time for the first one to find the store in use.
    expect(secretctl(at, 'policy list').status).toBe(1);
    await owner.close();
    expect(await ended).toEqual([0, null]);
    expect(out).toBe('default\nroot\n');
  });
});
