import { fromBase64, fromHex, toHex } from '../base/bytes.ts';
import type { JsonObject } from '../base/json.ts';
import type { OperationSpec, Route, RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import { noContent, type Reply } from '../protocol/reply.ts';
import { badRequest } from '../protocol/request-error.ts';
import type { ShareNumbers } from '../seal/seal-type.ts';
import type { Rekey, RekeyStep, RekeyTarget } from './rekey.ts';
import { checkShareNumbers, refusePgp } from './share-numbers.ts';
import { ceremonyStep, transactionOf } from './step.ts';
import type { Words } from './words.ts';

/** One of the four sets of paths over the two rekeys: they differ in words and in the form of their answers. */
export interface RekeyFamily {
  /** `rekey`, `rotate/recovery`. */
  readonly prefix: string;
  readonly rekey: Rekey;
  readonly target: RekeyTarget;
  /** True: new recovery shares. False: a new root key, and new shares where the seal has its own. */
  readonly recovery: boolean;
  /** The seal has shares of its own. */
  readonly shared: boolean;
  readonly words: Words;
  /** Begins the message of numbers that cannot be. */
  readonly invalid: string;
  /** True: the body is the bare object, without the envelope. */
  readonly bare: boolean;
  /** What stands in place of numbers of shares where there are none. */
  readonly noSplit: number;
  readonly unauthenticated: boolean;
}

const startFields = {
  secret_shares: { type: 'int', description: 'How many shares are made.', default: 0 },
  secret_threshold: { type: 'int', description: 'How many of them are needed.', default: 0 },
  require_verification: { type: 'bool', description: 'The new shares count when they were given back once.', default: false },
  pgp_keys: { type: 'any', description: 'Not supported.', default: null },
  backup: { type: 'bool', description: 'Not supported: it needs PGP keys.', default: false },
} as const satisfies Fields;

const shareFields = {
  key: { type: 'string', description: 'One share, in base64 or hex.', default: '' },
  nonce: { type: 'string', description: 'The nonce of the operation.', default: '' },
} as const satisfies Fields;

/** `init`, `update` and `verify` below the prefix (https://developer.hashicorp.com/vault/api-docs/system/rekey). */
export function rekeyRoutes(family: RekeyFamily): readonly Route[] {
  const { prefix, rekey, words, unauthenticated } = family;
  const begin = { unauthenticated, sudo: true };
  const what = family.recovery ? 'the recovery shares' : 'the root key and its shares';
  const reading = (summary: string, read: (context: RouteContext) => Promise<Reply>): OperationSpec => ({
    unauthenticated,
    summary,
    handle: async (context) => {
      checkSupported(family);
      return read(context);
    },
  });
  const step = <T>(
    about: Parameters<typeof ceremonyStep>[0],
    take: (context: RouteContext) => Promise<T>,
    end: (context: RouteContext, taken: T) => Promise<Reply>,
  ): OperationSpec =>
    ceremonyStep(
      about,
      words,
      async (context) => {
        checkSupported(family);
        return take(context);
      },
      end,
    );
  return [
    {
      path: `${prefix}/init`,
      summary: `The replacement of ${what} that is under way.`,
      operations: {
        read: reading('Reads how far it is.', (context) => status(family, context)),
        write: step(
          { ...begin, summary: 'Begins one.', fields: startFields, irreplaceable: true },
          ({ data }) => start(family, data),
          async (context, taken) => {
            await taken.commit(transactionOf(context));
            if (taken.shares === null) return status(family, context);
            const { secret_threshold: t, secret_shares: n } = readFields(startFields, context.data);
            return answer(family, resultBody(taken.shares, taken.verificationNonce, { t, n }));
          },
        ),
        delete: step(
          { ...begin, summary: 'Ends it; the present shares stay what they are.' },
          async () => rekey.cancel(),
          async () => noContent,
        ),
      },
    },
    {
      path: `${prefix}/update`,
      summary: `Gives a share for the replacement of ${what}.`,
      operations: {
        write: step(
          {
            unauthenticated,
            summary: 'Gives a share of the present ones. The last that is needed carries it out and answers with the new shares.',
            fields: shareFields,
            irreplaceable: true,
          },
          ({ data }) => {
            const { key, nonce } = readShare(data);
            return rekey.give(nonce, key);
          },
          async (context, taken) => {
            await taken.commit(transactionOf(context));
            if (taken.shares === null) return status(family, context);
            const { nonce } = readShare(context.data);
            return answer(family, resultBody(taken.shares, taken.verificationNonce, { nonce }));
          },
        ),
      },
    },
    {
      path: `${prefix}/verify`,
      summary: 'The verification of the new shares, where it was asked for.',
      operations: {
        read: reading('Reads how far it is.', async () => verification(family)),
        write: step(
          {
            unauthenticated,
            summary: 'Gives a share of the new ones. The last that is needed puts them in place.',
            fields: shareFields,
          },
          ({ data }) => {
            const { key, nonce } = readShare(data);
            return rekey.verify(nonce, key);
          },
          async (context, taken) => {
            if (taken === null) return verification(family);
            await taken.commit(transactionOf(context));
            return answer(family, { nonce: taken.verificationNonce, complete: true });
          },
        ),
        delete: step(
          { ...begin, summary: 'Begins the verification anew, under another nonce.' },
          async () => rekey.restartVerification(),
          async () => verification(family),
        ),
      },
    },
  ];
}

/** The backup of shares that were encrypted for PGP keys: there never is one. */
export function backupRoute(path: string): Route {
  const read: OperationSpec = {
    summary: 'Reads it.',
    handle: () => Promise.reject(badRequest('no backed-up keys found')),
  };
  const remove: OperationSpec = { summary: 'Deletes it.', handle: () => Promise.resolve(noContent) };
  return {
    path,
    summary: 'The backup of shares encrypted for PGP keys, which are not supported.',
    operations: { read, delete: remove },
  };
}

/** A share as clients send it, in base64 or hex. Throws RequestError 400 for what is neither. */
export function readShare(data: JsonObject): { readonly key: string; readonly nonce: string } {
  const { key, nonce } = readFields(shareFields, data);
  if (key === '') throw badRequest("'key' must be specified in request body as JSON");
  if (fromHex(key) === null && fromBase64(key) === null) throw badRequest("'key' must be a valid hex or base64 string");
  return { key, nonce };
}

async function start(family: RekeyFamily, data: JsonObject): Promise<RekeyStep> {
  const sent = readFields(startFields, data);
  refusePgp(sent.pgp_keys);
  if (sent.backup) throw badRequest('cannot request a backup of the new keys without providing PGP keys for encryption');
  let split: ShareNumbers | null = null;
  if (family.recovery || family.shared) {
    split = { shares: sent.secret_shares, threshold: sent.secret_threshold };
    checkShareNumbers(split, family.invalid);
  } else if (sent.require_verification) {
    throw badRequest('requiring verification not supported when rekeying the barrier key with recovery keys');
  }
  return family.rekey.start(split, { verification: sent.require_verification });
}

async function status(family: RekeyFamily, context: RouteContext): Promise<Reply> {
  const authority = await family.target.authority(transactionOf(context));
  const required = authority?.parameters.threshold ?? 0;
  const present = family.rekey.status();
  const idle = { nonce: '', started: false, t: 0, n: 0, progress: 0, required, pgp_fingerprints: null, backup: false };
  if (present === null) return answer(family, { ...idle, verification_required: false });
  const { nonce, split, given, verificationRequired } = present;
  return answer(family, {
    ...idle,
    nonce,
    started: true,
    t: split?.threshold ?? family.noSplit,
    n: split?.shares ?? family.noSplit,
    progress: given,
    verification_required: verificationRequired,
    ...(present.verification === null ? {} : { verification_nonce: present.verification.nonce }),
  });
}

function verification(family: RekeyFamily): Reply {
  const present = family.rekey.status();
  if (present === null) throw badRequest(family.bare ? 'no rekey configuration found' : 'no rotation configuration found');
  return answer(family, {
    nonce: present.verification?.nonce ?? '',
    started: present.verification !== null,
    t: present.split?.threshold ?? family.noSplit,
    n: present.split?.shares ?? family.noSplit,
    progress: present.verification?.given ?? 0,
  });
}

function resultBody(shares: readonly string[], verificationNonce: string | null, about: JsonObject): JsonObject {
  return {
    ...about,
    complete: true,
    keys: shares.map((share) => toHex(fromBase64(share) ?? new Uint8Array(0))),
    keys_base64: shares,
    pgp_fingerprints: null,
    backup: false,
    verification_required: verificationNonce !== null,
    ...(verificationNonce === null ? {} : { verification_nonce: verificationNonce }),
  };
}

function answer(family: RekeyFamily, body: JsonObject): Reply {
  return family.bare ? { status: 200, json: body } : { data: body };
}

/** A Shamir seal has no recovery shares. */
function checkSupported({ recovery, shared, bare }: RekeyFamily): void {
  if (recovery && shared) throw badRequest(bare ? 'recovery rekeying not supported' : 'recovery keys not supported');
}
