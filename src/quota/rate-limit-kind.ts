import { parseDuration, shortDuration } from '../base/duration.ts';
import type { Json, JsonObject } from '../base/json.ts';
import type { Kind, LensContext, LensRequest, LiveObject, ResourceName, SpecProblem, SpecSchema } from '../kinds/kind.ts';

const text = (description: string, more: SpecSchema = {}): SpecSchema => ({ type: 'string', default: '', description, ...more });

const properties: Readonly<Record<string, SpecSchema>> = {
  engine: text('Only requests to this secret engine.', { 'x-reference': 'SecretEngine' }),
  method: text('Only requests to this auth method.', { 'x-reference': 'AuthMethod' }),
  path: text('Only this path, inside the engine or method where one is named; it may end in `*`.', { maxLength: 512 }),
  role: text('Only logins of this role of the method.', { maxLength: 128 }),
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
  check,
  reads: (resource) => [{ operation: 'read', path: pathOf(resource) }],
  read: ([reply], resource, context) => (reply === null || reply === undefined ? null : live(reply, resource, context)),
  write: ({ after }, resource): LensRequest[] => {
    const { engine, method, path, role, rate = 0, interval, blockInterval } = after;
    const mount = engine !== '' ? String(engine) : method !== '' ? `auth/${String(method)}` : '';
    const target = mount === '' ? String(path) : `${mount}/${String(path)}`;
    const data = { path: target, role: role ?? '', rate, interval: interval ?? '', block_interval: blockInterval ?? '' };
    return [{ operation: 'write', path: pathOf(resource), data }];
  },
  remove: (resource) => [{ operation: 'delete', path: pathOf(resource), data: {} }],
};

function pathOf(resource: ResourceName): string {
  return `sys/quotas/rate-limit/${resource.name}`;
}

function normalize(sent: JsonObject, _: ResourceName, context: LensContext): JsonObject {
  const spec: Record<string, Json> = {};
  for (const [name, { default: preset, format }] of Object.entries(properties)) {
    const value = sent[name] ?? preset ?? 0;
    spec[name] = format === 'duration' ? shortDuration(parseDuration(value) ?? 0) : value;
  }
  spec.path = String(spec.path).replace(/^\/+|\/+$/g, '');
  // Whoever names a path of the API means the mount that it lies in.
  return spec.engine === '' && spec.method === '' ? { ...spec, ...split(spec.path, context) } : spec;
}

/** The mount among the known ones that a path of the API lies in, and the path inside it. */
function split(path: string, { engines, methods }: LensContext): { engine: string; method: string; path: string } {
  const isAuth = path.startsWith('auth/');
  const bare = isAuth ? path.slice('auth/'.length) : path;
  for (const mount of (isAuth ? methods : engines).keys()) {
    if (bare !== mount && !bare.startsWith(`${mount}/`)) continue;
    return { engine: isAuth ? '' : mount, method: isAuth ? mount : '', path: bare.slice(mount.length + 1) };
  }
  return { engine: '', method: '', path };
}

function check(spec: JsonObject, resource: ResourceName, context: LensContext): readonly SpecProblem[] {
  const { engine, method, path, role } = normalize(spec, resource, context);
  if (engine !== '' && method !== '')
    return [{ at: '/method', message: 'a quota is for an engine or for a method, not for both' }];
  if (role !== '' && method === '') return [{ at: '/role', message: 'a role is one of an auth method: name it in `method`' }];
  if (role !== '' && path !== '')
    return [{ at: '/role', message: 'a quota is for a path or for the logins of a role, not for both' }];
  if (String(path).slice(0, -1).includes('*')) return [{ at: '/path', message: 'only the end of a path may be a `*`' }];
  return [];
}

function live(reply: JsonObject, resource: ResourceName, context: LensContext): LiveObject {
  const { path = '', role = '', rate = 0, interval = 1, block_interval: blockInterval = 0 } = reply;
  return { spec: normalize({ path, role, rate, interval, blockInterval }, resource, context), mark: null };
}
