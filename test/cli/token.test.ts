import { beforeAll, describe, expect, it } from 'vitest';
import { emptyWorkspace, errorOf, type Workspace } from './workspace.ts';

let at: Workspace;
beforeAll(async () => {
  at = await emptyWorkspace();
  await at.ok('write sys/mounts/kv type=kv-v2');
  await at.ok('policy write reader -', { input: 'path "kv/data/app/*" { capabilities = ["read"] }' });
});

interface Lookup {
  readonly data: {
    readonly accessor: string;
    readonly policies: readonly string[];
    readonly ttl: number;
    readonly [name: string]: unknown;
  };
}

async function tokenOf(options: string, env: Record<string, string> = {}): Promise<string> {
  return at.ok(`token create -field=token ${options}`, { env });
}

const lookUp = (token: string) => at.json<Lookup>(`token lookup -json ${token}`);
const works = async (token: string) => (await at.run('token lookup', { env: { VAULT_TOKEN: token } })).code === 0;

describe('token create', () => {
  it('makes a token as its options say', async () => {
    const token = await tokenOf(
      '-policy=reader -ttl=1h -explicit-max-ttl=2h -use-limit=7 -renewable=false -display-name=ci -metadata=team=pay -metadata=x=y=z -no-default-policy',
    );
    expect((await lookUp(token)).data).toMatchObject({
      policies: ['reader'],
      creation_ttl: 3600,
      explicit_max_ttl: 7200,
      num_uses: 7,
      renewable: false,
      display_name: 'token-ci',
      meta: { team: 'pay', x: 'y=z' },
      orphan: false,
    });
    expect((await lookUp(await tokenOf('-orphan -period=1h -policy=reader'))).data).toMatchObject({ orphan: true, period: 3600 });
  });

  it('prints it as a table or as JSON, and warns of a policy that is not there', async () => {
    const { out, err } = await at.run('token create -policy=raeder');
    expect(out).toMatch(/^Key {16}Value\n--- {16}-----\ntoken {14}hvs\.\w+\ntoken_accessor {5}\w+\ntoken_duration/);
    expect(err).toBe('Warning: Policy "raeder" does not exist\n');
    const shown = await at.run('token create -json -policy=raeder');
    expect([JSON.parse(shown.out), shown.err]).toMatchObject([
      { auth: { token_policies: ['default', 'raeder'] }, warnings: [/./] },
      '',
    ]);
  });

  it.each([
    ['-metadata=x', '-metadata is KEY=VALUE\n'],
    ['-ttl=soon', 'field "ttl" must be a duration'],
    ['-role=none', 'unknown role none'],
    ['-field=tokn', 'there is no field "tokn"'],
    ['-type=odd', "invalid 'token_type' value"],
    ['-policy=', '-policy is empty\n'],
  ])('refuses %s', async (option, message) => {
    const { code, out, err } = await at.run(`token create ${option}`);
    expect([code, out, err]).toEqual([1, '', expect.stringContaining(`Error: ${message}`)]);
  });

  it('makes tokens by a role', async () => {
    await at.ok('write auth/token/roles/ci allowed_policies=reader token_period=10m');
    expect((await lookUp(await tokenOf('-role=ci -policy=reader'))).data).toMatchObject({ role: 'ci', creation_ttl: 600 });
  });
});

describe('token lookup', () => {
  it('shows the calling token, another one, and one by its accessor without showing it', async () => {
    const token = await tokenOf('-policy=reader -ttl=1h');
    const { accessor } = (await lookUp(token)).data;
    expect((await at.json<Lookup>('token lookup -json', { env: { VAULT_TOKEN: token } })).data.accessor).toBe(accessor);
    expect((await at.json<Lookup>('token lookup -json -', { input: `${token}\n` })).data.accessor).toBe(accessor);
    // Whoever asks knows the token; a log of the output need not.
    expect(JSON.stringify(await lookUp(token))).not.toContain(token);
    const typed = await at.run('token lookup -', { answers: [token] });
    expect([typed.code, typed.asked, typed.out.includes(accessor)]).toEqual([0, ['Token: '], true]);
    const byAccessor = await at.ok(`token lookup -accessor ${accessor}`);
    expect(byAccessor).toContain('[default reader]');
    expect(byAccessor).not.toContain(token);
  });

  it('refuses what is no token without repeating it', async () => {
    for (const line of ['token lookup hvs.hush', 'token lookup -accessor hush', 'token renew hush']) {
      const { code, err } = await at.run(line);
      expect([code, err.includes('hush')]).toEqual([1, false]);
    }
  });
});

describe('token renew', () => {
  it('prolongs the calling token, another one, and one by its accessor', async () => {
    const token = await tokenOf('-policy=reader -ttl=5m');
    expect(await at.ok('token renew -increment=2h', { env: { VAULT_TOKEN: token } })).toContain('token_duration     2h\n');
    expect(await at.ok(`token renew -increment=20m ${token}`)).toContain('token_duration     20m\n');
    const { accessor } = (await lookUp(token)).data;
    const byAccessor = await at.ok(`token renew -accessor -increment=30m ${accessor}`);
    expect(byAccessor).toContain('token_duration     30m\n');
    expect(byAccessor).not.toMatch(/^token /m);
    expect((await at.run('token renew')).err).toBe('Error: lease is not renewable\n');
  });
});

