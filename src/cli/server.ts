import { Fault } from '../base/error.ts';
import { type Command, pickOptions, storeOptions } from './command.ts';
import { configDirectory, storeDirectory } from './workspace.ts';

export const server: Command = {
  path: ['server'],
  summary: 'Serve a store over the HTTP API of Vault',
  operands: '',
  arity: { min: 0, max: 0 },
  description:
    'Serves the store of a workspace at the listeners that its settings.yaml names (127.0.0.1:8200 unless it names others), and on a unix socket beside the store, which commands on this machine use from then on. ' +
    'Runs until it is told to stop: SIGTERM lets requests under way end, SIGHUP reads certificates anew and opens the audit files anew. ' +
    'A store whose seal needs shares starts sealed. With -dev it serves an unsealed store in memory instead, which is gone when it ends.',
  examples: [
    { command: 'secretctl server', explanation: 'Serve the store of this workspace.' },
    {
      command: 'secretctl server -dev -dev-root-token-id=root',
      explanation: 'Try it out: a store in memory whose root token is "root".',
    },
  ],
  options: {
    dev: { type: 'flag', description: 'Serve a new, unsealed store in memory. For trying things out only.' },
    'dev-root-token-id': {
      type: 'text',
      value: 'TOKEN',
      description: 'With -dev: the root token (default: random; $VAULT_DEV_ROOT_TOKEN_ID).',
    },
    'dev-listen-address': {
      type: 'text',
      value: 'HOST:PORT',
      description: 'With -dev: where to listen (default 127.0.0.1:8200; $VAULT_DEV_LISTEN_ADDRESS).',
    },
    ...pickOptions(storeOptions, 'store', 'accept-audit-loss'),
  },
  async run(context, _operands, options) {
    const { env, terminal } = context;
    const dev = options.flag('dev');
    for (const name of ['dev-root-token-id', 'dev-listen-address']) {
      if (!dev && options.given(name)) throw new Fault('usage', `-${name} belongs to -dev`);
    }
    if (dev && options.given('store')) throw new Fault('usage', 'a -dev server has no store but its own, in memory');
    return context.serve({
      directory: dev ? '' : storeDirectory(context, options),
      configDirectory: configDirectory(env),
      command: 'secretctl server',
      dev: dev
        ? {
            rootToken: given(options.text('dev-root-token-id') ?? env.VAULT_DEV_ROOT_TOKEN_ID),
            address: given(options.text('dev-listen-address') ?? env.VAULT_DEV_LISTEN_ADDRESS) ?? '127.0.0.1:8200',
          }
        : null,
      acceptAuditLoss: options.flag('accept-audit-loss'),
      logFormat: terminal.interactive ? 'text' : 'json',
      interrupted: context.interrupted,
      out: (text) => terminal.out(text),
      err: (text) => terminal.err(text),
    });
  },
};

function given(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
