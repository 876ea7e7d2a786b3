import { appendFileSync, copyFileSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appliedWorkspace, emptyWorkspace, errorOf, secretValue, Workspace } from './workspace.ts';

const sharesIn = (text: string) => [...text.matchAll(/Share \d+: (\S+)/g)].map(([, share = '']) => share);

describe('operator status', () => {
  it('shows the seal and the keys, needs no token, and changes nothing', async () => {
    const at = await emptyWorkspace();
    const env = { VAULT_TOKEN: 'hvs.none' };
    expect(await at.json('operator status -json', { env })).toEqual({
      store_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      seal_type: 'static',
      sealed: false,
      key_term: 1,
      key_installed: expect.stringMatching(/^\d{4}-.*Z$/),
      store_generation: expect.any(Number),
      config_revision: 0,
      audit_anchor: expect.any(Number),
      apply_lock: null,
    });
    expect(await at.ok('operator status')).toBe(await at.ok('operator status'));
  });
});

describe('operator rotate', () => {
  it('makes new keys, re-encrypts everything, and every value is as before', async () => {
    const at = await appliedWorkspace();
    expect(await at.ok('operator rotate')).toMatch(/^Success! The keys are of term 2; \d+ records were re-encrypted\.\n$/);
    expect(await at.json('operator rotate -json')).toMatchObject({ term: 3, rewrapped: expect.any(Number) });
    expect(await at.json('operator rotate -rewrap-only -json')).toMatchObject({ term: 3, rewrapped: 0 });
    expect(await at.ok('kv get -field=api_key kv/payments/stripe')).toBe(secretValue);
  });

  it('may be interrupted: the store works, and the next one goes on', async () => {
    const at = await appliedWorkspace();
    const stopped = await at.run('operator rotate', { interrupted: AbortSignal.abort(new Error('Ctrl-C')) });
    expect([stopped.code, stopped.err]).toEqual([
      130,
      expect.stringContaining('To go on: secretctl operator rotate -rewrap-only'),
    ]);
    expect(await at.ok('kv get -field=api_key kv/payments/stripe')).toBe(secretValue);
    expect((await at.json<{ rewrapped: number }>('operator rotate -rewrap-only -json')).rewrapped).toBeGreaterThan(0);
  });

  it('rotates the key for sealed values instead, and says what to do then', async () => {
    const at = await appliedWorkspace();
    expect(await at.ok('operator rotate -recipient')).toMatch(
      /^New recipient age1\w+\n\nReplace the old one under spec\.recipients .*: secretctl encrypt -rewrap\n$/,
    );
    expect(await at.ok('plan')).toMatch(/^No changes\./);
    expect((await at.run('operator rotate -recipient -rewrap-only')).err).toMatch(
      /^Error: -recipient and -rewrap-only exclude each other\n/,
    );
  });
});

describe('operator rekey', () => {
  it('replaces the static key after a yes only', async () => {
    const at = await emptyWorkspace();
    const files = () =>
      readdirSync(`${at.base}/config/secretctl`).map((name) => `${name} ${at.read(`../config/secretctl/${name}`)}`);
    const before = files();
    for (const circumstances of [{}, { answers: ['no'] }, { answers: ['Ctrl-C'] }])
      expect((await at.run('operator rekey', circumstances)).code).not.toBe(0);
    expect(files()).toEqual(before);
    expect((await at.run('operator rekey -shares=3 -auto-approve')).err).toBe(
      'Error: -shares and -threshold belong to a Shamir seal, and this store has a key file\n',
    );
    expect((await at.run('operator rekey', { answers: ['yes'] })).out).toMatch(
      /^Success! The root key and the key in the seal key file were replaced\./,
    );
    expect(files()).not.toEqual(before);
    expect(await at.ok('policy list')).toBe('default\nroot\n');
  });
});

