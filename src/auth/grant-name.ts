/**
 * How a token names the binding that gave it (Login.role): by its name and its uid, since a binding of the same name
 * that is made later is another one and keeps no token of the first alive.
 */
export interface Granting {
  readonly name: string;
  readonly uid: string;
}

export const grantName = ({ name, uid }: Granting): string => `${name}/${uid}`;

/** What stands in storage under the name of the binding, where it is the one that gave the token; else null. */
export async function grantingOf<T extends Granting>(
  grant: string,
  find: (name: string) => Promise<T | null>,
): Promise<T | null> {
  const [name = '', uid = ''] = grant.split('/');
  const found = await find(name);
  return found?.uid === uid ? found : null;
}
