import type { Json, JsonObject } from '../base/json.ts';
import type { Kind, ResourceName, SpecSchema } from '../kinds/kind.ts';
import type { Documented } from '../kinds/schema.ts';
import { addressText } from '../protocol/managed.ts';
import { addressKey, isAddressProblem, parseAddress, type MountPaths } from './address.ts';
import type { Place } from './diagnostic.ts';
import type { Findings, Site } from './finding.ts';
import type { SourceDocument } from './source-document.ts';

/** What the Refactor documents of a repo ask for. Each is settled once the store's records say so already. */
export interface Refactors {
  readonly moves: readonly Move[];
  readonly imports: readonly Import[];
  readonly forgets: readonly Forget[];
}

export interface Move {
  readonly from: ResourceName;
  /** Desired by a document. */
  readonly to: ResourceName;
  locate(): Place;
}

interface Import {
  /** Desired by a document. */
  readonly to: ResourceName;
  /** As the kind's `importId` describes it; the resource's name where the document gives none. */
  readonly id: string;
  locate(): Place;
}

interface Forget {
  /** Desired by no document. */
  readonly target: ResourceName;
  locate(): Place;
}

const address = (description: string): SpecSchema => ({ type: 'string', minLength: 3, maxLength: 1024, description });
const entries = (description: string, items: SpecSchema): SpecSchema => ({
  type: 'array',
  maxItems: 100_000,
  description,
  items,
});

const spec: SpecSchema = {
  type: 'object',
  description:
    'What becomes of objects and their records. An entry that is done already changes nothing; remove it when you like.',
  additionalProperties: false,
  properties: {
    move: entries('Renames: the object keeps its record and its data.', {
      type: 'object',
      description: 'A rename.',
      required: ['from', 'to'],
      additionalProperties: false,
      properties: {
        from: address('The old address: `Kind/name` or `Kind/mount/name`.'),
        to: address('The new address; a document declares it.'),
      },
    }),
    import: entries('Objects that exist in the store and shall be managed from now on.', {
      type: 'object',
      description: 'An adoption.',
      required: ['to'],
      additionalProperties: false,
      properties: {
        to: address('The address of the document that describes the object.'),
        id: {
          type: 'string',
          minLength: 1,
          maxLength: 1024,
          description: 'What the store calls the object; the name in the address unless told.',
        },
      },
    }),
    forget: entries('Objects that are no longer managed and stay as they are.', address('The address; no document declares it.')),
  },
};

export const refactorDocument: Documented = {
  kind: 'Refactor',
  description: 'Renames, adoptions and releases of objects, so that none of them is destroyed and created anew.',
  spec,
  resource: false,
};

/** What the entries are checked against. */
export interface RefactorContext {
  readonly kinds: ReadonlyMap<string, Kind>;
  readonly mounts: MountPaths;
  /** Addresses of all documents, by `addressKey`. */
  readonly declared: ReadonlySet<string>;
  readonly findings: Findings;
  place(site: Site): Place;
}

/** The entries of valid Refactor documents. An entry that contradicts the documents or another entry is a finding. */
export function readRefactors(documents: readonly SourceDocument[], context: RefactorContext): Refactors {
  const reader = new RefactorReader(context);
  for (const document of documents) reader.read(document);
  return reader;
}

class RefactorReader implements Refactors {
  readonly moves: Move[] = [];
  readonly imports: Import[] = [];
  readonly forgets: Forget[] = [];
  readonly #context: RefactorContext;
  /** Where each address was used, on which side: as what was, or as what shall be. */
  readonly #used = new Map<string, Site>();

  constructor(context: RefactorContext) {
    this.#context = context;
  }

  read({ value, site }: SourceDocument): void {
    const body = value['spec'] as JsonObject;
    for (const [index, entry] of list(body['move']).entries()) this.#move(entry as JsonObject, `/spec/move/${index}`, site);
    for (const [index, entry] of list(body['import']).entries()) this.#import(entry as JsonObject, `/spec/import/${index}`, site);
    for (const [index, entry] of list(body['forget']).entries()) this.#forget(entry as string, `/spec/forget/${index}`, site);
  }

  #move(entry: JsonObject, at: string, site: SourceDocument['site']): void {
    const from = this.#old(String(entry['from']), site(`${at}/from`));
    const to = this.#desired(String(entry['to']), site(`${at}/to`));
    if (from === null || to === null) return;
    if (from.kind !== to.kind) {
      this.#refuse(`${addressText(from)} cannot become ${addressText(to)}`, 'a move keeps the kind', site(`${at}/to`));
    } else this.moves.push({ from, to, locate: () => this.#context.place(site(at)) });
  }

  #import(entry: JsonObject, at: string, site: SourceDocument['site']): void {
    const to = this.#desired(String(entry['to']), site(`${at}/to`));
    if (to === null) return;
    const { id } = entry;
    this.imports.push({ to, id: typeof id === 'string' ? id : to.name, locate: () => this.#context.place(site(at)) });
  }

  #forget(text: string, at: string, site: SourceDocument['site']): void {
    const target = this.#old(text, site(at));
    if (target !== null) this.forgets.push({ target, locate: () => this.#context.place(site(at)) });
  }

  /** An address that no document declares any more. */
  #old(text: string, site: Site): ResourceName | null {
    const name = this.#parse(text, site, true);
    if (name === null) return null;
    if (this.#context.declared.has(addressKey(name))) {
      this.#refuse(`a document still declares ${addressText(name)}`, 'remove that document, or this entry', site);
      return null;
    }
    return this.#once('was', name, site);
  }

  /** An address that a document declares. */
  #desired(text: string, site: Site): ResourceName | null {
    const name = this.#parse(text, site, false);
    if (name === null) return null;
    if (!this.#context.declared.has(addressKey(name))) {
      if (!this.#context.findings.incomplete) {
        this.#refuse(`no document declares ${addressText(name)}`, 'write that document first', site);
      }
      return null;
    }
    return this.#once('shall be', name, site);
  }

  #once(side: string, name: ResourceName, site: Site): ResourceName | null {
    const key = `${side} ${addressKey(name)}`;
    const first = this.#used.get(key);
    if (first !== undefined) {
      this.#refuse(`another entry names ${addressText(name)} already`, null, site, first);
      return null;
    }
    this.#used.set(key, site);
    return name;
  }

  #parse(text: string, site: Site, anyMount: boolean): ResourceName | null {
    const { kinds, mounts, findings } = this.#context;
    const parsed = parseAddress(text, kinds, mounts, anyMount);
    if (!isAddressProblem(parsed)) return parsed;
    findings.add({ code: 'REF005', message: parsed.message, hint: findings.suggestion(parsed.word, parsed.candidates), site });
    return null;
  }

  #refuse(message: string, hint: string | null, site: Site, first?: Site): void {
    const related = first === undefined ? {} : { related: { message: 'the other one is at', site: first } };
    this.#context.findings.add({ code: 'MOVE001', message, hint, site, ...related });
  }
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
