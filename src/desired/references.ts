import { pointerTokens, toPointer, type Json } from '../base/json.ts';
import { isMountPath } from '../base/name.ts';
import { visitFields } from '../kinds/annotation.ts';
import type { Kind, ResourceName, SpecSchema } from '../kinds/kind.ts';
import { showText } from '../kinds/show.ts';
import { addressKey, isAddressProblem, parseAddress, type MountPaths } from './address.ts';
import { siteOf, specOf, type Draft } from './draft.ts';
import type { Findings, Site } from './finding.ts';
import { builtinMounts, isMountKind } from './mount-set.ts';

/** A reference from one desired object to another. */
export interface ResolvedReference {
  readonly to: ResourceName;
  readonly site: Site;
}

/** Resolves the references of drafts, with a finding about each that leads nowhere. */
export class References {
  readonly #kinds: ReadonlyMap<string, Kind>;
  readonly #mounts: MountPaths;
  readonly #declared: ReadonlySet<string>;
  readonly #findings: Findings;
  /** Names by kind and mount, for suggestions. */
  readonly #names = new Map<string, string[]>();

  constructor(kinds: ReadonlyMap<string, Kind>, mounts: MountPaths, drafts: readonly Draft[], findings: Findings) {
    this.#kinds = kinds;
    this.#mounts = mounts;
    this.#findings = findings;
    const declared = new Set<string>();
    for (const { name } of drafts) {
      if (name === null || declared.has(addressKey(name))) continue;
      declared.add(addressKey(name));
      const group = groupKey(name.kind, name.mount);
      const names = this.#names.get(group);
      if (names === undefined) this.#names.set(group, [name.name]);
      else names.push(name.name);
    }
    this.#declared = declared;
  }

  /** Is an object with this address declared? */
  has(name: ResourceName): boolean {
    return this.#declared.has(addressKey(name));
  }

  get declared(): ReadonlySet<string> {
    return this.#declared;
  }

  /** The objects that a draft needs, in the order of its fields. */
  of(draft: Draft): readonly ResolvedReference[] {
    const found: ResolvedReference[] = [];
    const spec = specOf(draft);
    const { mountField, mountKind } = draft.lens;
    if (mountField !== null && mountKind !== null) {
      this.#add(found, draft, spec[mountField], toPointer([mountField]), mountKind, builtinMounts(draft.lens));
    }
    visitFields(spec, draft.document.kind.references, (value, at, schema) => {
      if (at === toPointer([mountField ?? ''])) return;
      // The annotation may stand on a list for its items.
      for (const item of itemsOf(value, at))
        this.#add(found, draft, item.value, item.at, kindOf(schema), schema['x-builtin'] ?? []);
    });
    return found;
  }

  #add(
    found: ResolvedReference[],
    draft: Draft,
    value: Json | undefined,
    at: string,
    kind: string,
    builtin: readonly string[],
  ): void {
    if (typeof value !== 'string' || value === '' || builtin.includes(value)) return;
    const site = siteOf(draft, `/spec${at}`);
    const to = kind === anyKind ? this.#address(value, site, draft) : this.#name(kind, value, site, draft);
    if (to !== null) found.push({ to, site });
  }

  #address(text: string, site: Site, draft: Draft): ResourceName | null {
    const parsed = parseAddress(text, this.#kinds, this.#mounts);
    if (isAddressProblem(parsed)) {
      const hint = this.#findings.suggestion(parsed.word, parsed.candidates);
      this.#findings.add({ code: 'REF005', message: parsed.message, hint, site, forEachKey: draft.forEachKey });
      return null;
    }
    return this.has(parsed) ? parsed : this.#unknown(parsed, parsed.name, site, draft);
  }

  #name(kind: string, name: string, site: Site, draft: Draft): ResourceName | null {
    if (isMountKind(kind)) return this.#mount(kind, name, site, draft);
    const target = this.#kinds.get(kind);
    if (target === undefined) throw new TypeError(`${draft.lens.kind} refers to the kind ${kind}, which does not exist`);
    if (target.mountKind === null) {
      const to = { kind, mount: null, name };
      return this.has(to) ? to : this.#unknown(to, name, site, draft);
    }
    // What lives in a mount is named bare from inside of the same mount, and with its mount from elsewhere.
    const mount = draft.lens.mountKind === target.mountKind ? (draft.name?.mount ?? null) : null;
    const near = { kind, mount, name };
    if (mount !== null && this.has(near)) return near;
    const far = parseAddress(`${kind}/${name}`, this.#kinds, this.#mounts);
    if (!isAddressProblem(far) && this.has(far)) return far;
    return this.#unknown(near, name, site, draft);
  }

  #mount(kind: 'SecretEngine' | 'AuthMethod', path: string, site: Site, draft: Draft): ResourceName | null {
    const to = { kind, mount: null, name: path };
    if (this.has(to)) return to;
    if (this.#mounts[kind].has(path) || this.#findings.incomplete) return null;
    const what = kind === 'SecretEngine' ? 'secret engine' : 'auth method';
    const hint = this.#findings.suggestion(path, this.#mounts[kind]) ?? `declare it: kind: ${kind}, metadata: { name: ${path} }`;
    const message = `no ${what} is mounted at ${showText(path)}`;
    this.#findings.add({ code: 'REF003', message, hint, site, forEachKey: draft.forEachKey });
    return null;
  }

  #unknown({ kind, mount }: ResourceName, name: string, site: Site, draft: Draft): null {
    if (this.#findings.incomplete) return null;
    const hint = this.#findings.suggestion(name, this.#names.get(groupKey(kind, mount)) ?? []);
    const where = mount === null ? '' : ` in ${showText(mount)}`;
    // What can be no name may be a secret that was put in its place: it is not repeated.
    const shown = isMountPath(name) ? ` ${showText(name)}` : '';
    const message = `unknown ${words(kind)}${shown}${where}`;
    this.#findings.add({ code: 'REF001', message, hint, site, forEachKey: draft.forEachKey });
    return null;
  }
}

/** `x-reference: '*'`: the field holds an address. */
const anyKind = '*';

function kindOf(schema: SpecSchema): string {
  return schema['x-reference'] ?? anyKind;
}

function groupKey(kind: string, mount: string | null): string {
  return `${kind}\u0000${mount ?? ''}`;
}

function itemsOf(value: Json, at: string): readonly { readonly value: Json; readonly at: string }[] {
  if (!Array.isArray(value)) return [{ value, at }];
  return (value as readonly Json[]).map((item, index) => ({ value: item, at: toPointer([...pointerTokens(at), index]) }));
}

/** `PasswordPolicy` → `password policy`. */
function words(kind: string): string {
  return kind.replace(/(?<=[a-z0-9])(?=[A-Z])/g, ' ').toLowerCase();
}
