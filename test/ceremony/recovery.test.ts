import { describe, expect, it } from 'vitest';
import { kmsForTests } from '../seal/aws-environment.ts';
import { newPlace, shamirSetting, staticSetting, storeId } from './place.ts';
import type { SealSetting } from '../../src/seal/migration.ts';
import { systemRandom } from '../../src/base/random.ts';

const kms = kmsForTests();
const numbers = { secret_shares: 5, secret_threshold: 3 };
const texts = (value: unknown): string[] => value as string[];

function settingOf(type: string): SealSetting {
  if (type === 'static') return staticSetting();
  const settings = { keyId: kms().createKey().arn, endpoint: kms().endpoint };
  return { type, context: { storeId, random: systemRandom, settings } };
}

/** What the present recovery shares are good for: a root token is begun and made with them. */
async function decide(at: Awaited<ReturnType<typeof newPlace>>, shares: readonly string[]): Promise<string> {
  const { nonce } = await at.body('write', 'sys/generate-root/attempt');
  try {
    let answer = '';
    for (const key of shares) {
      answer = await at.refusal('write', 'sys/generate-root/update', { nonce: String(nonce), key });
      if (answer !== '200') return answer;
    }
    return (await at.body('read', 'sys/generate-root/attempt'))['started'] === false ? 'decided' : 'more';
  } finally {
    await at.send('delete', 'sys/generate-root/attempt');
  }
}

describe.each([
  { prefix: 'sys/rekey-recovery-key', bare: true },
  { prefix: 'sys/rotate/recovery', bare: false },
])('new recovery shares at $prefix', ({ prefix, bare }) => {
  it.each(['static', 'awskms'])('take the place of the present ones under the seal %s, which stays', async (type) => {
    const at = await newPlace(settingOf(type));
    expect(await at.body('read', `${prefix}/init`)).toMatchObject({ started: false, required: 2 });
    const { nonce, t, n } = await at.body('write', `${prefix}/init`, numbers);
    expect([t, n]).toEqual([3, 5]);
    const done = await at.give(`${prefix}/update`, nonce, at.shares);
    expect(done).toMatchObject({ complete: true, nonce, verification_required: false });
    const shares = texts(done['keys_base64']);
    expect(await decide(at, at.shares)).toBe('400 the key is not a share of this store');
    expect(await decide(at, shares.slice(0, 3))).toBe('decided');
    expect(await at.opensWith([])).toBe('open');
    expect((await at.body('read', `${prefix}/init`))['required']).toBe(3);
  });

  it('count when they were verified, where that was asked for', async () => {
    const at = await newPlace(settingOf('static'));
    const { nonce } = await at.body('write', `${prefix}/init`, { ...numbers, require_verification: true });
    const done = await at.give(`${prefix}/update`, nonce, at.shares);
    const shares = texts(done['keys_base64']);
    expect(await decide(at, at.shares.slice(0, 2))).toBe('decided');
    const verifying = String(done['verification_nonce']);
    expect(await at.give(`${prefix}/verify`, verifying, shares)).toEqual({ nonce: verifying, complete: true });
    expect(await decide(at, shares.slice(2))).toBe('decided');
  });

  it('are the first ones where nobody holds any', async () => {
    const at = await newPlace(settingOf('static'), { recovery: false });
    const first = await at.body('write', `${prefix}/init`, numbers);
    expect(first).toMatchObject({ complete: true, t: 3, n: 5, verification_required: false });
    const shares = texts(first['keys_base64']);
    expect(await decide(at, shares.slice(0, 3))).toBe('decided');
    expect(await at.body('read', `${prefix}/init`)).toMatchObject({ started: false, required: 3 });
    // From now on they are asked.
    expect(await at.body('write', `${prefix}/init`, numbers)).toMatchObject({ started: true });
    expect(await decide(at, shares.slice(0, 3))).toBe('decided');
  });

  it('that are the first ones may be verified too', async () => {
    const at = await newPlace(settingOf('static'), { recovery: false });
    const first = await at.body('write', `${prefix}/init`, { ...numbers, require_verification: true });
    expect(await at.refusal('write', 'sys/generate-root/attempt')).toMatch(/^400 nobody holds recovery shares/);
    await at.give(`${prefix}/verify`, first['verification_nonce'], texts(first['keys_base64']));
    expect(await decide(at, texts(first['keys_base64']).slice(1, 4))).toBe('decided');
  });

  it('are none of a Shamir seal, and need numbers that can be', async () => {
    const shamir = await newPlace(shamirSetting);
    const none = bare ? '400 recovery rekeying not supported' : '400 recovery keys not supported';
    for (const operation of ['read', 'write', 'delete'] as const) {
      expect(await shamir.refusal(operation, `${prefix}/init`, numbers)).toBe(none);
    }
    const at = await newPlace(settingOf('static'));
    expect(await at.refusal('write', `${prefix}/init`, { secret_shares: 1, secret_threshold: 2 })).toBe(
      '400 invalid recovery configuration: threshold cannot be larger than shares',
    );
  });
});

