import { createHash } from 'node:crypto';
import { fromBase64 } from '../base/bytes.ts';
import type { Json } from '../base/json.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import type { Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { Route, RouteContext } from './mount-type.ts';

// What a request brings in its path may come in its body too, and the path wins.
const randomFields = {
  bytes: { type: 'int', description: 'How many bytes.', default: 32 },
  format: { type: 'string', description: '`base64` or `hex`.', default: 'base64' },
  source: { type: 'string', description: 'All sources are that of the system.', default: 'platform' },
} as const satisfies Fields;

const hashFields = {
  input: { type: 'string', description: 'What to hash, in base64.', default: '' },
  algorithm: { type: 'string', description: 'sha2-224, -256, -384, -512, or sha3- with the same.', default: 'sha2-256' },
  format: { type: 'string', description: '`hex` or `base64`.', default: 'hex' },
} as const satisfies Fields;

/** As many bytes, less one, may be asked for at once. */
const tooManyBytes = 128 * 1024;
const algorithms: Readonly<Record<string, string>> = {
  'sha2-224': 'sha224',
  'sha2-256': 'sha256',
  'sha2-384': 'sha384',
  'sha2-512': 'sha512',
  'sha3-224': 'sha3-224',
  'sha3-256': 'sha3-256',
  'sha3-384': 'sha3-384',
  'sha3-512': 'sha3-512',
};

function inFormat(bytes: Buffer, format: string): string {
  if (format !== 'hex' && format !== 'base64') {
    throw badRequest(`unsupported encoding format ${JSON.stringify(format)}; must be "hex" or "base64"`);
  }
  return bytes.toString(format);
}

function random(context: RouteContext): Promise<Reply> {
  const { bytes, format } = readFields(randomFields, parametersOf(context));
  if (bytes < 1) throw badRequest("'bytes' cannot be less than 1");
  if (bytes >= tooManyBytes) throw badRequest(`'bytes' should be less than ${tooManyBytes}`);
  return Promise.resolve({ data: { random_bytes: inFormat(Buffer.from(context.random.bytes(bytes)), format) } });
}

function hash(context: RouteContext): Promise<Reply> {
  const { input, algorithm, format } = readFields(hashFields, parametersOf(context));
  const bytes = fromBase64(input);
  if (bytes === null) throw badRequest('unable to decode input as base64');
  const known = Object.hasOwn(algorithms, algorithm) ? algorithms[algorithm] : undefined;
  if (known === undefined) throw badRequest(`unsupported algorithm ${algorithm}`);
  return Promise.resolve({ data: { sum: inFormat(createHash(known).update(bytes).digest(), format) } });
}

function parametersOf({ data, params }: RouteContext): Readonly<Record<string, Json>> {
  // The one segment of `tools/random/:first` is a number of bytes or a source.
  const { first = '', ...named } = params;
  if (first === '') return { ...data, ...named };
  return { ...data, [/^\d+$/.test(first) ? 'bytes' : 'source']: first };
}

function route(path: string, summary: string, fields: Fields, handle: (context: RouteContext) => Promise<Reply>): Route {
  return { path, summary, operations: { write: { summary, fields, handle } } };
}

/** `sys/tools`: randomness and digests, for clients that have none of their own. */
export const toolRoutes: readonly Route[] = [
  ...['tools/random', 'tools/random/:first', 'tools/random/:source/:bytes'].map((path) =>
    route(path, 'Random bytes.', randomFields, random),
  ),
  ...['tools/hash', 'tools/hash/:algorithm'].map((path) => route(path, 'The digest of an input.', hashFields, hash)),
];
