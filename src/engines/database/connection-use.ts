import type { View } from '../../barrier/view.ts';
import { badRequest } from '../../protocol/request-error.ts';
import { connectionNamed, type Connection } from './connection-record.ts';
import { waysIn } from './connection-session.ts';

/** One of this uid, deleted or not. Throws RequestError 400 where nothing is left of it. */
async function connectionOf(storage: View, name: string, uid: string): Promise<Connection> {
  const named = await connectionNamed(storage, name);
  const found = named?.uid === uid ? named : await storage.getJson<Connection>(`retired/${uid}`);
  if (found === null) throw badRequest(`the connection "${name}" is gone`);
  return found;
}

/** The ways into it, as `waysIn` gives them. Throws as `connectionOf`. */
export async function waysTo(storage: View, name: string, uid: string): Promise<readonly Connection[]> {
  return waysIn(storage, await connectionOf(storage, name, uid));
}

/** A lease that needs a connection to be ended: as long as there is one, a deleted connection is kept for it. */
export async function noteUse(storage: View, uid: string, leaseId: string): Promise<void> {
  await storage.putJson(`used-by/${uid}/${leaseId}`, {});
}

export async function noteUseEnded(storage: View, uid: string, leaseId: string): Promise<void> {
  await storage.delete(`used-by/${uid}/${leaseId}`);
  if ((await storage.get(`retired/${uid}`)) === null) return;
  if ((await storage.scan(`used-by/${uid}/`, { limit: 1 })).length === 0) await storage.delete(`retired/${uid}`);
}
