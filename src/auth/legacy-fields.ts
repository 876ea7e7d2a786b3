import type { Json, JsonObject } from '../base/json.ts';

/** The newer name of a field by its older one: `{policies: 'token_policies'}`. */
export type LegacyFields = Readonly<Record<string, string>>;

/**
 * A body with newer names in the place of older ones, and which older names the object shows from then on: as in the
 * Vault API those by which it was last written. Where both are sent, the newer one counts.
 */
export function withoutLegacy(
  fields: LegacyFields,
  sent: JsonObject,
  shown: readonly string[],
): { readonly body: JsonObject; readonly shown: readonly string[] } {
  const body: Record<string, Json> = { ...sent };
  const now = new Set(shown);
  for (const [older, newer] of Object.entries(fields)) {
    const [byOlder, byNewer] = [sent[older] ?? null, sent[newer] ?? null];
    if (byNewer === null && byOlder === null) continue;
    if (byNewer === null) body[newer] = byOlder;
    if (byOlder === null) now.delete(older);
    else now.add(older);
  }
  return { body, shown: [...now].sort() };
}

/** What an object shows by older names besides: those that hold something. */
export function shownLegacy(fields: LegacyFields, object: JsonObject, shown: readonly string[]): JsonObject {
  const older = shown.map((name) => [name, object[fields[name] ?? name] ?? 0] as const);
  return Object.fromEntries(older.filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== 0)));
}
