import type { View } from '../barrier/view.ts';
import type { RouteContext } from '../core/mount-type.ts';
import { readFields, type Fields } from '../protocol/field.ts';
import type { Reply } from '../protocol/reply.ts';
import { notFound } from '../protocol/request-error.ts';

/** The fields of every list request. */
export const listFields = {
  after: { type: 'string', description: 'Only names that come after this one, which need not exist.', default: '' },
  limit: { type: 'int', description: 'At most this many names; 0 or less: all of them.', default: 0 },
} as const satisfies Fields;

/**
 * Answers a list request with the names in a folder of `view` (`''`: its root), one page of them where the request
 * asks for a page. Throws RequestError 404 where there are none.
 */
export async function listFolder(context: RouteContext, view: View, folder: string): Promise<Reply> {
  const { after, limit } = readFields(listFields, context.data);
  const keys = await view.children(folder === '' ? '' : `${folder}/`, {
    ...(after === '' ? {} : { after }),
    ...(limit > 0 ? { limit } : {}),
  });
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}
