import { join } from 'node:path';
import { Fault } from '../base/error.ts';
import { checkedToken, type FoundToken, readTokenFile } from '../client/token-file.ts';
import { fileHelper, type TokenHelper, tokenHelper } from '../client/token-helper.ts';
import { variable } from '../client/variable.ts';
import type { CliContext } from './context.ts';
import { configDirectory } from './workspace.ts';

/**
 * The token that a command works with: `VAULT_TOKEN` (`SECRETCTL_TOKEN` and `BAO_TOKEN` before it), else that of the last
 * login, else, for a store of this machine, the root token that init wrote. `storeId` null: a server by address. Throws
 * Fault `token-missing` or `token-permissions`.
 */
export async function callerToken(context: CliContext, storeId: string | null): Promise<FoundToken> {
  const given = variable(context.env, 'TOKEN');
  if (given !== null) return checkedToken(given.value, given.origin);
  const found =
    (await loginKeeper(context, storeId).get()) ?? (storeId === null ? null : readTokenFile(firstToken(context, storeId)));
  if (found !== null) return found;
  throw new Fault('token-missing', 'there is no token to work with', {
    hint:
      storeId === null
        ? 'Log in with secretctl login, or set VAULT_TOKEN.'
        : `Set VAULT_TOKEN, or keep one in ${firstToken(context, storeId)} (mode 0600): the root token that init wrote there, or one from: secretctl token create`,
  });
}

/**
 * Where a login keeps its token: that of a server where other clients of the API keep it too, that of a store in a file
 * of its own, so that no login to one of them is one to another.
 */
export function loginKeeper(context: CliContext, storeId: string | null): TokenHelper {
  return storeId === null ? tokenHelper(context.env) : fileHelper(join(configDirectory(context.env), `${storeId}.login`));
}

function firstToken(context: CliContext, storeId: string): string {
  return join(configDirectory(context.env), `${storeId}.token`);
}
