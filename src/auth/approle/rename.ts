import { isIdentifier } from '../../base/name.ts';
import type { Rename } from '../../core/mount-type.ts';
import { noContent } from '../../protocol/reply.ts';
import { badRequest, notFound } from '../../protocol/request-error.ts';
import { moveRole, roleNamed } from './role.ts';

const folder = 'role/';

/**
 * A role under another name, with its role id and secret ids. Tokens that it gave under the old name end: they rest on
 * a role of that name.
 */
export const renameRole: Rename = {
  needs: (_mount, from, to) => [
    { operation: 'delete', path: from },
    { operation: 'write', path: to },
  ],
  async perform(context, from, to) {
    const [before, after] = [from, to].map((path) => (path.startsWith(folder) ? path.slice(folder.length) : ''));
    if (before === undefined || after === undefined || !isIdentifier(before) || !isIdentifier(after)) {
      throw badRequest('only roles can be renamed: role/<name>');
    }
    const role = await roleNamed(context.storage, before);
    if (role === null) throw notFound();
    if ((await roleNamed(context.storage, after)) !== null) throw badRequest(`there is a role ${after} already`);
    await moveRole(context.storage, role, after);
    return noContent;
  },
};
