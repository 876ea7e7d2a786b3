import { canonicalJson, type Json } from '../../src/base/json.ts';
import { type Address, type Declared, type Repo, sourceText, textOf, typeOf, wantedValues } from './declared.ts';
import { fieldsOf, type Values } from './fields.ts';
import {
  type AppliedSource,
  contentsOf,
  copyOf,
  currentOf,
  isMount,
  isReadable,
  type Live,
  type Model,
  mountOf,
  put,
  type Recorded,
  withVersion,
} from './model.ts';

/** What a plan must do about one address. `change`: an update, or only of what is recorded. */
export interface Outcome {
  readonly address: Address;
  readonly origin: Address;
  readonly action: 'create' | 'change' | 'replace' | 'delete' | 'forget' | 'import' | 'move';
  /** The secret fields that get their value written. */
  readonly written: ReadonlySet<string>;
  /** Those of them that had a generated value and get another one. */
  readonly madeAnew: ReadonlySet<string>;
  /** The object and its record afterwards; null: none (of a forgotten object: as it is). */
  readonly live: Live | null;
  readonly record: Recorded | null;
}

interface Silent {
  readonly origin: Address;
  /** Null: what it stood for is gone already. */
  readonly record: Recorded | null;
}

export interface Expected {
  readonly changes: ReadonlyMap<string, Outcome>;
  /** Only the records are brought up to date. */
  readonly silent: ReadonlyMap<string, Silent>;
  readonly drift: ReadonlyMap<string, 'update' | 'delete'>;
  /** Addresses whose only drift is in a field that was ignored when it was last applied: of it nothing was applied. */
  readonly unsure: ReadonlySet<string>;
  /** `code address`, sorted. */
  readonly problems: readonly string[];
  /** Mounts that nobody declares and nothing manages. */
  readonly unmanaged: readonly string[];
}

/** Stands for a value that the store generates. */
export const generated: Json = { generated: 'by the store' };

/** What a plan must say, worked out from what every change did: an oracle that shares nothing with src/plan. */
export class Oracle {
  readonly #repo: Repo;
  readonly #model: Model;
  readonly #now: number;
  readonly #resolve: (source: { fromEnv?: string; fromFile?: string }) => Json;
  readonly #replace: ReadonlySet<string>;
  readonly #changes = new Map<string, Outcome>();
  readonly #silent = new Map<string, Silent>();
  readonly #drift = new Map<string, 'update' | 'delete'>();
  readonly #unsure = new Set<string>();
  readonly #problems: string[] = [];
  readonly #replacedMounts = new Set<string>();

  constructor(
    repo: Repo,
    model: Model,
    options: { now: number; resolve: (source: { fromEnv?: string; fromFile?: string }) => Json; replace: readonly string[] },
  ) {
    this.#repo = repo;
    this.#model = copyOf(model);
    this.#now = options.now;
    this.#resolve = options.resolve;
    this.#replace = new Set(options.replace);
  }

