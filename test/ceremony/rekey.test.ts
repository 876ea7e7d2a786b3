import { describe, expect, it } from 'vitest';
import { fromBase64, toHex } from '../../src/base/bytes.ts';
import { newPlace, shamirSetting, staticSetting, type Place } from './place.ts';

const numbers = { secret_shares: 5, secret_threshold: 3 };
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const texts = (value: unknown): string[] => value as string[];

/** The forms in which an answer comes. */
describe.each([
  { prefix: 'sys/rekey', bare: true },
  { prefix: 'sys/rotate/root', bare: false },
])('a new root key and new shares at $prefix', ({ prefix, bare }) => {
  const idle = {
    nonce: '',
    started: false,
    t: 0,
    n: 0,
    progress: 0,
    required: 2,
    pgp_fingerprints: null,
    backup: false,
    verification_required: false,
  };

  it('answers as its clients know it', async () => {
    const at = await newPlace(shamirSetting);
    const reply = await at.send('read', `${prefix}/init`);
    expect(bare ? reply : { json: reply.data }).toMatchObject({ json: idle });
    expect([reply.status, reply.data === undefined]).toEqual(bare ? [200, true] : [undefined, false]);
    expect(await at.body('read', `${prefix}/init`)).toEqual(idle);

    const started = await at.body('write', `${prefix}/init`, { ...numbers, pgp_keys: null, backup: false });
    expect(started).toEqual({ ...idle, nonce: expect.stringMatching(uuid), started: true, t: 3, n: 5 });
    const { nonce } = started;
    expect(await at.body('read', `${prefix}/init`)).toEqual(started);
    expect(await at.give(`${prefix}/update`, nonce, at.shares.slice(0, 1))).toEqual({ ...started, progress: 1 });

    const done = await at.give(`${prefix}/update`, nonce, at.shares.slice(1, 2));
    expect(done).toEqual({
      nonce,
      complete: true,
      keys: texts(done['keys_base64']).map((share) => toHex(fromBase64(share) ?? new Uint8Array(0))),
      keys_base64: Array.from({ length: 5 }, () => expect.stringMatching(/^[A-Za-z0-9+/]{64}$/) as string),
      pgp_fingerprints: null,
      backup: false,
      verification_required: false,
    });
    expect(await at.body('read', `${prefix}/init`)).toEqual({ ...idle, required: 3 });
  });

  it('leaves only the new shares with a worth, in hex as in base64', async () => {
    const at = await newPlace(shamirSetting);
    const { nonce } = await at.body('write', `${prefix}/init`, numbers);
    const { keys, keys_base64 } = await at.give(`${prefix}/update`, nonce, at.shares);
    expect(await at.opensWith(at.shares)).toBe('share-invalid');
    expect(await at.opensWith(texts(keys_base64).slice(2))).toBe('open');
    expect(await at.opensWith(texts(keys).slice(0, 3))).toBe('open');
    expect(await at.opensWith(texts(keys).slice(0, 2))).toBe('sealed');
    // The running system goes on under the new root key.
    await at.send('write', 'sys/policies/acl/later', { policy: 'path "x" { capabilities = ["read"] }' });
    expect(await at.opensWith(texts(keys))).toBe('open');
  });

  it('is one at a time, until it is cancelled', async () => {
    const at = await newPlace(shamirSetting);
    const { nonce } = await at.body('write', `${prefix}/init`, numbers);
    expect(await at.refusal('write', `${prefix}/init`, numbers)).toMatch(/^400 (rekey|rotation) already in progress$/);
    await at.give(`${prefix}/update`, nonce, at.shares.slice(0, 1));
    expect((await at.send('delete', `${prefix}/init`)).status).toBe(204);
    expect((await at.send('delete', `${prefix}/init`)).status).toBe(204);
    expect(await at.refusal('write', `${prefix}/update`, { nonce: String(nonce), key: at.shares[1] ?? '' })).toMatch(
      /^400 no (barrier rekey|rotation) in progress$/,
    );
    const again = await at.body('write', `${prefix}/init`, numbers);
    expect([again['progress'], again['nonce'] === nonce]).toEqual([0, false]);
    expect(await at.opensWith(at.shares)).toBe('open');
  });

  it('names the nonce to whoever has another one, and counts nothing of theirs', async () => {
    const at = await newPlace(shamirSetting);
    const { nonce } = await at.body('write', `${prefix}/init`, numbers);
    const key = at.shares[0] ?? '';
    for (const other of ['', '0f1f7b0e-6f0a-4a53-9a44-6c1b3c1f2a77']) {
      expect(await at.refusal('write', `${prefix}/update`, { nonce: other, key })).toBe(
        `400 incorrect nonce supplied; nonce for ${bare ? 'this rekey operation' : 'rotation'} is "${String(nonce)}"`,
      );
    }
    expect((await at.body('read', `${prefix}/init`))['progress']).toBe(0);
  });

  it('answers the same to all that is no share, and keeps those it has', async () => {
    const at = await newPlace(shamirSetting);
    const foreign = await newPlace(shamirSetting);
    const { nonce } = await at.body('write', `${prefix}/init`, numbers);
    await at.give(`${prefix}/update`, nonce, at.shares.slice(0, 1));
    const refused = (key: string) => at.refusal('write', `${prefix}/update`, { nonce: String(nonce), key });
    expect(await refused(foreign.shares[0] ?? '')).toBe('400 the key is not a share of this store');
    expect(await refused('ab'.repeat(33))).toBe('400 the key is not a share of this store');
    expect(await refused('')).toBe("400 'key' must be specified in request body as JSON");
    expect(await refused('no such thing')).toBe("400 'key' must be a valid hex or base64 string");
    expect(await refused(at.shares[0] ?? '')).toMatch(/^400 given key has already been provided during this /);
    expect((await at.body('read', `${prefix}/init`))['progress']).toBe(1);
    expect(await at.give(`${prefix}/update`, nonce, at.shares.slice(1, 2))).toMatchObject({ complete: true });
  });

  it('is over when too much was refused', async () => {
    const at = await newPlace(shamirSetting);
    const { nonce } = await at.body('write', `${prefix}/init`, numbers);
    const answers: string[] = [];
    for (let tried = 0; tried < 40; tried++) {
      answers.push(await at.refusal('write', `${prefix}/update`, { nonce: String(nonce), key: 'ab'.repeat(48) }));
    }
    expect(answers.filter((answer) => answer === '400 the key is not a share of this store')).toHaveLength(31);
    expect(answers[31]).toMatch(/^400 too many shares were refused/);
    expect((await at.body('read', `${prefix}/init`))['started']).toBe(false);
  });

  it('refuses numbers that cannot be, PGP keys and a backup', async () => {
    const at = await newPlace(shamirSetting);
    const refused = (data: Record<string, number>) => at.refusal('write', `${prefix}/init`, data);
    const invalid = `400 invalid ${bare ? 'rekey' : 'rotate'} seal configuration: `;
    expect(await refused({})).toBe(`${invalid}shares must be at least one`);
    expect(await refused({ secret_shares: 2 })).toBe(`${invalid}threshold must be at least one`);
    expect(await refused({ secret_shares: 2, secret_threshold: 1 })).toBe(
      `${invalid}threshold must be greater than one for multiple shares`,
    );
    expect(await refused({ secret_shares: 2, secret_threshold: 3 })).toBe(`${invalid}threshold cannot be larger than shares`);
    expect(await refused({ secret_shares: 256, secret_threshold: 3 })).toBe(`${invalid}shares must be less than 256`);
    expect(await at.refusal('write', `${prefix}/init`, { ...numbers, pgp_keys: ['keybase:me'] })).toMatch(
      /^400 PGP keys are not/,
    );
    expect(await at.refusal('write', `${prefix}/init`, { ...numbers, backup: true })).toMatch(
      /^400 cannot request a backup of the new keys without providing PGP keys/,
    );
    expect((await at.body('read', `${prefix}/init`))['started']).toBe(false);
    expect(await at.refusal('read', `${prefix}/backup`)).toBe('400 no backed-up keys found');
    expect(await at.refusal('delete', `${prefix}/backup`)).toBe('204');
  });

  describe('with a verification', () => {
    const verified = { ...numbers, require_verification: true };

    async function unverified(at: Place) {
      const { nonce } = await at.body('write', `${prefix}/init`, verified);
      const done = await at.give(`${prefix}/update`, nonce, at.shares);
      return { nonce: String(nonce), done, shares: texts(done['keys_base64']) };
    }

    it('changes nothing before as many of the new shares as will be needed were given back', async () => {
      const at = await newPlace(shamirSetting);
      const { nonce, done, shares } = await unverified(at);
      const verifying = String(done['verification_nonce']);
      expect(done).toMatchObject({ nonce, complete: true, verification_required: true });
      expect(verifying).toMatch(uuid);
      expect(await at.opensWith(at.shares)).toBe('open');
      expect(await at.body('read', `${prefix}/init`)).toMatchObject({
        started: true,
        verification_required: true,
        verification_nonce: verifying,
      });
      expect(await at.body('read', `${prefix}/verify`)).toEqual({ nonce: verifying, started: true, t: 3, n: 5, progress: 0 });

      const progress = await at.give(`${prefix}/verify`, verifying, shares.slice(0, 2));
      expect(progress).toEqual({ nonce: verifying, started: true, t: 3, n: 5, progress: 2 });
      expect(await at.opensWith(at.shares)).toBe('open');
      expect(await at.give(`${prefix}/verify`, verifying, shares.slice(4))).toEqual({ nonce: verifying, complete: true });
      expect(await at.opensWith(at.shares)).toBe('share-invalid');
      expect(await at.opensWith(shares)).toBe('open');
      expect(await at.refusal('read', `${prefix}/verify`)).toMatch(/^400 no (rekey|rotation) configuration found$/);
    });

    it('takes no more of the present shares, and says under which nonce the new ones are wanted', async () => {
      const at = await newPlace(shamirSetting);
      const { nonce, done } = await unverified(at);
      expect(await at.refusal('write', `${prefix}/update`, { nonce, key: at.shares[0] ?? '' })).toMatch(
        new RegExp(`already finished; verification must be performed; .* is "${String(done['verification_nonce'])}"$`),
      );
    });

    it('begins anew when it is told to, or when wrong shares were given', async () => {
      const at = await newPlace(shamirSetting);
      const { done, shares } = await unverified(at);
      const first = String(done['verification_nonce']);
      await at.give(`${prefix}/verify`, first, shares.slice(0, 2));
      const again = await at.body('delete', `${prefix}/verify`);
      expect(again).toMatchObject({ started: true, progress: 0, nonce: expect.stringMatching(uuid) });
      expect(again['nonce']).not.toBe(first);
      expect(await at.refusal('write', `${prefix}/verify`, { nonce: first, key: shares[2] ?? '' })).toMatch(/incorrect nonce/);
      expect(await at.give(`${prefix}/verify`, again['nonce'], shares)).toMatchObject({ complete: true });
    });

    it('ends without a change when the whole is cancelled', async () => {
      const at = await newPlace(shamirSetting);
      const { done, shares } = await unverified(at);
      await at.send('delete', `${prefix}/init`);
      expect(
        await at.refusal('write', `${prefix}/verify`, { nonce: String(done['verification_nonce']), key: shares[0] ?? '' }),
      ).toMatch(/^400 no (barrier rekey|rotation) in progress$/);
      expect([await at.opensWith(shares), await at.opensWith(at.shares)]).toEqual(['share-invalid', 'open']);
    });

    it('has nothing to verify before the new shares are there', async () => {
      const at = await newPlace(shamirSetting);
      const { nonce } = await at.body('write', `${prefix}/init`, verified);
      expect(await at.body('read', `${prefix}/verify`)).toEqual({ nonce: '', started: false, t: 3, n: 5, progress: 0 });
      expect(await at.refusal('write', `${prefix}/verify`, { nonce: String(nonce), key: at.shares[0] ?? '' })).toMatch(
        /^400 no (rekey|rotation) verification in progress$/,
      );
    });
  });
});

