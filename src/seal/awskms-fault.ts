import { Fault, type FaultCode } from '../base/error.ts';

interface Asked {
  /** `Decrypt`, `GenerateDataKey`. */
  readonly action: string;
  readonly keyId: string;
  readonly region: string | null;
  readonly endpoint: string | null;
}

interface Told {
  readonly code: FaultCode;
  readonly message: string;
  readonly hint: string;
}

const tryLater = 'It is tried again. What is running goes on meanwhile: the key is only needed to open the store.';

/**
 * What a failed call of AWS KMS means for people. Only names of errors and our own words are repeated: what the service
 * says may quote the request with its session token, so the error itself is not kept as the cause either.
 */
export function awsKmsFault(error: unknown, asked: Asked): Fault {
  const name = nameOf(error);
  const { code, message, hint } = told(name, error, asked);
  return new Fault(code, `${message} (${name}${requestId(error)})`, { hint });
}

function told(name: string, error: unknown, { action, keyId, region, endpoint }: Asked): Told {
  const where = endpoint ?? (region === null ? 'AWS KMS' : `AWS KMS in ${region}`);
  switch (name) {
    case 'CredentialsProviderError':
    case 'TokenProviderError':
      return {
        code: 'seal-denied',
        message: 'there are no AWS credentials for the seal',
        hint: 'Give the process a role (instance profile, IRSA, ECS task role), a profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      };
    case 'AccessDeniedException':
      return {
        code: 'seal-denied',
        message: `AWS denies kms:${action} with the key ${keyId}`,
        hint: `Allow the role of this process kms:GenerateDataKey and kms:Decrypt on the key, in its policy and in the key's own.`,
      };
    case 'ExpiredTokenException':
    case 'UnrecognizedClientException':
    case 'InvalidClientTokenId':
    case 'InvalidSignatureException':
    case 'IncompleteSignatureException':
    case 'MissingAuthenticationTokenException':
    case 'RequestExpired':
      return {
        code: 'seal-denied',
        message: `${where} does not accept the AWS credentials of this process`,
        hint: 'They are expired or of another account, or the clock of this machine is wrong.',
      };
    case 'NotFoundException':
      return {
        code: 'seal-key-missing',
        message: `${where} has no key ${keyId}`,
        hint: 'Check `keyId` and `region` in the settings of the seal: a key is known in its own region and account only.',
      };
    case 'DisabledException':
      return {
        code: 'seal-key-disabled',
        message: `the KMS key ${keyId} is disabled`,
        hint: `Enable it: aws kms enable-key --key-id ${keyId}`,
      };
    case 'KMSInvalidStateException':
      return {
        code: 'seal-key-disabled',
        message: `the KMS key ${keyId} cannot be used: it is pending deletion, or its key material is missing`,
        hint: `If it is to be deleted, cancel that at once: aws kms cancel-key-deletion --key-id ${keyId}. Without it nobody opens the store.`,
      };
    case 'InvalidCiphertextException':
      return {
        code: 'seal-key-wrong',
        message: `${where} does not decrypt the wrapped root key`,
        hint: 'It is that of another store, the encryption context in the settings was changed, or the data was damaged.',
      };
    case 'InvalidKeyUsageException':
    case 'ValidationException':
    case 'InvalidArnException':
    case 'InvalidGrantTokenException':
      return {
        code: 'settings',
        message: `the KMS key ${keyId} cannot wrap a root key`,
        hint: 'The seal needs a symmetric key for encryption and decryption. Check `keyId` in its settings.',
      };
    case 'ThrottlingException':
    case 'LimitExceededException':
    case 'TooManyRequestsException':
      return { code: 'seal-unavailable', message: `${where} is throttling requests`, hint: tryLater };
    case 'KeyUnavailableException':
    case 'DependencyTimeoutException':
    case 'KMSInternalException':
    case 'InternalFailure':
    case 'ServiceUnavailableException':
      return { code: 'seal-unavailable', message: `${where} is not available just now`, hint: tryLater };
  }
  if (error instanceof Error && /^Region is missing/.test(error.message)) {
    return {
      code: 'settings',
      message: 'the region of the KMS key is not known',
      hint: 'Set `region` in the settings of the seal, or give `keyId` as an ARN.',
    };
  }
  return {
    code: 'seal-unavailable',
    message: `${where} cannot be reached or does not answer as it should`,
    hint: `${tryLater} Check the network, DNS, proxy and certificates between here and ${endpoint ?? 'the endpoint of KMS'}.`,
  };
}

/** The name of the error, or the code of the failed connection below it: short words without data. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null;
  const name = code !== null && ['Error', 'AggregateError'].includes(error.name) ? code : error.name;
  return /^[A-Za-z0-9_]{1,64}$/.test(name) ? name : 'unknown error';
}

function requestId(error: unknown): string {
  const metadata = (error as { readonly $metadata?: { readonly requestId?: unknown } } | null)?.$metadata;
  const id = metadata?.requestId;
  return typeof id === 'string' && /^[0-9a-f-]{8,64}$/.test(id) ? `, request ${id}` : '';
}
