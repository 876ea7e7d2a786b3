import type { JsonObject } from '../base/json.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import { decodeToken, type GenerateRoot, type GenerateRootParts } from './generate-root.ts';
import { runOf } from './parts.ts';
import { readShare } from './rekey-routes.ts';
import { refusePgp } from './share-numbers.ts';
import { inWords, type Words } from './words.ts';

/** One of the two sets of paths: of Vault, bare objects; of OpenBao, in the envelope and always with a token. */
export interface GenerateRootFamily {
  readonly prefix: string;
  readonly generateRoot: GenerateRoot;
  readonly parts: GenerateRootParts;
  readonly words: Words;
  readonly bare: boolean;
  readonly unauthenticated: boolean;
}

const attemptFields = {
  otp: { type: 'string', description: 'A one-time password as long as a token. One is made where none is given.', default: '' },
  pgp_key: { type: 'string', description: 'Not supported.', default: '' },
} as const satisfies Fields;

const updateFields = {
  key: { type: 'string', description: 'One share, in base64 or hex.' },
  nonce: { type: 'string', description: 'The nonce of the attempt.' },
} as const satisfies Fields;

/** `attempt` and `update` (https://developer.hashicorp.com/vault/api-docs/system/generate-root). */
export function generateRootRoutes(family: GenerateRootFamily): readonly Route[] {
  const { prefix, generateRoot, words } = family;
  const access = { unauthenticated: family.unauthenticated };
  const step = (handle: (context: RouteContext) => Promise<Reply>) => (context: RouteContext) =>
    inWords(words, () => handle(context));
  const attempt = {
    summary: 'The making of a root token that is under way.',
    operations: {
      read: { ...access, summary: 'Reads how far it is.', handle: step((context) => status(family, context, '')) },
      write: {
        ...access,
        sudo: true,
        summary: 'Begins one.',
        fields: attemptFields,
        handle: step((context) => start(family, context)),
      },
      delete: {
        ...access,
        sudo: true,
        summary: 'Ends it.',
        handle: step(async () => {
          generateRoot.cancel();
          return noContent;
        }),
      },
    },
  } satisfies Omit<Route, 'path'>;
  return [
    { path: `${prefix}/attempt`, ...attempt },
    // The older name of the same.
    ...(family.bare ? [{ path: prefix, ...attempt }] : []),
    {
      path: `${prefix}/update`,
      summary: 'Gives a share for a new root token.',
      operations: {
        write: {
          ...access,
          summary: 'Gives a share. The last that is needed answers with the token under the one-time password.',
          fields: updateFields,
          handle: step((context) => update(family, context)),
        },
      },
    },
  ];
}

const decodeFields = {
  encoded_token: { type: 'string', description: 'The encoded token.' },
  otp: { type: 'string', description: 'The one-time password.' },
} as const satisfies Fields;

/** `sys/decode-token`: takes a one-time password off a token. Both are the caller's own. */
export const decodeTokenRoute: Route = {
  path: 'decode-token',
  summary: 'Decodes the token that sys/generate-root gave.',
  operations: {
    write: {
      unauthenticated: true,
      summary: 'Decodes it.',
      fields: decodeFields,
      handle: async ({ data }) => {
        const { encoded_token: encoded = '', otp = '' } = readFields(decodeFields, data);
        if (encoded === '' || otp === '') throw badRequest("provided 'encoded_token' or 'otp' is empty");
        const token = decodeToken(encoded, otp);
        if (token === null) throw badRequest('the token and the one-time password do not belong together');
        return { data: { token } };
      },
    },
  },
};

async function start(family: GenerateRootFamily, context: RouteContext): Promise<Reply> {
  const { generateRoot } = family;
  const { otp: sent, pgp_key: pgpKey } = readFields(attemptFields, context.data);
  refusePgp(pgpKey);
  if (sent !== '' && !generateRoot.fits(sent)) throw badRequest('OTP string has incorrect length');
  const otp = await generateRoot.start(runOf(context), sent === '' ? null : sent);
  return status(family, context, otp);
}

async function update(family: GenerateRootFamily, context: RouteContext): Promise<Reply> {
  const { key, nonce } = readShare(context.data);
  const { given, required, encodedToken } = await family.generateRoot.give(runOf(context), nonce, key);
  const body = {
    nonce,
    started: true,
    progress: given,
    required,
    complete: encodedToken !== null,
    encoded_token: encodedToken ?? '',
    pgp_fingerprint: '',
  };
  if (!family.bare) return { data: body };
  return { status: 200, json: { ...body, encoded_root_token: encodedToken ?? '', otp: '', otp_length: 0 } };
}

async function status(family: GenerateRootFamily, context: RouteContext, otp: string): Promise<Reply> {
  const authority = await family.parts.authority(runOf(context).tx);
  const present = family.generateRoot.status();
  const body: JsonObject = {
    nonce: present?.nonce ?? '',
    started: present !== null,
    progress: present?.given ?? 0,
    required: authority?.parameters.threshold ?? 0,
    complete: false,
    pgp_fingerprint: '',
    otp,
    otp_length: family.parts.tokenLength,
  };
  return family.bare ? { status: 200, json: { ...body, encoded_token: '', encoded_root_token: '' } } : { data: body };
}
