import { inCidrs } from '../../base/cidr.ts';
import { instantText } from '../../base/instant.ts';
import { isIdentifier } from '../../base/name.ts';
import type { Route, RouteContext } from '../../core/mount-type.ts';
import { clientName } from '../../protocol/client-name.ts';
import { readFields, type Fields } from '../../protocol/field.ts';
import type { Reply } from '../../protocol/reply.ts';
import { badRequest, permissionDenied } from '../../protocol/request-error.ts';
import { grantName } from '../grant-name.ts';
import { loginTerms } from '../token-params.ts';
import { checkPassword, isPassword, nobodysHash } from './password-hash.ts';
import { type User, userNamed } from './user.ts';

const fields = { password: { type: 'string', description: 'The password.', default: '' } } as const satisfies Fields;

export const loginRoute: Route = {
  // Whatever the name is: one that no user can have is refused as such and not as a path that does not exist.
  path: 'login/:username*',
  summary: 'Turns a password into a token.',
  operations: { write: { summary: 'Logs in.', fields, unauthenticated: true, prepare, handle: login } },
};

/** Which hash was looked at, and whether the password is that of it. */
interface Checked {
  readonly hash: string;
  readonly right: boolean;
}

const hashOf = (user: User | null): string => user?.passwordHash ?? nobodysHash;

/** Whoever has not shown the password learns nothing: for a user that does not exist the same work is done. */
async function prepare(context: RouteContext): Promise<() => Promise<Checked>> {
  const name = nameOf(context);
  const { password } = readFields(fields, context.data);
  checkPassword(password);
  const user = await userNamed(context.storage, name);
  await context.services.beginLogin(context, { name, known: user !== null });
  const hash = hashOf(user);
  return async () => ({ hash, right: await isPassword(password, hash, clientName(context.request.remote)) });
}

async function login(context: RouteContext): Promise<Reply> {
  const name = nameOf(context);
  const checked = context.prepared as Checked;
  const user = await userNamed(context.storage, name);
  const attempt = await context.services.beginLogin(context, { name, known: user !== null });
  const invalid = badRequest('invalid username or password');
  // Changed since it was looked at: nobody was shown to know the one that counts now, nor not to know it.
  if (checked.hash !== hashOf(user)) throw invalid;
  if (user === null || !checked.right) throw await attempt.failed(invalid);
  if (user.expires !== null && user.expires <= context.now) {
    throw badRequest(`the user expired at ${instantText(user.expires)}; ask its owner for a later date`);
  }
  checkAddress(context, user);
  await attempt.succeeded();
  return context.services.issueToken(context, {
    ...loginTerms(user.token, context),
    role: grantName(user),
    displayName: name,
    metadata: { username: name },
    alias: { name, metadata: {} },
  });
}

/** The one form of a name is an identifier: nothing is folded or trimmed, neither for the user nor for the count of failures. */
function nameOf(context: RouteContext): string {
  const name = context.params['username'] ?? '';
  if (isIdentifier(name)) return name;
  throw badRequest('no user has such a name: letters, digits and "._@-", the first a letter or digit, at most 128');
}

function checkAddress(context: RouteContext, { token: { boundCidrs } }: User): void {
  if (boundCidrs.length === 0) return;
  const { remote } = context.request;
  if (remote === null || !inCidrs(remote.address, boundCidrs)) throw permissionDenied();
}
