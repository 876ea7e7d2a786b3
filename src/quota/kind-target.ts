import type { Json, JsonObject } from '../base/json.ts';
import type { LensContext, ResourceName, SpecProblem, SpecSchema } from '../kinds/kind.ts';

const text = (description: string, more: SpecSchema = {}): SpecSchema => ({ type: 'string', default: '', description, ...more });

/** The fields of a quota's document that say what it is for; `counted`: what it counts there, in its words. */
export function targetProperties(counted: string): Readonly<Record<string, SpecSchema>> {
  return {
    engine: text(`Only ${counted} this secret engine.`, { 'x-reference': 'SecretEngine' }),
    method: text(`Only ${counted} this auth method.`, { 'x-reference': 'AuthMethod' }),
    path: text('Only this path, inside the engine or method where one is named; it may end in `*`.', { maxLength: 512 }),
    role: text('Only logins of this role of the method.', { maxLength: 128 }),
  };
}

/** Whoever names a path of the API means the mount that it lies in. `spec` has all of these fields. */
export function normalTarget(spec: JsonObject, context: LensContext): Record<string, Json> {
  const { engine = '', method = '' } = spec;
  const path = String(spec.path).replace(/^\/+|\/+$/g, '');
  return engine === '' && method === '' ? split(path, context) : { engine, method, path };
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

/** What is wrong with a normalised target. */
export function targetProblems({ engine, method, path, role }: JsonObject): readonly SpecProblem[] {
  if (engine !== '' && method !== '')
    return [{ at: '/method', message: 'a quota is for an engine or for a method, not for both' }];
  if (role !== '' && method === '') return [{ at: '/role', message: 'a role is one of an auth method: name it in `method`' }];
  if (role !== '' && path !== '')
    return [{ at: '/role', message: 'a quota is for a path or for the logins of a role, not for both' }];
  if (String(path).slice(0, -1).includes('*')) return [{ at: '/path', message: 'only the end of a path may be a `*`' }];
  return [];
}

/** The `path` of the API for a normalised target. */
export function pathOfTarget({ engine, method, path }: JsonObject): string {
  const mount = engine !== '' ? String(engine) : method !== '' ? `auth/${String(method)}` : '';
  return mount === '' ? String(path) : `${mount}/${String(path)}`;
}

/** Where a quota of a type is. */
export function pathOfQuota(type: string, resource: ResourceName): string {
  return `sys/quotas/${type}/${resource.name}`;
}
