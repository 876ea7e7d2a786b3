import { addressText, type ManagedAddress, type Snapshot } from '../protocol/managed.ts';
import type { PlanProblem } from './problem.ts';
import type { Step } from './graph.ts';
import { mountInUse } from './refusal.ts';
import { observe, type SnapshotReads } from './snapshot.ts';
import type { Subject } from './subject.ts';

/**
 * Mounts that go, or are made anew, although something in them is not this plan's to destroy: what another project
 * manages, and what an entry says to forget, which means to keep. And mounts that go although a document still declares
 * something in them.
 */
export function mountsInUse(
  reads: SnapshotReads,
  snapshot: Snapshot,
  steps: readonly Step[],
  destroy: boolean,
): readonly PlanProblem[] {
  const { input, records } = reads;
  const gone = steps.filter(
    ({ subject, change }) => subject.kind.mount !== undefined && (change.action === 'delete' || change.action === 'replace'),
  );
  if (gone.length === 0) return [];
  const mountKinds = new Map(input.kinds.map(({ kind, mountKind }) => [kind, mountKind]));
  const kept: { readonly address: ManagedAddress; readonly why: string }[] = [
    ...records.foreign.map(({ address, project }) => ({ address, why: `which project "${project}" manages` })),
    ...steps.flatMap(({ subject, change }) =>
      change.action === 'forget' && observe(reads, snapshot, subject).object !== null
        ? [{ address: subject.origin, why: 'which is to be forgotten and so kept' }]
        : [],
    ),
  ];
  const within = ({ origin }: Subject, { kind, mount }: ManagedAddress): boolean =>
    mount === origin.name && (mountKinds.get(kind) ?? origin.kind) === origin.kind;
  const declared = destroy ? [] : reads.subjects.all.filter((subject) => subject.desired !== null);
  return gone.flatMap(({ subject, change }) => {
    const inside = kept.filter(({ address }) => within(subject, address));
    for (const { address } of change.action === 'delete' ? declared : [])
      if (within(subject, address)) inside.push({ address, why: 'which a document declares' });
    return inside.length === 0
      ? []
      : [
          mountInUse(
            subject,
            inside.map(({ address, why }) => `${addressText(address)}, ${why}`),
          ),
        ];
  });
}
