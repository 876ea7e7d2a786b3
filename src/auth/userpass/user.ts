import { instantText } from '../../base/instant.ts';
import type { JsonObject } from '../../base/json.ts';
import { randomUuid } from '../../base/random.ts';
import type { View } from '../../barrier/view.ts';
import { listFolder } from '../../core/list-folder.ts';
import type { RenewalTerms, RenewedToken, Route, RouteContext } from '../../core/mount-type.ts';
import { readFields, type Fields } from '../../protocol/field.ts';
import { pageFields } from '../../protocol/page.ts';
import { noContent, type Reply } from '../../protocol/reply.ts';
import { badRequest, notFound } from '../../protocol/request-error.ts';
import { readExpires } from '../../token/role.ts';
import { grantingOf } from '../grant-name.ts';
import { type LegacyFields, shownLegacy, withoutLegacy } from '../legacy-fields.ts';
import { changedTokenParams, shownTokenParams, tokenParamFields, type TokenParams, unsetTokenParams } from '../token-params.ts';
import { type Credential, credentialFields, prepareCredential } from './credential.ts';

/** Somebody with a password, below `user/<name>` of the mount. */
export interface User {
  readonly name: string;
  /** A user of the same name made later has another one. */
  readonly uid: string;
  /** Argon2id in PHC form, or bcrypt as it was given. */
  readonly passwordHash: string;
  readonly token: TokenParams;
  /** The older names of fields that are shown besides (see LegacyFields). */
  readonly legacy: readonly string[];
  /** Milliseconds since the epoch; null: never. */
  readonly expires: number | null;
}

const legacyFields: LegacyFields = {
  policies: 'token_policies',
  ttl: 'token_ttl',
  max_ttl: 'token_max_ttl',
  bound_cidrs: 'token_bound_cidrs',
};

const userFields = {
  ...tokenParamFields,
  ...credentialFields,
  expires: {
    type: 'string',
    description: 'A date or RFC 3339 time from which on this user and its tokens grant nothing; empty: never.',
  },
  policies: { type: 'strings', description: 'Use token_policies.' },
  ttl: { type: 'duration', description: 'Use token_ttl.' },
  max_ttl: { type: 'duration', description: 'Use token_max_ttl.' },
  bound_cidrs: { type: 'strings', description: 'Use token_bound_cidrs.' },
} as const satisfies Fields;

const policiesFields = {
  token_policies: userFields.token_policies,
  policies: userFields.policies,
} as const satisfies Fields;

export const userRoutes: readonly Route[] = [
  {
    path: 'users',
    summary: 'The users of this mount.',
    operations: {
      list: {
        summary: 'Lists their names.',
        fields: pageFields,
        handle: (context) => listFolder(context, context.storage, 'user'),
      },
    },
  },
  {
    path: 'users/:username',
    summary: 'A user: a password, and what tokens it gives.',
    exists: async (context) => (await readUser(context)) !== null,
    operations: {
      read: {
        summary: 'Reads it; no password is ever shown.',
        forPlans: true,
        handle: async (context) => ({ data: shownUser(await existingUser(context)) }),
      },
      write: {
        summary: 'Makes or changes it; what is not sent stays as it is.',
        fields: userFields,
        configures: true,
        valuesOf: { kind: 'AuthBinding', name: 'username', within: ['/password'] },
        prepare: prepareCredential,
        handle: write,
      },
      delete: { summary: 'Deletes it, which ends its tokens.', configures: true, handle: remove },
    },
  },
  {
    path: 'users/:username/password',
    summary: 'The password of a user.',
    operations: {
      write: {
        summary: 'Sets it.',
        fields: credentialFields,
        prepare: prepareCredential,
        handle: async (context) => {
          const user = await existingUser(context, 'username does not exist');
          await putUser(context.storage, { ...user, passwordHash: newHash(context) });
          return noContent;
        },
      },
    },
  },
  {
    path: 'users/:username/policies',
    summary: 'The policies of the tokens that a user gets.',
    operations: {
      write: {
        summary: 'Sets them.',
        fields: policiesFields,
        configures: true,
        handle: async (context) => {
          const user = await existingUser(context, 'username does not exist');
          const { token_policies, policies } = readFields(policiesFields, context.data);
          await putUser(context.storage, changed(user, { token_policies: token_policies ?? null, policies: policies ?? null }));
          return noContent;
        },
      },
    },
  },
];

/** The user that the path names, or null. */
async function readUser(context: RouteContext): Promise<User | null> {
  return userNamed(context.storage, context.params['username'] ?? '');
}

export async function userNamed(storage: View, name: string): Promise<User | null> {
  return storage.getJson<User>(`user/${name}`);
}

async function existingUser(context: RouteContext, otherwise?: string): Promise<User> {
  const user = await readUser(context);
  if (user === null) throw otherwise === undefined ? notFound() : badRequest(otherwise);
  return user;
}

async function putUser(storage: View, user: User): Promise<void> {
  await storage.putJson(`user/${user.name}`, user);
}

/** Keeps a user under another name. */
export async function moveUser(storage: View, user: User, name: string): Promise<void> {
  await storage.delete(`user/${user.name}`);
  await putUser(storage, { ...user, name });
}

/** See MountType.grant. */
export async function userGrant(storage: View, grant: string): Promise<number | 'never' | null> {
  const user = await grantingOf(grant, (name) => userNamed(storage, name));
  return user === null ? null : (user.expires ?? 'never');
}

/** See MountType.renewal. */
export async function userRenewal(storage: View, grant: string, { policies }: RenewedToken): Promise<RenewalTerms | null> {
  const user = await grantingOf(grant, (name) => userNamed(storage, name));
  if (user === null) return null;
  const { token } = user;
  const own = (names: readonly string[]): string =>
    [...new Set(names)]
      .filter((name) => name !== 'default')
      .sort()
      .join();
  if (own(token.policies) !== own(policies)) throw badRequest('policies have changed, not renewing');
  return { ttl: token.ttl, maxTtl: token.maxTtl, period: token.period };
}

function shownUser(user: User): JsonObject {
  const token = shownTokenParams(user.token);
  return {
    ...token,
    ...shownLegacy(legacyFields, token, user.legacy),
    ...(user.expires === null ? {} : { expires: instantText(user.expires) }),
  };
}

/** What a user becomes when `sent` is changed of it, password apart. Throws RequestError 400 for what no user can be. */
function changed(user: User, sent: JsonObject): User {
  const { body, shown } = withoutLegacy(legacyFields, sent, user.legacy);
  const fields = readFields(userFields, body);
  return {
    ...user,
    token: changedTokenParams(user.token, fields),
    legacy: shown,
    expires: fields.expires === undefined ? user.expires : readExpires(fields.expires),
  };
}

function newHash(context: RouteContext): string {
  const credential = context.prepared as Credential;
  if (credential.hash === null) throw badRequest('must provide either password or password_hash');
  return credential.hash;
}

async function write(context: RouteContext): Promise<Reply> {
  const before = await readUser(context);
  const { hash } = context.prepared as Credential;
  const user: User = before ?? {
    name: context.params['username'] ?? '',
    uid: randomUuid(context.random),
    passwordHash: newHash(context),
    token: unsetTokenParams,
    legacy: [],
    expires: null,
  };
  await putUser(context.storage, { ...changed(user, context.data), passwordHash: hash ?? user.passwordHash });
  return noContent;
}

async function remove(context: RouteContext): Promise<Reply> {
  await context.storage.delete(`user/${context.params['username'] ?? ''}`);
  return noContent;
}
