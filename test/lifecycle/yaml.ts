import { stringify } from 'yaml';
import type { Json, JsonObject } from '../../src/base/json.ts';
import type { SourceFile } from '../../src/desired/source-file.ts';
import { type Declared, type DeclaredRule, type Repo, type Source, textOf, typeOf, versionOf } from './declared.ts';
import { fieldsOf, withField } from './fields.ts';
import { isDatabase, quotaPath } from './names.ts';
import { sealedBlock } from './sealing.ts';

/** A small number that depends on everything given. */
export function mix(...parts: readonly (string | number)[]): number {
  let hash = 2166136261;
  for (const character of parts.join('\u0000')) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619) >>> 0;
  return hash >>> 4;
}

interface Variables {
  readonly declared: Record<string, JsonObject>;
}

/** The files of a repo. `spelling` decides on layout, variables, forEach and the ways to write a value. */
export async function filesOf(repo: Repo, recipient: string): Promise<readonly SourceFile[]> {
  const variables: Variables = { declared: {} };
  const documents: JsonObject[] = [];
  for (const declared of repo.documents.values()) documents.push(await documentOf(declared, repo, recipient, variables));
  const written: JsonObject[] = [...folded(documents, repo.spelling), ...refactorOf(repo)];
  const project = {
    apiVersion: 'secretctl/v1',
    kind: 'Project',
    metadata: { name: 'acme' },
    spec: { recipients: [recipient], variables: variables.declared },
  };
  const paths = ['secretctl.yaml', 'policies/a.yaml', 'rest.yml'];
  const files = new Map<string, string[]>([['secretctl.yaml', [textOfDocument(project, 0)]]]);
  written
    .sort((a, b) => mix(repo.spelling, 'order', nameIn(a)) - mix(repo.spelling, 'order', nameIn(b)))
    .forEach((document) => {
      const path = paths[mix(repo.spelling, 'file', nameIn(document)) % paths.length] ?? '';
      files.set(path, [...(files.get(path) ?? []), textOfDocument(document, mix(repo.spelling, nameIn(document)))]);
    });
  return [...files].map(([path, texts]) => ({ path, text: texts.join('---\n') }));
}

function textOfDocument(document: JsonObject, how: number): string {
  return how % 3 === 1 ? `${JSON.stringify(document)}\n` : stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 });
}

function nameIn({ kind, metadata, spec }: JsonObject): string {
  const { engine = '', method = '' } = spec as JsonObject;
  return `${String(kind)} ${String((metadata as JsonObject).name)} ${String(engine)} ${String(method)}`;
}

async function documentOf(declared: Declared, repo: Repo, recipient: string, variables: Variables): Promise<JsonObject> {
  const { address, labels, protect, ignored } = declared;
  return {
    apiVersion: 'secretctl/v1',
    kind: address.kind,
    metadata: {
      name: address.name,
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(protect && { protect }),
      ...(ignored.length > 0 && { ignoreChanges: ignored.map((name) => `spec.${name}`) }),
    },
    spec: await specOf(declared, repo, recipient, variables),
  };
}

/** Fields without a default, or with another one than that of fields.ts. */
const stated = new Set(['length', 'connectionUrl', 'username', 'allowedRoles', 'connection', 'creationStatements', 'maxLeases']);

