import type { Json, JsonObject } from '../../src/base/json.ts';
import { parsePolicy } from '../../src/policy/hcl.ts';
import { parsePasswordPolicy } from '../../src/policy/password.ts';
import { RequestError } from '../../src/protocol/request-error.ts';
import type { World } from '../world.ts';
import { type Address, byPathText, normalRule, textOf } from './declared.ts';
import { fieldsOf, type Type, type Values } from './fields.ts';
import { currentOf, isMount, isReadable, type Live, type Model } from './model.ts';
import { quotaPath } from './names.ts';

/** Where an object lies in the API. */
export function pathOf({ kind, mount, name }: Address, type: Type): string {
  switch (kind) {
    case 'Policy':
      return `sys/policies/acl/${name}`;
    case 'PasswordPolicy':
      return `sys/policies/password/${name}`;
    case 'SecretEngine':
      return `sys/mounts/${name}`;
    case 'AuthMethod':
      return `sys/auth/${name}`;
    case 'StaticSecret':
      return type === 'secret2' ? `${mount}/metadata/${name}` : `${mount}/${name}`;
    case 'AuthBinding':
      return mount === 'token' ? `auth/token/roles/${name}` : `auth/${mount}/role/${name}`;
    case 'AuditDevice':
      return `sys/audit/${name}`;
    case 'DatabaseConnection':
      return `${mount}/config/${name}`;
    case 'DatabaseRole':
      return `${mount}/roles/${name}`;
    case 'LeaseCountQuota':
      return `sys/quotas/lease-count/${name}`;
  }
}

const mountTypes = { engine: 'kv', database: 'database', method: 'approle' } as const;

/** Makes an object by the API, without an apply. Of a secret only what is no value. */
export async function makeByHand(world: World, { address, type, values }: Live): Promise<void> {
  const path = pathOf(address, type);
  if (isMount(address)) {
    const { description = '', options = {}, ...config } = values;
    await world.write(path, {
      type: mountTypes[type as keyof typeof mountTypes],
      description,
      options,
      config: bodyOf(type, config),
    });
  } else if (type === 'Policy') await world.write(path, { policy: policyText(values.rules ?? []) });
  else if (type === 'PasswordPolicy') await world.write(path, { policy: passwordPolicyText(values) });
  else if (type === 'AuditDevice') await world.write(path, { type: 'memory', description: values.description ?? '' });
  else if (type === 'DatabaseConnection') {
    const plugin = { plugin_name: 'postgresql-database-plugin', verify_connection: false };
    await world.write(path, { ...plugin, password: 'by hand', ...bodyOf(type, values) });
  } else if (type === 'LeaseCountQuota') await world.write(path, { path: quotaPath(address.name), ...bodyOf(type, values) });
  else if (type !== 'secret1') await world.write(path, bodyOf(type, values));
}

/** Changes one field by the API. */
export async function changeByHand(world: World, live: Live, name: string): Promise<void> {
  const { address, type, values } = live;
  const path = pathOf(address, type);
  const body = bodyOf(type, { [name]: values[name] ?? null });
  if (isMount(address)) await world.write(`${path}/tune`, body);
  else if (changedInPlace.has(type)) await world.write(path, body);
  else await makeByHand(world, live);
}

/** What is not sent of these stays as it is. */
const changedInPlace: ReadonlySet<Type> = new Set(['approle', 'token', 'secret2', 'DatabaseConnection', 'DatabaseRole']);

function bodyOf(type: Type, values: Values): JsonObject {
  return Object.fromEntries(
    fieldsOf[type].flatMap(({ name, member, toApi }) => (values[name] === undefined ? [] : [[member, toApi(values[name])]])),
  );
}

/** Not in the layout that secretctl writes. */
function policyText(rules: Json): string {
  return (rules as readonly Values[])
    .map(({ path, capabilities, allowedParameters, requiredParameters, minWrappingTtl }) =>
      [
        `# by hand`,
        `path ${JSON.stringify(path)} { capabilities = ${JSON.stringify(capabilities)}`,
        ...(allowedParameters === undefined
          ? []
          : [
              `allowed_parameters = { ${Object.entries(allowedParameters as JsonObject)
                .map(([key, list]) => `${key} = ${JSON.stringify(list)}`)
                .join('\n')} }`,
            ]),
        ...(requiredParameters === undefined ? [] : [`required_parameters = ${JSON.stringify(requiredParameters)}`]),
        ...(minWrappingTtl === undefined ? [] : [`min_wrapping_ttl = ${String(minWrappingTtl)}`]),
        '}',
      ].join('\n'),
    )
    .join('\n\n');
}

function passwordPolicyText({ length, rules }: Values): string {
  const blocks = (rules as readonly { charset: string; minChars: number }[]).map(
    ({ charset, minChars }) => `rule "charset" { charset = ${JSON.stringify(charset)}\n  min-chars = ${minChars} }`,
  );
  return [...blocks, `length = ${String(length)}`].join('\n');
}

