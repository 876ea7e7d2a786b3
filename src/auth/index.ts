import type { Kind } from '../kinds/kind.ts';
import { tokenBinding } from '../token/binding.ts';
import { approle } from './approle/index.ts';
import { authBindingKind } from './auth-binding-kind.ts';
import type { AuthMethod } from './method.ts';
import { userpass } from './userpass/index.ts';

/** Every auth method of this build, the built-in `token` apart: one folder, one line. */
export const authMethods: readonly AuthMethod[] = [approle, userpass];

/** The bindings of all of them. */
export const authBinding: Kind = authBindingKind([
  tokenBinding,
  ...authMethods.flatMap(({ binding }) => (binding === null ? [] : [binding])),
]);
