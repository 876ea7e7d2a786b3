import type { ResourceName } from '../kinds/kind.ts';
import { addressText } from '../protocol/managed.ts';
import { addressKey } from './address.ts';
import { type NamedReference, namedReferences } from './fields.ts';
import type { PlannedKind, Subject } from './subject.ts';

/** Finds subjects by address, by display text, and by what specs call them. */
export class SubjectLookup {
  readonly #byKey: ReadonlyMap<string, Subject>;
  #records: { readonly byOrigin: ReadonlyMap<string, Subject>; readonly byText: ReadonlyMap<string, Subject> } | null = null;

  constructor(byKey: ReadonlyMap<string, Subject>) {
    this.#byKey = byKey;
  }

  // Made at the first question: a plan without changes asks none.
  get #maps(): { readonly byOrigin: ReadonlyMap<string, Subject>; readonly byText: ReadonlyMap<string, Subject> } {
    if (this.#records !== null) return this.#records;
    const byOrigin = new Map<string, Subject>();
    const byText = new Map<string, Subject>();
    for (const subject of this.#byKey.values()) {
      if (subject.record === null) continue;
      byOrigin.set(addressKey(subject.origin), subject);
      byText.set(addressText(subject.origin), subject);
    }
    for (const subject of this.#byKey.values()) byText.set(addressText(subject.address), subject);
    this.#records = { byOrigin, byText };
    return this.#records;
  }

  /** What a document refers to. */
  desired(name: ResourceName): Subject | undefined {
    return this.#byKey.get(addressKey(name));
  }

  /** `Kind/[mount/]name`, of where it shall be or where it is. */
  text(address: string): Subject | undefined {
    return this.#maps.byText.get(address);
  }

  /** The subjects that a declared object needs: its references, its mount. */
  needs(subject: Subject): readonly Subject[] {
    if (subject.desired === null) return [];
    const needed = new Set<Subject>();
    for (const name of [...subject.desired.references, ...mountOf(subject, subject.address)]) {
      const found = this.desired(name);
      if (found !== undefined && found !== subject) needed.add(found);
    }
    return [...needed];
  }

  /** The subjects that an object needed when it was last applied. */
  needed(subject: Subject): readonly Subject[] {
    if (subject.record === null) return [];
    const needed = new Set<Subject>();
    const add = (found: Subject | undefined): void => {
      if (found !== undefined && found !== subject) needed.add(found);
    };
    for (const mount of mountOf(subject, subject.origin)) add(this.#maps.byOrigin.get(addressKey(mount)));
    for (const reference of namedReferences(subject.record.spec, subject.fields)) add(this.#named(reference, subject.origin));
    return [...needed];
  }

  // A recorded name is looked up as documents may write it: alone, in the same mount, or as a whole address.
  #named({ kind, text }: NamedReference, origin: ResourceName): Subject | undefined {
    return (
      this.#maps.byOrigin.get(addressKey({ kind, mount: null, name: text })) ??
      this.#maps.byOrigin.get(addressKey({ kind, mount: origin.mount, name: text })) ??
      this.#maps.byText.get(text)
    );
  }
}

function mountOf({ kind: { mountKind } }: PlannedKind, address: ResourceName): readonly ResourceName[] {
  return mountKind === null || address.mount === null ? [] : [{ kind: mountKind, mount: null, name: address.mount }];
}
