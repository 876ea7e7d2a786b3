import { constantTimeEqual, wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import { decodeAwsKmsBlob, encodeAwsKmsBlob, type AwsKmsBlob } from './awskms-blob.ts';
import { withAwsKms, type AwsKms } from './awskms-client.ts';
import { parseKeyArn, readAwsKmsSettings, type AwsKmsSettings } from './awskms-settings.ts';
import type { Seal } from './seal.ts';
import type { SealContext, SealType } from './seal-type.ts';

const type = 'awskms';

/**
 * A key in AWS KMS. The root key lies under a data key that KMS makes for each wrapping and keeps encrypted for us
 * (`GenerateDataKey`, `Decrypt`): the root key itself never leaves this process. Both calls are bound to the store id
 * by their encryption context.
 */
export const awsKmsSeal: SealType = {
  type,
  shared: false,

  async create(context) {
    return {
      seal: new AwsKmsSeal(context, readAwsKmsSettings(context)),
      shamir: null,
      shares: [],
      isKey: () => false,
      settle: async () => {},
    };
  },

  open(context) {
    return new AwsKmsSeal(context, readAwsKmsSettings(context));
  },
};

class AwsKmsSeal implements Seal {
  readonly type = type;
  readonly #context: SealContext;
  readonly #settings: AwsKmsSettings;

  constructor(context: SealContext, settings: AwsKmsSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  async wrap(rootKey: Uint8Array): Promise<Uint8Array> {
    return this.#with(async (kms) => {
      const { plain, ...wrapped } = await kms.generateDataKey();
      const blob = encodeAwsKmsBlob(this.#context.storeId, wrapped, plain, rootKey, this.#context.random);
      wipe(plain);
      return blob;
    });
  }

  async unwrap(bytes: Uint8Array): Promise<Uint8Array> {
    const blob = decodeAwsKmsBlob(this.#context.storeId, bytes);
    if (blob === null) throw altered();
    return this.#with(async (kms) => {
      const dataKey = await this.#dataKey(kms, blob);
      const rootKey = blob.open(dataKey);
      wipe(dataKey);
      if (rootKey === null) throw altered();
      return rootKey;
    });
  }

  async health(): Promise<string | null> {
    try {
      return await this.#with(async (kms) => {
        const { plain, dataKey, keyArn } = await kms.generateDataKey();
        const again = await kms.decrypt(keyArn, dataKey);
        const well = again !== null && constantTimeEqual(plain, again);
        wipe(plain, again ?? plain);
        return well ? null : 'AWS KMS does not decrypt what it encrypted';
      });
    } catch (error) {
      return error instanceof Error ? error.message : 'AWS KMS cannot be used';
    }
  }

  #with<T>(use: (kms: AwsKms) => Promise<T>): Promise<T> {
    return withAwsKms(this.#settings, this.#context.random, use);
  }

  /**
   * An alias that was moved, or another key in the settings, leaves root keys that the key before wrapped. They are
   * opened with that one, which the blob names: until a rewrap. But the blob stands where whoever writes to the disk
   * can change it, so it must be a key of the same account and region.
   */
  async #dataKey(kms: AwsKms, blob: AwsKmsBlob): Promise<Uint8Array> {
    const { keyId } = this.#settings;
    const configured = await kms.decrypt(keyId, blob.dataKey);
    if (configured !== null) return configured;
    if (!isNeighbour(blob.keyArn, await this.#ownArn(kms))) {
      throw new Fault(
        'seal-key-wrong',
        `the root key was wrapped by ${blob.keyArn}, of another account or region than ${keyId}`,
        {
          hint: 'If that is the key of this store, set `keyId` to it, and change keys in steps that one account can decrypt.',
        },
      );
    }
    const former = await kms.decrypt(blob.keyArn, blob.dataKey);
    if (former === null) throw altered();
    return former;
  }

  async #ownArn(kms: AwsKms): Promise<string> {
    if (parseKeyArn(this.#settings.keyId) !== null) return this.#settings.keyId;
    const { plain, keyArn } = await kms.generateDataKey();
    wipe(plain);
    return keyArn;
  }
}

function isNeighbour(one: string, other: string): boolean {
  const [a, b] = [parseKeyArn(one), parseKeyArn(other)];
  return a !== null && b !== null && a.partition === b.partition && a.region === b.region && a.account === b.account;
}

function altered(): Fault {
  return new Fault('seal-key-wrong', 'the wrapped root key is not one of this store, or was altered', {
    hint: 'Restore the store from a backup, or put back the settings of the seal that wrapped it.',
  });
}
