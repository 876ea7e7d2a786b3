import { Fault } from '../../src/base/error.ts';

/** What asking a person ends in when they press Ctrl-C. */
export function ended(): Fault {
  return new Fault('cancelled', 'Cancelled. Nothing was changed.');
}
