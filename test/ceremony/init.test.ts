import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import type { SealSetting } from '../../src/seal/migration.ts';
import type { Seals } from '../../src/server/seals.ts';
import { MemoryMedium } from '../../src/storage/memory.ts';
import { storeSeals } from '../../src/store-seals.ts';
import { storeOver } from '../barrier/fixture.ts';
import { kmsForTests } from '../seal/aws-environment.ts';
import { shamirSetting, staticSetting, storeId } from './place.ts';

const kms = kmsForTests();

async function sealsUnder(seal: SealSetting): Promise<Seals> {
  const clock = { now: () => 0 };
  const store = await storeOver(new MemoryMedium());
  return storeSeals({ store, storeId, seal, former: null, clock, random: systemRandom, sinks: [] });
}

const settings: Readonly<Record<string, () => SealSetting>> = {
  shamir: () => shamirSetting,
  static: staticSetting,
  awskms: () => ({
    type: 'awskms',
    context: { storeId, random: systemRandom, settings: { keyId: kms().createKey().arn, endpoint: kms().endpoint } },
  }),
};

async function refusal(seal: string, body: JsonObject): Promise<string> {
  const seals = await sealsUnder((settings[seal] ?? staticSetting)());
  try {
    await seals.initialize(body);
    return 'taken';
  } catch (error) {
    if (error instanceof RequestError) return `${error.status} ${error.message}`;
    throw error;
  }
}

describe('sys/init', () => {
  it('makes the shares of a Shamir seal, which open the store', async () => {
    const seals = await sealsUnder(shamirSetting);
    expect(await seals.open()).toBeNull();
    // As clients send it, with all that they leave empty.
    const none = { recovery_shares: 0, recovery_threshold: 0, pgp_keys: null, recovery_pgp_keys: [], root_token_pgp_key: '' };
    const made = await seals.initialize({ ...none, secret_shares: 3, secret_threshold: 2, stored_shares: 0 });
    expect([made.shares.length, made.recoveryShares]).toEqual([3, []]);
    const unsealing = await seals.open();
    expect(await unsealing?.openUnattended()).toBeNull();
    await unsealing?.give(made.shares[0] ?? '', { migrate: false });
    expect(await unsealing?.give(made.shares[1] ?? '', { migrate: false })).not.toBeNull();
    await expect(seals.initialize({ secret_shares: 1, secret_threshold: 1 })).rejects.toMatchObject({
      code: 'already-initialized',
    });
  });

  it.each(['static', 'awskms'])('makes recovery shares under the seal %s, which opens without them, or none', async (seal) => {
    const seals = await sealsUnder((settings[seal] ?? staticSetting)());
    const made = await seals.initialize({ recovery_shares: 3, recovery_threshold: 2, secret_shares: 0 });
    expect([made.shares, made.recoveryShares.length]).toEqual([[], 3]);
    const unsealing = await seals.open();
    expect(unsealing?.status()).toMatchObject({ recovery: true, shares: 3, threshold: 2 });
    expect(await unsealing?.openUnattended()).not.toBeNull();
    const bare = await sealsUnder((settings[seal] ?? staticSetting)());
    expect((await bare.initialize({})).recoveryShares).toEqual([]);
    expect((await bare.open())?.status()).toMatchObject({ recovery: true, shares: 0, threshold: 0 });
  });

  it('is refused, in the words of the API, where the numbers cannot be or belong to another seal', async () => {
    expect(await refusal('shamir', {})).toBe('400 invalid seal configuration: shares must be at least one');
    expect(await refusal('shamir', { secret_shares: 5, secret_threshold: 1 })).toBe(
      '400 invalid seal configuration: threshold must be greater than one for multiple shares',
    );
    expect(await refusal('awskms', { recovery_shares: 2, recovery_threshold: 3 })).toBe(
      '400 invalid recovery configuration: threshold cannot be larger than shares',
    );
    expect(await refusal('awskms', { secret_shares: 5, secret_threshold: 3 })).toBe(
      '400 parameters secret_shares,secret_threshold not applicable to seal type awskms',
    );
    expect(await refusal('shamir', { secret_shares: 1, secret_threshold: 1, recovery_shares: 1 })).toBe(
      '400 parameters recovery_shares not applicable to seal type shamir',
    );
  });

  it.each<JsonObject>([{ pgp_keys: ['a'] }, { recovery_pgp_keys: ['a'] }, { root_token_pgp_key: 'a' }])(
    'is refused with %j',
    async (keys) => {
      expect(await refusal('shamir', { secret_shares: 1, secret_threshold: 1, ...keys })).toMatch(
        /^400 PGP keys are not supported/,
      );
    },
  );
});
