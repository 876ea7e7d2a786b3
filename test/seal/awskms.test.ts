import { randomInt } from 'node:crypto';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { fromHex, toBase64, toHex } from '../../src/base/bytes.ts';
import { Fault } from '../../src/base/error.ts';
import { awsKmsSeal } from '../../src/seal/awskms.ts';
import { decodeAwsKmsBlob, encodeAwsKmsBlob } from '../../src/seal/awskms-blob.ts';
import { withAwsKms } from '../../src/seal/awskms-client.ts';
import { readAwsKmsSettings } from '../../src/seal/awskms-settings.ts';
import type { SealConfig } from '../../src/seal/seal-config.ts';
import type { SealContext } from '../../src/seal/seal-type.ts';
import { seededRandom } from '../barrier/fixture.ts';
import vectors from '../vectors/awskms-blob.json' with { type: 'json' };
import { kmsForTests } from './aws-environment.ts';
import { sealConformance } from './conformance.ts';
import type { KmsKey, KmsStandIn, Trouble } from './kms-stand-in.ts';

const random = seededRandom('awskms');
const hex = (text: string) => fromHex(text) ?? new Uint8Array(0);
const started = kmsForTests();
let kms: KmsStandIn;
beforeEach(() => {
  kms = started();
});

function contextWith(key: KmsKey | string, settings: Readonly<Record<string, string>> = {}, storeId = 'store-1'): SealContext {
  const keyId = typeof key === 'string' ? key : key.arn;
  return { storeId, random, settings: { keyId, region: kms.region, endpoint: kms.endpoint, ...settings } };
}

const changed = (settings: Readonly<Record<string, string>>) => async (context: SealContext, config: SealConfig) => ({
  context: { ...context, settings: { ...context.settings, ...settings } },
  config,
});

sealConformance({
  type: awsKmsSeal,
  // A key of its own account: a world of its own.
  context: async (storeId) => contextWith(kms.createKey({ account: randomInt(1e11, 1e12 - 1).toString() }), {}, storeId),
  split: null,
  prepare: async () => {},
  bad: [
    { what: 'settings without a key', code: 'settings', change: changed({ keyId: '' }) },
    { what: 'a setting that it does not know', code: 'settings', change: changed({ keyid: 'x' }) },
    { what: 'an endpoint in the clear', code: 'settings', change: changed({ endpoint: 'http://10.0.0.1' }) },
    { what: 'another region than the key has', code: 'settings', change: changed({ region: 'eu-west-1' }) },
    { what: 'a key that is not there', code: 'seal-key-missing', change: changed({ keyId: 'alias/none' }) },
    { what: 'another encryption context', code: 'seal-key-wrong', change: changed({ 'encryptionContext.team': 'x' }) },
    {
      what: 'a key that was disabled',
      code: 'seal-key-disabled',
      change: async (context, config) => {
        kms.keyAt(context.settings['keyId'] ?? '').state = 'Disabled';
        return { context, config };
      },
    },
  ],
});

async function faultOf(work: () => Promise<unknown>): Promise<Fault> {
  const error: unknown = await work().then(
    () => new Error('it resolved'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Fault)) throw error;
  return error;
}

