import fc from 'fast-check';
import type { Json } from '../../src/base/json.ts';
import { type Address, type Declared, type DeclaredRule, type Repo, type Source, textOf, typeOf, versionOf } from './declared.ts';
import { fieldsOf } from './fields.ts';
import { mountOf } from './model.ts';
import {
  connectionNames,
  databaseNames,
  engineNames,
  fieldNames,
  methodNames,
  pathRules,
  quotaPaths,
  roleNames,
  secretNames,
} from './names.ts';

/** A change of the documents. */
export interface Edit {
  readonly what: keyof typeof edits;
  readonly which: number;
  readonly how: number;
}

type Change = (repo: Repo, declared: Declared, how: number) => Repo | null;

function withDocument(repo: Repo, declared: Declared): Repo {
  return { ...repo, documents: new Map(repo.documents).set(textOf(declared.address), declared) };
}

function pick<T>(items: readonly T[], how: number): T | undefined {
  return items[how % Math.max(1, items.length)];
}

const blank = { values: {}, sources: {}, prune: false, roleId: null, labels: {}, protect: false, ignored: [] };

/** A document of some kind that the repo does not have yet. */
function add(repo: Repo, how: number): Repo | null {
  const engines = [...repo.documents.values()].filter((declared) => typeOf(declared, repo) === 'engine');
  const methods = [...repo.documents.values()].filter(({ address }) => address.kind === 'AuthMethod');
  const within = Math.floor(how / 12);
  if (how % 4 === 3) return addOfDatabase(repo, within);
  const engine = pick(engines, within);
  const method = pick(methods, within);
  const address = (
    [
      { kind: 'Policy', mount: null, name: `p${within % 5}` },
      { kind: 'PasswordPolicy', mount: null, name: `w${within % 3}` },
      { kind: 'SecretEngine', mount: null, name: pick(engineNames, within) ?? '' },
      { kind: 'SecretEngine', mount: null, name: pick(engineNames, within + 1) ?? '' },
      { kind: 'AuthMethod', mount: null, name: pick(methodNames, within) ?? '' },
      { kind: 'AuthBinding', mount: 'token', name: `b${within % 3}` },
      { kind: 'AuthBinding', mount: method?.address.name ?? 'token', name: `b${within % 3}` },
      ...Array.from({ length: 4 }, (_, index) => ({
        kind: 'StaticSecret' as const,
        mount: engine?.address.name ?? null,
        name: pick(secretNames, within + index) ?? '',
      })),
      { kind: 'AuditDevice', mount: null, name: 'memory' },
    ] satisfies Address[]
  )[how % 12]!;
  if ((address.kind === 'StaticSecret' && engine === undefined) || repo.documents.has(textOf(address))) return null;
  let declared: Declared = { ...blank, address };
  if (address.kind === 'Policy') declared = { ...declared, rules: rulesFor(repo, how) };
  if (address.kind === 'PasswordPolicy') declared = { ...declared, values: { length: 20 } };
  if (address.kind === 'SecretEngine') declared = { ...declared, values: { options: { version: how % 3 === 0 ? '1' : '2' } } };
  if (address.kind === 'StaticSecret')
    declared = { ...declared, sources: Object.fromEntries([[fieldNames[0], sourceFor(repo, how)]]) };
  return change(withDocument(repo, declared), declared, how) ?? withDocument(repo, declared);
}

/** A document about a database, or a quota. */
function addOfDatabase(repo: Repo, how: number): Repo | null {
  const within = Math.floor(how / 8);
  const all = [...repo.documents.values()];
  const mount = pick(
    all.filter((declared) => typeOf(declared, repo) === 'database'),
    within,
  )?.address.name;
  const connection = pick(connectionsIn(repo, mount ?? null), within);
  const database: Address = { kind: 'SecretEngine', mount: null, name: pick(databaseNames, within) ?? '' };
  const quota: Address = { kind: 'LeaseCountQuota', mount: null, name: pick(Object.keys(quotaPaths), within) ?? '' };
  const inside: readonly Address[] =
    mount === undefined
      ? [database]
      : connection === undefined
        ? [{ kind: 'DatabaseConnection', mount, name: pick(connectionNames, within) ?? '' }]
        : [
            { kind: 'DatabaseConnection', mount, name: pick(connectionNames, within) ?? '' },
            ...roleNames.map((name) => ({ kind: 'DatabaseRole' as const, mount, name })),
          ];
  // What a role needs comes before it.
  const address = pick([database, quota, ...inside, ...inside, ...inside], how)!;
  if (repo.documents.has(textOf(address))) return null;
  let declared: Declared = { ...blank, address, values: address.kind === 'DatabaseRole' ? { connection: connection! } : {} };
  if (isConnection(declared) && how % 3 > 0)
    declared = { ...declared, sources: { password: passwordFrom(sourceFor(repo, within)) } };
  return change(withDocument(repo, declared), declared, how) ?? withDocument(repo, declared);
}

