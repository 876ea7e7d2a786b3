import { nearest } from '../base/nearest.ts';
import { addressText, type Snapshot } from '../protocol/managed.ts';
import type { PlanProblem } from './problem.ts';
import { isWanted, type Selection } from './selection.ts';

/** Mounts of a type that the store does not know: said now, and not by an apply that somebody has approved. */
export function unknownMountTypes({ types }: Snapshot, { subjects }: Selection, destroy: boolean): readonly PlanProblem[] {
  if (types === undefined) return [];
  return subjects.flatMap((subject): PlanProblem[] => {
    const { desired, kind, address } = subject;
    const mount = desired === null || !isWanted(subject, destroy) ? undefined : kind.mount?.(desired.spec);
    const known = address.kind === 'AuthMethod' ? types.methods : types.engines;
    if (desired === null || mount === undefined || known.includes(mount.type)) return [];
    const near = nearest(mount.type, known);
    return [
      {
        code: 'unknown-type',
        address,
        message: `${addressText(address)} is of the type "${mount.type}", which this store does not know`,
        hint: near === null ? `there are: ${[...known].sort().join(', ')}` : `did you mean "${near}"?`,
        place: desired.locate('/spec/type'),
      },
    ];
  });
}