describe('a store that needs shares', () => {
  let at: Workspace;
  let shares: readonly string[];
  beforeEach(async () => {
    at = new Workspace();
    ({ shares } = await at.json<{ shares: string[] }>('init -json -seal=shamir -shares=3 -threshold=2 .'));
    at.write('good', `# two of three\n\n${shares[2]}\r\n  ${shares[0]}  \n`, 0o600);
  });

  it('answers with shares from a file of mode 0600', async () => {
    expect(await at.ok('policy list -unseal-from=good')).toBe('default\nroot\n');
    expect(await at.ok('operator status -unseal-from=good')).toContain('sealed              false\n');
    for (const mode of [0o644, 0o640, 0o604]) {
      at.write(`wide${mode}`, at.read('good'), mode);
      expect(errorOf(await at.run(`policy list -json -unseal-from=wide${mode}`))).toMatchObject({
        code: 'seal-key-permissions',
        hint: `Run: chmod 600 wide${mode}`,
      });
    }
  });

  it('is sealed without them, which operator status shows with exit code 2', async () => {
    for (const line of [
      'policy list',
      'plan',
      'apply -auto-approve',
      'operator rotate',
      'operator rekey -auto-approve',
      'audit verify',
    ])
      expect(errorOf(await at.run(`${line} -json`))).toMatchObject({
        code: 'sealed',
        hint: expect.stringContaining('-unseal-from FILE'),
      });
    const { code, out } = await at.run('operator status -json');
    expect([code, JSON.parse(out)]).toEqual([
      2,
      { store_id: expect.any(String), seal_type: 'shamir', sealed: true, shares: 3, threshold: 2 },
    ]);
  });

  it('says which line of a file is no good share', async () => {
    const other = new Workspace();
    const strangers = (await other.json<{ shares: string[] }>('init -json -seal=shamir -shares=3 -threshold=2 .')).shares;
    const cases: readonly [string, string, RegExp][] = [
      [`${shares[0]}\n`, 'share-too-few', /^1 of the 2 shares that are needed were given$/],
      [`${shares[0]}\n${shares[0]}\n`, 'share-duplicate', /^bad:2: share 1 was already given$/],
      [`\n${shares[0]}\n# x\n${shares[1]?.slice(0, -2)}AA\n`, 'share-invalid', /^bad:4: this share has a mistake in it$/],
      [`hush\n`, 'share-invalid', /^bad:1: this is not a share/],
      [`${shares[0]}\n${strangers[1]}\n`, 'share-mixed', /^bad:2: this share is of the set /],
      ['', 'sealed', /^the store is sealed$/],
    ];
    for (const [text, code, message] of cases) {
      at.write('bad', text, 0o600);
      const outcome = await at.run('policy list -json -unseal-from=bad');
      expect(errorOf(outcome)).toMatchObject({ code, message: expect.stringMatching(message) });
      expect(outcome.err).not.toContain('hush');
      for (const share of [...shares, ...strangers]) expect(outcome.err).not.toContain(share);
    }
    expect(errorOf(await at.run('policy list -json -unseal-from=nowhere')).message).toBe(
      "the file of -unseal-from can't be read: it does not exist (ENOENT)",
    );
  });

  it('asks the people at a terminal, again for a share that does not count', async () => {
    const { code, out, err, asked } = await at.run('policy list', {
      answers: [shares[0] ?? '', shares[0] ?? '', 'oops', `  ${shares[1]} `],
    });
    expect([code, out]).toEqual([0, 'default\nroot\n']);
    expect(asked).toEqual(['Share 1 of 2: ', 'Share 2 of 2: ', 'Share 2 of 2: ', 'Share 2 of 2: ']);
    expect(err).toBe(
      'That share does not count: share 1 was already given\nThat share does not count: this is not a share: a share is a line of 64 characters\n',
    );
    expect((await at.run('policy list', { answers: ['Ctrl-C'] })).code).toBe(130);
    expect((await at.run('policy list', { answers: [''] })).err).toMatch(/^Error: the store is sealed\n/);
  });

  it('gets new shares, after which the old ones open nothing', async () => {
    expect((await at.run('operator rekey -unseal-from=good -auto-approve -shares=2 -threshold=3')).code).toBe(1);
    expect((await at.run('operator rekey -unseal-from=good', { answers: ['no'] })).code).toBe(1);
    expect(await at.ok('policy list -unseal-from=good')).toBe('default\nroot\n');
    const out = await at.ok('operator rekey -unseal-from=good -auto-approve -shares=4 -threshold=3');
    const renewed = sharesIn(out);
    expect([renewed.length, out.endsWith('Success! Only the new shares open the store now.\n')]).toEqual([4, true]);
    expect(errorOf(await at.run('policy list -json -unseal-from=good')).code).toBe('share-mixed');
    at.write('new', renewed.slice(1).join('\n'), 0o600);
    expect(await at.ok('policy list -unseal-from=new')).toBe('default\nroot\n');
  });
});

