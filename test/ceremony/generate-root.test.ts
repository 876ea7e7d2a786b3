import { describe, expect, it } from 'vitest';
import { rootTokenLength } from '../../src/token/root-token.ts';
import { newPlace, shamirSetting, staticSetting } from './place.ts';

const idle = {
  nonce: '',
  started: false,
  progress: 0,
  required: 2,
  complete: false,
  pgp_fingerprint: '',
  otp: '',
  otp_length: rootTokenLength,
};

describe.each([
  { prefix: 'sys/generate-root', tokens: { encoded_token: '', encoded_root_token: '' }, end: { otp: '', otp_length: 0 } },
  { prefix: 'sys/generate-root-token', tokens: {}, end: {} },
])('a new root token at $prefix', ({ prefix, tokens, end }) => {
  it.each(['shamir', 'static'])('under the seal %s, answers as its clients know it, and works', async (type) => {
    const at = await newPlace(type === 'shamir' ? shamirSetting : staticSetting());
    expect(await at.body('read', `${prefix}/attempt`)).toEqual({ ...idle, ...tokens });
    const started = await at.body('write', `${prefix}/attempt`, { otp: '', pgp_key: '' });
    expect(started).toEqual({
      ...idle,
      ...tokens,
      nonce: expect.any(String),
      started: true,
      otp: expect.stringMatching(new RegExp(`^[A-Za-z0-9]{${rootTokenLength}}$`)),
    });
    const { nonce, otp } = started;
    expect(await at.body('read', `${prefix}/attempt`)).toEqual({ ...started, otp: '' });
    const progress = { nonce, started: true, required: 2, pgp_fingerprint: '', ...tokens, ...end };
    expect(await at.give(`${prefix}/update`, nonce, at.shares.slice(0, 1))).toEqual({
      ...progress,
      progress: 1,
      complete: false,
      encoded_token: '',
    });
    const done = await at.give(`${prefix}/update`, nonce, at.shares.slice(1));
    const encoded = String(done['encoded_token']);
    expect(done).toEqual({
      ...progress,
      progress: 2,
      complete: true,
      encoded_token: encoded,
      ...('encoded_root_token' in tokens ? { encoded_root_token: encoded } : {}),
    });

    // As clients decode it: base64 without padding, XOR.
    expect(encoded).toMatch(/^[A-Za-z0-9+/]+$/);
    const password = Buffer.from(String(otp));
    const token = Buffer.from(encoded, 'base64')
      .map((byte, index) => byte ^ (password[index] ?? 0))
      .toString();
    expect(token).toMatch(/^hvs\.[A-Za-z0-9]{24}$/);
    expect(await at.body('write', 'sys/decode-token', { encoded_token: encoded, otp: String(otp) }, null)).toEqual({ token });
    expect(await at.body('read', 'auth/token/lookup-self', {}, token)).toMatchObject({
      policies: ['root'],
      ttl: 0,
      expire_time: null,
    });
    expect(await at.body('read', `${prefix}/attempt`)).toEqual({ ...idle, ...tokens });
    const log = at.sink.lines.join('\n');
    for (const secret of [token, encoded, String(otp), ...at.shares]) expect(log).not.toContain(secret);
  });

  it('takes a password of the length of a token, and no PGP key', async () => {
    const at = await newPlace(shamirSetting);
    const otp = 'x'.repeat(rootTokenLength);
    expect(await at.refusal('write', `${prefix}/attempt`, { otp: 'short' })).toBe('400 OTP string has incorrect length');
    expect(await at.refusal('write', `${prefix}/attempt`, { otp: 'é'.repeat(rootTokenLength) })).toBe(
      '400 OTP string has incorrect length',
    );
    expect(await at.refusal('write', `${prefix}/attempt`, { pgp_key: 'key' })).toMatch(/^400 PGP keys are not supported/);
    expect(await at.body('write', `${prefix}/attempt`, { otp })).toMatchObject({ started: true, otp: '' });
    const { nonce } = await at.body('read', `${prefix}/attempt`);
    const { encoded_token: encoded } = await at.give(`${prefix}/update`, nonce, at.shares);
    const { token } = await at.body('write', 'sys/decode-token', { encoded_token: String(encoded), otp }, null);
    expect(await at.body('read', 'auth/token/lookup-self', {}, String(token))).toMatchObject({ id: token });
  });

  it('is one at a time, until it is cancelled', async () => {
    const at = await newPlace(shamirSetting);
    const { nonce } = await at.body('write', `${prefix}/attempt`);
    expect(await at.refusal('write', `${prefix}/attempt`)).toBe('400 root generation already in progress');
    await at.give(`${prefix}/update`, nonce, at.shares.slice(0, 1));
    expect(await at.refusal('delete', `${prefix}/attempt`)).toBe('204');
    expect(await at.refusal('write', `${prefix}/update`, { nonce: String(nonce), key: at.shares[1] ?? '' })).toBe(
      '400 no root generation in progress',
    );
    expect((await at.body('write', `${prefix}/attempt`))['progress']).toBe(0);
  });

  it('gives one token, however many give the last share at the same time', async () => {
    const at = await newPlace(shamirSetting);
    const before = (await at.send('list', 'auth/token/accessors')).data?.['keys'] as string[];
    const { nonce } = await at.body('write', `${prefix}/attempt`);
    await at.give(`${prefix}/update`, nonce, at.shares.slice(0, 1));
    const answers = await Promise.all(
      [1, 1, 1, 2, 2].map((index) =>
        at.body('write', `${prefix}/update`, { nonce: String(nonce), key: at.shares[index] ?? '' }).catch(() => null),
      ),
    );
    expect(answers.filter((answer) => answer?.['complete'] === true)).toHaveLength(1);
    expect((await at.send('list', 'auth/token/accessors')).data?.['keys']).toHaveLength(before.length + 1);
  });

  it('is refused for shares of others, wrong nonces and forged shares, and over when too much was refused', async () => {
    const at = await newPlace(shamirSetting);
    const foreign = await newPlace(shamirSetting);
    const { nonce } = await at.body('write', `${prefix}/attempt`);
    const refused = (key: string, under = String(nonce)) => at.refusal('write', `${prefix}/update`, { nonce: under, key });
    expect(await refused(foreign.shares[0] ?? '')).toBe('400 the key is not a share of this store');
    expect(await refused(at.shares[0] ?? '', 'other')).toBe(
      `400 incorrect nonce supplied; nonce for this root generation operation is "${String(nonce)}"`,
    );
    for (let tried = 0; tried < 31; tried++) await refused('00'.repeat(48));
    expect(await refused(at.shares[0] ?? '')).toBe('400 no root generation in progress');
  });

  it('is not made where nobody holds shares', async () => {
    const at = await newPlace(staticSetting(), { recovery: false });
    expect(await at.refusal('write', `${prefix}/attempt`)).toMatch(/^400 nobody holds recovery shares of this store/);
    expect(await at.body('read', `${prefix}/attempt`)).toMatchObject({ started: false, required: 0 });
  });

  it('that is under way ends when the shares are replaced', async () => {
    const at = await newPlace(shamirSetting);
    const { nonce } = await at.body('write', `${prefix}/attempt`);
    const rekey = await at.body('write', 'sys/rekey/init', { secret_shares: 3, secret_threshold: 2 });
    await at.give('sys/rekey/update', rekey['nonce'], at.shares);
    expect(await at.refusal('write', `${prefix}/update`, { nonce: String(nonce), key: at.shares[0] ?? '' })).toMatch(
      /^400 the shares that decide were replaced meanwhile/,
    );
    expect((await at.body('read', `${prefix}/attempt`))['started']).toBe(false);
  });
});

describe('decoding a token', () => {
  it('is refused where the two do not belong together', async () => {
    const at = await newPlace(shamirSetting);
    for (const [encoded_token, otp] of [
      ['', 'x'],
      ['eA', ''],
      ['eA', 'xy'],
      ['e*', 'x'],
      ['eA==', 'x'],
    ] as const) {
      expect(await at.refusal('write', 'sys/decode-token', { encoded_token, otp }, null)).toMatch(/^400 /);
    }
  });
});