describe('a root key under AWS KMS', () => {
  const rootKey = random.bytes(32);
  let key: KmsKey;
  let context: SealContext;
  let blob: Uint8Array;

  beforeEach(async () => {
    key = kms.createKey();
    context = contextWith(key, { 'encryptionContext.environment': 'production' });
    blob = await (await awsKmsSeal.create(context, null)).seal.wrap(rootKey);
    kms.calls.length = 0;
  });

  const open = (from: SealContext = context) =>
    awsKmsSeal.open(from, { type: 'awskms', wrapped: blob, shamir: null, recovery: null });

  it('never leaves the process: KMS sees a data key and the store id only', async () => {
    await open().wrap(rootKey);
    await open().unwrap(blob);
    expect(kms.calls.map(({ action }) => action)).toEqual(['GenerateDataKey', 'Decrypt']);
    for (const call of kms.calls) {
      expect(call.context).toEqual({ environment: 'production', 'secretctl:store': 'store-1' });
      expect(call.body).not.toContain(toBase64(rootKey));
    }
  });

  it('opens after the KMS key was rotated, and is wrapped under its newest material then', async () => {
    key.material.push(Buffer.alloc(32, 7));
    expect(await open().unwrap(blob)).toEqual(rootKey);
    const again = await open().wrap(rootKey);
    key.material[0] = Buffer.alloc(32, 9);
    expect(await open().unwrap(again)).toEqual(rootKey);
    expect((await faultOf(() => open().unwrap(blob))).code).toBe('seal-key-wrong');
  });

  it('opens after its alias was moved, and after the settings name another key of the account', async () => {
    const next = kms.createKey();
    expect(await open({ ...context, settings: { ...context.settings, keyId: next.arn } }).unwrap(blob)).toEqual(rootKey);
    kms.pointAlias('alias/moved', next);
    const byAlias = { ...context, settings: { ...context.settings, keyId: 'alias/moved' } };
    expect(await open(byAlias).unwrap(blob)).toEqual(rootKey);
    expect(decodeAwsKmsBlob('store-1', await open(byAlias).wrap(rootKey))?.keyArn).toBe(next.arn);
  });

  it('is not opened by a key of another account that whoever wrote the disk put there', async () => {
    const foreign = kms.createKey({ account: '999988887777' });
    const theirs = await (
      await awsKmsSeal.create({ ...context, settings: { ...context.settings, keyId: foreign.arn } }, null)
    ).seal.wrap(random.bytes(32));
    for (const keyId of [key.arn, key.id]) {
      kms.calls.length = 0;
      const fault = await faultOf(() => open({ ...context, settings: { ...context.settings, keyId } }).unwrap(theirs));
      expect([fault.code, fault.message]).toEqual(['seal-key-wrong', expect.stringContaining(foreign.arn)]);
      expect(kms.calls.filter((call) => call.keyId === foreign.arn)).toEqual([]);
    }
  });

  it('takes its region from the ARN of the key', async () => {
    const settings = { keyId: key.arn, endpoint: kms.endpoint, 'encryptionContext.environment': 'production' };
    expect(await open({ ...context, settings }).unwrap(blob)).toEqual(rootKey);
  });

  it.each(vectors)('has a frozen form: $keyArn', ({ storeId, keyArn, ...texts }) => {
    const dataKey = hex(texts.dataKey);
    const plain = hex(texts.plainDataKey);
    const root = hex(texts.rootKey);
    const encoded = encodeAwsKmsBlob(storeId, { keyArn, dataKey }, plain, root, { bytes: () => hex(texts.nonce) });
    expect(toHex(encoded)).toBe(texts.blob);
    const decoded = decodeAwsKmsBlob(storeId, hex(texts.blob));
    expect(decoded).toMatchObject({ keyArn, dataKey });
    expect(decoded?.open(plain)).toEqual(root);
    expect(decodeAwsKmsBlob('other', hex(texts.blob))?.open(plain)).toBeNull();
  });

  const always = (trouble: Trouble) => () => {
    kms.trouble = () => trouble;
  };
  const states = (state: KmsKey['state']) => () => {
    key.state = state;
  };
  const withoutCredentials = (): void => {
    for (const name of Object.keys(kms.credentials)) delete process.env[name];
  };
  it.each<[string, Fault['code'], () => void]>([
    ['has no credentials', 'seal-denied', withoutCredentials],
    ['is denied', 'seal-denied', () => kms.denied.add('Decrypt')],
    ['has a wrong secret key', 'seal-denied', () => (process.env['AWS_SECRET_ACCESS_KEY'] = 'canary-secret')],
    ['has a session that ended', 'seal-denied', always({ status: 400, error: 'ExpiredTokenException' })],
    ['finds its key disabled', 'seal-key-disabled', states('Disabled')],
    ['finds its key pending deletion', 'seal-key-disabled', states('PendingDeletion')],
    ['finds its key unavailable', 'seal-unavailable', states('Unavailable')],
    ['is throttled', 'seal-unavailable', always({ status: 400, error: 'ThrottlingException' })],
    ['meets an error of the service', 'seal-unavailable', always({ status: 500, error: 'KMSInternalException' })],
    ['loses its connections', 'seal-unavailable', always('reset')],
    ['gets what is no answer', 'seal-unavailable', always('garbage')],
  ])('says what is wrong where it %s, and shows nothing of the credentials', async (_, code, arrange) => {
    arrange();
    const fault = await faultOf(() => open().unwrap(blob));
    expect([fault.code, fault.hint]).toEqual([code, expect.any(String)]);
    const shown = inspect(fault, { depth: 9, showHidden: true });
    for (const secret of [...Object.values(kms.credentials), 'canary-secret']) expect(shown).not.toContain(secret);
  });

  it('tries again what may pass, a few times', async () => {
    kms.trouble = (() => {
      let left = 3;
      return () => (left-- > 0 ? { status: 503, error: 'ServiceUnavailableException' } : null);
    })();
    expect(await open().unwrap(blob)).toEqual(rootKey);
    let asked = 0;
    kms.trouble = () => {
      asked++;
      return 'reset';
    };
    expect((await faultOf(() => open().unwrap(blob))).code).toBe('seal-unavailable');
    expect(asked).toBe(4);
    asked = 0;
    kms.trouble = () => {
      asked++;
      return { status: 400, error: 'AccessDeniedException' };
    };
    await faultOf(() => open().unwrap(blob));
    expect(asked).toBe(1);
  });

  it('gives up on a service that does not answer', async () => {
    kms.trouble = () => 'hang';
    const settings = readAwsKmsSettings(context);
    const limits = { connect: 200, attempt: 100, call: 250 };
    const fault = await faultOf(() => withAwsKms(settings, random, (client) => client.generateDataKey(), limits));
    expect(fault.code).toBe('seal-unavailable');
  });

  it('knows of its health what the next start will find', async () => {
    expect(await open().health()).toBeNull();
    key.state = 'Disabled';
    expect(await open().health()).toContain('is disabled');
    key.state = 'Enabled';
    kms.denied.add('Decrypt');
    expect(await open().health()).toContain('kms:Decrypt');
  });
});

