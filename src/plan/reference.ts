import type { ResourceName } from '../kinds/kind.ts';
import { addressText } from '../protocol/managed.ts';
import { addressKey } from './address.ts';
import { type NamedReference, namedReferences } from './fields.ts';
import type { PlannedKind, Subject } from './subject.ts';

/** Finds subjects by address, by display text, and by what specs call them. */
export class SubjectLookup {
  readonly #byKey: ReadonlyMap<string, Subject>;
  readonly #byOrigin = new Map<string, Subject>();
  readonly #byText = new Map<string, Subject>();

  constructor(byKey: ReadonlyMap<string, Subject>) {
    this.#byKey = byKey;
    for (const subject of byKey.values()) {
      if (subject.record === null) continue;
      this.#byOrigin.set(addressKey(subject.origin), subject);
      this.#byText.set(addressText(subject.origin), subject);
    }
    for (const subject of byKey.values()) this.#byText.set(addressText(subject.address), subject);
  }

  /** What a document refers to. */
  desired(name: ResourceName): Subject | undefined {
    return this.#byKey.get(addressKey(name));
  }

  /** `Kind/[mount/]name`, of where it shall be or where it is. */
  text(address: string): Subject | undefined {
    return this.#byText.get(address);
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
    for (const mount of mountOf(subject, subject.origin)) add(this.#byOrigin.get(addressKey(mount)));
    for (const reference of namedReferences(subject.record.spec, subject.fields)) add(this.#named(reference, subject.origin));
    return [...needed];
  }

  // A recorded name is looked up as documents may write it: alone, in the same mount, or as a whole address.
  #named({ kind, text }: NamedReference, origin: ResourceName): Subject | undefined {
    return (
      this.#byOrigin.get(addressKey({ kind, mount: null, name: text })) ??
      this.#byOrigin.get(addressKey({ kind, mount: origin.mount, name: text })) ??
      this.#byText.get(text)
    );
  }
}

function mountOf({ kind: { mountKind } }: PlannedKind, address: ResourceName): readonly ResourceName[] {
  return mountKind === null || address.mount === null ? [] : [{ kind: mountKind, mount: null, name: address.mount }];
}
