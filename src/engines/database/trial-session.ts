import { TargetUnavailable } from '../../core/lease.ts';
import { SharedFailure } from '../../core/verification.ts';
import type { Connection } from './connection-record.ts';
import { fieldsOf, pluginOf } from './connection-session.ts';
import { LoginRefused, type DatabaseSession } from './plugins/plugin.ts';

/**
 * Tries something over a connection as it is planned, in a session of its own. That it leads nowhere, or lets us in
 * nowhere, is a failure that all who use it share. `isOwn`: it is the connection itself that is tried. `says`: how it is said.
 * `login`: who logs in, in place of the connection's user.
 */
export async function inTrial(
  connection: Connection,
  work: (session: DatabaseSession) => Promise<void>,
  {
    isOwn = false,
    says = (reason: string) => `its connection "${connection.name}": ${reason}`,
    login,
  }: {
    readonly isOwn?: boolean;
    readonly says?: (reason: string) => string;
    readonly login?: { readonly username: string; readonly password: string };
  } = {},
): Promise<void> {
  const plugin = pluginOf(connection);
  const fields = fieldsOf(connection);
  const session = plugin.open(login === undefined ? fields : { ...fields, ...login, maxOpen: 1 });
  try {
    await work(session);
  } catch (error) {
    const isAway = error instanceof TargetUnavailable;
    if (!isAway && (login !== undefined || !(error instanceof LoginRefused))) throw error;
    const at = plugin.address(fields);
    const where = isAway && !error.message.includes(at) ? ` (${at})` : '';
    throw new SharedFailure(connection.uid, isOwn, says(error.message + where), error);
  } finally {
    await session.close().catch(() => undefined);
  }
}