function connectionsIn(repo: Repo, mount: string | null): readonly string[] {
  return [...repo.documents.values()].flatMap(({ address }) =>
    address.kind === 'DatabaseConnection' && address.mount === mount ? [address.name] : [],
  );
}

/** Rules over API paths, and over secrets of declared engines. */
function rulesFor(repo: Repo, how: number): readonly DeclaredRule[] {
  const engine = pick(enginesOf(repo), how);
  if (engine === undefined || how % 3 === 0) return pathRules(how);
  return [
    {
      engine,
      rest: how % 2 === 0 ? 's0' : 'app/*',
      capabilities: how % 5 === 0 ? ['deny'] : ['create', 'read', 'delete', 'list'],
    },
    ...pathRules(how + 1),
  ];
}

function enginesOf(repo: Repo): readonly string[] {
  return [...repo.documents.values()].flatMap((declared) => (typeOf(declared, repo) === 'engine' ? [declared.address.name] : []));
}

const sealedValues: readonly Json[] = [
  'plain',
  'two\nlines\n',
  ' ünï→𝄞 "quoted" \\ ${x} ',
  42,
  -0.5,
  true,
  { user: 'a', nested: { deep: [1, null, 'x'] } },
  { user: 'b' },
  { nested: { other: null } },
  null,
  ['list', { of: 'things' }],
  {},
  'x'.repeat(300),
];

function sourceFor(repo: Repo, how: number): Source {
  const policies = [...repo.documents.values()].filter(({ address }) => address.kind === 'PasswordPolicy');
  const policy = pick(policies, how);
  const within = Math.floor(how / 7);
  switch (how % 7) {
    case 0:
      return { generate: { length: 16 + (within % 3) } };
    case 1:
      return { generate: { length: 24, charset: within % 2 === 0 ? 'hex' : 'alphanumeric' } };
    case 2:
      return policy === undefined ? { generate: { length: 8 } } : { generate: { policy: policy.address.name } };
    case 3:
      return { fromEnv: `SECRET_${within % 2}`, version: 1 + (within % 2) };
    case 4:
      return { fromFile: `files/${within % 2}.txt`, version: 1 + (within % 2) };
    default:
      return { sealed: pick(sealedValues, within) ?? null, salt: within % 2 };
  }
}

/** One of the declared fields gets another value. */
function change(repo: Repo, declared: Declared, how: number): Repo | null {
  if (declared.rules !== undefined) return withDocument(repo, { ...declared, rules: rulesFor(repo, how + 1) });
  const fields = fieldsOf[typeOf(declared, repo)].filter(({ name }) => name !== 'options');
  const field = pick(fields, how);
  if (field === undefined) return null;
  const choices =
    field.name === 'connection' ? [...connectionsIn(repo, declared.address.mount)] : [field.unset, ...field.choices];
  if (field.name === 'policies') {
    const policies = [...repo.documents.values()].flatMap(({ address }) => (address.kind === 'Policy' ? [address.name] : []));
    choices.push(...policies.map((name) => [name]), [...policies].sort());
  }
  return withDocument(repo, {
    ...declared,
    values: { ...declared.values, [field.name]: pick(choices, Math.floor(how / 3)) ?? null },
  });
}

/** A document goes, and what other documents say of it. */
function remove(repo: Repo, { address }: Declared): Repo {
  const documents = new Map(repo.documents);
  documents.delete(textOf(address));
  for (const [text, other] of repo.documents) {
    const around = mountOf(other.address);
    const uses =
      address.kind === 'DatabaseConnection' &&
      other.address.kind === 'DatabaseRole' &&
      other.address.mount === address.mount &&
      other.values.connection === address.name;
    const inside = uses || (around !== null && textOf(around) === textOf(address));
    if (inside) documents.delete(text);
    else if (text !== textOf(address)) documents.set(text, withoutMention(other, address));
  }
  return { ...repo, documents };
}

function withoutMention(declared: Declared, { kind, name }: Address): Declared {
  if (kind === 'Policy' && Array.isArray(declared.values.policies)) {
    const policies = (declared.values.policies as readonly string[]).filter((policy) => policy !== name);
    return { ...declared, values: { ...declared.values, policies } };
  }
  if (kind === 'PasswordPolicy') {
    return mapSources(declared, (source) =>
      'generate' in source && 'policy' in source.generate && source.generate.policy === name
        ? { generate: { length: 9 } }
        : source,
    );
  }
  if (kind !== 'SecretEngine' || declared.rules === undefined) return declared;
  const rules = declared.rules.filter(({ engine }) => engine !== name);
  return { ...declared, rules: rules.length > 0 ? rules : pathRules(1) };
}

