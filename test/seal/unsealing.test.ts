import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import type { Barrier } from '../../src/barrier/barrier.ts';
import { createRecovery, readRecovery, type NewRecovery } from '../../src/seal/recovery.ts';
import { sealTypeOf } from '../../src/seal/registry.ts';
import { decodeSealConfig, encodeSealConfig, readSealConfig } from '../../src/seal/seal-config.ts';
import type { NewSeal } from '../../src/seal/seal-type.ts';
import type { SealSetting } from '../../src/seal/migration.ts';
import { initializeStore, rekeyStore } from '../../src/seal/unseal.ts';
import { mayRecover, Unsealing } from '../../src/seal/unsealing.ts';
import { MemoryMedium } from '../../src/storage/memory.ts';
import { atEachCommit } from '../barrier/crash.ts';
import { overwrite, seededRandom, stoppedClock, stored, storeOver } from '../barrier/fixture.ts';
import { kmsForTests } from './aws-environment.ts';
import type { KmsKey } from './kms-stand-in.ts';

const random = seededRandom('unsealing');
const clock = stoppedClock();
const storeId = 'store-1';
const split = { shares: 3, threshold: 2 };
const kms = kmsForTests();
let directory: string;
let count = 0;
let key: KmsKey;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'unsealing-'));
});
beforeEach(() => {
  key = kms().createKey();
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

function setting(type: string): SealSetting {
  const settings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    shamir: {},
    static: { keyFile: join(directory, String(count++), 'key') },
    awskms: { keyId: key.arn, endpoint: kms().endpoint },
  };
  return { type, context: { storeId, random, settings: settings[type] ?? {} } };
}

interface Made {
  readonly medium: MemoryMedium;
  readonly seal: SealSetting;
  readonly made: NewSeal;
  readonly recovery: NewRecovery | null;
  /** Those that decide over the store. */
  readonly shares: readonly string[];
}

async function newStore(type: string, options: { readonly recovery?: boolean } = {}): Promise<Made> {
  const medium = new MemoryMedium();
  const seal = setting(type);
  const shared = type === 'shamir';
  const made = await sealTypeOf(type).create(seal.context, shared ? split : null);
  const recovery = shared || options.recovery === false ? null : await createRecovery(seal.context, split);
  const barrier = await initializeStore(
    await storeOver(medium),
    made,
    { storeId, random, clock },
    async (tx, inside) => inside.view(tx, 'core').put('a', utf8('x')),
    recovery,
  );
  barrier.seal();
  return { medium, seal, made, recovery, shares: shared ? made.shares : (recovery?.shares ?? []) };
}

async function unsealingOf(medium: MemoryMedium, seal: SealSetting, former: SealSetting | null = null): Promise<Unsealing> {
  const unsealing = await Unsealing.open({ store: await storeOver(medium), storeId, random, clock, seal, former });
  if (unsealing === null) throw new Error('there is a store');
  return unsealing;
}

async function content(medium: MemoryMedium, barrier: Barrier | null): Promise<string | null> {
  if (barrier === null) return null;
  const store = await storeOver(medium);
  return store.read(async (tx) => Buffer.from((await barrier.view(tx, 'core').get('a'))?.value ?? []).toString());
}

/** Opens the store with as many shares as it takes. */
async function openWith(unsealing: Unsealing, shares: readonly string[], migrate = false): Promise<Barrier | null> {
  let barrier = await unsealing.openUnattended();
  for (const share of shares) {
    if (barrier !== null) break;
    barrier = await unsealing.give(share, { migrate });
  }
  return barrier;
}

describe('unsealing', () => {
  it('of a store that was never initialized is nothing', async () => {
    const store = await storeOver(new MemoryMedium());
    expect(await Unsealing.open({ store, storeId, random, clock, seal: setting('shamir'), former: null })).toBeNull();
  });

  it.each(['static', 'awskms'])('needs nobody under the seal %s', async (type) => {
    const { medium, seal } = await newStore(type);
    const unsealing = await unsealingOf(medium, seal);
    expect(unsealing.status()).toEqual({ type, recovery: true, migration: false, shares: 3, threshold: 2, given: 0, nonce: '' });
    expect(await content(medium, await unsealing.openUnattended())).toBe('x');
    expect(await unsealing.health()).toBeNull();
  });

  it('takes shares one by one, and says how far it is', async () => {
    const { medium, seal, shares } = await newStore('shamir');
    const unsealing = await unsealingOf(medium, seal);
    const status = { type: 'shamir', recovery: false, migration: false, shares: 3, threshold: 2 };
    expect(unsealing.status()).toEqual({ ...status, given: 0, nonce: '' });
    expect(await unsealing.openUnattended()).toBeNull();
    expect(await unsealing.give(shares[2] ?? '', { migrate: false })).toBeNull();
    const { nonce } = unsealing.status();
    expect(nonce).toMatch(/^[0-9a-f-]{36}$/);
    expect(unsealing.status()).toEqual({ ...status, given: 1, nonce });
    expect(await unsealing.give(shares[2] ?? '', { migrate: false })).toBeNull();
    expect(unsealing.status()).toEqual({ ...status, given: 1, nonce });
    unsealing.reset();
    expect(unsealing.status()).toEqual({ ...status, given: 0, nonce: '' });
    const barrier = await openWith(unsealing, shares);
    expect(await content(medium, barrier)).toBe('x');
    expect(unsealing.status()).toEqual({ ...status, given: 0, nonce: '' });
  });

  it('opens once, however many give shares at the same time', async () => {
    const { medium, seal, shares } = await newStore('shamir');
    const unsealing = await unsealingOf(medium, seal);
    const opened = await Promise.all(shares.slice(0, 2).map((share) => unsealing.give(share, { migrate: false })));
    expect(opened.filter((barrier) => barrier !== null)).toHaveLength(1);
  });

  it('answers the same to whatever is no share of the store, and keeps those it has', async () => {
    const { medium, seal, shares } = await newStore('shamir');
    const foreign = await newStore('shamir');
    const unsealing = await unsealingOf(medium, seal);
    await unsealing.give(shares[0] ?? '', { migrate: false });
    const damaged = `${shares[1]?.slice(0, 20) ?? ''}A${shares[1]?.slice(21) ?? ''}`;
    const answers = await Promise.all(
      [foreign.shares[0] ?? '', 'nonsense', '', damaged].map((share) =>
        unsealing.give(share, { migrate: false }).catch((error: unknown) => String(error)),
      ),
    );
    expect(new Set(answers)).toEqual(new Set(['Fault: this is not a share of this store']));
    expect(unsealing.status().given).toBe(1);
    expect(await unsealing.give(shares[1] ?? '', { migrate: false })).not.toBeNull();
  });

  it('under a seal that needs nobody takes recovery shares too, and refuses forged ones', async () => {
    const { medium, seal, shares } = await newStore('static');
    const unsealing = await unsealingOf(medium, seal);
    await unsealing.give(shares[0] ?? '', { migrate: false });
    expect(await content(medium, await unsealing.give(shares[1] ?? '', { migrate: false }))).toBe('x');

    // Shares that are right in form but of another key, as a thief would make them who knows the set's id.
    const other = await createRecovery(seal.context, split);
    const config = decodeSealConfig(stored(medium, 'seal'));
    overwrite(medium, 'seal', encodeSealConfig({ ...config, recovery: other.parameters }));
    const thief = await unsealingOf(medium, seal);
    await thief.give(other.shares[0] ?? '', { migrate: false });
    await expect(thief.give(other.shares[1] ?? '', { migrate: false })).rejects.toMatchObject({ code: 'share-invalid' });
    expect(thief.status()).toMatchObject({ given: 0, nonce: '' });
  });

  it('knows of new shares once it is told that the store was sealed again', async () => {
    const { medium, seal, shares } = await newStore('shamir');
    const unsealing = await unsealingOf(medium, seal);
    const barrier = await openWith(unsealing, shares);
    const made = await sealTypeOf('shamir').create(seal.context, { shares: 2, threshold: 2 });
    await rekeyStore(await storeOver(medium), barrier as Barrier, made, { random });
    await unsealing.refresh();
    expect(unsealing.status()).toMatchObject({ shares: 2, threshold: 2, given: 0 });
    await expect(unsealing.give(shares[0] ?? '', { migrate: false })).rejects.toMatchObject({ code: 'share-invalid' });
    expect(await content(medium, await openWith(unsealing, made.shares))).toBe('x');
  });

  it('says of a KMS that is down that it may come back, and opens when it has', async () => {
    const { medium, seal } = await newStore('awskms');
    const unsealing = await unsealingOf(medium, seal);
    kms().trouble = () => ({ status: 400, error: 'ExpiredTokenException' });
    const fault: unknown = await unsealing.openUnattended().catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'seal-denied' });
    expect(mayRecover(fault)).toBe(true);
    expect(await unsealing.health()).not.toBeNull();
    kms().trouble = null;
    const barrier = await unsealing.openUnattended();
    kms().trouble = () => 'reset';
    expect(await content(medium, barrier)).toBe('x');
    key.material[0] = Buffer.alloc(32);
    kms().trouble = null;
    expect(mayRecover(await unsealing.openUnattended().catch((error: unknown) => error))).toBe(false);
  });
});