describe('audit verify', () => {
  let at: Workspace;
  let log: string;
  beforeAll(async () => {
    at = await emptyWorkspace();
    log = at.path('.secretctl/audit/audit.log');
    for (let times = 0; times < 3; times += 1) await at.ok('policy list');
    copyFileSync(log, at.path('whole.log'));
  });
  beforeEach(() => {
    copyFileSync(at.path('whole.log'), log);
  });

  it('says of a whole log that it is, with exit code 0', async () => {
    expect(await at.ok('audit verify')).toMatch(/audit\.log: ok: \d+ lines \(1 to \d+\) are whole and in order\n$/);
    expect(await at.json('audit verify -json')).toMatchObject([{ outcome: 'ok', exitCode: 0, notes: [] }]);
    expect(await at.ok('audit verify whole.log', { env: { SECRETCTL_STORE: '/nowhere' } })).toContain(
      '  note: No anchor was given',
    );
  });

  it.each<[string, number, string, () => void]>([
    [
      'altered',
      2,
      'corrupt',
      () => at.write('.secretctl/audit/audit.log', at.read('whole.log').replace('"time":"2', '"time":"3')),
    ],
    [
      'missing a line',
      2,
      'corrupt',
      () =>
        at.write(
          '.secretctl/audit/audit.log',
          at
            .read('whole.log')
            .split('\n')
            .filter((_, index) => index !== 2)
            .join('\n'),
        ),
    ],
    [
      'cut off at its end',
      4,
      'truncated',
      () => at.write('.secretctl/audit/audit.log', at.read('whole.log').split('\n').slice(0, -3).join('\n') + '\n'),
    ],
    ['cut off in a line', 4, 'truncated', () => truncateSync(log, at.read('whole.log').length - 40)],
    ['empty', 4, 'truncated', () => truncateSync(log, 0)],
    ['gone', 4, 'truncated', () => rmSync(log)],
    ['no log', 6, 'unparsable', () => at.write('.secretctl/audit/audit.log', 'hello\n')],
  ])('exits as its help says when the log is %s', async (_, exitCode, outcome, damage) => {
    damage();
    const { code, out } = await at.run('audit verify');
    expect([code, out]).toEqual([exitCode, expect.stringContaining(`: ${outcome}: `)]);
    const shown = await at.run('audit verify -json');
    expect([shown.code, JSON.parse(shown.out)]).toMatchObject([exitCode, [{ outcome, exitCode }]]);
  });

  it.each([
    ['audit verify nowhere.log', 'the audit log .*nowhere.log cannot be read: it does not exist'],
    ['audit verify .', 'the audit log .* cannot be read: it is a folder'],
    ['audit verify -store-id=x', '-store-id belongs to a FILE'],
  ])('exits with 1 where there is nothing to verify: %s', async (line, message) => {
    const { code, err } = await at.run(line);
    expect([code, err]).toEqual([1, expect.stringMatching(`^Error: ${message}`)]);
  });

  it('knows a log of another store', async () => {
    expect((await at.run('audit verify -store-id=another whole.log')).code).toBe(2);
  });
});

describe('a lost audit log', () => {
  it('stops every command until the loss is accepted, which the log and the command say', async () => {
    const at = await emptyWorkspace();
    await at.ok('policy list');
    const log = at.path('.secretctl/audit/audit.log');
    rmSync(log);
    for (const line of ['policy list', 'apply -auto-approve', 'operator rotate'])
      expect(errorOf(await at.run(`${line} -json`)).code).toBe('audit-truncated');
    const accepted = await at.run('policy list -accept-audit-loss');
    expect([accepted.code, accepted.out, accepted.err]).toEqual([
      0,
      'default\nroot\n',
      expect.stringMatching(/^Warning: the loss of the audit log was accepted \(sink file\)/),
    ]);
    expect(at.read('.secretctl/audit/audit.log')).toContain('log-loss-accepted');
    expect((await at.run('audit verify')).code).toBe(0);
    appendFileSync(log, 'scribble\n');
    expect(errorOf(await at.run('policy list -json')).code).toBe('audit-corrupt');
    expect((await at.run('policy list -accept-audit-loss')).err).toContain(`What was left of it is in ${log}.aside-1.`);
    expect(await at.run('policy list -accept-audit-loss')).toMatchObject({ code: 0, err: '' });
  });
});
