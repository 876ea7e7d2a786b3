import { isJsonObject, type JsonObject } from '../../base/json.ts';
import type { ImpactAction } from '../../kinds/kind.ts';

// What a plan says of a password of a connection that only the store knows: rotate-root has set it.

/** What a person does who wants to keep it, or not. */
export const toKeepPassword =
  'have the project forget the connection instead; or set a password that you know in the database, and write it to ' +
  'config/<name> of the mount; or, to lose it, first apply "losePassword: true" in its spec, as a change of its own';

interface Owner {
  /** Between quotes. */
  readonly user: string;
  /** As the end of a sentence. */
  readonly since: string;
  readonly losable: boolean;
}

/** Whose password it is; null: somebody else knows it, or nobody may say. */
function ownerOf(reply: JsonObject | null | undefined): Owner | null {
  const secret = reply?.['secret_password'];
  if (!isJsonObject(secret)) return null;
  const { username, since, losable } = secret;
  return {
    user: `"${String(username)}"`,
    since: typeof since === 'string' ? `was rotated at ${since}` : 'is being rotated',
    losable: losable === true,
  };
}

const loses = (action: ImpactAction, user: string, { username }: JsonObject): boolean =>
  action === 'delete' || action === 'replace' || (action === 'update' && `"${String(username)}"` !== user);

/** `written`: the write-only fields that the change writes. */
export function lossWords(
  action: ImpactAction,
  reply: JsonObject | null | undefined,
  spec: JsonObject,
  written: ReadonlySet<string>,
): readonly string[] {
  const owner = ownerOf(reply);
  if (owner === null) return [];
  const { user, since } = owner;
  if (loses(action, user, spec)) {
    return [
      `LOSES THE PASSWORD of ${user}, which ${since}: nobody but the store knows it, and nobody can log in as ${user} any more`,
    ];
  }
  if (!written.has('/password')) return [];
  return [
    `does not use the new value of password: that of ${user} ${since}, and no document writes over it. To use another, set it in ` +
      'the database, and write it to config/<name> of the mount',
  ];
}

/** Why a plan that loses one is refused; null: it does not, or the connection has `lose_password`. */
export function lossRefused(
  action: ImpactAction,
  reply: JsonObject | null | undefined,
  spec: JsonObject,
): { readonly message: string; readonly hint: string } | null {
  const owner = ownerOf(reply);
  if (owner === null || owner.losable || !loses(action, owner.user, spec)) return null;
  return {
    message: `would lose the password of ${owner.user}, which ${owner.since}: nobody but the store knows it`,
    hint: toKeepPassword,
  };
}
