import type { Options } from './command.ts';
import { openOptions } from './connection.ts';
import type { CliContext } from './context.ts';
import { keyValues, printJson } from './output.ts';

/** Shows the seal and the keys of a store that no server owns. Needs no token. Returns the exit code: 2 sealed. */
export async function storeStatus(context: CliContext, options: Options, words: readonly string[]): Promise<number> {
  const store = await (await context.stores()).examine(openOptions(context, options, words));
  const { unsealed } = store;
  const shown = {
    store_id: store.storeId,
    seal_type: store.seal.type,
    sealed: unsealed === null,
    ...(store.seal.type === 'shamir' ? { shares: store.seal.shares, threshold: store.seal.threshold } : {}),
    ...(unsealed === null
      ? {}
      : {
          key_term: unsealed.term,
          key_installed: new Date(unsealed.termInstalledAt).toISOString(),
          store_generation: unsealed.generation,
          config_revision: unsealed.revision,
          audit_anchor: unsealed.anchor?.seq ?? 0,
          ...(unsealed.lock === null
            ? {}
            : {
                apply_lock: `${unsealed.lock.id} (${unsealed.lock.who}, ${unsealed.lock.command}, until ${unsealed.lock.expires})`,
              }),
        }),
  };
  if (context.json) printJson(context, unsealed === null ? shown : { ...shown, apply_lock: unsealed.lock });
  else context.terminal.out(keyValues(shown));
  return unsealed === null ? 2 : 0;
}
