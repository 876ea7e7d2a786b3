import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { constantTimeEqual } from '../../src/base/bytes.ts';

/**
 * AWS KMS as far as a seal uses it, over node:http: the JSON 1.1 protocol, Signature Version 4 checked to the byte, data
 * keys encrypted for real under keys that never leave it, with the encryption context as associated data. It is not AWS:
 * what it was not told to refuse, AWS may refuse still.
 */
export interface KmsStandIn {
  readonly endpoint: string;
  readonly region: string;
  /** What the SDK's chain must find: `AWS_ACCESS_KEY_ID` and so on. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Every request that came, in order. */
  readonly calls: KmsCall[];
  createKey(options?: { readonly alias?: string; readonly account?: string; readonly region?: string }): KmsKey;
  keyAt(arn: string): KmsKey;
  /** Points an alias to a key. */
  pointAlias(alias: string, key: KmsKey): void;
  /** What becomes of requests: answered unless it says otherwise. Given how many came before. */
  trouble: ((call: number) => Trouble | null) | null;
  /** Actions that the policy denies. */
  readonly denied: Set<string>;
  close(): Promise<void>;
}

interface KmsCall {
  readonly action: string;
  readonly keyId: string | null;
  readonly context: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface KmsKey {
  readonly id: string;
  readonly arn: string;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion' | 'Unavailable';
  readonly usage: 'ENCRYPT_DECRYPT' | 'SIGN_VERIFY';
  /** Newest last; a rotation adds one. */
  readonly material: Buffer[];
}

export type Trouble =
  'hang' | 'reset' | 'garbage' | { readonly status: number; readonly error: string; readonly message?: string };

class KmsError extends Error {
  readonly type: string;

  constructor(type: string, message = '') {
    super(message);
    this.type = type;
  }
}

export async function startKms(): Promise<KmsStandIn> {
  const region = 'eu-central-1';
  const accessKeyId = `AKIA${randomBytes(8).toString('hex').toUpperCase()}`;
  const secretAccessKey = randomBytes(30).toString('base64');
  const sessionToken = randomBytes(60).toString('base64');
  const keys = new Map<string, KmsKey>();
  const aliases = new Map<string, KmsKey>();
  const sockets = new Set<Socket>();
  const hanging: ServerResponse[] = [];

  const find = (keyId: string): KmsKey => {
    const name = keyId.replace(/^arn:aws:kms:[^:]*:[^:]*:(?:key\/)?/, '');
    const key = name.startsWith('alias/') ? aliases.get(name) : keys.get(name);
    if (key === undefined || (keyId.startsWith('arn:') && !keyId.includes('alias/') && key.arn !== keyId)) {
      throw new KmsError('NotFoundException', `Key '${keyId}' does not exist`);
    }
    return key;
  };
  const usable = (key: KmsKey): KmsKey => {
    if (key.state === 'Disabled') throw new KmsError('DisabledException', `${key.arn} is disabled.`);
    if (key.state === 'PendingDeletion') throw new KmsError('KMSInvalidStateException', `${key.arn} is pending deletion.`);
    if (key.state === 'Unavailable') throw new KmsError('KeyUnavailableException');
    if (key.usage !== 'ENCRYPT_DECRYPT') throw new KmsError('InvalidKeyUsageException');
    return key;
  };

  const actions: Record<string, (body: Body) => object> = {
    GenerateDataKey(body) {
      const key = usable(find(body.KeyId ?? ''));
      if (body.KeySpec !== 'AES_256') throw new KmsError('ValidationException', 'KeySpec');
      const plain = randomBytes(32);
      return {
        KeyId: key.arn,
        Plaintext: plain.toString('base64'),
        CiphertextBlob: encrypt(key, plain, body.EncryptionContext ?? {}).toString('base64'),
      };
    },
    Decrypt(body) {
      const blob = Buffer.from(body.CiphertextBlob ?? '', 'base64');
      const asked = body.KeyId === undefined ? null : find(body.KeyId);
      const key = keys.get(blob.subarray(1, 37).toString('latin1'));
      if (blob[0] !== 1 || key === undefined) throw new KmsError('InvalidCiphertextException');
      if (asked !== null && asked !== key)
        throw new KmsError(
          'IncorrectKeyException',
          'The key ID in the request does not identify a CMK that can perform this operation.',
        );
      const plain = decrypt(usable(key), blob, body.EncryptionContext ?? {});
      if (plain === null) throw new KmsError('InvalidCiphertextException');
      return { KeyId: key.arn, Plaintext: plain.toString('base64'), EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
    },
  };

  const answer = (request: IncomingMessage, text: string): object => {
    const [service, action = ''] = String(request.headers['x-amz-target']).split('.');
    const body = JSON.parse(text) as Body;
    self.calls.push({ action, keyId: body.KeyId ?? null, context: body.EncryptionContext ?? {}, body: text });
    if (request.method !== 'POST' || request.url !== '/' || service !== 'TrentService')
      throw new KmsError('UnknownOperationException');
    if (request.headers['content-type'] !== 'application/x-amz-json-1.1') throw new KmsError('SerializationException');
    checkSignature(request, text, { accessKeyId, secretAccessKey, sessionToken, region });
    if (self.denied.has(action)) {
      throw new KmsError(
        'AccessDeniedException',
        `User: arn:aws:sts::111122223333:assumed-role/app is not authorized to perform: kms:${action}`,
      );
    }
    const act = actions[action];
    if (act === undefined) throw new KmsError('UnknownOperationException');
    return act(body);
  };

  let count = 0;
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const send = (status: number, body: object | string) => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() });
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      };
      const trouble = self.trouble?.(count++) ?? null;
      if (trouble === 'hang') hanging.push(response);
      else if (trouble === 'reset') request.socket.destroy();
      else if (trouble === 'garbage') send(200, '<html>');
      else if (trouble !== null) send(trouble.status, { __type: trouble.error, message: trouble.message ?? '' });
      else {
        try {
          send(200, answer(request, Buffer.concat(chunks).toString()));
        } catch (error) {
          if (!(error instanceof KmsError)) throw error;
          send(400, { __type: error.type, message: error.message });
        }
      }
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const self: KmsStandIn = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region,
    credentials: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken },
    calls: [],
    denied: new Set(),
    trouble: null,
    createKey({ alias, account = '111122223333', region: home = region } = {}) {
      const id = randomUUID();
      const key: KmsKey = {
        id,
        arn: `arn:aws:kms:${home}:${account}:key/${id}`,
        state: 'Enabled',
        usage: 'ENCRYPT_DECRYPT',
        material: [randomBytes(32)],
      };
      keys.set(id, key);
      if (alias !== undefined) aliases.set(alias, key);
      return key;
    },
    keyAt: find,
    pointAlias: (alias, key) => aliases.set(alias, key),
    async close() {
      for (const response of hanging) response.destroy();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

interface Body {
  readonly KeyId?: string;
  readonly KeySpec?: string;
  readonly CiphertextBlob?: string;
  readonly EncryptionContext?: Readonly<Record<string, string>>;
}

/** Byte 1, the id of the key, the number of its material, nonce, ciphertext, tag. */
function encrypt(key: KmsKey, plain: Buffer, context: Readonly<Record<string, string>>): Buffer {
  const version = key.material.length - 1;
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key.material[version] ?? '', nonce);
  cipher.setAAD(canonicalContext(context));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return Buffer.concat([Buffer.of(1), Buffer.from(key.id, 'latin1'), Buffer.of(version), nonce, sealed]);
}