function mapSources(declared: Declared, map: (source: Source) => Source): Declared {
  return {
    ...declared,
    sources: Object.fromEntries(Object.entries(declared.sources).map(([field, source]) => [field, map(source)])),
  };
}

/** Without the entries that documents have left behind. */
function settled(repo: Repo): Repo {
  const declared = (address: Address): boolean => repo.documents.has(textOf(address));
  return {
    ...repo,
    moves: repo.moves.filter(({ from, to }) => declared(to) && !declared(from)),
    imports: repo.imports.filter(declared),
    forgets: repo.forgets.filter((address) => !declared(address)),
  };
}

/** Another name, with the move that says so. */
function rename(repo: Repo, declared: Declared, how: number): Repo | null {
  const { address } = declared;
  // A token role has all it is in its document, and the plan refuses to move what also has fields that only an AppRole has.
  if (address.kind === 'AuditDevice' || address.mount === 'token') return null;
  // What a name means to leases and roles has tests of its own, and the name of a quota tells its path here.
  if (['DatabaseConnection', 'DatabaseRole', 'LeaseCountQuota'].includes(address.kind)) return null;
  const ofEngine = address.kind === 'SecretEngine' || address.kind === 'StaticSecret' ? 'renamed/' : '';
  const folder = `${typeOf(declared, repo) === 'database' ? 'db-' : ''}${ofEngine}`;
  const to: Address = { ...address, name: `${folder}r${how % 50}` };
  if (repo.documents.has(textOf(to))) return null;
  const documents = new Map<string, Declared>();
  for (const other of repo.documents.values()) {
    const renamed = other === declared ? { ...declared, address: to } : withMention(other, address, to);
    documents.set(textOf(renamed.address), renamed);
  }
  const moves = repo.moves.map((move) => ({ ...move, to: withMention({ ...declared, address: move.to }, address, to).address }));
  return { ...repo, documents, moves: [...moves, { from: address, to }] };
}

function withMention(declared: Declared, from: Address, to: Address): Declared {
  const { address } = declared;
  const around = mountOf(address);
  if (around !== null && textOf(around) === textOf(from)) return { ...declared, address: { ...address, mount: to.name } };
  if (from.kind === 'SecretEngine' && declared.rules !== undefined)
    return {
      ...declared,
      rules: declared.rules.map((rule) => (rule.engine === from.name ? { ...rule, engine: to.name } : rule)),
    };
  if (from.kind === 'Policy' && Array.isArray(declared.values.policies)) {
    const policies = (declared.values.policies as readonly string[]).map((name) => (name === from.name ? to.name : name)).sort();
    return { ...declared, values: { ...declared.values, policies } };
  }
  if (from.kind !== 'PasswordPolicy') return declared;
  return mapSources(declared, (source) =>
    'generate' in source && 'policy' in source.generate && source.generate.policy === from.name
      ? { generate: { policy: to.name } }
      : source,
  );
}

const ofSecret =
  (edit: (repo: Repo, declared: Declared, how: number) => Declared | null): Change =>
  (repo, declared, how) => {
    if (declared.address.kind !== 'StaticSecret' && declared.address.kind !== 'DatabaseConnection') return null;
    const edited = edit(repo, declared, how);
    return edited === null ? null : withDocument(repo, edited);
  };

function isConnection({ address }: Declared): boolean {
  return address.kind === 'DatabaseConnection';
}

/** A password is a text. */
function passwordFrom(source: Source): Source {
  return 'sealed' in source && typeof source.sealed !== 'string' ? { ...source, sealed: 'a password' } : source;
}

function ignore(repo: Repo, declared: Declared, how: number): Repo | null {
  const names = fieldsOf[typeOf(declared, repo)].flatMap(({ name }) => (['options', 'connection'].includes(name) ? [] : [name]));
  if (declared.address.kind === 'StaticSecret') names.push('data', 'data.f0', 'data.f1');
  if (typeOf(declared, repo) === 'approle') names.push('match');
  if (declared.address.kind === 'DatabaseConnection') names.push('pool', 'password');
  const name = pick(names, how);
  if (name === undefined) return null;
  const { ignored } = declared;
  return withDocument(repo, {
    ...declared,
    ignored: ignored.includes(name) ? ignored.filter((one) => one !== name) : [...ignored, name],
  });
}

