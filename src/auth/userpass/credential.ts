import type { RouteContext } from '../../core/mount-type.ts';
import { clientName } from '../../protocol/client-name.ts';
import { readFields, type Fields } from '../../protocol/field.ts';
import { badRequest } from '../../protocol/request-error.ts';
import { checkPassword, checkPasswordHash, hashPassword } from './password-hash.ts';

export const credentialFields = {
  password: { type: 'string', description: 'The password.', default: '' },
  password_hash: {
    type: 'string',
    description: 'A bcrypt hash of the password (cost 5 to 12), instead of the password.',
    default: '',
  },
} as const satisfies Fields;

/** What a body says of the password, as it is to be stored; null: nothing. */
export interface Credential {
  readonly hash: string | null;
}

/** See OperationSpec.prepare. */
export async function prepareCredential({ data, random, request }: RouteContext): Promise<() => Promise<Credential>> {
  const { password, password_hash: given } = readFields(credentialFields, data);
  if (password !== '' && given !== '') throw badRequest('only one of password or password_hash may be provided');
  if (given !== '') checkPasswordHash(given);
  if (password !== '') checkPassword(password);
  return async () => ({
    hash: password === '' ? given || null : await hashPassword(password, random, clientName(request.remote)),
  });
}