describe('a rekey', () => {
  it('is the same one at both of its addresses', async () => {
    const at = await newPlace(shamirSetting);
    const { nonce } = await at.body('write', 'sys/rekey/init', numbers);
    expect((await at.body('read', 'sys/rotate/root/init'))['nonce']).toBe(nonce);
    expect(await at.refusal('write', 'sys/rotate/root/init', numbers)).toBe('400 rotation already in progress');
  });

  it('of forged shares is refused, and they are forgotten', async () => {
    const at = await newPlace(shamirSetting);
    // A holder who lies: a share with the right set, number and checksum, of another key.
    const { parseShare, splitSecret } = await import('../../src/crypto/shamir.ts');
    const setId = fromBase64(at.shares[0] ?? '')?.slice(1, 9) ?? new Uint8Array(8);
    const forged = await splitSecret(new Uint8Array(32).fill(1), 3, 2, { bytes: () => setId });
    // Two shares of one number or one x are taken for one that was given twice.
    const xOf = (share = '') => parseShare(share).point.at(-1);
    const key = forged.shares.slice(1).find((share) => xOf(share) !== xOf(at.shares[0])) ?? '';
    const { nonce } = await at.body('write', 'sys/rekey/init', numbers);
    await at.give('sys/rekey/update', nonce, at.shares.slice(0, 1));
    expect(await at.refusal('write', 'sys/rekey/update', { nonce: String(nonce), key })).toBe(
      '400 root key verification failed: at least one of the shares is not genuine',
    );
    expect(await at.body('read', 'sys/rekey/init')).toMatchObject({ started: true, progress: 0, nonce });
    expect(await at.give('sys/rekey/update', nonce, at.shares)).toMatchObject({ complete: true });
  });

  it('is not given back to those who held shares before the last one, by whoever writes to the disk', async () => {
    const at = await newPlace(shamirSetting);
    const before = at.medium.entries.get('seal');
    const first = await at.body('write', 'sys/rekey/init', numbers);
    await at.give('sys/rekey/update', first['nonce'], at.shares);
    at.medium.entries.set('seal', { value: before?.value ?? new Uint8Array(0), version: ++at.medium.sequence });
    const { nonce } = await at.body('write', 'sys/rekey/init', numbers);
    await at.give('sys/rekey/update', nonce, at.shares.slice(0, 1));
    expect(await at.refusal('write', 'sys/rekey/update', { nonce: String(nonce), key: at.shares[1] ?? '' })).toMatch(
      /^400 root key verification failed/,
    );
  });

  it('happens once, however many give the last share at the same time, and while others write', async () => {
    const at = await newPlace(shamirSetting);
    const { nonce } = await at.body('write', 'sys/rekey/init', numbers);
    const answers = await Promise.all([
      ...at.shares.map((key) => at.refusal('write', 'sys/rekey/update', { nonce: String(nonce), key })),
      at.refusal('write', 'sys/rotate'),
      at.refusal('write', 'sys/policies/acl/x', { policy: 'path "x" { capabilities = ["read"] }' }),
    ]);
    expect(answers.filter((answer) => answer === '200').length).toBeGreaterThanOrEqual(2);
    expect(answers.slice(-2)).toEqual(['204', '204']);
    expect((await at.body('read', 'sys/rekey/init'))['started']).toBe(false);
    expect(await at.opensWith(at.shares)).toBe('share-invalid');
  });

  it('leaves no share in the audit log', async () => {
    const at = await newPlace(shamirSetting);
    const { nonce } = await at.body('write', 'sys/rekey/init', numbers);
    const { keys, keys_base64 } = await at.give('sys/rekey/update', nonce, at.shares);
    const log = at.sink.lines.join('\n');
    expect(log).toContain('sys/rekey/update');
    for (const share of [...at.shares, ...texts(keys), ...texts(keys_base64)]) expect(log).not.toContain(share);
  });
});