/** The fields of an object as its API path shows them. */
async function valuesOf(world: World, { address, type }: Live): Promise<Values> {
  if (type === 'secret1') return {};
  if (type === 'AuditDevice') {
    const device = (await world.read('sys/audit')).data?.[`${address.name}/`] as JsonObject;
    return { description: device.description ?? '' };
  }
  const data = (await world.read(pathOf(address, type))).data ?? {};
  if (type === 'Policy') {
    const rules = parsePolicy(String(data.policy)).map(({ path, capabilities, ...limits }) =>
      normalRule(path, new Set(capabilities), limits as unknown as Values),
    );
    return { rules: rules.sort(byPathText) };
  }
  if (type === 'PasswordPolicy') {
    const { length, rules } = parsePasswordPolicy(String(data.policy));
    const sorted = rules.map(({ charset, minChars }) => ({ charset: Array.from(charset).sort().join(''), minChars }));
    return { length, rules: sorted.sort((a, b) => (a.charset < b.charset ? -1 : 1)) };
  }
  const config: JsonObject = {
    ...((data.config ?? {}) as JsonObject),
    ...((data.connection_details ?? {}) as JsonObject),
    ...(type === 'DatabaseConnection' && { root_rotation_statements: data.root_credentials_rotate_statements ?? [] }),
    ...data,
  };
  return Object.fromEntries(fieldsOf[type].map(({ name, member, fromApi }) => [name, fromApi(config[member])]));
}

/** The current values of a secret; null: it has none that can be read. */
export async function secretOf(world: World, { address, type }: Live): Promise<Json> {
  const { mount, name } = address;
  try {
    if (type === 'secret1') return (await world.read(`${mount}/${name}`)).data ?? null;
    return ((await world.read(`${mount}/data/${name}`)).data?.data as Json) ?? null;
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) return null;
    throw error;
  }
}

type Shown = readonly [text: string, values: Values, secret: Json];

/** All that the store has, read by its API path by path. */
export async function whatIsThere(world: World, model: Model): Promise<readonly Shown[]> {
  const shown: Shown[] = [];
  for (const live of model.live.values()) {
    const { address } = live;
    shown.push([
      textOf(address),
      await valuesOf(world, live),
      address.kind === 'StaticSecret' ? await secretOf(world, live) : null,
    ]);
  }
  return shown.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The same as the model has it. */
export function whatShouldBeThere(model: Model, now: number): readonly Shown[] {
  return [...model.live.values()]
    .map((live): Shown => {
      const secret = live.address.kind === 'StaticSecret' && (live.type === 'secret1' || isReadable(live, now));
      return [textOf(live.address), live.values, secret ? (currentOf(live)?.data ?? null) : null];
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The addresses of all that is listed, so that nothing is there besides what the model has. */
export async function listedAddresses(world: World): Promise<readonly string[]> {
  const keys = async (path: string): Promise<readonly string[]> => {
    try {
      return ((await world.list(path)).data?.keys ?? []) as readonly string[];
    } catch (error) {
      if (error instanceof RequestError && error.status === 404) return [];
      throw error;
    }
  };
  const found: string[] = [];
  for (const name of await keys('sys/policies/acl')) if (!['default', 'root'].includes(name)) found.push(`Policy/${name}`);
  for (const name of await keys('sys/policies/password')) found.push(`PasswordPolicy/${name}`);
  for (const name of await keys('sys/quotas/lease-count')) found.push(`LeaseCountQuota/${name}`);
  for (const name of Object.keys((await world.read('sys/audit')).data ?? {})) found.push(`AuditDevice/${name.slice(0, -1)}`);
  for (const [path, mount] of Object.entries((await world.read('sys/mounts')).data ?? {})) {
    const { type, options } = mount as { type: string; options: { version?: string } | null };
    if (type === 'database') {
      found.push(`SecretEngine/${path.slice(0, -1)}`);
      for (const name of await keys(`${path}config`)) found.push(`DatabaseConnection/${path}${name}`);
      for (const name of await keys(`${path}roles`)) found.push(`DatabaseRole/${path}${name}`);
    }
    if (type !== 'kv') continue;
    found.push(`SecretEngine/${path.slice(0, -1)}`);
    const root = `${path}${options?.version === '2' ? 'metadata/' : ''}`;
    for (const name of await keys(root)) {
      if (!name.endsWith('/')) found.push(`StaticSecret/${path}${name}`);
      else for (const inner of await keys(`${root}${name}`)) found.push(`StaticSecret/${path}${name}${inner}`);
    }
  }
  for (const [path, mount] of Object.entries((await world.read('sys/auth')).data ?? {})) {
    const { type } = mount as { type: string };
    if (type === 'approle') found.push(`AuthMethod/${path.slice(0, -1)}`);
    const root = type === 'approle' ? `auth/${path}role` : 'auth/token/roles';
    for (const name of await keys(root)) found.push(`AuthBinding/${path}${name}`);
  }
  return found.sort();
}
