import type { Json, JsonObject } from '../base/json.ts';
import { Fault } from '../base/error.ts';
import type { Command, Options } from './command.ts';
import { pickOptions, serverOptions, storeOptions } from './command.ts';
import { type Connection, reachServer } from './connection.ts';
import type { CliContext } from './context.ts';
import { init as initCommand } from './init.ts';
import { printJson } from './output.ts';
import { sessionOf } from './session.ts';
import { bare } from './operator-unseal.ts';
import { targetOf } from './target.ts';
import { findWorkspace } from './workspace.ts';

export const init: Command = {
  ...initCommand,
  path: ['operator', 'init'],
  summary: 'Initialize a server, or make the store of a workspace',
  operands: '[DIR]',
  arity: { min: 0, max: 1 },
  description:
    'Initializes a server that has no store yet: prints the shares of its seal and its first root token, once. ' +
    'With DIR, or where there is no server, it makes the store of a workspace, as init does.\n' +
    'With -status: exit code 0 initialized, 2 not.',
  examples: [
    {
      command: 'secretctl operator init -address=https://127.0.0.1:8200',
      explanation: 'A new server: five shares, any three open it.',
    },
    { command: 'secretctl operator init', explanation: 'A store for the workspace in this directory.' },
  ],
  options: {
    ...initCommand.options,
    'key-shares': { type: 'number', value: 'N', description: 'Of a server: how many shares are made (default 5).' },
    'key-threshold': { type: 'number', value: 'M', description: 'Of a server: how many of them open it (default 3).' },
    'recovery-shares': {
      type: 'number',
      value: 'N',
      description: 'Under a seal without shares: how many recovery shares are made.',
    },
    'recovery-threshold': { type: 'number', value: 'M', description: 'How many of them are needed.' },
    status: { type: 'flag', description: 'Only say whether the server is initialized.' },
    ...pickOptions(storeOptions, 'store'),
    ...serverOptions,
  },
  async run(context, operands, options) {
    const server = operands.length > 0 ? null : await meantServer(context, options);
    if (server === null) {
      if (options.flag('status')) throw new Fault('usage', '-status is for a server, and none is meant');
      return initCommand.run(context, operands, options);
    }
    try {
      return options.flag('status') ? await status(context, server) : await initialize(context, server, options);
    } finally {
      await server.close();
    }
  },
};

/** The server of an address, or the one that waits beside the store of the workspace. */
async function meantServer(context: CliContext, options: Options): Promise<Connection | null> {
  if (targetOf(context, options).kind === 'server') return reachServer(context, options);
  // Where there is no workspace yet there is no server beside its store.
  if (!options.given('store') && findWorkspace(context.cwd) === null) return null;
  return reachServer(context, options).catch(() => null);
}

async function status(context: CliContext, server: Connection): Promise<number> {
  const { initialized } = await bare(sessionOf(context, server).request('read', 'sys/init', {}, { token: null }));
  if (context.json) printJson(context, { initialized: initialized === true });
  else context.terminal.out(initialized === true ? 'The server is initialized.\n' : 'The server is not initialized.\n');
  return initialized === true ? 0 : 2;
}

async function initialize(context: CliContext, server: Connection, options: Options): Promise<number> {
  const body: Record<string, Json> = {};
  const shares = options.number('key-shares') ?? options.number('shares');
  const threshold = options.number('key-threshold') ?? options.number('threshold');
  const recovery = options.number('recovery-shares');
  const recoveryThreshold = options.number('recovery-threshold');
  // A seal without shares of its own refuses them; without a word each seal gets what it takes.
  const seal = await bare(sessionOf(context, server).request('read', 'sys/seal-status', {}, { token: null }));
  const attended = seal.type === 'shamir';
  if (attended || shares !== undefined || threshold !== undefined) {
    body.secret_shares = shares ?? 5;
    body.secret_threshold = threshold ?? Math.min(3, shares ?? 5);
  }
  if (!attended || recovery !== undefined || recoveryThreshold !== undefined) {
    body.recovery_shares = recovery ?? 5;
    body.recovery_threshold = recoveryThreshold ?? Math.min(3, recovery ?? 5);
  }
  const made = await bare(sessionOf(context, server).request('write', 'sys/init', body, { token: null }));
  const shown: JsonObject = {
    unseal_keys_b64: made.keys_base64 ?? [],
    unseal_keys_hex: made.keys ?? [],
    unseal_shares: body.secret_shares ?? 0,
    unseal_threshold: body.secret_threshold ?? 0,
    recovery_keys_b64: made.recovery_keys_base64 ?? [],
    recovery_keys_hex: made.recovery_keys ?? [],
    recovery_keys_shares: body.recovery_shares ?? 0,
    recovery_keys_threshold: body.recovery_threshold ?? 0,
    root_token: made.root_token ?? '',
  };
  if (context.json) printJson(context, shown);
  else context.terminal.out(report(shown));
  return 0;
}

function report(shown: JsonObject): string {
  const numbered = (title: string, shares: Json | undefined): string[] =>
    (Array.isArray(shares) ? (shares as readonly string[]) : []).map((share, index) => `${title} ${index + 1}: ${share}`);
  const unseal = numbered('Unseal Key', shown.unseal_keys_b64);
  const recovery = numbered('Recovery Key', shown.recovery_keys_b64);
  return [
    ...unseal,
    ...(unseal.length > 0 ? [''] : []),
    ...recovery,
    ...(recovery.length > 0 ? [''] : []),
    `Initial Root Token: ${String(shown.root_token)}`,
    '',
    'This is shown once and stored nowhere.',
    ...(unseal.length > 0
      ? [
          `Any ${String(shown.unseal_threshold)} of these ${unseal.length} keys open the server; give each to another person. Without them nobody can open it.`,
          'Next: secretctl operator unseal',
        ]
      : ['The server opens by itself. Recovery keys authorise what needs several people, such as a new root token.']),
    '',
  ].join('\n');
}