describe('a new root key under a seal that needs nobody', () => {
  it.each(['static', 'awskms'])('is made by those with recovery shares under the seal %s, without new ones', async (type) => {
    const at = await newPlace(settingOf(type));
    const before = at.medium.entries.get('seal')?.value;
    const { nonce, ...started } = await at.body('write', 'sys/rekey/init', numbers);
    expect(started).toMatchObject({ started: true, t: 0, n: 0, required: 2 });
    const done = await at.give('sys/rekey/update', nonce, at.shares);
    expect(done).toMatchObject({ complete: true, keys: [], keys_base64: [] });
    expect(at.medium.entries.get('seal')?.value).not.toEqual(before);
    expect(await at.opensWith([])).toBe('open');
    expect(await decide(at, at.shares.slice(0, 2))).toBe('decided');
    expect(await at.refusal('write', 'sys/rekey/init', { ...numbers, require_verification: true })).toMatch(
      /^400 requiring verification not supported/,
    );
  });

  it('is not made by anybody’s shares where nobody has any', async () => {
    const at = await newPlace(settingOf('static'), { recovery: false });
    expect(await at.refusal('write', 'sys/rekey/init', numbers)).toMatch(/^400 nobody holds recovery shares/);
  });

  it.each(['sys/rotate/root', 'sys/seal/rewrap'])('is made at once by a token with sudo at %s', async (path) => {
    const at = await newPlace(settingOf('awskms'));
    const [key] = [...kms().calls].reverse().map(({ keyId }) => keyId ?? '');
    // KMS rotated its key: what is wrapped now needs the older material no more.
    const rotated = kms().keyAt(key ?? '');
    rotated.material.push(Buffer.alloc(32, 3));
    expect(await at.refusal('write', path)).toBe('204');
    rotated.material[0] = Buffer.alloc(32);
    expect(await at.opensWith([])).toBe('open');
    const weak = await at.tokenWith(`path "${path}" { capabilities = ["update"] }`);
    expect(await at.refusal('write', path, {}, weak)).toBe('403 permission denied');
  });

  it.each(['sys/rotate/root', 'sys/seal/rewrap'])('is not made at %s where people hold the seal’s key', async (path) => {
    const at = await newPlace(shamirSetting);
    expect(await at.refusal('write', path)).toMatch(/^400 the key of a Shamir seal is with the holders of its shares/);
    expect(await at.opensWith(at.shares)).toBe('open');
  });

  it('is not made while KMS is away: all stays as it is, and the next share given tries again', async () => {
    const at = await newPlace(settingOf('awskms'));
    const { nonce } = await at.body('write', 'sys/rekey/init', numbers);
    await at.give('sys/rekey/update', nonce, at.shares.slice(0, 1));
    kms().denied.add('GenerateDataKey');
    const last = { nonce: String(nonce), key: at.shares[1] ?? '' };
    expect(await at.refusal('write', 'sys/rekey/update', last)).toMatch(/^500 AWS denies kms:GenerateDataKey/);
    expect(await at.refusal('write', 'sys/seal/rewrap')).toMatch(/^500 /);
    kms().denied.clear();
    expect(await at.opensWith([])).toBe('open');
    expect(await at.body('write', 'sys/rekey/update', last)).toMatchObject({ complete: true });
    expect(await at.opensWith([])).toBe('open');
    expect(at.warnings).toEqual([]);
  });
});
