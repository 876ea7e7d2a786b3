import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import { type Backoff, spreadDelayAfter } from '../base/backoff.ts';
import { wipe } from '../base/bytes.ts';
import { Fault } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import { keyBytes } from '../crypto/aead.ts';
import { awsKmsFault } from './awskms-fault.ts';
import type { AwsKmsSettings } from './awskms-settings.ts';

/** The two calls of AWS KMS that a seal needs. Both throw Fault, see awskms-fault.ts. */
export interface AwsKms {
  /** A new data key (32 bytes; the caller wipes it), as it is and as the KMS key encrypts it. */
  generateDataKey(): Promise<GeneratedDataKey>;
  /** The data key again (the caller wipes it), or null: another key than `keyId` encrypted it. */
  decrypt(keyId: string, dataKey: Uint8Array): Promise<Uint8Array | null>;
}

interface GeneratedDataKey {
  readonly plain: Uint8Array;
  readonly dataKey: Uint8Array;
  /** The ARN of the key that encrypted it, whatever alias was asked for. */
  readonly keyArn: string;
}

/** How long things may take, in milliseconds. */
export interface AwsKmsLimits {
  readonly connect: number;
  readonly attempt: number;
  /** One call with all its attempts and pauses: who waits has its own way to come back. */
  readonly call: number;
}

const usualLimits: AwsKmsLimits = { connect: 3000, attempt: 5000, call: 15_000 };
const maxAttempts = 4;
const pauses: Backoff = { first: 100, most: 5000 };
const throttledPauses: Backoff = { first: 500, most: 5000 };

/** Loads the SDK, hands `use` a client and closes it again. Credentials come from the SDK's standard chain. */
export async function withAwsKms<T>(
  settings: AwsKmsSettings,
  random: Random,
  use: (kms: AwsKms) => Promise<T>,
  limits: AwsKmsLimits = usualLimits,
): Promise<T> {
  // What it would print at the first client concerns who ships this program, not who runs it.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const sdk = await import('@aws-sdk/client-kms');
  const client = new sdk.KMSClient({
    ...(settings.region === null ? {} : { region: settings.region }),
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint }),
    maxAttempts,
    retryStrategy: retries(random),
    requestHandler: { connectionTimeout: limits.connect, requestTimeout: limits.attempt, throwOnRequestTimeout: true },
  });
  const { keyId, encryptionContext: EncryptionContext } = settings;
  const call = <R>(action: string, usedKey: string, send: (options: SendOptions) => Promise<R>) =>
    withFaults({ action, keyId: usedKey, region: settings.region, endpoint: settings.endpoint }, () =>
      send({ abortSignal: AbortSignal.timeout(limits.call) }),
    );
  try {
    return await use({
      async generateDataKey() {
        const output = await call('GenerateDataKey', keyId, (options) =>
          client.send(new sdk.GenerateDataKeyCommand({ KeyId: keyId, KeySpec: 'AES_256', EncryptionContext }), options),
        );
        return {
          plain: keyOf(output.Plaintext),
          dataKey: output.CiphertextBlob ?? new Uint8Array(0),
          keyArn: output.KeyId ?? '',
        };
      },
      async decrypt(decryptingKey, dataKey) {
        const command = new sdk.DecryptCommand({ KeyId: decryptingKey, CiphertextBlob: dataKey, EncryptionContext });
        return await call('Decrypt', decryptingKey, async (options) => {
          try {
            return keyOf((await client.send(command, options)).Plaintext);
          } catch (error) {
            if (error instanceof sdk.IncorrectKeyException) return null;
            throw error;
          }
        });
      },
    });
  } finally {
    client.destroy();
  }
}

type SendOptions = Parameters<KMSClient['send']>[1] & object;

async function withFaults<T>(asked: Parameters<typeof awsKmsFault>[1], send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw awsKmsFault(error, asked);
  }
}

/** Our own copy of a plain key, the SDK's wiped. */
function keyOf(plain: Uint8Array | undefined): Uint8Array {
  const key = new Uint8Array(plain ?? []);
  if (plain !== undefined) wipe(plain);
  if (key.byteLength === keyBytes) return key;
  wipe(key);
  throw new Fault('seal-unavailable', 'AWS KMS answered without a data key of 32 bytes', {
    hint: 'Check the endpoint in the settings of the seal: what is behind it is no AWS KMS.',
  });
}

/** At most three more attempts after what may pass. */
function retries(random: Random): KMSClientConfig['retryStrategy'] {
  const token = (count: number, delay: number) => ({ getRetryCount: () => count, getRetryDelay: () => delay });
  return {
    acquireInitialRetryToken: async () => token(0, 0),
    async refreshRetryTokenForRetry(last, { errorType, error }) {
      const count = last.getRetryCount() + 1;
      if (errorType === 'CLIENT_ERROR' || count >= maxAttempts) throw error ?? new Error('no more attempts');
      return token(count, spreadDelayAfter(count, errorType === 'THROTTLING' ? throttledPauses : pauses, random));
    },
    recordSuccess: () => {},
  };
}
