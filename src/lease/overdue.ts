import type { View } from '../barrier/view.ts';
import { Leases } from './leases.ts';

/** So many leases are looked at, which costs each command milliseconds. */
const looked = 100;

/**
 * What a person should know who uses a store without a server: leases that have ended here, and not yet outside. Null:
 * there are none. `core` is the core's view.
 */
export async function overdueWarning(core: View, now: number): Promise<string | null> {
  const overdue = await new Leases(core).overdue(now, looked);
  const [first] = overdue;
  if (first === undefined) return null;
  const [subject, others, made] =
    overdue.length === 1
      ? ['A lease has', '', 'it']
      : [`${overdue.length >= looked ? 'At least ' : ''}${overdue.length} leases have`, ' and others', 'them'];
  const why = overdue.find(({ lastError }) => lastError !== null)?.lastError;
  return (
    `${subject} ended, and what was made for ${made} is still there (${first.id}${others}${why === undefined ? '' : `: ${why}`}). ` +
    'Each command goes on with it for two seconds, a server until it is done.'
  );
}