async function specOf(declared: Declared, repo: Repo, recipient: string, variables: Variables): Promise<JsonObject> {
  const { address, values } = declared;
  const how = (name: string): number => mix(repo.spelling, textOf(address), name);
  let spec = baseOf(declared, repo, how('type'));
  if (declared.rules !== undefined) spec = { ...spec, rules: rulesOf(declared.rules, repo, how('rules')) };
  for (const { name, unset, spell, variable } of fieldsOf[typeOf(declared, repo)]) {
    if (name === 'options' || (name === 'rules' && address.kind === 'Policy')) continue;
    const value = values[name] ?? (stated.has(name) && address.kind !== 'PasswordPolicy' ? unset : undefined);
    if (value === undefined || (!stated.has(name) && JSON.stringify(value) === JSON.stringify(unset) && how(name) % 2 === 0))
      continue;
    const spelt = address.kind === 'PasswordPolicy' && name === 'rules' ? charsets(value, how(name)) : spell(value, how(name));
    spec = withField(
      spec,
      name,
      variable !== null && how(`${name} var`) % 5 === 0 ? asVariable(variables, variable, spelt) : literal(spelt),
    );
  }
  if (address.kind === 'StaticSecret') {
    const data: [string, Json][] = [];
    for (const [field, source] of Object.entries(declared.sources)) {
      data.push([field, await sourceOf(source, declared, field, recipient, how(field))]);
    }
    spec = { ...spec, data: Object.fromEntries(how('data') % 2 === 0 ? data : data.reverse()) };
    if (versionOf(repo, address.mount ?? '') === '2' && (declared.prune || how('prune') % 2 === 0))
      spec = { ...spec, prune: declared.prune };
  }
  if (address.kind === 'DatabaseConnection') {
    for (const [field, source] of Object.entries(declared.sources))
      spec = { ...spec, [field]: await sourceOf(source, declared, field, recipient, how(field)) };
  }
  return declared.roleId === null ? spec : { ...spec, roleId: declared.roleId };
}

function baseOf({ address, values }: Declared, repo: Repo, how: number): JsonObject {
  switch (address.kind) {
    case 'SecretEngine': {
      if (isDatabase(address.name)) return { type: 'database' };
      const { version = '1', ...others } = values.options as { version?: string };
      if (how % 3 === 0) return { type: `kv-v${version}`, ...(Object.keys(others).length > 0 && { options: others }) };
      return version === '1' && how % 3 === 1 ? { type: 'kv', options: others } : { type: 'kv', options: { ...others, version } };
    }
    case 'AuthMethod':
      return { type: 'approle' };
    case 'StaticSecret':
    case 'DatabaseRole':
      return { engine: address.mount ?? '' };
    case 'DatabaseConnection':
      return { engine: address.mount ?? '', plugin: 'postgresql', verify: false };
    case 'LeaseCountQuota':
      return { path: quotaPath(address.name) };
    case 'AuthBinding':
      return { method: address.mount ?? '' };
    case 'AuditDevice':
      return { type: 'memory' };
    default:
      return {};
  }
}

/** The rules in another order, and one rule as two of one capability each. */
function rulesOf(rules: readonly DeclaredRule[], repo: Repo, how: number): Json {
  const split = rules.flatMap((rule, index) =>
    rule.limits === undefined && rule.capabilities.length > 1 && mix(how, index) % 3 === 0
      ? rule.capabilities.map((capability) => ({ ...rule, capabilities: [capability] }))
      : [rule],
  );
  const turned = [...split.slice(how % split.length), ...split.slice(0, how % split.length)];
  return turned.map(({ path, engine, rest, capabilities, limits = {} }): JsonObject => {
    const { minWrappingTtl, ...others } = limits;
    return {
      ...(path === undefined ? { secret: `${engine}/${rest}` } : { path: how % 2 === 0 ? path : path }),
      capabilities: how % 2 === 0 ? [...capabilities] : [...capabilities].reverse(),
      ...others,
      ...(minWrappingTtl !== undefined && {
        minWrappingTtl: how % 2 === 0 ? `${String(minWrappingTtl)}s` : `${Number(minWrappingTtl) / 60}m`,
      }),
    };
  });
}

function charsets(value: Json, how: number): Json {
  const rules = (value as readonly { charset: string; minChars: number }[]).map(({ charset, minChars }) => ({
    charset: how % 2 === 0 ? charset : Array.from(charset).reverse().join(''),
    ...(minChars > 0 || how % 3 === 0 ? { minChars } : {}),
  }));
  return how % 4 < 2 ? rules : rules.reverse();
}

