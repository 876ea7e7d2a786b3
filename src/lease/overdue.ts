import type { View } from '../barrier/view.ts';
import { FailingLeases } from './failing.ts';
import { Leases } from './leases.ts';

/** So many leases are looked at, which costs each command milliseconds. */
const looked = 100;

/**
 * What a person should know who uses a store without a server: leases that have ended here, and not yet outside. Null:
 * there are none. `core` is the core's view.
 */
export async function overdueWarning(core: View, now: number): Promise<string | null> {
  const leases = new Leases(core);
  const failing = (await new FailingLeases(core).first(looked, now)).map(({ record }) => record);
  // Those that are tried again at a later time may stand behind many in the index of what is due.
  const overdue = new Map([...failing, ...(await leases.overdue(now, looked))].map((record) => [record.id, record]));
  const [first] = overdue.values();
  if (first === undefined) return null;
  const [subject, others, made] =
    overdue.size === 1
      ? ['A lease has', '', 'it']
      : [`${overdue.size >= looked ? 'At least ' : ''}${overdue.size} leases have`, ' and others', 'them'];
  const isMade = [...overdue.values()].some(({ confirmed }) => confirmed);
  const there = isMade ? 'what was made for' : 'what may have been made for';
  const why = failing.find(({ lastError }) => lastError !== null)?.lastError ?? null;
  return (
    `${subject} ended, and ${there} ${made} is still there (${first.id}${others}${why === null ? '' : `: ${why}`}). ` +
    (failing.length === 0 ? '' : `Ending ${which(failing.length, overdue.size)} has failed: secretctl lease list -failing. `) +
    'Each command goes on with it for two seconds, a server until it is done.'
  );
}

function which(count: number, all: number): string {
  if (count === all) return all === 1 ? 'it' : 'them';
  return count === 1 ? 'one of them' : `${count} of them`;
}
