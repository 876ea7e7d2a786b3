import type { ConnectionFlags } from '../client/settings.ts';
import { addressOf, type Setting, variable } from '../client/variable.ts';
import { Fault } from '../base/error.ts';
import type { Options } from './command.ts';
import type { CliContext } from './context.ts';

/** What a command works on: the store of a directory, embedded or by the server that owns it, or a server by address. */
export type Target = { readonly kind: 'store' } | { readonly kind: 'server'; readonly address: Setting };

/**
 * Which one the command line means: `-address`, else `-store`, else the environment (`SECRETCTL_ADDR`,
 * `SECRETCTL_STORE`, `BAO_ADDR`, `VAULT_ADDR`, in this order), else the store of the workspace. Throws Fault `usage`.
 */
export function targetOf(context: CliContext, options: Options): Target {
  const { env } = context;
  const flag = options.text('address');
  if (flag !== undefined && options.given('store'))
    throw new Fault('usage', '-address and -store exclude each other: one is a server, the other a store on this machine');
  if (flag !== undefined) return { kind: 'server', address: { value: flag.trim(), origin: '-address' } };
  if (options.given('store')) return { kind: 'store' };
  const named = addressOf(env);
  if (named === null) return { kind: 'store' };
  const own = named.origin.startsWith('SECRETCTL_');
  return !own && (env.SECRETCTL_STORE ?? '') !== '' ? { kind: 'store' } : { kind: 'server', address: named };
}

/** What the command line says of the connection to a server. */
export function connectionFlags(options: Options): ConnectionFlags {
  const text = (option: string, name: string) => {
    const value = options.text(option);
    return value === undefined ? {} : { [name]: value };
  };
  return {
    ...text('ca-cert', 'caCert'),
    ...text('ca-path', 'caPath'),
    ...text('client-cert', 'clientCert'),
    ...text('client-key', 'clientKey'),
    ...text('tls-server-name', 'tlsServerName'),
    ...text('namespace', 'namespace'),
    ...(options.given('tls-skip-verify') ? { tlsSkipVerify: options.flag('tls-skip-verify') } : {}),
  };
}

/** For how many seconds the reply shall be wrapped (`-wrap-ttl`, `VAULT_WRAP_TTL`); null: it is not. */
export function wrapTtl(context: CliContext, options: Options, parse: (text: string) => number | null): number | null {
  const given = options.number('wrap-ttl');
  if (given !== undefined) return given === 0 ? null : given;
  const set = variable(context.env, 'WRAP_TTL');
  if (set === null) return null;
  const seconds = parse(set.value);
  if (seconds === null || seconds < 0) throw new Fault('usage', `${set.origin} is no duration`);
  return seconds === 0 ? null : seconds;
}
