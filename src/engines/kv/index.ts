import type { Engine } from '../engine.ts';
import { checkOptions, kvVersion } from './options.ts';
import { renameSecret } from './rename.ts';
import { staticSecretKind } from './static-secret-kind.ts';
import { upgradeSecrets } from './upgrade.ts';
import { observe as observe1, routes as routes1 } from './version-1.ts';
import { observe as observe2, routes as routes2 } from './version-2.ts';

/** Key/value secrets: plain ones (version 1) or versioned ones (version 2), as `options.version` of the mount says. */
export const kv: Engine = {
  type: 'kv',
  description: 'Key/value secrets, plain (version 1) or versioned (version 2)',
  routes: routes2,
  routesFor: (options) => (kvVersion(options) === '2' ? routes2 : routes1),
  options: checkOptions,
  onTune: upgradeSecrets,
  observe: (context, path) => (kvVersion(context.mount.options) === '2' ? observe2 : observe1)(context, path),
  rename: renameSecret,
  kinds: [staticSecretKind],
};