  expected(): Expected {
    const recorded = this.#movedRecords();
    const addresses = new Map<string, Address>();
    for (const [text, { to }] of recorded) addresses.set(text, to);
    for (const [text, { address }] of this.#repo.documents) addresses.set(text, address);
    // Mounts first: what is in a replaced one goes with it.
    const ordered = [...addresses].sort(([, a], [, b]) => Number(isMount(b)) - Number(isMount(a)));
    for (const [text, address] of ordered) {
      const from = recorded.get(text);
      this.#judge(address, from?.record.address ?? address, this.#repo.documents.get(text) ?? null, from?.record ?? null);
    }
    this.#judgeDestroyedMounts();
    const claimed = new Set([...this.#repo.documents.keys(), ...this.#model.records.keys()]);
    return {
      changes: this.#changes,
      silent: this.#silent,
      drift: this.#drift,
      unsure: this.#unsure,
      problems: this.#problems.sort(),
      unmanaged: [...this.#model.live.values()]
        .flatMap(({ address }) => (isMount(address) && !claimed.has(textOf(address)) ? [textOf(address)] : []))
        .sort(),
    };
  }

  /** The records by where the pending moves take them. */
  #movedRecords(): ReadonlyMap<string, { readonly to: Address; readonly record: Recorded }> {
    const moves = new Map(this.#repo.moves.map(({ from, to }) => [textOf(from), to]));
    const found = new Map<string, { to: Address; record: Recorded }>();
    for (const record of this.#model.records.values()) {
      const { address } = record;
      const mount = mountOf(address);
      const moved = mount !== null && this.#model.records.has(textOf(mount)) ? moves.get(textOf(mount)) : undefined;
      const via = moved === undefined ? address : { ...address, mount: moved.name };
      const to = moves.get(textOf(address)) ?? moves.get(textOf(via)) ?? via;
      found.set(textOf(to), { to, record });
    }
    return found;
  }

  #judge(address: Address, origin: Address, declared: Declared | null, record: Recorded | null): void {
    const text = textOf(address);
    const live = this.#model.live.get(textOf(origin)) ?? null;
    const mount = mountOf(address);
    const withMount = mount !== null && this.#replacedMounts.has(textOf(mount));
    if (record !== null) this.#judgeDrift(text, declared, record, live);
    if (record !== null && this.#repo.forgets.some((target) => [text, textOf(origin)].includes(textOf(target)))) {
      this.#set({ address, origin, action: 'forget', live, record: null });
      return;
    }
    if (declared === null) {
      if (record === null) return;
      if (live === null) this.#silent.set(text, { origin, record: null });
      else if (record.protect) this.#problems.push(`protected ${textOf(origin)}`);
      else this.#set({ address, origin, action: 'delete', live: null, record: null });
      return;
    }
    if (record === null) {
      const imported = this.#repo.imports.some((to) => textOf(to) === text);
      if (imported && (live === null || withMount)) this.#problems.push(`import-missing ${text}`);
      else if (imported && live !== null) this.#adopt(declared, live);
      else if (live !== null && !withMount) this.#problems.push(`unowned ${text}`);
      else this.#write('create', declared, origin, null, null);
      return;
    }
    const moved = textOf(origin) !== text;
    if (moved && this.#model.live.has(text)) this.#problems.push(`move-occupied ${text}`);
    else if (live === null) this.#write('create', declared, origin, null, record);
    else this.#compare(declared, origin, live, record, withMount);
  }

  /** What is to be kept keeps the mount that it is in. */
  #judgeDestroyedMounts(): void {
    const outcomes = [...this.#changes.values()];
    for (const { origin: mount, action } of outcomes) {
      if (!isMount(mount) || (action !== 'delete' && action !== 'replace')) continue;
      const kept = outcomes.some(({ origin, action: other, live }) => {
        const around = mountOf(origin);
        return other === 'forget' && live !== null && around !== null && textOf(around) === textOf(mount);
      });
      if (kept) this.#problems.push(`mount-in-use ${textOf(mount)}`);
    }
  }

  #judgeDrift(text: string, declared: Declared | null, record: Recorded, live: Live | null): void {
    const ignored = declared?.ignored ?? [];
    if (live === null) {
      this.#drift.set(text, 'delete');
      return;
    }
    const secret = this.#secretPartChanged(
      ignored,
      [...record.sources.keys()],
      Object.keys(declared?.sources ?? {}),
      record,
      live,
    );
    if (secret && live.type === 'secret2' && !isReadable(live, this.#now)) this.#drift.set(text, 'delete');
    else if (secret || live.type !== record.type || differs(record.values, live, [...ignored, ...record.ignored])) {
      this.#drift.set(text, 'update');
    } else if (differs(record.values, live, ignored)) this.#unsure.add(text);
  }

  /** Is the current version another one than an apply wrote? */
  #secretPartChanged(
    ignored: readonly string[],
    a: readonly string[],
    b: readonly string[],
    record: Recorded,
    live: Live,
  ): boolean {
    // Nobody sees whether the password of a connection is another one.
    if (live.type === 'DatabaseConnection' || ![...a, ...b].some((field) => !isLeft(ignored, field))) return false;
    if (live.type === 'secret2' && !isReadable(live, this.#now)) return true;
    return (currentOf(live)?.id ?? null) !== record.wrote;
  }

  #adopt(declared: Declared, live: Live): void {
    const text = textOf(declared.address);
    if (mustReplace(declared, this.#repo, live)) {
      this.#problems.push(`import-differs ${text}`);
      return;
    }
    const fields = Object.keys(declared.sources);
    const unreadable = live.type === 'secret2' && !isReadable(live, this.#now);
    // What is there has its values; only a sealed block says what the value must be.
    const changed = fields.filter(
      (field) => !isLeft(declared.ignored, field) && (unreadable || 'sealed' in declared.sources[field]!),
    );
    const written = this.#writtenFields(declared, live, { changed, removed: [], prune: declared.prune });
    this.#settle('import', declared, declared.address, live, null, written, []);
  }

  #compare(declared: Declared, origin: Address, live: Live, record: Recorded, withMount: boolean): void {
    const { address, ignored } = declared;
    const text = textOf(address);
    const moved = textOf(origin) !== text;
    const fields = Object.keys(declared.sources);
    const applied = [...record.sources.keys()];
    const rewrite = this.#secretPartChanged(ignored, fields, applied, record, live);
    const readable = differs(wantedValues(declared, this.#repo), live, ignored);
    const changed = fields.filter(
      (field) =>
        !isLeft(ignored, field) &&
        (rewrite || sourceText(declared.sources[field]!, address, field) !== record.sources.get(field)?.text),
    );
    const removed = applied.filter((field) => !isLeft(ignored, field) && !fields.includes(field));
    const prune = declared.prune !== record.prune || rewrite;
    const others = (live.type === 'secret2' && prune) || declared.roleId !== record.roleId;
    const differsAtAll = readable || changed.length + removed.length > 0 || others;
    const kept = canonicalJson(declared.labels) === canonicalJson(record.labels) && declared.protect === record.protect;

    if (withMount || mustReplace(declared, this.#repo, live) || this.#replace.has(text)) {
      if (record.protect || declared.protect) this.#problems.push(`protected ${textOf(origin)}`);
      else {
        if (isMount(address)) this.#replacedMounts.add(text);
        this.#write('replace', declared, origin, live, record);
      }
      return;
    }
    if (rewrite && live.type === 'secret2' && !isReadable(live, this.#now) && !moved) {
      this.#write('create', declared, origin, live, record);
      return;
    }
    if (!differsAtAll && kept && !moved) {
      if (this.#drift.has(text))
        this.#silent.set(text, { origin, record: this.#recorded(declared, live, record, new Set(), record.wrote) });
      return;
    }
    const written = this.#writtenFields(declared, live, { changed, removed, prune: declared.prune && prune });
    this.#settle(moved ? 'move' : 'change', declared, origin, live, record, written, removed);
  }

  /** The fields whose value is written, given those that must be: of some secrets all or none. */
  #writtenFields(
    declared: Declared,
    live: Live,
    { changed, removed, prune }: { changed: readonly string[]; removed: readonly string[]; prune: boolean },
  ): ReadonlySet<string> {
    const all = new Set(Object.keys(declared.sources));
    if (live.type === 'secret1') return changed.length + removed.length > 0 ? all : new Set();
    if (live.type === 'DatabaseConnection') return new Set(changed);
    if (live.type !== 'secret2') return new Set();
    if (!isReadable(live, this.#now)) return changed.length > 0 ? all : new Set();
    if (!declared.prune) return new Set(changed);
    return prune || changed.length + removed.length > 0 ? all : new Set();
  }

  #settle(
    action: Outcome['action'],
    declared: Declared,
    origin: Address,
    live: Live,
    record: Recorded | null,
    written: ReadonlySet<string>,
    removed: readonly string[],
  ): void {
    const { address } = declared;
    const { type } = live;
    let after: Live = { ...live, address, values: this.#valuesAfter(declared, live) };
    const isSecret = address.kind === 'StaticSecret';
    const patches = isSecret && (written.size > 0 || (removed.length > 0 && isReadable(live, this.#now)));
    if (patches) {
      const kept = type === 'secret1' || declared.prune || !isReadable(live, this.#now) ? {} : currentOf(live)!.data;
      const data = Object.fromEntries(Object.entries(kept).filter(([field]) => !removed.includes(field)));
      after = withVersion(this.#model, after, { ...data, ...this.#dataOf(declared, written) }, this.#now);
    }
    const wrote = patches ? (currentOf(after)?.id ?? null) : record === null ? (currentOf(live)?.id ?? null) : record.wrote;
    const next = this.#recorded(declared, live, record, written, wrote);
    this.#set({
      address,
      origin,
      action,
      written,
      live: after,
      record: next,
      madeAnew: anew(declared, record, written, record === null),
    });
  }

  /** Everything is written, whatever is there. */
  #write(action: 'create' | 'replace', declared: Declared, origin: Address, live: Live | null, record: Recorded | null): void {
    const { address } = declared;
    const type = typeOf(declared, this.#repo);
    const before = live?.type === type ? live : null;
    const values = before === null ? wantedValues(declared, this.#repo) : this.#valuesAfter(declared, before);
    const written = new Set(Object.keys(declared.sources));
    let after: Live = { address, type, values, versions: new Map(), current: 0 };
    if (action === 'create' && before !== null) after = { ...after, versions: before.versions, current: before.current };
    if (address.kind === 'StaticSecret' && written.size > 0)
      after = withVersion(this.#model, after, this.#dataOf(declared, written), this.#now);
    const next: Recorded = {
      ...this.#recorded(declared, before ?? after, null, written, currentOf(after)?.id ?? record?.wrote ?? null),
      values,
    };
    this.#set({ address, origin, action, written, live: after, record: next, madeAnew: anew(declared, record, written, false) });
  }

  #valuesAfter(declared: Declared, live: Live): Values {
    const wanted = wantedValues(declared, this.#repo);
    return Object.fromEntries(
      fieldsOf[live.type].map(({ name }) => [
        name,
        (isIgnored(declared.ignored, name) ? live.values[name] : wanted[name]) ?? null,
      ]),
    );
  }

  #dataOf({ sources }: Declared, written: ReadonlySet<string>): Readonly<Record<string, Json>> {
    return Object.fromEntries(
      [...written].map((field): [string, Json] => {
        const source = sources[field]!;
        if ('sealed' in source) return [field, source.sealed];
        return [field, 'generate' in source ? generated : this.#resolve(source)];
      }),
    );
  }

  #recorded(
    declared: Declared,
    live: Live,
    before: Recorded | null,
    written: ReadonlySet<string>,
    wrote: number | null,
  ): Recorded {
    const { address, labels, protect, prune, roleId, ignored } = declared;
    const sources = new Map<string, AppliedSource>();
    for (const [field, source] of Object.entries(declared.sources)) {
      const fresh = { source, text: sourceText(source, address, field) };
      const known = isLeft(ignored, field) && !written.has(field) ? before?.sources.get(field) : fresh;
      if (known !== undefined) sources.set(field, known);
    }
    const type = typeOf(declared, this.#repo);
    return { address, type, values: this.#valuesAfter(declared, live), sources, prune, roleId, labels, protect, wrote, ignored };
  }

  #set(outcome: Omit<Outcome, 'written' | 'madeAnew'> & Partial<Outcome>): void {
    const none: ReadonlySet<string> = new Set();
    // What goes is named by where it is, also where its mount moves.
    const listed = outcome.action === 'delete' ? outcome.origin : outcome.address;
    this.#changes.set(textOf(listed), { written: none, madeAnew: none, ...outcome });
  }
}

function isIgnored(ignored: readonly string[], name: string): boolean {
  return ignored.some((one) => name === one || name.startsWith(`${one}.`));
}

/** Is a field of a secret ignored? */
function isLeft(ignored: readonly string[], field: string): boolean {
  return ['data', `data.${field}`, ...(field === 'password' ? [field] : [])].some((name) => ignored.includes(name));
}

function differs(values: Values, live: Live, ignored: readonly string[]): boolean {
  return fieldsOf[live.type].some(
    ({ name, unset }) =>
      !isIgnored(ignored, name) && canonicalJson(values[name] ?? unset) !== canonicalJson(live.values[name] ?? unset),
  );
}

/** Can the difference not be made up in place? */
function mustReplace(declared: Declared, repo: Repo, live: Live): boolean {
  const wanted = wantedValues(declared, repo);
  if (live.type === 'engine') return versionIn(wanted) !== versionIn(live.values);
  return (
    live.type === 'approle' &&
    !isIgnored(declared.ignored, 'localSecretIds') &&
    wanted.localSecretIds !== live.values.localSecretIds
  );
}

function versionIn({ options }: Values): Json {
  return (options as { version: string }).version;
}

function anew(declared: Declared, record: Recorded | null, written: ReadonlySet<string>, imported: boolean): ReadonlySet<string> {
  return new Set(
    [...written].filter((field) => {
      if (!('generate' in declared.sources[field]!)) return false;
      const applied = record?.sources.get(field);
      return record === null ? imported : applied !== undefined && 'generate' in applied.source;
    }),
  );
}

/** The model once everything that is expected was done. */
export function afterApply(before: Model, { changes, silent }: Expected): Model {
  const model = copyOf(before);
  const outcomes = [...changes.values()].sort((a, b) => Number(isMount(b.address)) - Number(isMount(a.address)));
  for (const { address, origin, action } of outcomes) {
    if (isMount(address)) moveContents(model, origin, action === 'delete' || action === 'replace' ? null : address);
  }
  for (const { address, origin, action } of outcomes) {
    model.records.delete(textOf(origin));
    if (action === 'forget') continue;
    // With its mount it has gone to where that goes already.
    model.live.delete(textOf(origin));
    model.live.delete(textOf({ ...origin, mount: address.mount }));
  }
  for (const { address, action, live, record } of outcomes) {
    if (live !== null && action !== 'forget') model.live.set(textOf(address), live);
    if (record !== null) model.records.set(textOf(address), record);
  }
  for (const { origin, record } of silent.values()) {
    model.records.delete(textOf(origin));
    if (record !== null) model.records.set(textOf(record.address), record);
  }
  for (const { live } of changes.values())
    for (const version of live?.versions.values() ?? []) model.writes = Math.max(model.writes, version.id);
  return model;
}

/** What lives in a mount goes where it goes; null: nowhere. */
function moveContents(model: Model, from: Address, to: Address | null): void {
  if (to !== null && to.name === from.name) return;
  for (const live of contentsOf(model, from)) {
    model.live.delete(textOf(live.address));
    if (to !== null) put(model, { ...live, address: { ...live.address, mount: to.name } });
  }
}
