import type { JsonObject } from '../base/json.ts';
import type { Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import { decodeToken, type GenerateRoot, type GenerateRootParts, type GenerateRootStep } from './generate-root.ts';
import { readShare } from './rekey-routes.ts';
import { refusePgp } from './share-numbers.ts';
import { ceremonyStep, transactionOf } from './step.ts';
import type { Words } from './words.ts';

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
  const { prefix, generateRoot, words, unauthenticated } = family;
  const begin = { unauthenticated, sudo: true };
  const attempt = {
    summary: 'The making of a root token that is under way.',
    operations: {
      read: { unauthenticated, summary: 'Reads how far it is.', handle: (context: RouteContext) => status(family, context, '') },
      write: ceremonyStep(
        { ...begin, summary: 'Begins one.', fields: attemptFields },
        words,
        ({ data }) => start(family, data),
        (context, otp) => status(family, context, otp),
      ),
      delete: ceremonyStep(
        { ...begin, summary: 'Ends it.' },
        words,
        async () => generateRoot.cancel(),
        async () => noContent,
      ),
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
        write: ceremonyStep(
          {
            unauthenticated,
            summary: 'Gives a share. The last that is needed answers with the token under the one-time password.',
            fields: updateFields,
          },
          words,
          ({ data }) => {
            const { key, nonce } = readShare(data);
            return generateRoot.give(nonce, key);
          },
          (context, taken) => update(family, context, taken),
        ),
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

async function start({ generateRoot }: GenerateRootFamily, data: JsonObject): Promise<string> {
  const { otp, pgp_key: pgpKey } = readFields(attemptFields, data);
  refusePgp(pgpKey);
  if (otp !== '' && !generateRoot.fits(otp)) throw badRequest('OTP string has incorrect length');
  return generateRoot.start(otp === '' ? null : otp);
}

async function update(family: GenerateRootFamily, context: RouteContext, taken: GenerateRootStep): Promise<Reply> {
  const encodedToken = taken.commit === null ? '' : await taken.commit(transactionOf(context));
  const body = {
    nonce: readShare(context.data).nonce,
    started: true,
    progress: taken.given,
    required: taken.required,
    complete: taken.commit !== null,
    encoded_token: encodedToken,
    pgp_fingerprint: '',
  };
  if (!family.bare) return { data: body };
  return { status: 200, json: { ...body, encoded_root_token: encodedToken, otp: '', otp_length: 0 } };
}

async function status(family: GenerateRootFamily, context: RouteContext, otp: string): Promise<Reply> {
  const authority = await family.parts.authority(transactionOf(context));
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
