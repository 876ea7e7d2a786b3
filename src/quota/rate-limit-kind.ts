import { parseDuration, shortDuration } from '../base/duration.ts';
import type { Json, JsonObject } from '../base/json.ts';
import type { Kind, LensContext, LensRequest, LiveObject, ResourceName, SpecSchema } from '../kinds/kind.ts';
import { normalTarget, pathOfQuota, pathOfTarget, targetProblems, targetProperties } from './kind-target.ts';

const properties: Readonly<Record<string, SpecSchema>> = {
  ...targetProperties('requests to'),
  rate: { type: 'number', minimum: 0.001, description: 'How many requests a client may send in an interval.' },
  interval: { type: 'string', format: 'duration', default: '1s', description: 'The interval.' },
  blockInterval: {
    type: 'string',
    format: 'duration',
    default: '0s',
    description: 'For how long a client that came too often is refused altogether; `0s`: until it may send again.',
  },
};

/** A rate-limit quota. The most specific one that fits a request counts: role, path, mount, all requests. */
export const rateLimitQuotaKind: Kind = {
  kind: 'RateLimitQuota',
  description: 'How many requests each client may send: of all, to a mount, to a path, or logins of a role.',
  spec: { type: 'object', required: ['rate'], additionalProperties: false, properties },
  mountField: null,
  mountKind: null,
  nameRule: 'identifier',
  importId: 'the name of the quota',
  normalize,
  check: (spec, resource, context) => targetProblems(normalize(spec, resource, context)),
  reads: (resource) => [{ operation: 'read', path: pathOf(resource) }],
  read: ([reply], resource, context) => (reply === null || reply === undefined ? null : live(reply, resource, context)),
  write: ({ after }, resource): LensRequest[] => {
    const { role, rate = 0, interval, blockInterval } = after;
    const data = {
      path: pathOfTarget(after),
      role: role ?? '',
      rate,
      interval: interval ?? '',
      block_interval: blockInterval ?? '',
    };
    return [{ operation: 'write', path: pathOf(resource), data }];
  },
  remove: (resource) => [{ operation: 'delete', path: pathOf(resource), data: {} }],
};

const pathOf = (resource: ResourceName): string => pathOfQuota('rate-limit', resource);

function normalize(sent: JsonObject, _: ResourceName, context: LensContext): JsonObject {
  const spec: Record<string, Json> = {};
  for (const [name, { default: preset, format }] of Object.entries(properties)) {
    const value = sent[name] ?? preset ?? 0;
    spec[name] = format === 'duration' ? shortDuration(parseDuration(value) ?? 0) : value;
  }
  return { ...spec, ...normalTarget(spec, context) };
}

function live(reply: JsonObject, resource: ResourceName, context: LensContext): LiveObject {
  const { path = '', role = '', rate = 0, interval = 1, block_interval: blockInterval = 0 } = reply;
  return { spec: normalize({ path, role, rate, interval, blockInterval }, resource, context), mark: null };
}
