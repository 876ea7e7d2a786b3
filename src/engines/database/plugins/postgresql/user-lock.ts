import type { Client } from './clients.ts';

/**
 * Runs statements of a user as one, and not beside others of the same user. They are sent when the lock is held and not
 * before: what was sent may be carried out long after we are gone, and whoever removes the user waits for the lock.
 */
export async function inTransaction(client: Client, name: string, statements: readonly string[]): Promise<void> {
  try {
    await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${lockOf(name).join(', ')})`);
    // No statement is sent with another: a string that has no end in one would have it in the next.
    for (const statement of statements.slice(0, -1)) await client.query(statement);
    await client.query([...statements.slice(-1), 'COMMIT'].join('\n;\n'));
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Ends the session that works on a user. */
export async function endHolder(client: Client, name: string): Promise<void> {
  await client.query(
    `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_locks
      WHERE locktype = 'advisory' AND classid = $1::int4::oid AND objid = $2::int4::oid AND objsubid = 2 AND granted
        AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())`,
    lockOf(name),
  );
}

/** Who works on a user holds this: two numbers, the first of which is ours. */
export function lockOf(name: string): number[] {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return [0x73636c6b, hash | 0];
}
