import type { ControllerStatus } from './core/controller.ts';
import { leaseExpiryName } from './lease/expiry.ts';

/** So many failures are named; the rest is counted. */
const named = 3;

/**
 * What background tasks failed at that ran beside no server, for a person; null: nothing. What leases stand for is told by
 * `overdueWarning`.
 */
export function failedTasksWarning(controllers: readonly ControllerStatus[]): string | null {
  const others = controllers.filter(({ name }) => name !== leaseExpiryName);
  const failures = others.flatMap(({ name, troubles }) => troubles.map(({ of, error }) => `${name}: ${of}: ${error}`));
  if (failures.length === 0) return null;
  const count = others.reduce((sum, { failing }) => sum + failing, 0);
  const more = count > named ? `; and ${count - named} more` : '';
  const subject = count === 1 ? 'A background task fails' : `${count} background tasks fail`;
  return (
    `${subject} (${failures.slice(0, named).join('; ')}${more}). ` +
    'It is tried again by each command that runs when it is due, later each time, and by a server until it is done.'
  );
}