function decrypt(key: KmsKey, blob: Buffer, context: Readonly<Record<string, string>>): Buffer | null {
  const material = key.material[blob[37] ?? -1];
  if (material === undefined || blob.length < 66) return null;
  const decipher = createDecipheriv('aes-256-gcm', material, blob.subarray(38, 50));
  decipher.setAAD(canonicalContext(context));
  decipher.setAuthTag(blob.subarray(-16));
  try {
    return Buffer.concat([decipher.update(blob.subarray(50, -16)), decipher.final()]);
  } catch {
    return null;
  }
}

function canonicalContext(context: Readonly<Record<string, string>>): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** Signature Version 4 as AWS documents it, computed anew from what arrived. */
function checkSignature(
  request: IncomingMessage,
  body: string,
  known: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
    readonly region: string;
  },
): void {
  const { headers } = request;
  const parsed =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/kms\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  if (parsed === null) throw new KmsError('MissingAuthenticationTokenException');
  const [, accessKeyId, day = '', region = '', names = '', signature = ''] = parsed;
  const at = String(headers['x-amz-date']);
  const moment = Date.parse(at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(moment - Date.now()) < 5 * 60_000) || !at.startsWith(day))
    throw new KmsError('InvalidSignatureException', 'expired');
  if (accessKeyId !== known.accessKeyId || region !== known.region) throw new KmsError('UnrecognizedClientException');
  if (headers['x-amz-security-token'] !== known.sessionToken) throw new KmsError('UnrecognizedClientException');
  const signed = names.split(';');
  for (const needed of ['host', 'x-amz-date', 'x-amz-target', 'x-amz-security-token', 'content-type']) {
    if (!signed.includes(needed)) throw new KmsError('InvalidSignatureException', `${needed} is not signed`);
  }
  const canonical = [
    'POST',
    '/',
    '',
    ...signed.map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, ' ')}`),
    '',
    names,
    sha256(body),
  ].join('\n');
  const scope = `${day}/${region}/kms/aws4_request`;
  let key: Buffer = Buffer.from(`AWS4${known.secretAccessKey}`);
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  const expected = createHmac('sha256', key)
    .update(['AWS4-HMAC-SHA256', at, scope, sha256(canonical)].join('\n'))
    .digest();
  if (!constantTimeEqual(expected, Buffer.from(signature, 'hex'))) {
    // AWS quotes the canonical request here, session token and all.
    throw new KmsError('InvalidSignatureException', `The request signature we calculated does not match. ${canonical}`);
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