describe('the settings of an AWS KMS seal', () => {
  const read = (settings: Readonly<Record<string, string>>) => readAwsKmsSettings({ storeId: 's', random, settings });
  const keyId = 'alias/secretctl';

  it('bind each use of the key to the store', () => {
    expect(read({ keyId, 'encryptionContext.team': 'a' }).encryptionContext).toEqual({ team: 'a', 'secretctl:store': 's' });
  });

  it.each<Readonly<Record<string, string>>>([
    { keyId, 'encryptionContext.secretctl:store': 'other' },
    { keyId, 'encryptionContext.aws:x': 'y' },
    { keyId, 'encryptionContext.': 'y' },
    { keyId, 'encryptionContext.x': '' },
    { keyId: 'alias/a b' },
    { keyId, region: 'eu central' },
    { keyId, endpoint: 'ftp://kms' },
    { keyId, endpoint: 'http://127.0.0.1.example.com' },
    { keyId, endpoint: 'http://kms.eu-central-1.amazonaws.com' },
    { keyId, endpoint: 'https://user:pass@kms' },
    { keyId, endpoint: 'https://kms?x=1' },
    { keyId, endpoint: 'kms' },
  ])('are refused where they cannot be: %j', (settings) => {
    expect(() => read(settings)).toThrow(expect.objectContaining({ code: 'settings' }) as Error);
  });

  it('are refused with an encryption context that is longer than KMS takes', () => {
    const settings = { keyId, 'encryptionContext.x': 'y'.repeat(9000) };
    expect(() => read(settings)).toThrow(expect.objectContaining({ code: 'settings' }) as Error);
  });

  it.each(['http://127.0.0.1:1', 'http://[::1]:1', 'http://localhost:1', 'https://vpce-1.kms.eu-central-1.vpce.amazonaws.com'])(
    'may name the endpoint %s',
    (endpoint) => {
      expect(read({ keyId, endpoint }).endpoint).toBe(endpoint);
    },
  );
});