/** Null: it does not fit the document. */
const edits = {
  add: (repo, _declared, how) => add(repo, how),
  change,
  changeMore: (repo, declared, how) => change(repo, declared, how + 1),
  // The only sink of the audit log can't be disabled.
  remove: (repo, declared) => (declared.protect || declared.address.kind === 'AuditDevice' ? null : remove(repo, declared)),
  removeProtected: (repo, declared) =>
    declared.protect && declared.address.kind !== 'AuditDevice' ? remove(repo, declared) : null,
  forget: (repo, declared) => {
    if (['SecretEngine', 'AuthMethod'].includes(declared.address.kind)) return null;
    const without = remove(repo, declared);
    return { ...without, forgets: [...without.forgets, declared.address] };
  },
  rename,
  label: (repo, declared, how) => withDocument(repo, { ...declared, labels: how % 3 === 0 ? {} : { team: `t${how % 3}` } }),
  protect: (repo, declared) => withDocument(repo, { ...declared, protect: !declared.protect }),
  ignore,
  respell: (repo, _declared, how) => ({ ...repo, spelling: how }),
  source: ofSecret((repo, declared, how) => {
    const source = sourceFor(repo, Math.floor(how / 2));
    if (isConnection(declared)) return { ...declared, sources: { password: passwordFrom(source) } };
    const field = pick(fieldNames, how) ?? '';
    return { ...declared, sources: Object.fromEntries([...Object.entries(declared.sources), [field, source]]) };
  }),
  unsource: ofSecret((_repo, declared, how) => {
    if (isConnection(declared)) return { ...declared, sources: {} };
    const left = Object.entries(declared.sources).filter((_, index, all) => all.length === 1 || index !== how % all.length);
    return { ...declared, sources: Object.fromEntries(left) };
  }),
  sealAnew: ofSecret((_repo, declared) =>
    mapSources(declared, (source) => ('sealed' in source ? { ...source, salt: source.salt + 1 } : source)),
  ),
  sealOther: ofSecret((_repo, declared, how) =>
    mapSources(declared, (source) => {
      if (!('sealed' in source)) return source;
      const next = sealedValues.findIndex((value) => JSON.stringify(value) === JSON.stringify(source.sealed)) + 1 + (how % 2);
      const other = { ...source, sealed: pick(sealedValues, next) ?? null };
      return isConnection(declared) ? passwordFrom(other) : other;
    }),
  ),
  raiseVersion: ofSecret((_repo, declared) =>
    mapSources(declared, (source) => ('version' in source ? { ...source, version: source.version + 1 } : source)),
  ),
  prune: ofSecret((repo, declared) =>
    versionOf(repo, declared.address.mount ?? '') === '2' ? { ...declared, prune: !declared.prune } : null,
  ),
  otherVersion: (repo, declared) => {
    if (typeOf(declared, repo) !== 'engine') return null;
    const { version } = declared.values.options as { version: string };
    const documents = new Map(repo.documents);
    documents.set(textOf(declared.address), {
      ...declared,
      values: { ...declared.values, options: { version: version === '2' ? '1' : '2' } },
    });
    for (const [text, other] of repo.documents) {
      if (other.address.kind !== 'StaticSecret' || other.address.mount !== declared.address.name) continue;
      documents.set(text, {
        ...other,
        values: {},
        prune: false,
        ignored: other.ignored.filter((name) => name.startsWith('data')),
      });
    }
    return { ...repo, documents };
  },
  option: (repo, declared, how) => {
    if (typeOf(declared, repo) !== 'engine') return null;
    const { version } = declared.values.options as { version: string };
    const options = { version, ...(how % 2 === 0 && { note: `n${how % 4}` }) };
    return withDocument(repo, { ...declared, values: { ...declared.values, options } });
  },
  roleId: (repo, declared, how) => {
    if (typeOf(declared, repo) !== 'approle') return null;
    const roleId = how % 3 === 0 ? null : `role-${declared.address.mount ?? ''}-${declared.address.name}-${how % 2}`;
    return withDocument(repo, { ...declared, roleId });
  },
} satisfies Readonly<Record<string, Change>>;

/** Makes an edit of one of the documents; the first of all can only add one. */
export function edited(repo: Repo, { what, which, how }: Edit): Repo {
  const documents = [...repo.documents.values()];
  if (documents.length === 0 || what === 'add') return settled(add(repo, how) ?? repo);
  for (let step = 0; step < documents.length; step++) {
    const result = edits[what](repo, documents[(which + step) % documents.length]!, how);
    if (result !== null) return settled(result);
  }
  return repo;
}

export const edit: fc.Arbitrary<Edit> = fc.record({
  what: fc.constantFrom(...(Object.keys(edits) as (keyof typeof edits)[])),
  which: fc.nat(200),
  how: fc.nat(2000),
});

export const addition: fc.Arbitrary<Edit> = fc.record({
  what: fc.constant('add' as const),
  which: fc.nat(200),
  how: fc.nat(2000),
});