async function sourceOf(source: Source, { address }: Declared, field: string, recipient: string, how: number): Promise<Json> {
  if ('sealed' in source) return { sealed: await sealedBlock(recipient, address, field, source.sealed, source.salt) };
  if ('generate' in source) {
    const { generate } = source;
    return { generate: 'length' in generate && how % 2 === 0 ? { charset: 'alphanumeric', ...generate } : { ...generate } };
  }
  const { version, ...where } = source;
  return version === 1 && how % 2 === 0 ? where : { ...where, version };
}

function asVariable({ declared }: Variables, type: string, value: Json): string {
  const name = `v${Object.keys(declared).length}`;
  declared[name] = { type, default: value };
  return `\${var.${name}}`;
}

/** A value as it stands, with what looks like a reference escaped. */
function literal(value: Json): Json {
  if (typeof value === 'string') return value.replaceAll('${', () => '$${');
  if (Array.isArray(value)) return (value as readonly Json[]).map(literal);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, literal(member)]));
}

/** Documents of one shape as one document with forEach, where the spelling wants it so. */
function folded(documents: readonly JsonObject[], spelling: number): readonly JsonObject[] {
  const groups = new Map<string, JsonObject[]>();
  const others: JsonObject[] = [];
  for (const document of documents) {
    const { name, ...metadata } = document.metadata as { name: string };
    const folder = name.slice(0, name.lastIndexOf('/') + 1);
    const { engine = null, method = null } = document.spec as JsonObject;
    const key = JSON.stringify([document.kind, metadata, folder, engine, method, shapeOf(document.spec as JsonObject)]);
    if (mix(spelling, 'fold', key) % 3 === 0) groups.set(key, [...(groups.get(key) ?? []), document]);
    else others.push(document);
  }
  return [...others, ...[...groups.values()].map(foldedInto)];
}

function shapeOf(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return Object.entries(value).map(([name, member]) => [name, shapeOf(member)]);
}

function foldedInto(documents: readonly JsonObject[]): JsonObject {
  const [first] = documents as [JsonObject, ...JsonObject[]];
  const { name } = first.metadata as { name: string };
  const folder = name.slice(0, name.lastIndexOf('/') + 1);
  const entries = documents.map((document): [string, JsonObject] => {
    const leaves: Record<string, Json> = {};
    collect(document.spec as JsonObject, leaves);
    return [String((document.metadata as JsonObject).name).slice(folder.length), leaves];
  });
  let count = 0;
  const template = (value: Json, at: string): Json => {
    if (at === 'engine' || at === 'method') return value;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return `\${each.value.leaf${count++}}`;
    return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, template(inner, member)]));
  };
  return {
    ...first,
    metadata: { ...(first.metadata as JsonObject), name: `${folder}\${each.key}` },
    forEach: Object.fromEntries(entries),
    spec: template(first.spec as JsonObject, ''),
  };
}

function collect(value: Json, leaves: Record<string, Json>, at = ''): void {
  if (at === 'engine' || at === 'method') return;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) leaves[`leaf${Object.keys(leaves).length}`] = value;
  else for (const [member, inner] of Object.entries(value)) collect(inner, leaves, member);
}

function refactorOf({ moves, imports, forgets }: Repo): readonly JsonObject[] {
  if (moves.length + imports.length + forgets.length === 0) return [];
  return [
    {
      apiVersion: 'secretctl/v1',
      kind: 'Refactor',
      metadata: { name: 'pending' },
      spec: {
        move: moves.map(({ from, to }) => ({ from: textOf(from), to: textOf(to) })),
        import: imports.map((to, index): JsonObject => (index % 2 === 0 ? { to: textOf(to) } : { to: textOf(to), id: to.name })),
        forget: forgets.map(textOf),
      },
    },
  ];
}
