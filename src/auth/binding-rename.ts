import { isIdentifier } from '../base/name.ts';
import type { View } from '../barrier/view.ts';
import type { Rename } from '../core/mount-type.ts';
import { noContent } from '../protocol/reply.ts';
import { badRequest, notFound } from '../protocol/request-error.ts';

/** How the bindings of one type are kept under another name. */
export interface NamedBindings<T> {
  /** Where they are in the API: `role/`. */
  readonly folder: string;
  readonly noun: string;
  find(storage: View, name: string): Promise<T | null>;
  move(storage: View, binding: T, name: string): Promise<void>;
}

/**
 * A binding under another name, with all that its document does not hold. Tokens that it gave under the old name end:
 * they rest on a binding of that name.
 */
export function bindingRename<T>({ folder, noun, find, move }: NamedBindings<T>): Rename {
  return {
    needs: (_mount, from, to) => [
      { operation: 'delete', path: from },
      { operation: 'write', path: to },
    ],
    async perform({ storage }, from, to) {
      const [before = '', after = ''] = [from, to].map((path) => (path.startsWith(folder) ? path.slice(folder.length) : ''));
      if (!isIdentifier(before) || !isIdentifier(after)) throw badRequest(`only ${noun}s can be renamed: ${folder}<name>`);
      const binding = await find(storage, before);
      if (binding === null) throw notFound();
      if ((await find(storage, after)) !== null) throw badRequest(`there is a ${noun} ${after} already`);
      await move(storage, binding, after);
      return noContent;
    },
  };
}
