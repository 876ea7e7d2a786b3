import type { LensContext, LensMount } from '../kinds/kind.ts';
import type { ManagedAddress, Snapshot } from '../protocol/managed.ts';
import type { Selection } from './selection.ts';
import { isWanted } from './selection.ts';
import type { Subject } from './subject.ts';

/** The mounts as they will be once the plan is applied: lenses write with them. */
export function plannedMounts(live: LensContext, selection: Selection, destroy: boolean): LensContext {
  const mounts = { engines: new Map(live.engines), methods: new Map(live.methods) };
  const declaring = selection.subjects.filter((subject) => subject.kind.mount !== undefined);
  for (const subject of declaring) {
    const goes = subject.record !== null && (!isWanted(subject, destroy) || subject.origin.name !== subject.address.name);
    if (goes && !subject.forget) mountsOf(mounts, subject).delete(subject.origin.name);
  }
  for (const subject of declaring) {
    const mount = subject.desired === null || destroy ? undefined : subject.kind.mount?.(subject.desired.spec);
    if (mount !== undefined) mountsOf(mounts, subject).set(subject.address.name, mount);
  }
  return mounts;
}

interface Mounts {
  readonly engines: Map<string, LensMount>;
  readonly methods: Map<string, LensMount>;
}

function mountsOf(mounts: Mounts, { address }: Subject): Map<string, LensMount> {
  return address.kind === 'AuthMethod' ? mounts.methods : mounts.engines;
}

// They belong to every store and to nobody's configuration.
const builtIn: ReadonlySet<string> = new Set(['system', 'cubbyhole', 'identity', 'token', 'ns_system', 'ns_token']);

/** Mounts that somebody made by hand: no document declares them, and no project manages them. */
export function unmanagedMounts(snapshot: Snapshot, subjects: ReadonlyMap<string, Subject>): readonly ManagedAddress[] {
  const claimed = new Set<string>();
  const claim = ({ kind, name }: ManagedAddress): void => {
    if (kind === 'AuthMethod' || kind === 'SecretEngine') claimed.add(`${kind}/${name}`);
  };
  for (const { address } of snapshot.foreign) claim(address);
  for (const { address } of snapshot.managed) claim(address);
  for (const { address } of subjects.values()) claim(address);
  const found: ManagedAddress[] = [];
  for (const [kind, mounts] of [
    ['AuthMethod', snapshot.methods],
    ['SecretEngine', snapshot.engines],
  ] as const) {
    for (const [name, { type }] of Object.entries(mounts)) {
      if (!builtIn.has(type) && !claimed.has(`${kind}/${name}`)) found.push({ kind, mount: null, name });
    }
  }
  return found.sort((a, b) => (a.kind + a.name < b.kind + b.name ? -1 : 1));
}
