import type { JsonObject } from '../base/json.ts';
import type { Kind, LensContext, LensMount } from '../kinds/kind.ts';
import { showText } from '../kinds/show.ts';
import type { MountPaths } from './address.ts';
import { siteOf, specOf, type Draft } from './draft.ts';
import type { Findings } from './finding.ts';

/** The two kinds of document that declare mounts, and what the context of the lenses calls them. */
const sides = { SecretEngine: 'engines', AuthMethod: 'methods' } as const;
export type MountKind = keyof typeof sides;

/** Mounts of both kinds by path, as a store has them. */
export type LiveMounts = LensContext;

export function isMountKind(kind: string): kind is MountKind {
  return Object.hasOwn(sides, kind);
}

/** The paths that documents may name: declared ones, those of the store, and the ones that every store has. */
export function mountPaths(drafts: readonly Draft[], live: LiveMounts | null, kinds: readonly Kind[]): MountPaths {
  const paths = { SecretEngine: new Set(live?.engines.keys()), AuthMethod: new Set(live?.methods.keys()) };
  for (const { name } of drafts) if (name !== null && isMountKind(name.kind)) paths[name.kind].add(name.name);
  for (const kind of kinds) {
    if (kind.mountKind !== null) for (const path of builtinMounts(kind)) paths[kind.mountKind].add(path);
  }
  return paths;
}

/** The mounts in which objects of a kind may live although nothing declares them (`token`). */
export function builtinMounts({ mountField, spec }: Kind): readonly string[] {
  return (mountField === null ? undefined : spec.properties?.[mountField]?.['x-builtin']) ?? [];
}

/** The planned mounts with their types: live ones, overlaid with those that sound documents declare. */
export function lensContext(drafts: readonly Draft[], live: LiveMounts | null): LensContext {
  const context = {
    engines: new Map<string, LensMount>(live?.engines),
    methods: new Map<string, LensMount>(live?.methods),
  };
  for (const { name, lens, sound, ...draft } of drafts) {
    if (name === null || !isMountKind(name.kind) || lens.mount === undefined) continue;
    const mounts = context[sides[name.kind]];
    const spec = specOf(draft);
    // What is declared wrongly still has a type: what lives there, or is written about it, is no mistake of its own.
    if (sound || isKnownMount(lens, spec)) mounts.set(name.name, lens.mount(spec));
    else mounts.delete(name.name);
  }
  return context;
}

function isKnownMount({ mount }: Kind, spec: JsonObject): boolean {
  if (mount === undefined || typeof spec.type !== 'string') return false;
  try {
    return mount(spec).type === spec.type;
  } catch {
    return false;
  }
}

/** Refuses declared mounts that lie in another declared mount. */
export function checkNesting(drafts: readonly Draft[], findings: Findings): void {
  const declared = new Map<string, Draft>();
  for (const draft of drafts) {
    if (draft.name !== null && isMountKind(draft.name.kind)) declared.set(`${draft.name.kind} ${draft.name.name}`, draft);
  }
  for (const draft of declared.values()) {
    const { kind, name } = draft.name ?? { kind: '', name: '' };
    for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
      const outer = declared.get(`${kind} ${name.slice(0, end)}`);
      if (outer === undefined) continue;
      findings.add({
        code: 'REF004',
        message: `the mount ${showText(name)} lies inside the mount ${showText(name.slice(0, end))}`,
        hint: 'choose paths of which none begins with another',
        site: siteOf(draft, '/metadata/name'),
        forEachKey: draft.forEachKey,
        related: { message: 'the outer one is declared at', site: siteOf(outer, '/metadata/name') },
      });
      break;
    }
  }
}