describe('token revoke', () => {
  it('ends a token with its children, or only the token', async () => {
    const parent = await tokenOf('-ttl=1h');
    const child = await tokenOf('-ttl=1h', { VAULT_TOKEN: parent });
    expect(await at.ok(`token revoke ${parent}`)).toBe('Success! Revoked token (if it existed)\n');
    expect([await works(parent), await works(child)]).toEqual([false, false]);
    const lonely = await tokenOf('-ttl=1h');
    const orphan = await tokenOf('-ttl=1h', { VAULT_TOKEN: lonely });
    await at.ok(`token revoke -mode=orphan ${lonely}`);
    expect([await works(lonely), await works(orphan)]).toEqual([false, true]);
    await at.ok('token revoke -', { input: orphan });
    expect(await works(orphan)).toBe(false);
  });

  it('ends one by its accessor, and the calling one', async () => {
    const token = await tokenOf('-policy=reader');
    await at.ok(`token revoke -accessor ${(await lookUp(token)).data.accessor}`);
    expect(await works(token)).toBe(false);
    const self = await tokenOf('-policy=reader');
    expect(await at.json('token revoke -self -json', { env: { VAULT_TOKEN: self } })).toEqual({});
    expect(await works(self)).toBe(false);
  });

  it('asks before a root token ends itself: a new one is not made easily', async () => {
    const root = await tokenOf('-policy=root');
    const env = { VAULT_TOKEN: root };
    for (const circumstances of [{ env }, { env, answers: ['no'] }])
      expect((await at.run('token revoke -self', circumstances)).code).toBe(1);
    expect((await at.run('token revoke -self', { env, answers: ['Ctrl-C'] })).code).toBe(130);
    expect(await works(root)).toBe(true);
    const { code, asked } = await at.run('token revoke -self', { env, answers: ['yes'] });
    expect([code, asked[0]]).toEqual([0, expect.stringContaining('This is a root token. Where it is the only one')]);
    expect(await works(root)).toBe(false);
    await at.ok('token revoke -self -auto-approve', { env: { VAULT_TOKEN: await tokenOf('-policy=root') } });
  });

  it.each([
    ['', 'token revoke needs a token, or -self'],
    ['-self x', '-self and a token exclude each other'],
    ['-mode=odd x', '-mode is orphan or path'],
    ['-mode=orphan -self', "-mode=orphan needs the token itself: it can't be given with -self"],
    ['-mode=orphan -accessor x', "-mode=orphan needs the token itself: it can't be given with -accessor"],
  ])('refuses %j, and the calling token lives on', async (options, message) => {
    const { code, err } = await at.run(`token revoke ${options}`.trim());
    expect([code, err]).toEqual([1, `Error: ${message}\n`]);
    expect((await at.run('token lookup')).code).toBe(0);
  });
});

describe('token capabilities', () => {
  it('shows what the calling token, another one or that of an accessor may do', async () => {
    const token = await tokenOf('-policy=reader');
    const { accessor } = (await lookUp(token)).data;
    expect(await at.ok('token capabilities kv/data/app/x')).toBe('root\n');
    expect(await at.ok('token capabilities kv/data/app/x', { env: { VAULT_TOKEN: token } })).toBe('read\n');
    expect(await at.ok(`token capabilities ${token} /v1/kv/data/app/x`)).toBe('read\n');
    expect(await at.ok('token capabilities - kv/data/app/x', { input: token })).toBe('read\n');
    expect(await at.ok(`token capabilities -accessor ${accessor} kv/data/other`)).toBe('deny\n');
    expect(await at.json(`token capabilities -json ${token} kv/data/app/x`)).toEqual(['read']);
    expect((await at.run('token capabilities -accessor kv/data/app/x')).err).toContain('an accessor and a path are needed');
  });
});

describe('a token that may do little', () => {
  it('is told what was refused, whose policies did, and how to see more', async () => {
    const env = { VAULT_TOKEN: await tokenOf('-policy=reader') };
    await at.ok('kv put kv/app/x a=1');
    expect(await at.ok('kv get -field=a kv/app/x', { env })).toBe('1');
    expect(await at.run('kv put kv/app/x a=2', { env })).toMatchObject({
      code: 1,
      err:
        'Error: permission denied: write kv/data/app/x\nThe token of VAULT_TOKEN is unknown, expired or used up, or its policies do not allow this. ' +
        'See: secretctl token lookup, secretctl token capabilities kv/data/app/x\n',
    });
    for (const line of [
      'plan',
      'apply -auto-approve',
      'drift',
      'state list',
      'policy list',
      'operator rotate',
      'encrypt -rewrap',
      'import Policy/x',
    ]) {
      const outcome = await at.run(`${line} -json`, { env });
      expect([line, outcome.code, outcome.err === '' ? null : errorOf(outcome).code]).toEqual([
        line,
        line === 'encrypt -rewrap' ? 0 : 1,
        line === 'encrypt -rewrap' ? null : 'status-403',
      ]);
    }
    expect((await at.run('kv get elsewhere/x', { env })).err).toContain('lies in no mount that this token may use');
  });

  it('is of no more use than none when it is unknown', async () => {
    const { code, err } = await at.run('kv get kv/app/x', { env: { VAULT_TOKEN: 'hvs.unknown' } });
    expect([code, err]).toEqual([1, expect.stringContaining('Error: permission denied\nThe token of VAULT_TOKEN is unknown')]);
    expect(err).not.toContain('hvs.unknown');
  });
});
