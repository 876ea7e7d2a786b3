import { beforeAll, describe, expect, it } from 'vitest';
import { emptyWorkspace, errorOf, type Workspace } from './workspace.ts';

const rules = 'path "kv/*" {\n  capabilities = ["read"]\n}\n';

let at: Workspace;
beforeAll(async () => {
  at = await emptyWorkspace();
});

describe('policies by hand', () => {
  it('are written from a file or standard input, read back, listed and deleted', async () => {
    at.write('ci.hcl', rules);
    expect(await at.ok('policy write ci ci.hcl')).toBe('Success! Uploaded policy: ci\n');
    expect(await at.ok('policy read ci')).toBe(rules);
    expect(await at.json('policy read -json ci')).toEqual({ name: 'ci', policy: rules });
    expect(await at.json('policy write -json copy -', { input: await at.ok('policy read ci') })).toEqual({});
    expect(await at.ok('policy read copy')).toBe(rules);
    expect(await at.ok('policy list')).toBe('ci\ncopy\ndefault\nroot\n');
    expect(await at.ok('policy delete copy')).toBe('Success! Deleted policy (if it existed): copy\n');
    expect(await at.json('policy list -json')).toEqual(['ci', 'default', 'root']);
  });

  it('are read before the store is opened, which the other end of a pipe may need', async () => {
    await at.ok('policy write first -', { input: rules });
    await at.ok('policy write second -', { input: () => at.ok('policy read first') });
    expect(await at.ok('policy read second')).toBe(rules);
  });

  it('that are not there exit with 2, with the nearest one', async () => {
    await at.ok('policy write payments-read -', { input: rules });
    expect(await at.run('policy read payments-raed')).toMatchObject({
      code: 2,
      out: '',
      err: 'There is no policy payments-raed.\nDid you mean payments-read?\n',
    });
    const outcome = await at.run('policy read -json xyzzy');
    expect([outcome.code, errorOf(outcome)]).toEqual([
      2,
      { code: 'not-found', message: 'There is no policy xyzzy.', hint: null },
    ]);
  });

  it.each([
    ['policy write x nowhere.hcl', '', "nowhere.hcl can't be read: it does not exist (ENOENT)"],
    ['policy write x .', '', ". can't be read: it is a folder"],
    ['policy write x -', 'path "x" { capabilites = ["read"] }', 'line 1, column 12: a path block has no "capabilites"'],
    ['policy write x -', 'path "x" {', 'line 1, column'],
    ['policy write root -', rules, 'cannot update "root" policy'],
    ['policy write a/b -', rules, 'a policy name has'],
    ['policy delete root', '', 'cannot delete "root" policy'],
    ['policy delete default', '', 'cannot delete default policy'],
  ])('are refused: %s %j', async (line, input, message) => {
    const { code, out, err } = await at.run(line, { input });
    expect([code, out]).toEqual([1, '']);
    expect(err.startsWith('Error: ')).toBe(true);
    expect(err).toContain(message);
    expect((await at.run('policy read x')).code).toBe(2);
  });

  it('are refused as text that is none', async () => {
    const { code, err } = await at.run('policy write x -', { input: new Uint8Array([0xff, 0xfe]) });
    expect([code, err]).toEqual([1, 'Error: standard input is not UTF-8 text\nEncode it first, for example as base64.\n']);
  });
});

describe('any path of the API', () => {
  it('is read, written, listed and deleted', async () => {
    expect(await at.ok('write cubbyhole/x a=b n=@ci.hcl')).toBe('Success! Data written to: cubbyhole/x\n');
    expect(await at.ok('read -field=a cubbyhole/x')).toBe('b');
    expect(await at.ok('read /v1/cubbyhole/x/')).toMatch(/^Key {4}Value\n--- {4}-----\na {6}b\nn {6}path/);
    expect((await at.json<{ data: object }>('read -json cubbyhole/x')).data).toEqual({ a: 'b', n: rules });
    for (const folder of ['cubbyhole', 'cubbyhole/']) expect(await at.ok(`list ${folder}`)).toBe('Keys\n----\nx\n');
    expect(await at.ok('delete cubbyhole/x')).toBe('Success! Data deleted (if it existed) at: cubbyhole/x\n');
    expect(await at.run('read cubbyhole/x')).toMatchObject({ code: 2, out: '', err: 'No value found at cubbyhole/x\n' });
    expect(await at.run('list cubbyhole')).toMatchObject({ code: 2, out: '' });
  });

  it('takes nested bodies as JSON, keys given twice as lists', async () => {
    await at.ok('write sys/mounts/v2 -', { input: '{"type": "kv", "options": {"version": "2"}}' });
    expect((await at.json<{ data: { options: object } }>('read -json sys/internal/ui/mounts/v2')).data.options).toEqual({
      version: '2',
    });
    await at.ok('write sys/auth/approle type=approle');
    await at.ok('write auth/approle/role/app token_policies=ci token_policies=other');
    expect((await at.json<{ data: object }>('read -json auth/approle/role/app')).data).toMatchObject({
      token_policies: ['ci', 'other'],
    });
  });

  it('logs an AppRole in, and prints the token of the reply', async () => {
    await at.ok('write sys/auth/login type=approle');
    await at.ok('write auth/login/role/app token_policies=ci token_ttl=5m');
    const role = await at.ok('read -field=role_id auth/login/role/app/role-id');
    at.write('secret-id', await at.ok('write -field=secret_id auth/login/role/app/secret-id'));
    const token = await at.ok(`write -field=token auth/login/login role_id=${role} secret_id=@secret-id`);
    expect(await at.ok('token lookup', { env: { VAULT_TOKEN: token } })).toContain('[ci default]');
    expect(await at.ok(`write auth/login/login role_id=${role} secret_id=@secret-id`)).toContain('token_policies');
  });

  it('names the parameters that it ignored, and where there is nothing but a warning says so', async () => {
    const { code, out, err } = await at.run('write auth/approle/role/p token_policies=ci ttl=5m');
    expect([code, out, err]).toEqual([
      0,
      'Success! Data written to: auth/approle/role/p\n',
      'Warning: Endpoint ignored these unrecognized parameters: [ttl]\n',
    ]);
    expect(await at.run('read v2/x')).toMatchObject({ code: 2, out: '', err: expect.stringContaining('use "secretctl kv get"') });
  });

  it.each([
    ['read nowhere/x', 'no handler for route "nowhere/x". route entry not found.'],
    ['read sys/nowhere', 'unsupported path'],
    ['read v2//x', 'the path is not canonical'],
    ['write sys/mounts/v2 type=kv', 'path is already in use at v2/'],
    ['write sys/mounts/v2/deeper type=kv', 'path is already in use at v2/'],
    ['write sys/mounts/x type=odd', 'plugin not found in the catalog: odd; the secret engines are: database, kv'],
    ['read -field=nme sys/policies/acl/ci', 'there is no field "nme"; there are: name, policy\nDid you mean name?'],
  ])('refuses %s', async (line, message) => {
    const { code, out, err } = await at.run(line);
    expect([code, out, err]).toEqual([1, '', expect.stringContaining(`Error: ${message}`)]);
  });
});
