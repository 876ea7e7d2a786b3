import { Fault } from '../base/error.ts';
import type { SealContext } from './seal-type.ts';

/**
 * The settings of an AWS KMS seal, all of them text:
 * - `keyId`: a key or alias, as ARN, id or `alias/name`. A symmetric encryption key.
 * - `region`: needed unless `keyId` is an ARN, or the environment or profile names one.
 * - `endpoint`: a private endpoint in place of the region's public one.
 * - `encryptionContext.<name>`: pairs that each use of the key is bound to, besides the store id. They stand in
 *   CloudTrail, so they are no secret.
 */
export interface AwsKmsSettings {
  readonly keyId: string;
  readonly region: string | null;
  readonly endpoint: string | null;
  readonly encryptionContext: Readonly<Record<string, string>>;
}

/** What an ARN of a KMS key or alias says. */
export interface KeyArn {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

const storePair = 'secretctl:store';
const contextPrefix = 'encryptionContext.';
const maxContextLength = 8192;

/** Throws Fault `settings`. */
export function readAwsKmsSettings({ storeId, settings }: SealContext): AwsKmsSettings {
  const pairs: [string, string][] = [];
  for (const [name, value] of Object.entries(settings)) {
    if (name.startsWith(contextPrefix)) pairs.push([name.slice(contextPrefix.length), value]);
    else if (!['keyId', 'region', 'endpoint'].includes(name)) throw wrong(`do not know ${JSON.stringify(name.slice(0, 80))}`);
  }
  const { keyId = '', region = null, endpoint = null } = settings;
  if (!/^[A-Za-z0-9:/_-]{1,2048}$/.test(keyId)) throw wrong('do not name a key', 'Set `keyId` to the ARN, id or alias of a key.');
  const arn = parseKeyArn(keyId);
  if (region !== null && !/^[a-z0-9-]{1,64}$/.test(region)) throw wrong('name a region that can be none');
  if (arn !== null && region !== null && arn.region !== region) {
    throw wrong(`name the region ${region}, but the key is in ${arn.region}`, 'Leave `region` out: the ARN of the key says it.');
  }
  if (endpoint !== null) checkEndpoint(endpoint);
  return { keyId, region: region ?? arn?.region ?? null, endpoint, encryptionContext: contextOf(storeId, pairs) };
}

/** Null: it is no ARN of a KMS key or alias. */
export function parseKeyArn(text: string): KeyArn | null {
  const match = /^arn:(aws[a-z-]{0,20}):kms:([a-z0-9-]{1,64}):([0-9]{12}):(?:key|alias)\/[A-Za-z0-9/_-]{1,256}$/.exec(text);
  if (match === null) return null;
  const [, partition = '', region = '', account = ''] = match;
  return { partition, region, account };
}

function contextOf(storeId: string, pairs: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  for (const [name, value] of pairs) {
    if (name === '' || value === '') throw wrong('hold an encryption context with an empty name or value');
    if (name === storePair || name.startsWith('aws:')) throw wrong(`hold ${name} in the encryption context, which is reserved`);
  }
  const context = Object.fromEntries([...pairs, [storePair, storeId]]);
  if (JSON.stringify(context).length > maxContextLength) throw wrong('hold an encryption context that is too long');
  return context;
}

function checkEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  const plain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (url === null || !plain) throw wrong('name an endpoint that is no plain URL');
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) return;
  throw wrong('name an endpoint that is not HTTPS', 'The data key would cross the network in the clear.');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function wrong(what: string, hint = 'See `seal` in the settings of the store or the server.'): Fault {
  return new Fault('settings', `the settings of the AWS KMS seal ${what}`, { hint });
}
