import type { View } from '../../barrier/view.ts';
import { givingWay } from '../../base/giving-way.ts';
import { isIdentifier } from '../../base/name.ts';
import type { Rename } from '../../core/mount-type.ts';
import { noContent } from '../../protocol/reply.ts';
import { badRequest, notFound } from '../../protocol/request-error.ts';
import { connectionNamed, putConnection } from './connection-record.ts';
import { noteRenamed } from './connection-use.ts';
import type { DatabaseRole } from './role.ts';
import { forgetDue, noteDue } from './rotation-index.ts';
import { rotationOf } from './rotation.ts';
import { claimUser, putStaticRole, staticCredentialOf, type StaticRole, subjectOf } from './static-account.ts';

const folder = 'config/';

/**
 * A connection under another name, with its password and its leases. The roles that name it go along. Not while a password
 * is being changed by it: what is under way is found by the old name.
 */
export const renameConnection: Rename = {
  needs: (_mount, from, to) => [
    { operation: 'delete', path: from },
    { operation: 'write', path: to },
  ],
  async perform({ storage }, from, to) {
    const [before = '', after = ''] = [from, to].map((path) => (path.startsWith(folder) ? path.slice(folder.length) : ''));
    if (!isIdentifier(before) || !isIdentifier(after)) throw badRequest('only connections can be renamed: config/<name>');
    const connection = await connectionNamed(storage, before);
    if (connection === null) throw notFound();
    if ((await connectionNamed(storage, after)) !== null) throw badRequest(`there is a connection "${after}" already`);
    if ((await rotationOf(storage, { kind: 'root', name: before })) !== null) throw underWay(connection.username);
    await storage.delete(`connection/${before}`);
    await putConnection(storage, { ...connection, name: after });
    await noteRenamed(storage, connection.uid, after);
    await rolesFollow(storage, before, after);
    await staticRolesFollow(storage, before, after);
    return noContent;
  },
};

const underWay = (username: string) =>
  badRequest(`the password of "${username}" is being changed, see rotations: wait for that before you rename its connection`);

async function rolesFollow(storage: View, before: string, after: string): Promise<void> {
  const giveWay = givingWay(64);
  for (const path of await storage.scan('role/')) {
    await giveWay();
    const role = await storage.getJson<DatabaseRole>(path);
    if (role?.connection === before) await storage.putJson(path, { ...role, connection: after } satisfies DatabaseRole);
  }
}

async function staticRolesFollow(storage: View, before: string, after: string): Promise<void> {
  const giveWay = givingWay(64);
  for (const path of await storage.scan('static-role/')) {
    await giveWay();
    const role = await storage.getJson<StaticRole>(path);
    if (role?.connection !== before) continue;
    const name = path.slice('static-role/'.length);
    if ((await rotationOf(storage, subjectOf(name))) !== null) throw underWay(role.username);
    const renamed = { ...role, connection: after };
    await claimUser(storage, role, renamed, name);
    await putStaticRole(storage, name, renamed);
    const credential = await staticCredentialOf(storage, name);
    if (credential === null) continue;
    await forgetDue(storage, before, credential.next, subjectOf(name));
    await noteDue(storage, after, credential.next, subjectOf(name));
  }
}
