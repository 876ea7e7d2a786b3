import { statSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { declaredWorkspace, emptyWorkspace, errorOf, type Workspace } from './workspace.ts';

const block = /^-----BEGIN AGE ENCRYPTED FILE-----\n(?:[\w+/=]{1,64}\n)+-----END AGE ENCRYPTED FILE-----\n$/;
const address = 'StaticSecret/kv/payments/stripe';

describe('encrypt', () => {
  let at: Workspace;
  beforeAll(async () => {
    at = await declaredWorkspace();
    at.write('../value', 'from a file\n');
  });

  it('prints a block for a value from standard input, a file, or a person who is not shown what they type', async () => {
    expect(await at.ok(`encrypt ${address} data.api_key`, { input: 'hush' })).toMatch(block);
    expect(await at.ok(`encrypt -from-file=../value ${address} data.api_key`)).toMatch(block);
    const typed = await at.run(`encrypt ${address} data.api_key`, { answers: ['hush'] });
    expect([typed.code, typed.asked, typed.out]).toEqual([
      0,
      [`Value of ${address} data.api_key: `],
      expect.stringMatching(block),
    ]);
    expect((await at.run(`encrypt ${address} data.api_key`, { answers: ['Ctrl-C'] })).code).toBe(130);
    expect(await at.json(`encrypt -json ${address} data.api_key`, { input: 'hush' })).toEqual({
      address,
      field: 'data.api_key',
      sealed: expect.stringMatching(block),
    });
  });

  it('needs no store', async () => {
    const env = { SECRETCTL_STORE: '/nowhere', XDG_CONFIG_HOME: '/nowhere' };
    expect(await at.ok(`encrypt ${address} data.api_key`, { input: 'hush', env })).toMatch(block);
  });

  it('seals exactly the value, and says of a line break at its end that it is part of it', async () => {
    for (const [words, input, value] of [
      ['', 'line\n', 'line\n'],
      ['-from-file=../value', '', 'from a file\n'],
      ['-json-value', '{"a": [1, null]}', { a: [1, null] }],
      ['', '{"a": 1}', '{"a": 1}'],
    ] as const) {
      const { code, err } = await at.run(`encrypt -write ${words} ${address} data.api_key`.replace('  ', ' '), { input });
      expect([code, err.includes('ends in a line break')]).toEqual([0, input.endsWith('\n')]);
      await at.ok('apply -auto-approve');
      const { data } = await at.json<{ data: { data: Record<string, unknown> } }>('kv get -json kv/payments/stripe');
      expect(data.data['api_key']).toEqual(value);
    }
  });

  it.each([
    ['', '', 'encrypt needs ADDRESS and FIELD, or -rewrap'],
    [address, '', 'encrypt needs ADDRESS and FIELD, or -rewrap'],
    [`${address} data.api_key`, '', 'the value is empty'],
    [`-json-value ${address} data.api_key`, '{', 'the value is no JSON'],
    [`-from-file=nowhere ${address} data.api_key`, '', "the file of -from-file can't be read: it does not exist (ENOENT)"],
    [`-recipient=age1x ${address} data.api_key`, 'x', 'not a recipient that a value can be sealed for: age1x'],
    [`${address} api_key`, 'x', 'StaticSecret has no such secret field'],
    [`${address} data..x`, 'x', 'the second operand is no field'],
    ['Policy/payments-read rules', 'x', 'Policy has no secret field rules'],
    ['StaticSecret/kw/x data.x', 'x', '"StaticSecret/kw/x" names no declared mount'],
    ['Sttic/kv/x data.x', 'x', 'unknown kind "Sttic"'],
    ['kv/x data.x', 'x', 'unknown kind "kv"'],
    [`-rewrap ${address}`, '', '-rewrap takes no address: it seals all blocks of the repo anew'],
    ['-rewrap -write', '', '-write and -rewrap exclude each other'],
    ['-write StaticSecret/kv/xyzzy data.x', 'x', 'no document declares StaticSecret/kv/xyzzy, so there is none to write to'],
  ])('refuses %j', async (words, input, message) => {
    const { code, out, err } = await at.run(`encrypt ${words}`.trim(), { input });
    expect([code, out, err]).toEqual([1, '', expect.stringContaining(`Error: ${message}`)]);
  });

  it('refuses values that are too large or no text', async () => {
    expect((await at.run(`encrypt ${address} data.api_key`, { input: 'x'.repeat(1024 * 1024 + 1) })).code).toBe(1);
    expect((await at.run(`encrypt ${address} data.api_key`, { input: new Uint8Array([0xff]) })).err).toMatch(
      /^Error: the value is not UTF-8 text\n/,
    );
  });

  it('seals for an object that is to be declared, and asks whether it is misspelt', async () => {
    const { code, out, err } = await at.run('encrypt StaticSecret/kv/payments/strip data.x', { input: 'hush' });
    expect([code, out]).toEqual([0, expect.stringMatching(block)]);
    expect(err).toBe(
      'Note: no document declares StaticSecret/kv/payments/strip yet; the block opens at this address only. Did you mean StaticSecret/kv/payments/stripe?\n',
    );
  });

  it('needs a recipient', async () => {
    const other = await emptyWorkspace();
    other.write('secretctl.yaml', 'apiVersion: secretctl/v1\nkind: Project\nmetadata: {name: a}\nspec: {}\n');
    other.write('kv.yaml', 'apiVersion: secretctl/v1\nkind: SecretEngine\nmetadata: {name: kv}\nspec: {type: kv}\n');
    expect((await other.run('encrypt StaticSecret/kv/x data.x', { input: 'x' })).err).toMatch(
      /^Error: the project names no recipient to seal for\nPut the public key/,
    );
  });
});

describe('encrypt -write', () => {
  let at: Workspace;
  beforeEach(async () => {
    at = await declaredWorkspace();
  });

  it('replaces the block and leaves every other byte of the file', async () => {
    const before = at.read('secrets/stripe.yaml');
    expect(await at.ok(`encrypt -write ${address} data.api_key`, { input: 'new' })).toBe(
      `Sealed ${address} data.api_key in secrets/stripe.yaml.\n`,
    );
    const after = at.read('secrets/stripe.yaml');
    const around = (text: string) => text.replace(/-----BEGIN[^]*END AGE ENCRYPTED FILE-----/, '');
    expect([after === before, around(after) === around(before)]).toEqual([false, true]);
    expect(await at.json(`encrypt -json -write ${address} data.api_key`, { input: 'new' })).toMatchObject({
      file: 'secrets/stripe.yaml',
    });
  });

  it('takes the place of a plain value that validate complains of, wherever it stands in the file', async () => {
    at.write(
      'plain.yaml',
      '# Ours.\napiVersion: secretctl/v1\nkind: StaticSecret\nmetadata:\n  name: plain # a comment\nspec:\n  engine: kv\n  data:\n    # why\n    pw: hunter2\n---\napiVersion: secretctl/v1\nkind: StaticSecret\nmetadata: { name: flow }\nspec: { engine: kv, data: { pw: hunter3 } }\n',
      0o640,
    );
    const { err } = await at.run('validate');
    const commands = [...err.matchAll(/secretctl (encrypt -write \S+ \S+)/g)].map(([, command = '']) => command);
    expect(commands).toHaveLength(2);
    for (const command of commands) await at.ok(command, { input: 'sealed now' });
    await at.ok(['encrypt', '-write', 'StaticSecret/kv/flow', 'data["a field"]'], { input: 'more' });
    const text = at.read('plain.yaml');
    expect(text).toMatch(/^# Ours\.\n.* name: plain # a comment\n.* # why\n {4}pw:\n {6}sealed: \|\n/s);
    expect(text).not.toContain('hunter');
    expect(statSync(at.path('plain.yaml')).mode & 0o777).toBe(0o640);
    await at.ok('apply -auto-approve');
    expect(await at.ok('kv get -field=pw kv/flow')).toBe('sealed now');
    expect(await at.ok(['kv', 'get', '-field=a field', 'kv/flow'])).toBe('more');
  });

  it('refuses what it cannot write, and the file stays as it is', async () => {
    const text =
      'apiVersion: secretctl/v1\nkind: StaticSecret\nmetadata: { name: "team/${each.key}" }\nforEach: { a: {}, b: {} }\nspec: { engine: kv, data: { pw: { generate: { length: 20 } } } }\n---\napiVersion: secretctl/v1\nkind: StaticSecret\nmetadata: { name: text }\nspec: { engine: kv, data: oops }\n';
    at.write('odd.yaml', text);
    const each = await at.run('encrypt -write StaticSecret/kv/team/a data.pw', { input: 'x' });
    expect([each.code, each.err]).toEqual([1, expect.stringContaining('comes from a forEach')]);
    const odd = await at.run('encrypt -write StaticSecret/kv/text data.pw', { input: 'x' });
    expect([odd.code, odd.err]).toEqual([1, expect.stringContaining('spec.data of the document is no map')]);
    expect(at.read('odd.yaml')).toBe(text);
    expect((await at.run('encrypt StaticSecret/kv/team/a data.pw', { input: 'x' })).out).toMatch(block);
  });
});

describe('encrypt -rewrap', () => {
  it('seals all blocks for the newest recipient without changing a value', async () => {
    const at = await declaredWorkspace();
    await at.ok('apply -auto-approve');
    const before = at.read('secrets/stripe.yaml');
    const { recipient } = await at.json<{ recipient: string }>('operator rotate -recipient -json');
    const early = await at.run('encrypt -rewrap');
    expect([early.code, early.err]).toEqual([
      0,
      expect.stringContaining(`does not name the present public key of this store: ${recipient}\n`),
    ]);
    at.edit('secretctl.yaml', /age1\w+/, recipient);
    expect(await at.run('encrypt -rewrap')).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringContaining('Sealed 1 value anew in:\n  secrets/stripe.yaml\n'),
    });
    expect(at.read('secrets/stripe.yaml')).not.toBe(before);
    expect(await at.ok('plan')).toContain('Plan: 0 to add, 1 to change, 0 to destroy.');
    await at.ok('apply -auto-approve');
    expect(await at.ok('kv get -field=api_key kv/payments/stripe')).toBe('sk_live_canary');
    expect(await at.json('encrypt -rewrap -json')).toEqual({ rewrapped: 1, files: ['secrets/stripe.yaml'] });
  });

  it('needs documents without errors, sudo, and blocks', async () => {
    const at = await declaredWorkspace();
    const token = await at.ok('token create -policy=default -field=token');
    expect(errorOf(await at.run('encrypt -rewrap -json', { env: { VAULT_TOKEN: token } })).code).toBe('status-403');
    const text = at.read('secrets/stripe.yaml');
    at.edit('bindings.yaml', 'payments-read', 'none');
    expect((await at.run('encrypt -rewrap')).code).toBe(1);
    expect(at.read('secrets/stripe.yaml')).toBe(text);
    const other = await emptyWorkspace();
    expect(await other.ok('encrypt -rewrap')).toBe('The repo holds no sealed block.\n');
    expect(await other.json('encrypt -rewrap -json')).toEqual({ rewrapped: 0 });
  });

  it('says of blocks in patches how to reach them', async () => {
    const at = await declaredWorkspace();
    const sealed = await at.ok(`encrypt ${address} data.api_key`, { input: 'production' });
    const indented = sealed.trimEnd().replaceAll('\n', '\n              ');
    at.write(
      'environments.yaml',
      `apiVersion: secretctl/v1\nkind: Environment\nmetadata: { name: production }\nspec:\n  patches:\n    - target: ${address}\n      spec:\n        data:\n          api_key:\n            sealed: |\n              ${indented}\n`,
    );
    expect((await at.run('encrypt -rewrap')).err).toContain('secretctl encrypt -rewrap -environment=NAME');
    const before = at.read('environments.yaml');
    await at.ok('encrypt -rewrap -environment=production');
    expect(at.read('environments.yaml')).not.toBe(before);
    await at.ok('apply -auto-approve -environment=production');
    expect(await at.ok('kv get -field=api_key kv/payments/stripe')).toBe('production');
  });
});