describe('who may do it', () => {
  const ceremonies = ['sys/rekey/init', 'sys/rotate/root/init', 'sys/rekey-recovery-key/init', 'sys/rotate/recovery/init'];

  it('nobody begins, ends or helps with one without a token, and each try is audited', async () => {
    const at = await newPlace(staticSetting());
    for (const path of [...ceremonies, 'sys/generate-root/attempt', 'sys/generate-root-token/attempt']) {
      const data = { secret_shares: 3, secret_threshold: 2 };
      const { nonce } = await at.body('write', path, data);
      const before = at.sink.lines.length;
      for (const operation of ['read', 'write', 'delete'] as const) {
        expect([path, operation, await at.refusal(operation, path, data, null)]).toEqual([
          path,
          operation,
          '403 permission denied',
        ]);
      }
      const update = path.replace(/init|attempt/, 'update');
      expect(await at.refusal('write', update, { nonce: String(nonce), key: at.shares[0] ?? '' }, null)).toBe(
        '403 permission denied',
      );
      expect(at.sink.lines.length).toBe(before + 4);
      expect((await at.body('read', path))['nonce']).toBe(nonce);
      await at.send('delete', path);
    }
  });

  it('who may only write cannot begin or end one, but can give a share', async () => {
    const at = await newPlace(shamirSetting);
    const token = await at.tokenWith('path "sys/rekey/*" { capabilities = ["create", "update", "delete", "read"] }');
    expect(await at.refusal('write', 'sys/rekey/init', numbers, token)).toBe('403 permission denied');
    const { nonce } = await at.body('write', 'sys/rekey/init', numbers);
    expect(await at.refusal('delete', 'sys/rekey/init', {}, token)).toBe('403 permission denied');
    expect(await at.refusal('delete', 'sys/rekey/verify', {}, token)).toBe('403 permission denied');
    expect(await at.refusal('write', 'sys/rekey/update', { nonce: String(nonce), key: at.shares[0] ?? '' }, token)).toBe('200');
    expect(await at.body('read', 'sys/rekey/init', {}, token)).toMatchObject({ nonce, progress: 1 });
    const sudo = await at.tokenWith('path "sys/rekey/*" { capabilities = ["update", "delete", "sudo"] }');
    expect(await at.refusal('delete', 'sys/rekey/init', {}, sudo)).toBe('204');
  });

  it('anybody may where the settings say so, but not at the addresses that always need a token', async () => {
    const at = await newPlace(shamirSetting, { open: true });
    const { nonce } = await at.body('write', 'sys/rekey/init', numbers, null);
    expect(await at.body('read', 'sys/rekey/init', {}, null)).toMatchObject({ nonce, started: true });
    expect(await at.refusal('delete', 'sys/rekey/init', {}, null)).toBe('204');
    expect(await at.refusal('write', 'sys/generate-root/attempt', {}, null)).toBe('200');
    for (const path of ['sys/rotate/root/init', 'sys/generate-root-token/attempt']) {
      expect(await at.refusal('read', path, {}, null)).toBe('403 permission denied');
    }
    expect(await at.refusal('write', 'sys/rotate/root', {}, null)).toBe('403 permission denied');
  });
});
