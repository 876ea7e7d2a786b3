import { isJsonObject, type Json } from '../base/json.ts';
import type { AuditAuth } from '../core/ports.ts';

const remembered = 1024;

/**
 * What lines say of callers, kept from one request of a token to the next: the text that was made last for an accessor,
 * given again where all that it was made of is the same.
 */
export class CallerTexts {
  readonly #made = new Map<string, { readonly auth: AuditAuth; readonly text: string }>();

  of(auth: AuditAuth, make: () => string): string {
    const known = this.#made.get(auth.accessor);
    if (known !== undefined && (known.auth === auth || same(known.auth, auth))) return known.text;
    const text = make();
    if (known === undefined && this.#made.size >= remembered) {
      for (const oldest of this.#made.keys()) {
        this.#made.delete(oldest);
        break;
      }
    }
    this.#made.set(auth.accessor, { auth, text });
    return text;
  }
}

function same(a: AuditAuth, b: AuditAuth): boolean {
  return (
    a.displayName === b.displayName &&
    a.entityId === b.entityId &&
    a.tokenType === b.tokenType &&
    equal(a.policies, b.policies) &&
    equal(a.tokenPolicies, b.tokenPolicies) &&
    equal(a.granting, b.granting) &&
    equal(a.metadata, b.metadata)
  );
}

function equal(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equal(item as Json, b[index] as Json));
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && equal(a[name], b[name]));
}
