import { canonicalJson, type Json } from '../../src/base/json.ts';
import { isDatabase } from './names.ts';
import { type Type, type Values, withDefaults } from './fields.ts';

/** Kind, mount and name. */
export interface Address {
  readonly kind:
    | 'Policy'
    | 'PasswordPolicy'
    | 'SecretEngine'
    | 'AuthMethod'
    | 'StaticSecret'
    | 'AuthBinding'
    | 'AuditDevice'
    | 'DatabaseConnection'
    | 'DatabaseRole'
    | 'LeaseCountQuota';
  readonly mount: string | null;
  readonly name: string;
}

export function textOf({ kind, mount, name }: Address): string {
  return mount === null ? `${kind}/${name}` : `${kind}/${mount}/${name}`;
}

/** Where the value of a secret field comes from. A sealed value names itself here; `salt` tells two blocks of it apart. */
export type Source =
  | { readonly sealed: Json; readonly salt: number }
  | { readonly generate: { readonly length: number; readonly charset?: string } | { readonly policy: string } }
  | { readonly fromEnv: string; readonly version: number }
  | { readonly fromFile: string; readonly version: number };

/** A rule of a policy as a document has it: over an API path, or over a secret of an engine. */
export interface DeclaredRule {
  readonly path?: string;
  readonly engine?: string;
  readonly rest?: string;
  readonly capabilities: readonly string[];
  readonly limits?: Values;
}

/** What a document declares, with values in the normal form of fields.ts. */
export interface Declared {
  readonly address: Address;
  readonly values: Values;
  /** Of a Policy, in place of `values`. */
  readonly rules?: readonly DeclaredRule[];
  readonly sources: Readonly<Record<string, Source>>;
  readonly prune: boolean;
  readonly roleId: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly protect: boolean;
  /** Below `spec`. */
  readonly ignored: readonly string[];
}

/** A config repo. */
export interface Repo {
  /** By the text of the address. */
  readonly documents: ReadonlyMap<string, Declared>;
  readonly moves: readonly { readonly from: Address; readonly to: Address }[];
  readonly imports: readonly Address[];
  readonly forgets: readonly Address[];
  /** How the documents are written down, which must make no difference. */
  readonly spelling: number;
}

export const emptyRepo: Repo = { documents: new Map(), moves: [], imports: [], forgets: [], spelling: 0 };

/** The version of a declared engine. */
export function versionOf(repo: Repo, engine: string): '1' | '2' | null {
  const declared = repo.documents.get(`SecretEngine/${engine}`);
  return (declared?.values.options as { version: '1' | '2' } | undefined)?.version ?? null;
}

export function typeOf({ address }: Pick<Declared, 'address'>, repo: Repo): Type {
  switch (address.kind) {
    case 'SecretEngine':
      return isDatabase(address.name) ? 'database' : 'engine';
    case 'AuthMethod':
      return 'method';
    case 'StaticSecret':
      return versionOf(repo, address.mount ?? '') === '2' ? 'secret2' : 'secret1';
    case 'AuthBinding':
      return address.mount === 'token' ? 'token' : 'approle';
    default:
      return address.kind;
  }
}

/** The readable fields that a document wants, all of them. */
export function wantedValues(declared: Declared, repo: Repo): Values {
  if (declared.rules !== undefined) return { rules: grantedRules(declared.rules, repo) };
  return withDefaults(typeOf(declared, repo), declared.values);
}

const foldersOf: Readonly<Record<string, readonly (readonly [folder: string, capability: string])[]>> = {
  create: [['data', 'create']],
  read: [
    ['data', 'read'],
    ['subkeys', 'read'],
  ],
  update: [['data', 'update']],
  patch: [['data', 'patch']],
  delete: [
    ['data', 'delete'],
    ['delete', 'update'],
  ],
  list: [['metadata', 'list']],
  deny: ['data', 'metadata', 'subkeys', 'delete', 'undelete', 'destroy'].map((folder) => [folder, 'deny'] as const),
};
const order = ['create', 'read', 'update', 'patch', 'delete', 'list', 'sudo', 'deny'];

/** What rules grant by API path: one rule for each path, sorted. */
export function grantedRules(rules: readonly DeclaredRule[], repo: Repo): Json {
  const byPath = new Map<string, { capabilities: Set<string>; limits: Values }>();
  const grant = (path: string, capability: string, limits: Values): void => {
    const rule = byPath.get(path) ?? { capabilities: new Set<string>(), limits };
    byPath.set(path, rule);
    rule.capabilities.add(capability);
  };
  for (const { path, engine, rest, capabilities, limits = {} } of rules) {
    for (const capability of capabilities) {
      if (path !== undefined) grant(path, capability, limits);
      else if (versionOf(repo, engine ?? '') !== '2') grant(`${engine}/${rest}`, capability, {});
      else for (const [folder, word] of foldersOf[capability] ?? []) grant(`${engine}/${folder}/${rest}`, word, {});
    }
  }
  return [...byPath].map(([path, rule]) => normalRule(path, rule.capabilities, rule.limits)).sort(byPathText);
}

export function normalRule(path: string, capabilities: ReadonlySet<string>, limits: Values): { path: string } & Values {
  if (capabilities.has('deny')) return { path, capabilities: ['deny'] };
  return { path, capabilities: order.filter((word) => capabilities.has(word)), ...limits };
}

export function byPathText(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : 1;
}

/** Equal texts, equal sources, as far as a plan may know: a sealed block by its text, the others by their parameters. */
export function sourceText(source: Source, address: Address, field: string): string {
  if ('sealed' in source) return canonicalJson({ ...source, address: textOf(address), field });
  if ('generate' in source && 'length' in source.generate) {
    return canonicalJson({ generate: { charset: 'alphanumeric', ...source.generate } });
  }
  return canonicalJson(source);
}
