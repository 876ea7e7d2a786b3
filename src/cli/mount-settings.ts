import type { Json } from '../base/json.ts';
import { Fault } from '../base/error.ts';
import type { Option, Options } from './command.ts';
import { pairs } from './session-command.ts';

/** Options of a mount that can be set when it is made and tuned later. */
export const tuneOptions: Readonly<Record<string, Option>> = {
  description: { type: 'text', value: 'TEXT', description: 'For people.' },
  'default-lease-ttl': { type: 'text', value: 'DURATION', description: 'How long what it gives lasts, unless asked otherwise.' },
  'max-lease-ttl': { type: 'text', value: 'DURATION', description: 'How long it lasts at most.' },
  'listing-visibility': {
    type: 'text',
    value: 'unauth|hidden',
    description: 'unauth: shown to who has no token yet, as a login page needs it.',
  },
  'audit-non-hmac-request-keys': {
    type: 'list',
    value: 'NAME',
    description: 'A request field that the audit log shows in the clear; can be given several times.',
  },
  'audit-non-hmac-response-keys': {
    type: 'list',
    value: 'NAME',
    description: 'A response field that the audit log shows in the clear; can be given several times.',
  },
  'passthrough-request-headers': {
    type: 'list',
    value: 'NAME',
    description: 'A request header that reaches it; can be given several times.',
  },
  'allowed-response-headers': {
    type: 'list',
    value: 'NAME',
    description: 'A response header that it may set; can be given several times.',
  },
  options: { type: 'list', value: 'KEY=VALUE', description: 'An option of its type; can be given several times.' },
};

/** More of them, for a mount that is made. */
export const enableOptions: Readonly<Record<string, Option>> = {
  path: { type: 'text', value: 'PATH', description: 'Where it is mounted (default: its type).' },
  ...tuneOptions,
  'force-no-cache': { type: 'flag', description: 'Accepted for compatibility.' },
  local: { type: 'flag', description: 'Accepted for compatibility.' },
  'seal-wrap': { type: 'flag', description: 'Accepted for compatibility.' },
};

/** Options of an auth method besides. */
export const tokenTypeOption: Readonly<Record<string, Option>> = {
  'token-type': {
    type: 'text',
    value: 'TYPE',
    description: 'The type of the tokens that it gives: default-service, default-batch, service or batch.',
  },
};

/** What the API calls `config` of a mount. */
export function mountConfig(options: Options): Record<string, Json> {
  const config: Record<string, Json> = {};
  for (const name of ['default-lease-ttl', 'max-lease-ttl', 'listing-visibility', 'token-type']) {
    const value = options.text(name);
    if (value !== undefined) config[name.replaceAll('-', '_')] = value;
  }
  for (const name of [
    'audit-non-hmac-request-keys',
    'audit-non-hmac-response-keys',
    'passthrough-request-headers',
    'allowed-response-headers',
  ]) {
    if (options.given(name)) config[name.replaceAll('-', '_')] = options.list(name).flatMap((item) => item.split(','));
  }
  if (options.given('force-no-cache')) config.force_no_cache = options.flag('force-no-cache');
  return config;
}

/** The options of the mount's type: `-options=version=2`, and `-version=2` for short. */
export function typeOptions(options: Options): Readonly<Record<string, string>> {
  const version = options.number('version');
  return { ...pairs(options, 'options'), ...(version === undefined ? {} : { version: String(version) }) };
}

/** A path of a mount as people type it, without slashes at its ends. Throws Fault `usage` for none. */
export function mountPath(operand: string | undefined): string {
  const path = (operand ?? '').replace(/^\/+|\/+$/g, '');
  if (path === '') throw new Fault('usage', 'the path of the mount is empty');
  return path;
}