describe('a migration', () => {
  const pairs = ['static', 'awskms', 'shamir'].flatMap((from) =>
    ['static', 'awskms', 'shamir'].filter((to) => to !== from).map((to) => [from, to] as const),
  );

  it.each(pairs)('from %s to %s keeps the data and the people', async (from, to) => {
    const { medium, seal: former, shares } = await newStore(from);
    const seal = setting(to);
    const before = stored(medium, 'seal');
    const unsealing = await unsealingOf(medium, seal, former);
    expect(unsealing.status()).toMatchObject({ type: to, migration: true, recovery: to !== 'shamir', shares: 3, threshold: 2 });
    const barrier = await openWith(unsealing, shares.slice(1), true);
    expect(await content(medium, barrier)).toBe('x');
    expect(unsealing.status()).toMatchObject({ type: to, migration: false, given: 0, nonce: '' });

    // After a restart, without the former seal.
    const restarted = await unsealingOf(medium, seal);
    expect(await content(medium, await openWith(restarted, shares))).toBe('x');
    if (to !== 'shamir') expect(await content(medium, await openWith(await unsealingOf(medium, seal), []))).toBe('x');

    // What the former seal wrapped opens nothing any more.
    overwrite(medium, 'seal', before);
    const back = await unsealingOf(medium, former);
    await expect(openWith(back, shares)).rejects.toMatchObject({ code: 'seal-key-wrong' });
  });

  it.each(pairs)('from %s to %s leaves one seal or the other at a crash of any commit', async (from, to) => {
    let place: Made | null = null;
    const seal = setting(to);
    const commits = await atEachCommit(
      async () => {
        place = await newStore(from);
        return place.medium;
      },
      async (store) => {
        if (place === null) throw new Error('no store');
        const unsealing = await Unsealing.open({ store, storeId, random, clock, seal, former: place.seal });
        if (unsealing !== null) await openWith(unsealing, place.shares, true);
      },
      async (medium, point) => {
        if (place === null) throw new Error('no store');
        const unsealing = await unsealingOf(medium, seal, place.seal);
        const { migration } = unsealing.status();
        expect(migration).toBe(point.when === 'before');
        expect(await content(medium, await openWith(unsealing, place.shares, migration))).toBe('x');
      },
    );
    expect(commits).toBe(1);
  });

  it('is asked for and answered by name', async () => {
    const { medium, seal: former, shares } = await newStore('shamir');
    const pending = await unsealingOf(medium, setting('static'));
    await expect(pending.give(shares[0] ?? '', { migrate: false })).rejects.toMatchObject({
      code: 'seal-migration',
      message: 'migrate option not provided and seal migration is pending',
    });
    expect(await pending.openUnattended()).toBeNull();
    expect(await pending.health()).toContain('shamir');
    const none = await unsealingOf(medium, former);
    await expect(none.give(shares[0] ?? '', { migrate: true })).rejects.toMatchObject({ code: 'seal-migration' });
  });

  it('asks nobody where nobody has recovery shares, and cannot make a Shamir seal then', async () => {
    const first = await newStore('static', { recovery: false });
    const unsealing = await unsealingOf(first.medium, setting('awskms'), first.seal);
    expect(await content(first.medium, await unsealing.openUnattended())).toBe('x');

    const second = await newStore('static', { recovery: false });
    const shamir = await unsealingOf(second.medium, setting('shamir'), second.seal);
    await expect(shamir.openUnattended()).rejects.toMatchObject({ code: 'seal-migration' });
    await expect(shamir.give('x', { migrate: true })).rejects.toMatchObject({ code: 'seal-migration' });
    expect(await content(second.medium, await (await unsealingOf(second.medium, second.seal)).openUnattended())).toBe('x');
  });

  it('is not made unattended by whoever hides the recovery shares', async () => {
    const { medium, seal: former } = await newStore('static');
    overwrite(medium, 'seal', encodeSealConfig({ ...decodeSealConfig(stored(medium, 'seal')), recovery: null }));
    const unsealing = await unsealingOf(medium, setting('awskms'), former);
    await expect(unsealing.openUnattended()).rejects.toMatchObject({ code: 'corrupt-record' });
  });

  it('needs the settings of a former seal that has any', async () => {
    const { medium } = await newStore('static');
    await expect(unsealingOf(medium, setting('shamir'))).rejects.toMatchObject({ code: 'settings' });
    await expect(unsealingOf(medium, setting('awskms'), setting('shamir'))).rejects.toMatchObject({ code: 'settings' });
  });

  it('keeps the shares while the new seal is out of reach', async () => {
    const { medium, shares } = await newStore('shamir');
    const unsealing = await unsealingOf(medium, setting('awskms'));
    key.state = 'Disabled';
    await unsealing.give(shares[0] ?? '', { migrate: true });
    const again = () => unsealing.give(shares[1] ?? '', { migrate: true });
    await expect(again()).rejects.toMatchObject({ code: 'seal-key-disabled' });
    expect(unsealing.status()).toMatchObject({ migration: true, given: 2 });
    key.state = 'Enabled';
    expect(await content(medium, await again())).toBe('x');
  });

  it('carries the recovery shares under the barrier and beside it alike', async () => {
    const { medium, seal: former, shares, made } = await newStore('shamir');
    const barrier = await openWith(await unsealingOf(medium, setting('static'), former), shares, true);
    const store = await storeOver(medium);
    const [config, recovery] = await store.read(async (tx) => [
      await readSealConfig(tx),
      await readRecovery((barrier as Barrier).view(tx, 'core')),
    ]);
    expect(config).toMatchObject({ type: 'static', shamir: null, recovery: made.shamir });
    expect(recovery?.parameters).toEqual(made.shamir);
  });
});
